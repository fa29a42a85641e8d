import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, describeFault, Fault } from "@cairn/kernel";
import { connectQmp, type QmpClient } from "@cairn/qmp";
import { isJson, jsonOf } from "../http/reading.ts";
import { type DomainDisk, type DomainFile, namedDisk, readDomain, writeDomain } from "./domain-file.ts";
import {
  blockdevOf,
  deviceOf,
  isAlive,
  type ProcessId,
  signalProcess,
  spawnQemu,
  startTicksOf,
  waitForEnd,
} from "./process.ts";

export type NewDisk = Omit<DomainDisk, "nodeName" | "qdevId">;

interface Live {
  readonly host: string;
  readonly process: ProcessId;
  readonly client: QmpClient;
  /** Set before we end it ourselves. */
  leaving: boolean;
}

const START_MS_MAX = 20_000;
const STOP_MS_MAX = 3000;
const QMP_MS_MAX = 30_000;
/** `sun_path` of a unix socket holds 108 bytes with its end. */
const SOCKET_PATH_MAX = 107;

/** All instances of all compute hosts: their folders and QEMU processes. */
export class Hypervisors {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #live = new Map<string, Live>();
  readonly #queues = new Map<string, Promise<unknown>>();
  /** Told when a QEMU has ended that nobody ended here. */
  onLost: (instanceId: string) => void = () => undefined;

  constructor(directory: string, clock: Clock) {
    this.#directory = join(directory, "hosts");
    this.#clock = clock;
    const longest = this.folder("compute00", "00000000-0000-0000-0000-000000000000");
    if (join(longest, "monitor.sock").length > SOCKET_PATH_MAX)
      throw new Fault(
        "path-too-long",
        `the sandbox's folder ${directory} is too long for socket paths`,
        "never",
      );
  }

