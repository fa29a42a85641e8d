import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { Fault } from "@cairn/kernel";

export interface ChildSpec {
  /** Short name for messages and the log file: `api`, `datamover-compute1`. */
  readonly name: string;
  /** The program's main.ts. */
  readonly program: string;
  /** What stands before Node in the command line, and becomes it: a change of the account. */
  readonly under?: readonly string[];
  /** Options of Node itself, such as limits of its heap. */
  readonly nodeOptions?: readonly string[];
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly readyTimeoutMs: number;
}

/** What a program says of itself when it serves: `{"event":"service.ready","port":…}`. */
export interface Ready {
  readonly port: number | undefined;
}

const STOP_GRACE_MS = 8_000;

/**
 * One program as a child process in a process group of its own, so that a Ctrl-C at the terminal reaches only
 * the parent, which then stops its children in the right order. Its standard output and error go to the log
 * file. Its standard input is a pipe that nobody writes to: it ends with the parent, however that dies, and
 * the program then stops by itself.
 */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly ready: Ready;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(spec: ChildSpec, process: ChildProcess, exited: Promise<void>, ready: Ready) {
    this.name = spec.name;
    this.pid = process.pid ?? 0;
    this.ready = ready;
    this.#process = process;
    this.#exited = exited;
  }

  /**
   * Starts the program and waits for its `service.ready` line. Fault `child-failed` when it ends or stays
   * silent.
   */
  static async start(spec: ChildSpec, signal?: AbortSignal): Promise<Child> {
    signal?.throwIfAborted();
    const log = createWriteStream(spec.logFile, { flags: "a", mode: 0o600 });
    const { under = [], nodeOptions = [], program } = spec;
    const [file, ...args] = [...under, process.execPath] as const;
    const child = spawn(file, [...args, ...nodeOptions, program, "--stop-with-stdin"], {
      env: spec.environment,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const exited = new Promise<void>((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => resolve());
    });
    try {
      const ready = await waitUntilReady(spec, child, log, signal);
      return new Child(spec, child, exited, ready);
    } catch (cause) {
      child.kill("SIGKILL");
      await exited;
      throw cause;
    }
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** SIGTERM, then SIGKILL after a grace of 8 s. Resolves when the process is gone; may be called twice. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** SIGKILL: what a crash is. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }
}

function waitUntilReady(
  spec: ChildSpec,
  child: ChildProcess,
  log: WriteStream,
  signal: AbortSignal | undefined,
): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const lastLines: string[] = [];
    const timer = setTimeout(() => fail(`${spec.name} did not become ready`), spec.readyTimeoutMs);
    const onAbort = (): void => fail(`start of ${spec.name} was cancelled`);
    const fail = (message: string, cause?: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      reject(new Fault("child-failed", [message, ...lastLines].join("\n  "), "after-operator", cause));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    child.once("error", (cause) => fail(`${spec.name} could not be started`, cause));
    child.once("exit", (code, name) => fail(`${spec.name} ended with ${name ?? `code ${String(code)}`}`));
    const onLine = (line: string): void => {
      log.write(`${line}\n`);
      lastLines.push(line);
      if (lastLines.length > 5) lastLines.shift();
      const ready = parseReady(line);
      if (ready === undefined) return;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(ready);
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", onLine);
    }
    child.once("close", () => log.end());
  });
}

function parseReady(line: string): Ready | undefined {
  if (!line.includes('"service.ready"')) return undefined;
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== "object" || parsed === null) return undefined;
  return { port: "port" in parsed && typeof parsed.port === "number" ? parsed.port : undefined };
}
