import { stat } from "node:fs/promises";
import type { ProtectedDisk, ProtectInstance } from "@cairn/contract";
import { type Clock, Fault, hasCode } from "@cairn/kernel";
import type { Scratch } from "../host/scratch.ts";
import { type StorageDaemon, startStorageDaemon } from "../storage-daemon/daemon.ts";
import { pointFolder, pointFoldersOf, pointName } from "./names.ts";
import { listNodes, type QemuNode } from "./nodes.ts";
import type { Barrier, DiskImage, NextBase, Point, PointDisk, ReadPlan } from "./port.ts";
import { planRead } from "./read-plan.ts";

/** What the disks of a stopped instance are read with. */
interface StoppedContext {
  readonly scratch: Scratch;
  readonly clock: Clock;
}

/** A stopped instance, as its hypervisor describes it. */
export interface StoppedInstance {
  readonly request: ProtectInstance;
  readonly disks: readonly StoppedDisk[];
  /** What its disks are good for; those of a guest that shut down by itself unless told. */
  readonly consistency?: Point["consistency"];
  /** Whether it is still stopped, and the same. */
  readonly isStopped: (signal: AbortSignal) => Promise<boolean>;
  /** Aborted as soon as the hypervisor tells that the instance starts. */
  readonly started?: AbortSignal;
}

/** One disk of it. */
export interface StoppedDisk extends DiskImage {
  readonly order: ProtectedDisk;
  readonly device: string;
}

/**
 * Opens the disks of a stopped instance for reading: read-only and sharing everything, so that the instance
 * can start at any moment. If it does, `prove` says so. A bitmap in the image is read; none is made: the old
 * one stays the base.
 */
export async function takeStoppedPoint(
  context: StoppedContext,
  instance: StoppedInstance,
  signal: AbortSignal,
): Promise<Point> {
  const { request, disks } = instance;
  const folderName = pointFolder(request.snapshotId, request.instanceId);
  // Whatever was left in the QEMU that ran the instance went with it.
  for (const left of await context.scratch.list(pointFoldersOf(request.instanceId)))
    await context.scratch.remove(left);
  const folder = await context.scratch.open(folderName);
  let daemon: StorageDaemon | undefined;
  try {
    const images = await Promise.all(disks.map(stampOf));
    daemon = await startStorageDaemon(folder, context.clock, signal);
    await daemon.startServer(signal);
    const opened = await openDisks(daemon, instance, signal);
    return new StoppedPoint({ context, instance, folderName, daemon, images, disks: opened });
  } catch (cause) {
    await daemon?.stop();
    await context.scratch.remove(folderName);
    throw cause;
  }
}

/**
 * Waits for the other instances of the workload: the disks of a stopped one do not change meanwhile, so that
 * its point is whenever the others take theirs. One that starts meanwhile breaks the point.
 */
export async function waitStopped(
  point: Point,
  barrier: Barrier,
  clock: Clock,
  signal: AbortSignal,
): Promise<Point> {
  try {
    await barrier.gather(AbortSignal.any([signal, point.broken]));
    await holdUnfrozen(barrier, signal);
    const takenAtMs = clock.now();
    barrier.taken();
    await barrier.thawed();
    return {
      takenAtMs,
      consistency: point.consistency,
      disks: point.disks,
      broken: point.broken,
      prove: async (stop) => point.prove(stop),
      end: async (bitmaps) => point.end(bitmaps),
    };
  } catch (cause) {
    await point.end("discard");
    throw cause;
  }
}

/** Waits until the point is to be taken; nothing is frozen that would have to be thawed if it is not. */
export async function holdUnfrozen(barrier: Barrier, signal: AbortSignal): Promise<void> {
  try {
    await barrier.hold(signal);
  } catch (cause) {
    if (!hasCode(cause, "barrier-broken")) throw cause;
  }
}

async function openDisks(
  daemon: StorageDaemon,
  { disks, request }: StoppedInstance,
  signal: AbortSignal,
): Promise<readonly PointDisk[]> {
  for (const { device, format, path, storage, objects } of disks) {
    const node = {
      driver: format,
      "node-name": pointName(request.snapshotId, device),
      "read-only": true,
      "force-share": true,
      file: storage,
    };
    try {
      for (const object of objects ?? []) await daemon.addObject(object, signal);
      await daemon.addNode(node, signal);
    } catch (cause) {
      throw new Fault("disk-unreadable", `opening ${path}`, "later", cause);
    }
  }
  const nodes = await listNodes(daemon.qmp, signal);
  const opened: PointDisk[] = [];
  for (const disk of disks) {
    const name = pointName(request.snapshotId, disk.device);
    const node = nodes.find((each) => each.name === name);
    if (node === undefined) throw new Fault("disk-unreadable", `opening ${disk.path}`, "later");
    opened.push(await exportDisk(daemon, disk, node, signal));
  }
  return opened;
}