  folder(host: string, instanceId: string): string {
    return join(this.#directory, host, "instances", instanceId);
  }

  baseFolder(host: string): string {
    const path = join(this.#directory, host, "instances", "_base");
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** The instances that a host has folders for. */
  instancesOn(host: string): string[] {
    const path = join(this.#directory, host, "instances");
    mkdirSync(path, { recursive: true });
    return readdirSync(path).filter((name) => name !== "_base" && readDomain(join(path, name)) !== undefined);
  }

  domain(host: string, instanceId: string): DomainFile | undefined {
    return readDomain(this.folder(host, instanceId));
  }

  isRunning(instanceId: string): boolean {
    return this.#live.has(instanceId);
  }

  /** The monitor of a running instance; undefined when it does not run. */
  monitor(instanceId: string): QmpClient | undefined {
    return this.#live.get(instanceId)?.client;
  }

  processes(): { instance_id: string; host: string; pid: number; start_ticks: string; alive: boolean }[] {
    return [...this.#live].map(
      ([
        id,
        {
          host,
          process: { pid, startTicks },
        },
      ]) => ({
        instance_id: id,
        host,
        pid,
        start_ticks: startTicks,
        alive: isAlive({ pid, startTicks }),
      }),
    );
  }

  /** One thing at a time for each instance, in the order of asking. */
  exclusive<Result>(instanceId: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#queues.get(instanceId) ?? Promise.resolve();
    const result = before.then(work, work);
    this.#queues.set(
      instanceId,
      result.then(
        () => undefined,
        () => undefined,
      ),
    );
    return result;
  }

  /** Makes the instance's folder known with its disks; it does not run yet. */
  define(
    host: string,
    instance: { readonly id: string; readonly name: string },
    disks: readonly NewDisk[],
  ): void {
    const folder = this.folder(host, instance.id);
    mkdirSync(folder, { recursive: true });
    writeDomain(folder, {
      uuid: instance.id,
      name: instance.name,
      state: "shutoff",
      boots: 0,
      disks: disks.map((disk) => namedDisk(disk, 0)),
    });
  }

  async start(host: string, instanceId: string): Promise<void> {
    await this.exclusive(instanceId, () => this.#start(host, instanceId));
  }

  async #start(host: string, instanceId: string): Promise<void> {
    if (this.#live.has(instanceId)) return;
    const folder = this.folder(host, instanceId);
    const domain = this.#known(host, instanceId);
    const boots = domain.boots + 1;
    const disks = domain.disks.map((disk) => namedDisk(disk, boots));
    for (const name of ["qmp.sock", "monitor.sock", "guard.sock", "qemu.pid"])
      rmSync(join(folder, name), { force: true });
    const process = spawnQemu({ folder, instanceId, disks });
    const client = await this.#connect(folder, process);
    const running: DomainFile = {
      ...domain,
      state: "running",
      pid: process.pid,
      startTicks: process.startTicks,
      boots,
      disks,
      qmpSocket: join(folder, "qmp.sock"),
      guardSocket: join(folder, "guard.sock"),
    };
    writeDomain(folder, running);
    this.#watch(host, instanceId, { process, client });
  }

  #known(host: string, instanceId: string): DomainFile {
    const domain = this.domain(host, instanceId);
    if (domain === undefined)
      throw new Fault("domain-missing", `no instance ${instanceId} on ${host}`, "never");
    return domain;
  }

  async #connect(folder: string, process: ProcessId): Promise<QmpClient> {
    const deadlineMs = this.#clock.now() + START_MS_MAX;
    for (;;) {
      try {
        return await connectQmp({ path: join(folder, "monitor.sock"), timeoutMs: QMP_MS_MAX });
      } catch (cause) {
        if (!isAlive(process) || this.#clock.now() > deadlineMs) {
          signalProcess(process, "SIGKILL");
          const complaint = readFileSync(join(folder, "qemu.log"), "utf8").trim().slice(-1000);
          throw new Fault("qemu-start", `internal error: process exited: ${complaint}`, "never", cause);
        }
        await this.#clock.sleep(10);
      }
    }
  }

  #watch(
    host: string,
    instanceId: string,
    qemu: { readonly process: ProcessId; readonly client: QmpClient },
  ): void {
    const live: Live = { host, ...qemu, leaving: false };
    this.#live.set(instanceId, live);
    void qemu.client.closed.then(async () => {
      if (live.leaving) return;
      // A lost monitor without a lost process would leave a QEMU that nobody can stop.
      signalProcess(live.process, "SIGKILL");
      await waitForEnd(live.process, this.#clock, STOP_MS_MAX);
      this.#markOff(live, instanceId);
      this.onLost(instanceId);
    });
  }

  #markOff(live: Live, instanceId: string): void {
    if (this.#live.get(instanceId) === live) this.#live.delete(instanceId);
    const folder = this.folder(live.host, instanceId);
    const domain = readDomain(folder);
    if (domain === undefined) return;
    const { pid: _pid, startTicks: _ticks, qmpSocket: _qmp, guardSocket: _guard, ...rest } = domain;
    writeDomain(folder, { ...rest, state: "shutoff" });
  }

  /** Ends the instance as a power-off does: QEMU flushes its disks and stores persistent bitmaps. */
  async stop(instanceId: string): Promise<void> {
    await this.exclusive(instanceId, () => this.#stop(instanceId));
  }

  async #stop(instanceId: string): Promise<void> {
    const live = this.#live.get(instanceId);
    if (live === undefined) return;
    live.leaving = true;
    // SIGTERM is an orderly quit to QEMU, and works also while the monitor is busy.
    signalProcess(live.process, "SIGTERM");
    if (!(await waitForEnd(live.process, this.#clock, STOP_MS_MAX))) {
      signalProcess(live.process, "SIGKILL");
      await waitForEnd(live.process, this.#clock, STOP_MS_MAX);
    }
    live.client.close();
    this.#markOff(live, instanceId);
  }

  /** SIGKILL, as a crash or the loss of the machine; `silent` when the control plane must not notice. */
  async kill(instanceId: string, silent: boolean): Promise<void> {
    const live = this.#live.get(instanceId);
    if (live === undefined) return;
    if (silent) live.leaving = true;
    signalProcess(live.process, "SIGKILL");
    await waitForEnd(live.process, this.#clock, STOP_MS_MAX);
    if (!silent) return;
    live.client.close();
    this.#markOff(live, instanceId);
  }

  /** Ends the instance and removes its folder; absent is removed. */
  async undefine(host: string, instanceId: string): Promise<void> {
    await this.exclusive(instanceId, async () => {
      // As libvirt destroys a domain: in order, so that volumes keep what the guest wrote last.
      await this.#stop(instanceId);
      rmSync(this.folder(host, instanceId), { recursive: true, force: true });
    });
    this.#queues.delete(instanceId);
  }

  async attachDisk(host: string, instanceId: string, disk: NewDisk): Promise<void> {
    await this.exclusive(instanceId, async () => {
      const domain = this.#known(host, instanceId);
      const named = namedDisk(disk, domain.boots);
      const client = this.monitor(instanceId);
      if (client !== undefined) await plug(client, named);
      writeDomain(this.folder(host, instanceId), {
        ...this.#known(host, instanceId),
        disks: [...domain.disks, named],
      });
    });
  }

  /** Takes a disk away; refuses while a job holds it, as libvirt does. Absent is taken away. */
  async detachDisk(host: string, instanceId: string, device: string): Promise<void> {
    await this.exclusive(instanceId, async () => {
      const domain = this.#known(host, instanceId);
      const disk = domain.disks.find((each) => each.device === device);
      if (disk === undefined) return;
      const client = this.monitor(instanceId);
      if (client !== undefined) await unplug(client, disk);
      const disks = domain.disks.filter((each) => each.device !== device);
      writeDomain(this.folder(host, instanceId), { ...this.#known(host, instanceId), disks });
    });
  }

  /**
   * Takes over the QEMUs that an earlier sandbox left, known by pid and start time, and marks the rest as
   * off. `qemu.pid`, which QEMU writes itself, finds one that started in the moment when the sandbox was
   * killed.
   */
  async adopt(host: string): Promise<void> {
    for (const instanceId of this.instancesOn(host)) {
      const folder = this.folder(host, instanceId);
      const process = leftProcess(folder, instanceId);
      const domain = readDomain(folder);
      if (process === undefined || domain?.pid !== process.pid) {
        if (process !== undefined) signalProcess(process, "SIGKILL");
        if (domain?.state === "running") writeDomain(folder, { ...domain, state: "shutoff" });
        continue;
      }
      this.#watch(host, instanceId, { process, client: await this.#connect(folder, process) });
    }
  }

  /** Ends all QEMUs (`kill`), or lets go of them so that the next sandbox adopts them (`keep`). */
  async close(mode: "kill" | "keep"): Promise<void> {
    const ids = [...this.#live.keys()];
    if (mode === "kill") await Promise.all(ids.map((id) => this.stop(id)));
    for (const live of this.#live.values()) {
      live.leaving = true;
      live.client.close();
    }
  }
}

function leftProcess(folder: string, instanceId: string): ProcessId | undefined {
  try {
    const pid = Number(readFileSync(join(folder, "qemu.pid"), "utf8").trim());
    const startTicks = startTicksOf(pid);
    const isOurs = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(instanceId);
    return startTicks === undefined || !isOurs ? undefined : { pid, startTicks };
  } catch {
    // No pid file or no such process: nothing was left.
    return undefined;
  }
}

async function plug(client: QmpClient, disk: DomainDisk): Promise<void> {
  await client.execute("blockdev-add", { ...blockdevOf(disk) });
  try {
    await client.execute("device_add", deviceOf(disk));
  } catch (cause) {
    await client.execute("blockdev-del", { "node-name": disk.nodeName });
    throw new Fault("attach-failed", `plugging ${disk.device}: ${describeFault(cause)}`, "never", cause);
  }
}

async function unplug(client: QmpClient, disk: DomainDisk): Promise<void> {
  const devices = await client.execute("query-block");
  const found = (Array.isArray(devices) ? devices : [])
    .filter(isJson)
    .find((each) => typeof each["qdev"] === "string" && each["qdev"].endsWith(disk.qdevId));
  const top = jsonOf(found?.["inserted"])["node-name"];
  if (found !== undefined && top !== disk.nodeName)
    throw new Fault(
      "disk-busy",
      `Operation failed: disk '${disk.device}' already in active block job`,
      "later",
    );
  if (found !== undefined) {
    const gone = client.waitFor("DEVICE_DELETED", (event) => event.data["device"] === disk.qdevId);
    await client.execute("device_del", { id: disk.qdevId });
    await gone;
  }
  await client.execute("blockdev-del", { "node-name": disk.nodeName });
}
