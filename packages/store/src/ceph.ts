import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Fault, systemClock, withDeadline } from "@cairn/kernel";
import { type CephBucket, type CephBucketOptions, type CephUser, makeCephBucket } from "./ceph-bucket.ts";
import { cephConfiguration } from "./ceph-configuration.ts";

const run = promisify(execFile);

const READY_MS = 30_000;
const STEP_MS = 20_000;
const POLL_MS = 50;

/** A running Ceph with an S3 gateway, on loopback, for tests. Objects live in memory. */
export interface Ceph extends AsyncDisposable {
  /** The S3 endpoint, `http://127.0.0.1:…`; stays the same when the gateway is started again. */
  readonly endpoint: string;
  /** Makes a bucket with a name of its own. */
  makeBucket(options?: CephBucketOptions): Promise<CephBucket>;
  /** Ends the gateway at once, like a power cut. */
  killGateway(): Promise<void>;
  /** Starts the gateway that was killed. */
  startGateway(): Promise<void>;
  /** Bounds the bytes in each bucket of the maintainer. */
  limitBuckets(bytes: number): Promise<void>;
  /** Ends all daemons and removes their folder. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a monitor, one object store daemon and the gateway of Debian's packages `ceph-mon`, `ceph-osd` and
 * `radosgw`, without systemd, manager or keyrings, in a folder of their own: about 1.5 s and 200 MiB. The
 * daemons end with the process that started them, also when that is killed.
 */
export async function startCeph(signal?: AbortSignal): Promise<Ceph> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-ceph-"));
  const cluster = new Cluster(folder, withDeadline(READY_MS, signal));
  try {
    return await cluster.start();
  } catch (cause) {
    await cluster.stop();
    throw new Fault("ceph-start", `starting Ceph in ${folder}`, "after-operator", cause);
  }
}

class Cluster {
  readonly #folder: string;
  readonly #starting: AbortSignal;
  readonly #children: ChildProcess[] = [];
  #gateway: ChildProcess | undefined;
  #endpoint = "";

  constructor(folder: string, starting: AbortSignal) {
    this.#folder = folder;
    this.#starting = starting;
  }

  async start(): Promise<Ceph> {
    const [monitorPort, gatewayPort] = await Promise.all([freePort(), freePort()]);
    this.#endpoint = `http://127.0.0.1:${gatewayPort}`;
    await this.#makeMonitor(monitorPort, gatewayPort);
    await this.#makeObjectStore();
    // One after the other: the first of them makes the gateway's pools.
    const maintainer = await this.#makeUser("maintainer");
    const writer = await this.#makeUser("writer");
    await this.startGateway(this.#starting);
    const stop = async (): Promise<void> => this.stop();
    return {
      endpoint: this.#endpoint,
      makeBucket: async (bucket = {}) =>
        makeCephBucket({ endpoint: this.#endpoint, maintainer, writer }, bucket),
      killGateway: async () => this.killGateway(),
      startGateway: async () => this.startGateway(withDeadline(READY_MS)),
      limitBuckets: async (bytes) => this.#limitBuckets(bytes),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  }

  async stop(): Promise<void> {
    // Nothing is to be kept, so nothing is to be flushed.
    await Promise.all(this.#children.map(async (child) => end(child)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async killGateway(): Promise<void> {
    if (this.#gateway !== undefined) await end(this.#gateway);
  }

  async startGateway(signal: AbortSignal): Promise<void> {
    const gateway = await this.#daemon("radosgw", ["-n", "client.rgw"]);
    this.#gateway = gateway;
    while (!(await answers(this.#endpoint))) {
      if (gateway.exitCode !== null) throw new Error(`radosgw ended with ${gateway.exitCode}`);
      await systemClock.sleep(POLL_MS, signal);
    }
  }

  async #makeMonitor(monitorPort: number, gatewayPort: number): Promise<void> {
    const fsid = randomUUID();
    const folder = this.#folder;
    for (const each of ["mon", "osd", "rgw", "crash"]) await mkdir(join(folder, each));
    await writeFile(join(folder, "ceph.conf"), cephConfiguration({ folder, fsid, monitorPort, gatewayPort }));
    const map = join(folder, "monmap");
    await this.#tool("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", address(monitorPort), map]);
    await this.#tool("ceph-mon", ["--mkfs", "-i", "a", "--monmap", map]);
    await this.#daemon("ceph-mon", ["-i", "a"]);
  }

  async #makeObjectStore(): Promise<void> {
    const uuid = randomUUID();
    await this.#tool("ceph", ["osd", "new", uuid]);
    await this.#tool("ceph-osd", ["-i", "0", "--mkfs", "--osd-uuid", uuid]);
    await this.#daemon("ceph-osd", ["-i", "0"]);
  }

  async #makeUser(uid: string): Promise<CephUser> {
    const user = { uid, accessKeyId: key(10).toUpperCase(), secretAccessKey: key(20) };
    const keys = ["--access-key", user.accessKeyId, "--secret-key", user.secretAccessKey];
    await this.#tool("radosgw-admin", ["user", "create", "--uid", uid, "--display-name", uid, ...keys]);
    return user;
  }

  async #limitBuckets(bytes: number): Promise<void> {
    const scope = ["--uid", "maintainer", "--quota-scope", "bucket"];
    await this.#tool("radosgw-admin", ["quota", "set", ...scope, "--max-size", String(bytes)]);
    await this.#tool("radosgw-admin", ["quota", "enable", ...scope]);
  }

  async #tool(file: string, args: readonly string[]): Promise<void> {
    const options = { cwd: this.#folder, timeout: STEP_MS, killSignal: "SIGKILL" } as const;
    await run(file, [...this.#configured(file, args)], options);
  }

  /** In the foreground, as our child, and ended by the kernel when we die. */
  async #daemon(file: string, args: readonly string[]): Promise<ChildProcess> {
    await using output = await open(join(this.#folder, `${file}.out`), "a");
    const child = spawn("setpriv", ["--pdeathsig", "KILL", file, ...this.#configured(file, args), "-f"], {
      cwd: this.#folder,
      stdio: ["ignore", output.fd, output.fd],
    });
    this.#children.push(child);
    await once(child, "spawn");
    // A test that fails before `stop` ends all the same, and the daemons with it.
    child.unref();
    return child;
  }

  #configured(file: string, args: readonly string[]): readonly string[] {
    return file === "monmaptool" ? args : ["-c", join(this.#folder, "ceph.conf"), ...args];
  }
}

function address(port: number): string {
  return `[v2:127.0.0.1:${port}]`;
}

function key(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  server.close();
  await once(server, "close");
  if (bound === null || typeof bound === "string") throw new Error("a server without a port");
  return bound.port;
}

async function answers(endpoint: string): Promise<boolean> {
  const { request } = await import("node:http");
  const asked = request(endpoint, { agent: false, timeout: 1000 });
  asked.end();
  try {
    const [answer] = await once(asked, "response");
    answer.destroy();
    return true;
  } catch {
    // Not yet: whoever waits for it has a deadline.
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
