import { connect, createServer, type Server, type Socket } from "node:net";
import { systemClock } from "@cairn/kernel";

/** Numbers of `remote_protocol.x` and `qemu_protocol.x` in libvirt's source. */
const PROGRAMS = { remote: 0x20008086, qemu: 0x20008087 } as const;
const NAMES: Readonly<Record<string, string>> = {
  [`${PROGRAMS.remote}/14`]: "domain-xml",
  [`${PROGRAMS.remote}/164`]: "abort-job",
  [`${PROGRAMS.remote}/421`]: "backup-begin",
  [`${PROGRAMS.qemu}/1`]: "monitor-command",
};
const XML_REPLY = { program: PROGRAMS.remote, procedure: 14 } as const;
const AGENT_CALL = { program: PROGRAMS.qemu, procedure: 3 } as const;
const REPLY = 1;
const HEAD_BYTES = 28;
const CHANNEL =
  "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>";

/** What reached libvirt or the agent, and when. */
export interface Asked {
  readonly what: string;
  readonly atMs: number;
}

/** Where the real daemon listens, and whether its guests have agents of their own. */
export interface AgentPlace {
  readonly daemon: { readonly socket: string; readonly uri: string };
  readonly isReal: boolean;
}

/**
 * Stands before a real libvirt daemon and notes in which order libvirt and the guests' agent were asked. It
 * passes everything on; where no guest runs it plays the agent (`real: false`).
 */
export class ScriptedAgent implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly place: { readonly socket: string; readonly uri: string };
  /** How long the agent takes for a command, such as `freeze`. */
  delayMs: Readonly<Record<string, number>> = {};
  /** What the agent answers instead, by the whole name of the command. */
  answers: Readonly<Record<string, unknown>> = {};
  /** What libvirt answers instead: the number of its error (virterror.h). */
  refusals: Readonly<Record<string, number>> = {};
  /** Called when a guest has been frozen. */
  onFrozen: () => void = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #isReal: boolean;
  /** By nothing that the call says: these tests freeze one guest, or all alike. */
  #isFrozen = false;

  private constructor(socket: string, { daemon: real, isReal }: AgentPlace) {
    this.place = { socket, uri: real.uri };
    this.#isReal = isReal;
    this.#server = createServer((client) => {
      const daemon = connect(real.socket);
      this.#join(client, daemon);
    });
  }

  static async open(socket: string, place: AgentPlace): Promise<ScriptedAgent> {
    const made = new ScriptedAgent(socket, place);
    await new Promise<void>((resolve) => void made.#server.listen(socket, resolve));
    return made;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** From each freeze that was asked for until its thaw was answered, in milliseconds. */
  get freezesMs(): readonly number[] {
    return this.#sinceFreezes("thawed");
  }

  /** From each freeze that was asked for until its thaw was: nobody can hurry an agent that is at work. */
  get thawsAskedMs(): readonly number[] {
    return this.#sinceFreezes("thaw");
  }

  #sinceFreezes(end: "thaw" | "thawed"): readonly number[] {
    const times: number[] = [];
    let sinceMs: number | undefined;
    for (const { what, atMs } of this.asked) {
      if (what === "freeze") sinceMs ??= atMs;
      if (what !== end || sinceMs === undefined) continue;
      times.push(atMs - sinceMs);
      sinceMs = undefined;
    }
    return times;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  #join(client: Socket, daemon: Socket): void {
    for (const [one, other] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => one.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    const asked = new Map<number, string>();
    forMessages(client, (message) => {
      this.#takeCall({ client, daemon, asked }, message);
    });
    forMessages(daemon, (message) => {
      const command = asked.get(message.readUInt32BE(20));
      if (isFor(message, AGENT_CALL)) this.#noteAnswer(command, isGood(message));
      const isDescription = !this.#isReal && isFor(message, XML_REPLY) && isGood(message);
      client.write(isDescription ? withChannel(message) : message);
    });
  }

  #takeCall({ client, daemon, asked }: Line, call: Buffer): void {
    if (isFor(call, AGENT_CALL)) {
      const command = commandOf(call);
      this.#note(command);
      asked.set(call.readUInt32BE(20), command);
      if (this.#isReal) daemon.write(call);
      else void this.#playAgent(client, call, command);
      return;
    }
    const name = NAMES[`${call.readUInt32BE(4)}/${call.readInt32BE(12)}`];
    if (name !== undefined) this.#note(name);
    daemon.write(call);
  }

  async #playAgent(client: Socket, call: Buffer, command: string): Promise<void> {
    await systemClock.sleep(this.delayMs[command] ?? 0);
    const execute = /"execute":"(?<name>[a-z-]+)"/.exec(call.toString("latin1"))?.groups?.["name"] ?? "";
    const refusal = this.refusals[execute];
    if (refusal !== undefined) {
      if (client.writable) client.write(errorTo(call, refusal));
      return;
    }
    const played = this.answers[execute] ?? this.#answerTo(command, call.toString("latin1"));
    const answer = JSON.stringify({ return: played });
    if (client.writable) client.write(replyTo(call, Buffer.concat([int(1), text(answer)])));
    this.#noteAnswer(command, true);
  }

  /** What `qemu-ga` returns: file systems, a status, or how a program that it ran has ended. */
  #answerTo(command: string, words: string): unknown {
    if (words.includes("guest-exec-status")) return { exited: true, exitcode: 0 };
    if (words.includes("guest-exec")) return { pid: 2 };
    const isFrozen = command === "freeze" || (this.#isFrozen && command !== "thaw");
    if (command === "status") return isFrozen ? "frozen" : "thawed";
    return 2;
  }

  #noteAnswer(command: string | undefined, isGood: boolean): void {
    if (command === "freeze" && isGood) {
      this.#isFrozen = true;
      this.onFrozen();
    }
    if (command === "thaw" && isGood) {
      this.#isFrozen = false;
      this.#note("thawed");
    }
  }

  #note(what: string): void {
    this.asked.push({ what, atMs: systemClock.now() });
  }
}

