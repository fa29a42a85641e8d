import type { DiskSource, ProtectInstance } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import { isLibvirtRefusal } from "@cairn/libvirt";
import { Turns } from "../../orders/turns.ts";
import { removeBitmaps } from "../bitmaps.ts";
import { removeImageBitmaps } from "../image-bitmaps.ts";
import { bitmapName } from "../names.ts";
import type { Barrier, DiskImage, GuestProgram, GuestRun, Hypervisor, Point } from "../port.ts";
import { SnapshotPoints } from "../rbd/choose.ts";
import { tendSnapshots } from "../rbd/janitor.ts";
import { removeSnapshots } from "../rbd/remove.ts";
import { takeStoppedPoint, waitStopped } from "../stopped-point.ts";
import type { DriverContext } from "./context.ts";
import { type DescribedDomain, describeDomain, describedDisk } from "./domain-xml.ts";
import { notedFreezes, removeFreezeNote } from "./freeze-note.ts";
import { runInGuest } from "./guest-run.ts";
import { assertNoJob, type DomainHandle } from "./job.ts";
import { clearFolders, clearRunning, forgetCheckpoints } from "./leftovers.ts";
import { activityOf, domainMonitor, findQemu, getDomain, openLibvirt } from "./link.ts";
import { observeDisks } from "./observe.ts";
import { payThaw, tendThaws } from "./owed-thaws.ts";
import { RunningPoint } from "./running-point.ts";
import { openable, stoppedInstance } from "./stopped.ts";

/** Instances are the domains of this host's libvirt, as Nova defines them. */
export function libvirtHypervisor(context: DriverContext): Hypervisor {
  return new Libvirt(context);
}

class Libvirt implements Hypervisor {
  readonly name = "libvirt";
  readonly #context: DriverContext;
  readonly #snapshots: SnapshotPoints;
  /** An instance's agent is asked to freeze, or for anything else: a frozen one answers nobody. */
  readonly #agents = new Turns(1);

  constructor(context: DriverContext) {
    this.#context = context;
    this.#snapshots = new SnapshotPoints(context);
  }

  async takePoint(request: ProtectInstance, barrier: Barrier, signal: AbortSignal): Promise<Point> {
    const handle = await this.#open(request.instanceId, signal);
    try {
      switch (await activityOf(handle.client, handle.domain, signal)) {
        case "running":
          return await this.#takeRunning({ handle, request, barrier }, signal);
        case "stopped":
          return await this.#takeStopped({ handle, request, barrier }, signal);
      }
    } catch (cause) {
      handle.client.close();
      throw this.#context.scratch.judge(cause);
    }
  }

  async abandonPoint(instanceId: string, snapshotId: string, signal: AbortSignal): Promise<void> {
    await this.#removeMarked(instanceId, (name) => name === bitmapName(snapshotId), signal);
  }

  async settleBitmaps(instanceId: string, keep: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#removeMarked(instanceId, (name) => !keep.includes(name), signal);
  }

  async findStoppedDisk(instanceId: string, source: DiskSource, signal: AbortSignal): Promise<DiskImage> {
    const handle = await this.#open(instanceId, signal);
    using _client = handle.client;
    if ((await activityOf(handle.client, handle.domain, signal)) !== "stopped")
      throw new Fault("instance-running", `writing to a disk of instance ${instanceId}`, "later");
    const disk = describedDisk(await describe(handle, signal), source, instanceId);
    return await openable(handle.client, disk, signal);
  }

