import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "@cairn/kernel";
import { connectQmp, type QmpClient } from "@cairn/qmp";

const run = promisify(execFile);

export interface TestDisk {
  readonly device: string;
  readonly format: "qcow2" | "raw";
  readonly sizeBytes: number;
  readonly volumeId?: string;
}

/** A compute node's folder for one test: real QEMU processes, described as the sandbox describes them. */
export class TestNode implements AsyncDisposable {
  readonly folder: string;
  readonly instances: TestInstance[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<TestNode> {
    const node = new TestNode(await mkdtemp(join(tmpdir(), "cairn-dm-")));
    await mkdir(node.scratchFolder);
    await mkdir(node.repositoryFolder);
    return node;
  }

  get sandboxFolder(): string {
    return join(this.folder, "sandbox");
  }

  get instancesFolder(): string {
    return join(this.sandboxFolder, "hosts", "node-1", "instances");
  }

  get scratchFolder(): string {
    return join(this.folder, "scratch");
  }

  get repositoryFolder(): string {
    return join(this.folder, "repository");
  }

  /** An instance with fresh disks, started. */
  async boot(disks: readonly TestDisk[]): Promise<TestInstance> {
    const id = randomUUID();
    const folder = join(this.instancesFolder, id);
    await mkdir(folder, { recursive: true });
    for (const disk of disks) await createImage(join(folder, `${disk.device}.img`), disk);
    const instance = new TestInstance(id, folder, disks);
    this.instances.push(instance);
    await instance.start();
    return instance;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.instances.map(async (instance) => {
        await instance.kill();
      }),
    );
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** An image of a size that may be no multiple of anything. */
export async function createImage(path: string, disk: Omit<TestDisk, "device">): Promise<void> {
  if (disk.format === "qcow2")
    await run("qemu-img", ["create", "-q", "-f", "qcow2", path, String(disk.sizeBytes)]);
  else {
    await writeFile(path, "");
    await truncate(path, disk.sizeBytes);
  }
}

/** A QEMU process without a guest; its devices write as a guest's would. */
export class TestInstance {
  readonly id: string;
  readonly folder: string;
  readonly disks: readonly TestDisk[];
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #monitor: QmpClient | undefined;
  #starts = 0;
  #writes = 0;

  constructor(id: string, folder: string, disks: readonly TestDisk[]) {
    this.id = id;
    this.folder = folder;
    this.disks = disks;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get monitor(): QmpClient {
    if (this.#monitor === undefined) throw new Error("the instance is not running");
    return this.#monitor;
  }

  pathOf(device: string): string {
    return join(this.folder, `${device}.img`);
  }

  async start(): Promise<void> {
    this.#starts += 1;
    const monitors = ["qmp.sock", "monitor.sock", "guard.sock"].flatMap((name) => [
      "-qmp",
      `unix:${join(this.folder, name)},server=on,wait=off`,
    ]);
    const machine = "-machine pc -accel tcg -m 16 -S -nodefaults -display none".split(" ");
    const scsi = ["-device", "virtio-scsi-pci,id=scsi0"];
    const child = spawn("qemu-system-x86_64", [...machine, ...scsi, ...this.#diskWords(), ...monitors], {
      stdio: "ignore",
    });
    const exit = Promise.withResolvers<void>();
    child.on("exit", () => {
      exit.resolve();
    });
    this.#child = child;
    this.#exited = exit.promise;
    const path = join(this.folder, "monitor.sock");
    this.#monitor = await connectWhenUp(path, () => child.exitCode !== null);
    await this.describe("running");
  }

  /** As Nova stops it: QEMU flushes its bitmaps. */
  async stop(): Promise<void> {
    await this.monitor.execute("quit");
    await this.#exited;
    this.#monitor?.close();
    this.#monitor = undefined;
    await this.describe("shutoff");
  }

  /** As a crash ends it; `domain.json` still says running. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
    this.#monitor?.close();
    this.#monitor = undefined;
  }

  async describe(state: "running" | "shutoff"): Promise<void> {
    const sockets = {
      qmpSocket: join(this.folder, "qmp.sock"),
      guardSocket: join(this.folder, "guard.sock"),
    };
    const alive = state === "running" ? { pid: this.pid, ...sockets } : {};
    const disks = this.disks.map((disk) => ({
      device: disk.device,
      serial: disk.volumeId,
      path: this.pathOf(disk.device),
      format: disk.format,
      nodeName: this.#nodeName(disk.device),
      qdevId: `disk-${disk.device}`,
    }));
    const path = join(this.folder, "domain.json");
    await writeFile(`${path}.new`, JSON.stringify({ uuid: this.id, name: "test", state, ...alive, disks }));
    await rename(`${path}.new`, path);
  }

  /** Writes through the device, as the guest would. */
  async write(device: string, offset: number, bytes: Buffer): Promise<void> {
    this.#writes += 1;
    const file = join(this.folder, `guest-${this.#writes}.bin`);
    await writeFile(file, bytes);
    await this.io(device, `write -s ${file} ${offset} ${bytes.length}`);
    await rm(file);
  }

  /** One line of `qemu-io` through the device; it tells of errors in prose only. */
  async io(device: string, line: string): Promise<void> {
    const output = await this.monitor.executeHmp(`qemu-io -d disk-${device} "${line}"`);
    if (/error|failed|invalid|refus|not /i.test(output)) throw new Error(`qemu-io ${line}: ${output}`);
  }

  /** Names of bitmaps of ours by device. */
  async bitmaps(): Promise<Record<string, string[]>> {
    const nodes = (await this.monitor.execute("query-named-block-nodes", { flat: true })) as {
      "node-name": string;
      "dirty-bitmaps"?: { name?: string }[];
    }[];
    return Object.fromEntries(
      this.disks.map(({ device }) => {
        const node = nodes.find((each) => each["node-name"] === this.#nodeName(device));
        return [
          device,
          (node?.["dirty-bitmaps"] ?? []).flatMap(({ name }) => (name === undefined ? [] : [name])),
        ];
      }),
    );
  }

  /** Nodes, jobs and exports of ours, and whether an NBD server runs. */
  async leftovers(): Promise<string[]> {
    const names = async (command: string, field: string): Promise<string[]> => {
      const rows = (await this.monitor.execute(command)) as Record<string, string>[];
      return rows.map((row) => row[field] ?? "").filter((name) => name.startsWith("cairn-"));
    };
    const all = await Promise.all([
      names("query-named-block-nodes", "node-name"),
      names("query-jobs", "id"),
      names("query-block-exports", "id"),
    ]);
    const server = await this.monitor.execute("nbd-server-stop").then(
      () => ["nbd server"],
      () => [],
    );
    return [...all.flat(), ...server];
  }

  #nodeName(device: string): string {
    return `node-${this.#starts}-${device}`;
  }

  #diskWords(): string[] {
    return this.disks.flatMap(({ device, format }) => {
      const node = {
        driver: format,
        "node-name": this.#nodeName(device),
        discard: "unmap",
        file: { driver: "file", filename: this.pathOf(device), discard: "unmap" },
      };
      const id = `disk-${device}`;
      const hardware = `scsi-hd,id=${id},drive=${this.#nodeName(device)},bus=scsi0.0`;
      return ["-blockdev", JSON.stringify(node), "-device", hardware];
    });
  }
}

async function connectWhenUp(path: string, isOver: () => boolean): Promise<QmpClient> {
  for (;;) {
    try {
      return await connectQmp({ path, timeoutMs: 20_000, greetingMs: 3_000 });
    } catch (cause) {
      if (isOver()) throw cause;
      await systemClock.sleep(10);
    }
  }
}