/** One connection. */
interface Line {
  readonly client: Socket;
  readonly daemon: Socket;
  /** Commands to the agent by the serial number of the call. */
  readonly asked: Map<number, string>;
}

function commandOf(call: Buffer): string {
  const words = call.toString("latin1");
  return ["freeze", "thaw", "status"].find((each) => words.includes(`guest-fsfreeze-${each}`)) ?? "agent";
}

/** Cuts a stream into messages: each begins with its length. */
function forMessages(socket: Socket, take: (message: Buffer) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on("data", (part: Buffer) => {
    bytes = Buffer.concat([bytes, part]);
    while (bytes.length >= 4 && bytes.length >= bytes.readUInt32BE()) {
      const length = bytes.readUInt32BE();
      take(Buffer.from(bytes.subarray(0, length)));
      bytes = bytes.subarray(length);
    }
  });
}

function isFor(
  message: Buffer,
  { program, procedure }: { readonly program: number; readonly procedure: number },
): boolean {
  return message.readUInt32BE(4) === program && message.readInt32BE(12) === procedure;
}

function isGood(reply: Buffer): boolean {
  return reply.readInt32BE(24) === 0;
}

/** The domain's description with an agent that is connected. */
function withChannel(reply: Buffer): Buffer {
  const xml = reply.toString("utf8", HEAD_BYTES + 4, HEAD_BYTES + 4 + reply.readUInt32BE(HEAD_BYTES));
  return replyTo(reply, text(xml.replace("</devices>", `${CHANNEL}</devices>`)));
}

/** A good reply with the numbers of this message. */
function replyTo(message: Buffer, payload: Buffer, status = 0): Buffer {
  const head = Buffer.from(message.subarray(0, HEAD_BYTES));
  head.writeUInt32BE(HEAD_BYTES + payload.length, 0);
  head.writeInt32BE(REPLY, 16);
  head.writeInt32BE(status, 24);
  return Buffer.concat([head, payload]);
}

/** virNetMessageError: code, domain, message, level, no domain, three texts, two numbers, no network. */
function errorTo(message: Buffer, code: number): Buffer {
  const rest = Array.from({ length: 7 }, () => int(0));
  const said = `unable to execute QEMU agent command: error ${code}`;
  return replyTo(message, Buffer.concat([int(code), int(10), int(1), text(said), int(2), ...rest]), 1);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([int(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