  async storageKey(secretUuid: string, signal: AbortSignal): Promise<Buffer> {
    using client = await openLibvirt(this.#context.place, signal);
    try {
      return await client.secretValue(secretUuid, { signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw new Fault("key-unknown", `reading libvirt's secret ${secretUuid}`, "after-operator", cause);
    }
  }

  async runInGuest(instanceId: string, program: GuestProgram, signal: AbortSignal): Promise<GuestRun> {
    using _agent = await this.#agents.take(instanceId, signal);
    const handle = await this.#open(instanceId, signal);
    using _client = handle.client;
    if ((await activityOf(handle.client, handle.domain, signal)) === "stopped") return { kind: "stopped" };
    const { agent } = await describe(handle, signal);
    return await runInGuest(this.#context, { handle, agent, program }, signal);
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    const { log, place, scratch } = this.#context;
    using client = await openLibvirt(place, signal);
    const known = new Set<string>();
    for (const domain of await client.listDomains({ signal })) {
      known.add(domain.uuid);
      try {
        await this.#clear({ client, domain }, signal);
      } catch (cause) {
        signal.throwIfAborted();
        // Nova may have removed it meanwhile.
        if (isLibvirtRefusal(cause, "noDomain")) continue;
        // One sick instance must not keep the host's others from being protected; its next order tries again.
        log.warn("hypervisor.reconcile-failed", { instance: domain.uuid, fault: cause });
      }
    }
    for (const instanceId of await notedFreezes(scratch.path))
      if (!known.has(instanceId)) await removeFreezeNote(scratch.path, instanceId);
    const prefixes = [...known].map((uuid) => uuid.slice(0, 8));
    for (const folder of await scratch.list(/^p-[a-z0-9]+-[a-z0-9]+$/))
      if (!prefixes.some((prefix) => folder.endsWith(`-${prefix}`))) await scratch.remove(folder);
  }

  async tend(signal: AbortSignal): Promise<void> {
    await Promise.all([tendSnapshots(this.#context, signal), tendThaws(this.#context, signal)]);
  }

  async #takeRunning({ handle, request, barrier }: Wanted, signal: AbortSignal): Promise<Point> {
    using _agent = await this.#agents.take(request.instanceId, signal);
    const { client, domain } = handle;
    await clearRunning(this.#context, handle, signal);
    const monitor = domainMonitor(client, domain);
    await assertNoJob(handle, monitor, signal);
    const described = await describe(handle, signal);
    const qemu = await findQemu(domain.uuid);
    await removeBitmaps(monitor, (name) => name === request.bitmap, signal);
    const wasPaused = (await client.domainState(domain, { signal })).state === "paused";
    const activity = wasPaused ? "paused" : "running";
    const cut = await this.#snapshots.take({ handle, described, request, barrier, activity }, signal);
    if (cut !== undefined) return closing(cut, () => client.close());
    const planned = await observeDisks({ described, monitor, qemu }, request, signal);
    const { instanceId, snapshotId } = request;
    const reach = { kind: "libvirt", place: this.#context.place, wasPaused } as const;
    const guard = await this.#context.guard.watch({ instanceId, snapshotId, reach }, signal);
    const parts = { context: this.#context, guard, handle, described, qemu, request, wasPaused };
    const point = new RunningPoint(parts);
    try {
      await point.take(planned, barrier, signal);
      return point;
    } catch (cause) {
      await point.end("discard");
      point.broken.throwIfAborted();
      throw cause;
    }
  }

  async #takeStopped({ handle, request, barrier }: Wanted, signal: AbortSignal): Promise<Point> {
    await clearFolders(this.#context, request.instanceId);
    const described = await describe(handle, signal);
    const wanted = { handle, described, request, barrier, activity: "stopped" } as const;
    const cut = await this.#snapshots.take(wanted, signal);
    if (cut !== undefined) return closing(cut, () => handle.client.close());
    const instance = await stoppedInstance(handle, described, request, signal);
    const stopped = await takeStoppedPoint(this.#context, instance, signal);
    const point = await waitStopped(stopped, barrier, this.#context.clock, signal);
    return closing(point, () => {
      handle.client.close();
    });
  }

  async #clear(handle: DomainHandle, signal: AbortSignal): Promise<void> {
    if ((await activityOf(handle.client, handle.domain, signal)) === "running")
      await clearRunning(this.#context, handle, signal);
    else {
      await forgetCheckpoints(handle, signal);
      await clearFolders(this.#context, handle.domain.uuid);
      await payThaw(handle, this.#context.scratch.path, signal);
    }
  }

  async #removeMarked(
    instanceId: string,
    isUnwanted: (name: string) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    using client = await openLibvirt(this.#context.place, signal);
    const domain = await client.findDomain(instanceId, { signal });
    const disks =
      domain === undefined ? [] : await this.#clearBitmaps({ client, domain }, isUnwanted, signal);
    await removeSnapshots(this.#context, { client, disks, instanceId }, isUnwanted, signal);
  }

  /** Gives the disks of the instance. */
  async #clearBitmaps(
    handle: DomainHandle,
    isUnwanted: (name: string) => boolean,
    signal: AbortSignal,
  ): Promise<DescribedDomain["disks"]> {
    const { client, domain } = handle;
    await this.#clear(handle, signal);
    const { disks } = await describe(handle, signal);
    if ((await activityOf(client, domain, signal)) === "running") {
      await removeBitmaps(domainMonitor(client, domain), isUnwanted, signal);
      return disks;
    }
    for (const { format, storage } of disks) {
      if (storage.kind === "file")
        await removeImageBitmaps({ path: storage.path, format }, isUnwanted, signal);
    }
    return disks;
  }

  async #open(instanceId: string, signal: AbortSignal): Promise<DomainHandle> {
    const client = await openLibvirt(this.#context.place, signal);
    try {
      return { client, domain: await getDomain(client, instanceId, signal) };
    } catch (cause) {
      client.close();
      throw cause;
    }
  }
}

/** A point that is asked for. */
interface Wanted {
  readonly handle: DomainHandle;
  readonly request: ProtectInstance;
  readonly barrier: Barrier;
}

async function describe({ client, domain }: DomainHandle, signal: AbortSignal): Promise<DescribedDomain> {
  return describeDomain(await client.domainXml(domain, "current", { signal }));
}

/** The same point, which closes something of its own when it has ended. */
function closing(point: Point, close: () => void): Point {
  return {
    takenAtMs: point.takenAtMs,
    consistency: point.consistency,
    disks: point.disks,
    broken: point.broken,
    prove: async (signal) => point.prove(signal),
    end: async (bitmaps) => {
      try {
        await point.end(bitmaps);
      } finally {
        close();
      }
    },
  };
}
