import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { asError, Fault } from "@cairn/kernel";
import { type Answer, parseAnswer } from "./answers.ts";
import type { Appliance } from "./appliance/appliance.ts";
import { type Frame, readFrames } from "./frames.ts";
import { drives, machineArguments } from "./machine-arguments.ts";

export interface MachineOptions {
  readonly appliance: Appliance;
  /** For sockets and scratch; the caller's own, removed by the caller. */
  readonly folder: string;
  readonly serials: readonly string[];
  /** Where `serveDisks` serves them. */
  readonly disksSocket: string;
  /** As QEMU's `accel=`, such as `kvm:tcg`. */
  readonly accelerator: string;
  readonly signal: AbortSignal;
}

/** A machine that has started, and waits to be asked. One question at a time. */
export interface Machine extends AsyncDisposable {
  /** Fault `files-machine-died`, `files-protocol`; an abort of the machine's signal. */
  ask(verb: string, words: readonly string[]): AsyncGenerator<Answer, void, undefined>;
}

/** What QEMU and the machine's kernel say last is in the Fault, if the machine ends early. */
const WORDS_MAX = 600;
/** A machine that a hostile disk has taken over might never end. */
const TOLD_BYTES_MAX = 64 * 1024 * 1024;

/** Starts a machine with disks. It has no network, and ends with its folder's owner. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { folder, signal } = options;
  signal.throwIfAborted();
  const initramfs = join(folder, "initramfs");
  await writeFile(initramfs, options.appliance.initramfs);
  const portPath = join(folder, "port.sock");
  const consolePath = join(folder, "console.log");
  const listening = createServer();
  listening.listen(portPath);
  await once(listening, "listening");
  const [program, ...rest] = machineArguments({
    ...options,
    initramfs,
    portPath,
    consolePath,
    drives: drives(options.serials, options.disksSocket),
  });
  const child = spawn(program ?? "", rest, {
    stdio: ["ignore", "ignore", "pipe"],
    // Where QEMU keeps what the machine writes to its disks: its own, and gone with it.
    env: { PATH: "/usr/bin:/bin", TMPDIR: folder },
  });
  const machine = new RunningMachine(child, { listening, consolePath, signal });
  try {
    await machine.greeted();
    return machine;
  } catch (cause) {
    await machine[Symbol.asyncDispose]();
    throw cause;
  }
}

/** The console's end: a machine that a hostile disk has taken over may have filled it. */
async function lastWords(consolePath: string): Promise<string> {
  const file = await open(consolePath);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(WORDS_MAX), {
      position: Math.max(0, size - WORDS_MAX),
    });
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

interface Surroundings {
  readonly listening: Server;
  readonly consolePath: string;
  readonly signal: AbortSignal;
}

class RunningMachine implements Machine {
  readonly #child: ChildProcess;
  readonly #listening: Server;
  readonly #signal: AbortSignal;
  readonly #gone: Promise<never>;
  readonly #exited: Promise<void>;
  #words = "";
  #socket: Socket | undefined;
  #frames: AsyncGenerator<Frame, void, undefined> | undefined;

  constructor(child: ChildProcess, { listening, consolePath, signal }: Surroundings) {
    this.#child = child;
    this.#listening = listening;
    this.#signal = signal;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#words = `${this.#words}${text}`.slice(-WORDS_MAX);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    this.#gone = new Promise<never>((_, reject) => {
      child.once("error", (cause) => {
        reject(this.#died(cause));
        resolve();
      });
      child.once("exit", (code, killer) => {
        resolve();
        // A QEMU that could not start has no console.
        void lastWords(consolePath)
          .catch(() => "")
          .then((console) => {
            const words = `${this.#words}${console}`.trim();
            reject(this.#died(new Error(`QEMU said "${words}" (${killer ?? String(code)})`)));
          });
      });
      signal.addEventListener("abort", () => reject(asError(signal.reason)), { once: true });
    });
    // Whoever waits hears it; when nobody does, it is no event of its own.
    this.#gone.catch(() => undefined);
  }

  #died(cause: Error): Fault {
    return new Fault("files-machine-died", "running the machine that reads files", "later", cause);
  }

  async greeted(): Promise<void> {
    const [socket] = (await Promise.race([once(this.#listening, "connection"), this.#gone])) as [Socket];
    this.#socket = socket;
    // Its end is the machine's, which is told above.
    socket.on("error", () => undefined);
    this.#frames = readFrames(socket);
    const first = await this.#next();
    if (first.word !== "ready") throw this.#died(new Error(`it began with ${first.word}`));
  }

  async #next(): Promise<Frame> {
    const frames = this.#frames;
    if (frames === undefined) throw new Error("bug: the machine was not greeted");
    const next = await Promise.race([frames.next(), this.#gone]);
    if (next.done === true) return this.#gone;
    return next.value;
  }

  async *ask(verb: string, words: readonly string[]): AsyncGenerator<Answer, void, undefined> {
    this.#signal.throwIfAborted();
    this.#socket?.write(`${[verb, ...words].join("\t")}\n`);
    let toldBytes = 0;
    for (let frame = await this.#next(); frame.word !== "done"; frame = await this.#next()) {
      // Bytes of files go on to their reader; what is told may be kept.
      toldBytes += verb === "get" ? 0 : frame.payload.length;
      if (toldBytes > TOLD_BYTES_MAX) {
        throw new Fault("files-protocol", "reading more than any answer of the machine has", "never");
      }
      const answer = parseAnswer(frame);
      if (answer === undefined) {
        throw new Fault("files-protocol", `reading a ${frame.word} of the machine that reads files`, "never");
      }
      yield answer;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
    this.#socket?.destroy();
    this.#listening.close();
  }
}