async function exportDisk(
  daemon: StorageDaemon,
  { order, device, format, path }: StoppedDisk,
  { name, sizeBytes, bitmaps }: QemuNode,
  signal: AbortSignal,
): Promise<PointDisk> {
  const observed = { sizeBytes, path, bitmaps, bitmapsElsewhere: [], bitmapsBelow: [], qemu: undefined };
  const plan = planRead(order, observed);
  const used = plan.mode === "incremental" ? plan.since.bitmap : undefined;
  await daemon.qmp.execute(
    "block-export-add",
    {
      type: "nbd",
      id: name,
      "node-name": name,
      name: device,
      writable: false,
      bitmaps: used === undefined ? [] : [used],
    },
    { signal },
  );
  return {
    order,
    sizeBytes,
    format,
    address: { kind: "unix", path: daemon.nbdSocket },
    exportName: device,
    plan,
    changesContext: used === undefined ? undefined : `qemu:dirty-bitmap:${used}`,
    next: nextOf(plan),
  };
}

/** The old bitmap goes on counting from its own, earlier point: more than needed, never too little. */
function nextOf(plan: ReadPlan): NextBase | undefined {
  if (plan.mode === "full") return undefined;
  const { sizeBytes, bitmap, qemu, persistent, path } = plan.since;
  return { sizeBytes, bitmap, qemu, persistent, path };
}

/** What changes when anybody writes to a file. */
interface Stamp {
  readonly inode: bigint;
  readonly sizeBytes: bigint;
  readonly changedNs: bigint;
}

/** Storage that is no file has no stamp: there the hypervisor's word has to do. */
async function stampOf({ path, storage }: StoppedDisk): Promise<Stamp | undefined> {
  if (storage["driver"] !== "file") return undefined;
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { inode: ino, sizeBytes: size, changedNs: mtimeNs };
  } catch (cause) {
    throw new Fault("disk-unreadable", `looking at ${path}`, "later", cause);
  }
}

interface PointParts {
  readonly context: StoppedContext;
  readonly instance: StoppedInstance;
  readonly folderName: string;
  readonly daemon: StorageDaemon;
  readonly images: readonly (Stamp | undefined)[];
  readonly disks: readonly PointDisk[];
}

const SHUT_DOWN = { quality: "file-system", reason: "the instance is stopped" } as const;

class StoppedPoint implements Point {
  readonly consistency: Point["consistency"];
  readonly takenAtMs: number;
  readonly disks: readonly PointDisk[];
  readonly #parts: PointParts;
  readonly #broken = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(parts: PointParts) {
    this.#parts = parts;
    this.consistency = parts.instance.consistency ?? SHUT_DOWN;
    this.takenAtMs = parts.context.clock.now();
    this.disks = parts.disks;
    void this.#watch();
    const { started, request } = parts.instance;
    started?.addEventListener("abort", () => {
      this.#broken.abort(startedFault(request.instanceId));
    });
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  async prove(signal: AbortSignal): Promise<void> {
    this.broken.throwIfAborted();
    const { images, instance } = this.#parts;
    if (!(await instance.isStopped(signal))) throw startedFault(instance.request.instanceId);
    for (const [index, disk] of instance.disks.entries()) {
      const [before, after] = [images[index], await stampOf(disk)];
      const isSame =
        before?.inode === after?.inode &&
        before?.sizeBytes === after?.sizeBytes &&
        before?.changedNs === after?.changedNs;
      if (!isSame) throw new Fault("instance-started", `${disk.path} was written while it was read`, "later");
    }
  }

  async end(): Promise<void> {
    this.#ended ??= this.#takeDown();
    await this.#ended;
  }

  async #takeDown(): Promise<void> {
    await this.#parts.daemon.stop();
    await this.#parts.context.scratch.remove(this.#parts.folderName);
  }

  async #watch(): Promise<void> {
    const cause = await this.#parts.daemon.qmp.closed;
    if (this.#ended === undefined) {
      this.#broken.abort(new Fault("storage-daemon-died", "reading a stopped instance", "later", cause));
    }
  }
}

function startedFault(instanceId: string): Fault {
  return new Fault("instance-started", `instance ${instanceId} started while it was read`, "later");
}
