import { createServer, type Server, type Socket } from "node:net";

/** A domain as the script has it; the test looks at it and changes it. */
export interface ScriptedDomain {
  readonly uuid: string;
  /** `virDomainState`: 1 runs, 3 is paused; and why: 5 is an I/O error. */
  state: readonly [number, number];
  /** The backup job's description. */
  backup: string | undefined;
  frozen: boolean;
  /** How often the agent does not answer before it does. */
  agentRefusals: number;
}

/** Numbers of `remote_protocol.x`, `qemu_protocol.x` and `virerror.h` in libvirt's source. */
const REMOTE = 0x20008086;
const QEMU = 0x20008087;
const NO_DOMAIN = 42;
const AGENT_UNRESPONSIVE = 86;
const OPERATION_INVALID = 55;
const NO_DOMAIN_BACKUP = 104;
const THRESHOLD_EVENT = 385;
const REPLY = 1;
const MESSAGE = 2;

class Refusal extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`error ${code}`);
    this.code = code;
  }
}

/** A libvirt daemon with one domain: just the calls that a guard makes, in libvirt's own bytes. */
export class ScriptedLibvirt implements AsyncDisposable {
  /** What was asked for, in order: `thaw`, `abort` … */
  readonly asked: string[] = [];
  readonly place: { readonly socket: string; readonly uri: string };
  readonly domain: ScriptedDomain;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<Socket>();

  private constructor(socket: string, domain: ScriptedDomain) {
    this.place = { socket, uri: "qemu:///system" };
    this.domain = domain;
    this.#server = createServer((client) => {
      this.#sockets.add(client);
      client.on("close", () => {
        this.#sockets.delete(client);
        this.#listeners.delete(client);
      });
      client.on("error", () => client.destroy());
      this.#serve(client);
    });
  }

  static async open(socket: string, uuid: string): Promise<ScriptedLibvirt> {
    const domain = { uuid, state: [1, 1], backup: undefined, frozen: false, agentRefusals: 0 } as const;
    const made = new ScriptedLibvirt(socket, { ...domain });
    await new Promise<void>((resolve) => void made.#server.listen(socket, resolve));
    return made;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Says that a block threshold was passed. */
  passThreshold(device: string): void {
    const payload = join(int(1), this.#reference(), text(device), int(0), long(1), long(2));
    for (const client of this.#listeners)
      client.write(message([REMOTE, THRESHOLD_EVENT, MESSAGE, 0, 0], payload));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  #serve(client: Socket): void {
    let bytes = Buffer.alloc(0);
    client.on("data", (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      while (bytes.length >= 4 && bytes.length >= bytes.readUInt32BE()) {
        const length = bytes.readUInt32BE();
        this.#answer(client, bytes.subarray(0, length));
        bytes = bytes.subarray(length);
      }
    });
  }

  #answer(client: Socket, call: Buffer): void {
    const [program, procedure, serial] = [call.readUInt32BE(4), call.readInt32BE(12), call.readUInt32BE(20)];
    try {
      const payload = this.#do(client, [program, procedure], call.subarray(28));
      client.write(message([program, procedure, REPLY, serial, 0], payload));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      // virNetMessageError: code, domain, message, level, no domain, three texts, two numbers, no network.
      const error = join(
        int(cause.code),
        int(0),
        int(1),
        text(cause.message),
        int(2),
        ...Array(7).fill(int(0)),
      );
      client.write(message([program, procedure, REPLY, serial, 1], error));
    }
  }

  #do(client: Socket, [program, procedure]: readonly [number, number], payload: Buffer): Buffer {
    if (program === QEMU) return this.#passOn(procedure, payload);
    const { domain } = this;
    switch (procedure) {
      case 24:
        if (!payload.equals(uuidBytes(domain.uuid))) throw new Refusal(NO_DOMAIN);
        return this.#reference();
      case 28:
        this.asked.push("resume");
        domain.state = [1, 5];
        return Buffer.alloc(0);
      case 66:
        return join(int(1), int(0));
      case 163:
        return int(domain.backup === undefined ? 0 : 2);
      case 164:
        this.asked.push("abort");
        if (domain.backup === undefined) throw new Refusal(OPERATION_INVALID);
        domain.backup = undefined;
        return Buffer.alloc(0);
      case 212:
        return join(int(domain.state[0]), int(domain.state[1]));
      case 316:
        this.#listeners.add(client);
        return int(1);
      case 422:
        if (domain.backup === undefined) throw new Refusal(NO_DOMAIN_BACKUP);
        return text(domain.backup);
      default:
        return int(0);
    }
  }

  #passOn(procedure: number, payload: Buffer): Buffer {
    const words = payload.toString("latin1");
    if (procedure === 1) return text('{"return":[],"id":"libvirt-1"}');
    const { domain } = this;
    const isThaw = words.includes("guest-fsfreeze-thaw");
    if (isThaw) this.asked.push("thaw");
    if (isThaw && domain.agentRefusals > 0) {
      domain.agentRefusals -= 1;
      throw new Refusal(AGENT_UNRESPONSIVE);
    }
    if (isThaw) domain.frozen = false;
    const answer = isThaw ? { return: 3 } : { return: domain.frozen ? "frozen" : "thawed" };
    return join(int(1), text(JSON.stringify(answer)));
  }

  #reference(): Buffer {
    return join(text("instance-00000001"), uuidBytes(this.domain.uuid), int(7));
  }
}

const join = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function long(value: number): Buffer {
  return join(int(0), int(value));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return join(int(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

/** Program, procedure, type, serial, status. */
function message(head: readonly [number, number, number, number, number], payload: Buffer): Buffer {
  const [program, procedure, type, serial, status] = head;
  const words = Buffer.alloc(28);
  for (const [index, word] of [28 + payload.length, program, 1, procedure, type, serial, status].entries())
    words.writeUInt32BE(word, index * 4);
  return join(words, payload);
}
