import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "@cairn/kernel";
import { connectLibvirt, type DomainRef, type LibvirtClient } from "@cairn/libvirt";
import { listOf, optionalText } from "../host/json.ts";
import { domainMonitor } from "../hypervisor/libvirt/link.ts";
import { listDeviceNodes, listNodes } from "../hypervisor/nodes.ts";
import type { TestGuest } from "./bench-of-orders.ts";
import { createImage, type TestDisk } from "./test-node.ts";

const run = promisify(execFile);
/** `nobody` and `nogroup`: libvirtd of root would manage the whole machine's domains. */
const NOBODY = 65_534;
/** A first start on a machine asks each of its emulators what it can do. */
const START_TIMEOUT_MS = 120_000;
const CALL_TIMEOUT_MS = 120_000;
const URI = "qemu:///session";

/** A compute node's folder for one test, with a session libvirtd of its own and real QEMU processes. */
export class LibvirtNode implements AsyncDisposable {
  readonly folder: string;
  #child: ChildProcess | undefined;
  #client: LibvirtClient | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<LibvirtNode> {
    const node = new LibvirtNode(await mkdtemp(join(tmpdir(), "cairn-ln-")));
    await chmod(node.folder, 0o711);
    await mkdir(join(node.folder, "virt", "config", "libvirt"), { recursive: true });
    // Without virtlogd, which the daemon would start and leave behind.
    await writeFile(join(node.folder, "virt", "config", "libvirt", "qemu.conf"), 'stdio_handler = "file"\n');
    await run("chown", ["-R", owner(), join(node.folder, "virt")]);
    for (const folder of [node.scratchFolder, node.repositoryFolder]) await mkdir(folder, { mode: 0o711 });
    await node.startDaemon();
    return node;
  }

  get scratchFolder(): string {
    return join(this.folder, "scratch");
  }

  get repositoryFolder(): string {
    return join(this.folder, "repository");
  }

  get sandboxFolder(): string {
    return join(this.folder, "sandbox");
  }

  get instancesFolder(): string {
    return join(this.folder, "virt", "instances");
  }

  get place(): { socket: string; uri: string } {
    return { socket: join(this.folder, "virt", "run", "libvirt", "libvirt-sock"), uri: URI };
  }

  get client(): LibvirtClient {
    if (this.#client === undefined) throw new Error("libvirtd is not running");
    return this.#client;
  }

  async startDaemon(): Promise<void> {
    const child = spawnDaemon(join(this.folder, "virt"));
    this.#child = child;
    const until = systemClock.now() + START_TIMEOUT_MS;
    while (this.#client === undefined) {
      try {
        this.#client = await connectLibvirt({ ...this.place, timeoutMs: CALL_TIMEOUT_MS });
      } catch (cause) {
        if (child.exitCode !== null || systemClock.now() > until) throw cause;
        await systemClock.sleep(50);
      }
    }
  }

  /** Domains go on. */
  async stopDaemon(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const exited = Promise.withResolvers<void>();
    child.on("exit", () => {
      exited.resolve();
    });
    child.kill("SIGTERM");
    await exited.promise;
  }

  /** An instance with fresh disks, started; its guest never runs. */
  async boot(disks: readonly TestDisk[]): Promise<TestDomain> {
    const id = randomUUID();
    const folder = join(this.instancesFolder, id);
    await mkdir(folder, { recursive: true });
    for (const disk of disks) await createImage(join(folder, `${disk.device}.img`), disk);
    await run("chown", ["-R", owner(), this.instancesFolder]);
    const domain = await this.client.defineDomain(domainXml(id, folder, disks));
    const guest = new TestDomain(this, domain, folder, disks);
    await guest.start();
    return guest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#client === undefined) await this.startDaemon();
    for (const domain of await this.client.listDomains())
      if (domain.id !== -1) await this.client.destroyDomain(domain);
    await this.stopDaemon();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A domain without a guest; its devices write as a guest's would. */
export class TestDomain implements TestGuest {
  readonly id: string;
  readonly folder: string;
  readonly disks: readonly TestDisk[];
  readonly #node: LibvirtNode;
  #domain: DomainRef;
  #writes = 0;

  constructor(node: LibvirtNode, domain: DomainRef, folder: string, disks: readonly TestDisk[]) {
    this.id = domain.uuid;
    this.folder = folder;
    this.disks = disks;
    this.#node = node;
    this.#domain = domain;
  }

  get domain(): DomainRef {
    return this.#domain;
  }

  pathOf(device: string): string {
    return join(this.folder, `${device}.img`);
  }

  async start(): Promise<void> {
    this.#domain = await this.#node.client.startDomain(this.#domain, "paused");
  }

  /** As a guest that shuts down: QEMU flushes its bitmaps. */
  async stop(): Promise<void> {
    await this.#node.client.destroyDomain(this.#domain);
    this.#domain = { ...this.#domain, id: -1 };
  }

  async execute(command: string, commandArguments?: Record<string, unknown>): Promise<unknown> {
    return domainMonitor(this.#node.client, this.#domain).execute(command, commandArguments);
  }

  async write(device: string, offset: number, bytes: Buffer): Promise<void> {
    this.#writes += 1;
    const file = join(this.folder, `guest-${this.#writes}.bin`);
    await writeFile(file, bytes);
    await chmod(file, 0o644);
    await this.io(device, `write -s ${file} ${offset} ${bytes.length}`);
    await rm(file);
  }

  async io(device: string, line: string): Promise<void> {
    const position = this.disks.findIndex((disk) => disk.device === device);
    const qdev = `/machine/peripheral/virtio-disk${position}/virtio-backend`;
    const output = await this.execute("human-monitor-command", {
      "command-line": `qemu-io -d ${qdev} "${line}"`,
    });
    if (output !== "") throw new Error(`qemu-io ${line}: ${JSON.stringify(output)}`);
  }

  /** The node that the device writes to. */
  async topNode(device: string): Promise<string> {
    const position = this.disks.findIndex((disk) => disk.device === device);
    const tops = await listDeviceNodes(domainMonitor(this.#node.client, this.#domain), AbortSignal.any([]));
    return tops.get(`/machine/peripheral/virtio-disk${position}/virtio-backend`) ?? "";
  }

  /** Names of bitmaps on all nodes. */
  async bitmaps(): Promise<string[]> {
    const monitor = domainMonitor(this.#node.client, this.#domain);
    const nodes = await listNodes(monitor, AbortSignal.any([]));
    return nodes.flatMap(({ bitmaps }) => bitmaps.map(({ name }) => name));
  }

  /** Jobs, exports, checkpoints, and the NBD server. */
  async leftovers(): Promise<string[]> {
    const { client } = this.#node;
    const jobs = listOf(await this.execute("query-jobs")).map((job) => optionalText(job, "id") ?? "");
    const exports = listOf(await this.execute("query-block-exports")).map((each) => optionalText(each, "id"));
    const checkpoints = (await client.listCheckpoints(this.#domain)).map(({ name }) => name);
    const job = (await client.hasJob(this.#domain)) ? ["libvirt job"] : [];
    return [...jobs, ...exports.map(String), ...checkpoints, ...job];
  }
}

function owner(): string {
  return process.getuid?.() === 0 ? `${NOBODY}:${NOBODY}` : `${process.getuid?.() ?? ""}`;
}

function domainXml(id: string, folder: string, disks: readonly TestDisk[]): string {
  const described = disks.map(
    ({ device, format, volumeId }) =>
      `<disk type='file' device='disk'><driver name='qemu' type='${format}' discard='unmap'/>` +
      `<source file='${join(folder, `${device}.img`)}'/><target dev='${device}' bus='virtio'/>` +
      `${volumeId === undefined ? "" : `<serial>${volumeId}</serial>`}</disk>`,
  );
  return (
    `<domain type='qemu'><name>i-${id.slice(0, 8)}</name><uuid>${id}</uuid>` +
    `<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>` +
    `<devices>${described.join("")}</devices></domain>`
  );
}

function spawnDaemon(folder: string): ChildProcess {
  const places = {
    HOME: folder,
    XDG_RUNTIME_DIR: join(folder, "run"),
    XDG_CONFIG_HOME: join(folder, "config"),
    XDG_CACHE_HOME: join(folder, "cache"),
    XDG_DATA_HOME: join(folder, "data"),
  };
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const variables = Object.entries(places).map(([name, value]) => `${name}=${value}`);
  return spawn("env", [...variables, ...as, "libvirtd"], { stdio: "ignore", cwd: folder });
}
