import { type ChildProcess, spawn } from "node:child_process";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, Fault, hasCode, withDeadline } from "@cairn/kernel";
import { connectQmp, type QmpClient } from "@cairn/qmp";
import { socketPath } from "../host/scratch.ts";

/** A node whose disks are busy can take long to load a program. */
const READY_TIMEOUT_MS = 60_000;
/** A complete daemon greets within milliseconds. Doubled with each further one, for very slow nodes. */
const GREETING_MS = 1_000;
const QUIT_TIMEOUT_MS = 5_000;
const POLL_MS = 10;
const LAST_WORDS_MAX = 2000;
/** Flushing a large image to slow storage can hold a command. */
const QMP_TIMEOUT_MS = 60_000;

/** A `qemu-storage-daemon` of ours with its monitor and, on request, its NBD server. Stop it at every end. */
export class StorageDaemon implements AsyncDisposable {
  readonly qmp: QmpClient;
  readonly nbdSocket: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #objects = new Set<unknown>();

  constructor(parts: { qmp: QmpClient; nbdSocket: string; child: ChildProcess; exited: Promise<void> }) {
    this.qmp = parts.qmp;
    this.nbdSocket = parts.nbdSocket;
    this.#child = parts.child;
    this.#exited = parts.exited;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Adds a block node; what QEMU refuses is a `QmpRefusal`. */
  async addNode(node: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
    await this.qmp.execute("blockdev-add", node, { signal });
  }

  /** Adds an object such as a key, once: disks that share it bring it again. */
  async addObject(object: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
    const id = object["id"];
    if (this.#objects.has(id)) return;
    await this.qmp.execute("object-add", object, { signal });
    this.#objects.add(id);
  }

  async startServer(signal: AbortSignal): Promise<void> {
    const addr = { type: "unix", data: { path: this.nbdSocket } };
    await this.qmp.execute("nbd-server-start", { addr }, { signal });
  }

  /**
   * Quits it, or kills it when it does not answer. May be called twice. Clients of its exports must be gone.
   */
  async stop(): Promise<void> {
    const overdue = setTimeout(() => this.#child.kill("SIGKILL"), QUIT_TIMEOUT_MS);
    try {
      await this.qmp.execute("quit", {}, { timeoutMs: QUIT_TIMEOUT_MS });
    } catch {
      // It is dead or does not listen: either way killing it is right, and all there is to do.
      this.#child.kill("SIGKILL");
    } finally {
      await this.#exited;
      clearTimeout(overdue);
      this.qmp.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Starts a storage daemon whose sockets lie in this scratch folder. The folder's path in its command line is
 * the mark by which a later datamover finds it if this one dies.
 */
export async function startStorageDaemon(
  folder: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<StorageDaemon> {
  const until = clock.now() + READY_TIMEOUT_MS;
  const ready = withDeadline(READY_TIMEOUT_MS, signal);
  for (let greetingMs = GREETING_MS; ; greetingMs *= 2) {
    signal.throwIfAborted();
    const launched = await launch(folder);
    try {
      const qmp = await connectWhenReady(launched, { clock, greetingMs, signal: ready });
      return new StorageDaemon({ qmp, ...launched });
    } catch (cause) {
      // What it said of itself, before it ends by our hand.
      const failure = launched.failure();
      launched.child.kill("SIGKILL");
      await launched.exited;
      signal.throwIfAborted();
      if (failure !== undefined || ready.aborted || clock.now() > until)
        throw new Fault("storage-daemon-failed", "starting qemu-storage-daemon", "later", failure ?? cause);
      // A monitor that kept silent stays silent, to whoever connects next, too: another daemon will speak.
      await clock.sleep(POLL_MS, signal);
    }
  }
}

/** A process that may not serve yet. */
interface Launched {
  readonly child: ChildProcess;
  readonly monitor: string;
  readonly nbdSocket: string;
  readonly pidFile: string;
  readonly exited: Promise<void>;
  /** Why it is over, when it is. */
  readonly failure: () => Error | undefined;
}

async function launch(folder: string): Promise<Launched> {
  const monitor = socketPath(folder, "qmp.sock");
  const nbdSocket = socketPath(folder, "nbd.sock");
  const pidFile = join(folder, "pid");
  await rm(pidFile, { force: true });
  // QEMU's option syntax takes a doubled comma for a comma.
  const chardev = `socket,id=monitor,path=${monitor.replaceAll(",", ",,")},server=on,wait=off`;
  const options = ["--chardev", chardev, "--monitor", "monitor", "--pidfile", pidFile];
  const child = spawn("qemu-storage-daemon", options, { stdio: ["ignore", "ignore", "pipe"] });
  let lastWords = "";
  child.stderr.setEncoding("utf8").on("data", (words: string) => {
    lastWords = (lastWords + words).slice(-LAST_WORDS_MAX);
  });
  const ended = Promise.withResolvers<void>();
  let failure: Error | undefined;
  child.on("error", (cause) => {
    failure = cause;
    ended.resolve();
  });
  child.on("exit", (code, by) => {
    failure ??= new Error(`it ended with ${code ?? by}: ${lastWords.trim()}`);
    ended.resolve();
  });
  return { child, monitor, nbdSocket, pidFile, exited: ended.promise, failure: () => failure };
}

interface Patience {
  readonly clock: Clock;
  readonly greetingMs: number;
  readonly signal: AbortSignal;
}

/**
 * The file with its process id is written when the monitor is complete (qemu-storage-daemon(1), `--pidfile`).
 * Who connects to the socket before that can be lost: accepted while nobody would greet it, and in the way
 * of all who follow, as a monitor serves one client.
 */
async function connectWhenReady(
  { monitor, pidFile, failure }: Launched,
  { clock, greetingMs, signal }: Patience,
): Promise<QmpClient> {
  while (!(await exists(pidFile))) {
    if (failure() !== undefined) throw new Error("it ended before it was ready");
    await clock.sleep(POLL_MS, signal);
  }
  return connectQmp({ path: monitor, timeoutMs: QMP_TIMEOUT_MS, greetingMs, signal });
}

async function exists(path: string): Promise<boolean> {
  try {
    // QEMU makes the file first, and locks and fills it then.
    return (await stat(path)).size > 0;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false;
    throw cause;
  }
}
