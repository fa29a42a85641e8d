import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const TESTCLOUD = fileURLToPath(new URL("../../../testcloud/src/main.ts", import.meta.url));
const RESTART_MS = 300_000;

/** A service of the test cloud that a test takes away, and gives back at the end of its scope. */
export class Outage implements AsyncDisposable {
  readonly #cloudFolder: string;
  readonly #service: string;
  #isOver = false;

  private constructor(cloudFolder: string, service: string) {
    this.#cloudFolder = cloudFolder;
    this.#service = service;
  }

  /** Kills a service with all of its processes, as a host does that loses power. */
  static async begin(cloudFolder: string, service: string): Promise<Outage> {
    const record = await readFile(join(cloudFolder, "run", `${service}.json`), "utf8");
    const { pid } = JSON.parse(record) as { readonly pid: number };
    // Each service is the leader of a session, and so of a group (testcloud/src/supervisor.ts).
    process.kill(-pid, "SIGKILL");
    return new Outage(cloudFolder, service);
  }

  /** Starts the service again, and waits until it answers. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    const words = [TESTCLOUD, "restart", this.#service, "--folder", this.#cloudFolder];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"], timeout: RESTART_MS });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += String(part)));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`restarting ${this.#service} ended with ${String(code)}:\n${said}`);
    this.#isOver = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** Ceph's pool of volumes, which can be full by decree. */
export class VolumePool {
  readonly #conf: string;
  readonly #pool: string;

  private constructor(conf: string, pool: string) {
    this.#conf = conf;
    this.#pool = pool;
  }

  static async open(cloudFolder: string): Promise<VolumePool> {
    const access = JSON.parse(await readFile(join(cloudFolder, "access.json"), "utf8")) as {
      readonly ceph?: { readonly conf: string; readonly volumes: string };
    };
    if (access.ceph === undefined) throw new Error("this test needs the profile full, which has Ceph");
    return new VolumePool(access.ceph.conf, access.ceph.volumes);
  }

  /** Lets Ceph call the pool full: whoever writes to it waits. Over at the end of the scope. */
  async fill(): Promise<AsyncDisposable & { readonly end: () => Promise<void> }> {
    await this.#quota(1);
    const end = async (): Promise<void> => this.#quota(0);
    return { end, [Symbol.asyncDispose]: end };
  }

  async isFull(): Promise<boolean> {
    const { stdout } = await run("ceph", ["--conf", this.#conf, "osd", "pool", "ls", "detail", "-f", "json"]);
    const pools = JSON.parse(stdout) as readonly {
      readonly pool_name: string;
      readonly flags_names: string;
    }[];
    return pools.some(({ pool_name, flags_names }) => pool_name === this.#pool && /\bfull/.test(flags_names));
  }

  /** Bytes; 0 is no limit. */
  async #quota(bytes: number): Promise<void> {
    await run("ceph", [
      "--conf",
      this.#conf,
      "osd",
      "pool",
      "set-quota",
      this.#pool,
      "max_bytes",
      String(bytes),
    ]);
  }
}
