import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { asError, type Clock, describeFault, Fault, formatDuration } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import { type Fields, fieldsOf, optionalText } from "./json.ts";

const BRIDGE = fileURLToPath(new URL("./os-brick.py", import.meta.url));
/** Names of initiators change when somebody configures the host. */
const LOOK_EVERY_MS = 10 * 60_000;
const LOOK_LIMIT_MS = 60_000;
/** It logs in to every portal and looks for the device several times; a portal that is away takes minutes. */
const CONNECT_LIMIT_MS = 5 * 60_000;
const DISCONNECT_LIMIT_MS = 2 * 60_000;
const WORDS_MAX = 500;

/** How this host's os-brick is called. */
export interface OsBrickSettings {
  /** A Python that has os-brick. */
  readonly python: string;
  /** Nova's name of this host. */
  readonly host: string;
  /** The address that storage sees. */
  readonly ip: string;
  /** What makes a command of ours root's, where we are not. */
  readonly rootHelper: string;
  readonly isMultipath: boolean;
  /** Where Nova's os-brick has its locks: two that log in to one portal at once disturb each other. */
  readonly lockDir: string;
}

/** What attaches volumes of Cinder's that are neither in Ceph nor on a file share. */
export interface OsBrick {
  /** What Cinder is told of this host, as it was found last; undefined: there is no os-brick. */
  readonly connector: Fields | undefined;
  /** Looks what Cinder is to be told; a host without os-brick is none the worse for it. */
  look(signal: AbortSignal): Promise<void>;
  /** Looks again now and then until the signal is aborted. */
  tend(signal: AbortSignal): Promise<void>;
  /** Connects a volume; gives what os-brick says of its device. Faults: those of `faultOf`. */
  connect(connection: Fields, signal: AbortSignal): Promise<Fields>;
  /** Disconnected is disconnected. Forced: whatever it has not written yet, and whatever fails. */
  disconnect(connection: Fields, device: Fields, isForced: boolean): Promise<void>;
}

/** A host that uses no os-brick. */
export const NO_OS_BRICK: OsBrick = {
  connector: undefined,
  look: async () => Promise.resolve(),
  tend: async () => Promise.resolve(),
  connect: async (connection) => Promise.reject(missing(typeOf(connection), "datamover.os_brick is none")),
  disconnect: async () => Promise.resolve(),
};

/** os-brick as the settings say; nothing is looked at yet. */
export function hostOsBrick(settings: OsBrickSettings, tools: { clock: Clock; log: Log }): OsBrick {
  const { clock, log } = tools;
  const { python, host: name, ip, rootHelper, isMultipath, lockDir } = settings;
  const common = { name, ip, rootHelper, isMultipath, lockDir };
  let connector: Fields | undefined;
  const look = async (signal: AbortSignal): Promise<void> => {
    try {
      connector = await ask(python, { do: "properties", ...common }, limited(signal, LOOK_LIMIT_MS));
    } catch (cause) {
      signal.throwIfAborted();
      connector = undefined;
      log.info("os-brick.none", { reason: describeFault(cause) });
    }
  };
  return {
    get connector() {
      return connector;
    },
    look,
    tend: async (signal) => {
      try {
        for (;;) {
          await clock.sleep(LOOK_EVERY_MS, signal);
          await look(signal);
        }
      } catch (cause) {
        if (!signal.aborted) throw cause;
      }
    },
    connect: async (connection, signal) => {
      const request = { do: "connect", ...common, connection };
      return ask(python, request, limited(signal, CONNECT_LIMIT_MS));
    },
    disconnect: async (connection, device, isForced) => {
      const request = { do: "disconnect", ...common, connection, device, isForced };
      // What is connected must be disconnected, whoever has lost interest.
      await ask(python, request, { limitMs: DISCONNECT_LIMIT_MS });
    },
  };
}

interface Limit {
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

function limited(signal: AbortSignal, limitMs: number): Limit {
  return { signal, limitMs };
}

async function ask(
  python: string,
  request: Readonly<Record<string, unknown>>,
  { signal, limitMs }: Limit,
): Promise<Fields> {
  const timeout = AbortSignal.timeout(limitMs);
  const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  stop.throwIfAborted();
  const what = { asked: String(request["do"]), type: typeOf(fieldsOf(request["connection"])) };
  try {
    const said = await converse(python, JSON.stringify(request), stop);
    const error = said["error"];
    if (error !== undefined) throw faultOf(what, fieldsOf(error));
    return fieldsOf(said["ok"]);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof Fault) throw cause;
    const why = timeout.aborted ? `no answer within ${formatDuration(limitMs)}` : asError(cause).message;
    if (/ENOENT/.test(why)) throw missing(what.type, `there is no ${python}`);
    throw new Fault("attachment-failed", `${doing(what)}: os-brick: ${why}`, "later", cause);
  }
}

/** One process for one request; no shell, and the request on its standard input, as it may hold secrets. */
async function converse(python: string, request: string, signal: AbortSignal): Promise<Fields> {
  const child = spawn(python, ["-E", "-s", BRIDGE], {
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
    killSignal: "SIGKILL",
    signal,
  });
  // A child that ends early has said why; that its input is closed says less.
  child.stdin.on("error", () => undefined);
  child.stdin.end(request);
  const [[code], said, complaint] = await Promise.all([
    once(child, "close") as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  if (code === 0) return fieldsOf(JSON.parse(said));
  throw new Error(`it ended with ${String(code)}: ${complaint.trim().slice(-WORDS_MAX)}`);
}

interface Asked {
  readonly asked: string;
  readonly type: string;
}

/** `os-brick-missing`, `attachment-unsupported` for what it does not know, else `attachment-failed`. */
function faultOf(what: Asked, error: Fields): Fault {
  const kind = optionalText(error, "kind") ?? "an error";
  const words = optionalText(error, "message") ?? "";
  if (kind === "missing") return missing(what.type, words);
  const message = `${doing(what)}: os-brick says ${kind} "${words}"`;
  return kind === "InvalidConnectorProtocol"
    ? new Fault("attachment-unsupported", message, "after-operator")
    : new Fault("attachment-failed", message, "later");
}

function missing(type: string, why: string): Fault {
  const remedy = "install python3-os-brick, or name a Python that has it in datamover.os_brick_python";
  const what = `attaching a volume of type ${type} to a host without os-brick`;
  return new Fault("os-brick-missing", `${what}: ${why}; ${remedy}`, "after-operator");
}

function doing({ asked, type }: Asked): string {
  if (asked === "properties") return "asking what Cinder is to be told of this host";
  return `${asked === "connect" ? "attaching" : "detaching"} a volume of type ${type}`;
}

function typeOf(connection: Fields): string {
  return optionalText(connection, "driver_volume_type") ?? "unknown";
}
