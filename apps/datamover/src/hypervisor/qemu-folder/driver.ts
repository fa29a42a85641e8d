import type { DiskSource, ProtectInstance } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import { connectQmp, type QmpClient } from "@cairn/qmp";
import { socketPath } from "../../host/scratch.ts";
import { removeBitmaps } from "../bitmaps.ts";
import { removeImageBitmaps } from "../image-bitmaps.ts";
import { fileNode } from "../image-node.ts";
import { bitmapName, pointFolder, pointFoldersOf, pointPrefix } from "../names.ts";
import type { Barrier, DiskImage, GuestProgram, GuestRun, Hypervisor, Point } from "../port.ts";
import { type StoppedInstance, takeStoppedPoint, waitStopped } from "../stopped-point.ts";
import type { DriverContext } from "./context.ts";
import { type Domain, findDomain, getDisk, getDomain, listDomains } from "./domain.ts";
import { clearLeftovers, QMP_TIMEOUT_MS, takeRunningPoint } from "./running-point.ts";
import { tearDown } from "./teardown.ts";

/** Instances are QEMU processes, each described by `<folder>/<instance id>/domain.json`. */
export function qemuFolderHypervisor(context: DriverContext): Hypervisor {
  return new QemuFolder(context);
}

class QemuFolder implements Hypervisor {
  readonly name = "qemu-folder";
  readonly #context: DriverContext;

  constructor(context: DriverContext) {
    this.#context = context;
  }

  async takePoint(request: ProtectInstance, barrier: Barrier, signal: AbortSignal): Promise<Point> {
    const domain = await getDomain(this.#context.instancesFolder, request.instanceId);
    const { state } = domain;
    try {
      switch (state.kind) {
        case "running":
          return await takeRunningPoint(
            this.#context,
            { domain: { ...domain, state }, request, barrier },
            signal,
          );
        case "crashed":
          throw new Fault("qemu-died", `QEMU of instance ${request.instanceId} is not running`, "later");
        case "stopped":
          return await waitStopped(
            await takeStoppedPoint(this.#context, this.#stopped(domain, request), signal),
            barrier,
            this.#context.clock,
            signal,
          );
      }
    } catch (cause) {
      throw this.#context.scratch.judge(cause);
    }
  }

  #stopped(domain: Domain, request: ProtectInstance): StoppedInstance {
    const { instancesFolder } = this.#context;
    return {
      request,
      disks: request.disks.map((order) => {
        const { device, path, format } = getDisk(domain, order.source);
        return { order, device, path, format, storage: { driver: "file", filename: path } };
      }),
      isStopped: async () => (await findDomain(instancesFolder, domain.instanceId))?.state.kind === "stopped",
    };
  }

  async abandonPoint(instanceId: string, snapshotId: string, signal: AbortSignal): Promise<void> {
    const { scratch } = this.#context;
    const folder = pointFolder(snapshotId, instanceId);
    const nbdServer = { kind: "unknown", socket: socketPath(scratch.folderOf(folder), "nbd.sock") } as const;
    const clear = async (qmp: QmpClient): Promise<void> => {
      await tearDown(qmp, { prefix: pointPrefix(snapshotId), nbdServer }, signal);
    };
    await this.#removeBitmaps(
      { instanceId, isUnwanted: (name) => name === bitmapName(snapshotId), clear },
      signal,
    );
    await scratch.remove(folder);
  }

  async settleBitmaps(instanceId: string, keep: readonly string[], signal: AbortSignal): Promise<void> {
    const clear = async (): Promise<void> => {
      await Promise.resolve();
    };
    await this.#removeBitmaps({ instanceId, isUnwanted: (name) => !keep.includes(name), clear }, signal);
  }

  async findStoppedDisk(instanceId: string, source: DiskSource): Promise<DiskImage> {
    const domain = await getDomain(this.#context.instancesFolder, instanceId);
    if (domain.state.kind !== "stopped") {
      throw new Fault("instance-running", `writing to a disk of instance ${instanceId}`, "later");
    }
    const { path, format } = getDisk(domain, source);
    return { path, format, ...fileNode(path) };
  }

  async storageKey(secretUuid: string): Promise<Buffer> {
    await Promise.resolve();
    throw new Fault("key-unknown", `reading secret ${secretUuid}: the sandbox has no Ceph`, "never");
  }

  async runInGuest(instanceId: string, _program: GuestProgram): Promise<GuestRun> {
    const { state } = await getDomain(this.#context.instancesFolder, instanceId);
    if (state.kind !== "running") return { kind: "stopped" };
    return { kind: "unreachable", because: "instances of the sandbox have no guest agent" };
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    const { instancesFolder, log, scratch } = this.#context;
    /** By the sockets in them an NBD server that runs in a QEMU is known to be ours. */
    const needed = new Set<string>();
    for (const instanceId of await listDomains(instancesFolder)) {
      try {
        await this.#reconcileInstance(instanceId, signal);
      } catch (cause) {
        signal.throwIfAborted();
        // One sick instance must not keep the host's others from being protected; its next order tries again.
        log.warn("hypervisor.reconcile-failed", { instance: instanceId, fault: cause });
        for (const folder of await scratch.list(pointFoldersOf(instanceId))) needed.add(folder);
      }
    }
    for (const folder of await scratch.list(/^p-[a-z0-9]+-[a-z0-9]+$/)) {
      if (!needed.has(folder)) await scratch.remove(folder);
    }
  }

  async #reconcileInstance(instanceId: string, signal: AbortSignal): Promise<void> {
    const domain = await findDomain(this.#context.instancesFolder, instanceId);
    if (domain?.state.kind !== "running") return;
    using qmp = await this.#connect(domain.state, signal);
    await clearLeftovers(this.#context, qmp, instanceId, signal);
  }

  async #removeBitmaps(
    wish: {
      instanceId: string;
      isUnwanted: (name: string) => boolean;
      clear: (qmp: QmpClient) => Promise<void>;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const domain = await findDomain(this.#context.instancesFolder, wish.instanceId);
    if (domain === undefined) return;
    if (domain.state.kind === "running") {
      using qmp = await this.#connect(domain.state, signal);
      await wish.clear(qmp);
      await removeBitmaps(qmp, wish.isUnwanted, signal);
      return;
    }
    for (const disk of domain.disks) await removeImageBitmaps(disk, wish.isUnwanted, signal);
  }

  async #connect(
    state: Extract<Domain["state"], { kind: "running" }>,
    signal: AbortSignal,
  ): Promise<QmpClient> {
    return connectQmp({ path: state.qmpSocket, timeoutMs: QMP_TIMEOUT_MS, signal });
  }
}
