import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FakeDatamoverApi } from "./fake-datamover-api.ts";
import type { TestNode } from "./test-node.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** As README.md says it is to be started: a small nursery lets go of the disks' buffers sooner. */
const NODE_FLAGS = ["--max-semi-space-size=1"];

/** The datamover as a program of its own. */
export class DatamoverProcess implements AsyncDisposable {
  readonly lines: Record<string, unknown>[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  private constructor(child: ChildProcess, exited: Promise<number | null>) {
    this.#child = child;
    this.#exited = exited;
  }

  /** Starts it and waits until it is ready. */
  static async start(
    node: Pick<TestNode, "folder" | "scratchFolder" | "sandboxFolder">,
    api: FakeDatamoverApi,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<DatamoverProcess> {
    const tokenFile = join(node.folder, "token");
    await writeFile(tokenFile, `${api.token}\n`);
    const flags = {
      "datamover-host": "node-1",
      "datamover-token-file": tokenFile,
      "datamover-scratch-dir": node.scratchFolder,
      "datamover-sandbox-dir": node.sandboxFolder,
      "datamover-api-url": api.url,
      "datamover-os-brick": "none",
      ...settings,
    };
    const words = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    const child = spawn(process.execPath, [...NODE_FLAGS, MAIN, ...words], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = Promise.withResolvers<number | null>();
    child.on("exit", exit.resolve);
    const made = new DatamoverProcess(child, exit.promise);
    await made.#readLines();
    return made;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its exit code once it has ended. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  /** The most memory it has had so far, in bytes. */
  async peakBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Bytes it has read so far, from files and from sockets (proc(5), `rchar`). */
  async readBytes(): Promise<number> {
    const io = await readFile(`/proc/${this.pid}/io`, "utf8");
    return Number(/rchar:\s+(\d+)/.exec(io)?.[1] ?? 0);
  }

  async kill(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal);
    return this.#exited;
  }

  /** Stops it in the middle of whatever it does, or lets it go on. */
  pause(how: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
  }

  async #readLines(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("the datamover has no standard output");
    createInterface({ input: stdout }).on("line", (line) => {
      const fields = JSON.parse(line) as Record<string, unknown>;
      this.lines.push(fields);
      if (fields["event"] === "service.ready") ready.resolve();
    });
    const early = this.#exited.then((code) => {
      throw new Error(`the datamover ended with ${code} before it was ready: ${JSON.stringify(this.lines)}`);
    });
    await Promise.race([ready.promise, early]);
    early.catch(() => undefined);
  }
}
