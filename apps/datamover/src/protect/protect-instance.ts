import type {
  OrderOutcome,
  ProtectedDiskOutcome,
  ProtectInstance,
  ReadMode,
  RepositoryAccess,
} from "@cairn/contract";
import { describeFault, hasCode, MiB, mapLimited } from "@cairn/kernel";
import type { StoredDisk, Transfer } from "@cairn/transfer";
import { alone } from "../hypervisor/alone.ts";
import type { Barrier, FullReason, NextBase, Point, PointDisk } from "../hypervisor/port.ts";
import { type OrderContext, openOrderTransfer } from "../orders/context.ts";
import { connectDisk, diskSource } from "./disk-source.ts";

/**
 * Disks read side by side: enough to keep the workers busy, and what bounds memory on an instance with many.
 */
const DISKS_AT_ONCE = 3;

/**
 * Takes the point of an instance's disks, moves them into the repository, leaves the new bitmaps recording.
 * At a barrier the point is taken first, because others wait for it, frozen; its scratch then grows until it
 * is this order's turn to move bytes. Otherwise nothing is taken before it can be read.
 */
export async function protectInstance(
  order: ProtectInstance,
  repository: RepositoryAccess | undefined,
  context: OrderContext,
): Promise<OrderOutcome> {
  await using open = new AsyncDisposableStack();
  try {
    const first =
      context.barrier === undefined ? undefined : await takePoint(order, context, context.barrier);
    // Once its end was asked for, this changes nothing any more.
    if (first !== undefined) open.defer(async () => first.end("discard"));
    open.use(await context.takeTurn());
    const transfer = await openOrderTransfer(context, repository, context.signal);
    open.defer(async () => transfer.close());
    return await takeReadAndSeal({ order, transfer, context }, first);
  } catch (cause) {
    await context.barrier?.leave(describeFault(cause));
    throw cause;
  }
}

async function takePoint(order: ProtectInstance, context: OrderContext, barrier: Barrier): Promise<Point> {
  return context.hypervisor.takePoint(order, barrier, context.signal);
}

async function takeReadAndSeal(work: Work, first: Point | undefined): Promise<OrderOutcome> {
  const { context, order, transfer } = work;
  const { point, stored } = await takeAndRead(work, first);
  try {
    context.progress.enter("writing");
    const sealed = await transfer.seal(context.signal);
    return outcomeOf(point, stored, sealed, work);
  } catch (cause) {
    // The point has been taken down in good order but for its bitmaps, and they count towards nothing now.
    const limit = AbortSignal.timeout(ABANDON_TIMEOUT_MS);
    await context.hypervisor.abandonPoint(order.instanceId, order.snapshotId, limit);
    throw cause;
  }
}

const ABANDON_TIMEOUT_MS = 30_000;

/**
 * Other users of the instance may end the jobs that hold the point; Nova does so before each live snapshot.
 * All disks are then read from a new point: what was stored is found again, so that it costs reading only.
 */
const POINTS_MAX = 4;
/** Nova's live snapshot of a small disk takes seconds. */
const NEXT_POINT_PAUSE_MS = 3_000;

async function takeAndRead(
  work: Work,
  first: Point | undefined,
): Promise<{ readonly point: Point; readonly stored: readonly ReadDisk[] }> {
  const { context, order } = work;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const point = attempt === 1 && first !== undefined ? first : await takePoint(order, context, alone);
      return { point, stored: await readPoint(point, work) };
    } catch (cause) {
      context.signal.throwIfAborted();
      if (attempt >= POINTS_MAX || !isAnotherPointWorth(cause, attempt)) throw cause;
      context.barrier?.again(describeFault(cause));
      context.log.warn("point.taken-again", { attempt, fault: cause });
    }
    await context.clock.sleep(NEXT_POINT_PAUSE_MS, context.signal);
  }
}

/** Whoever ended our job may be at work still: after the first point, that is waited for, too. */
function isAnotherPointWorth(cause: unknown, attempt: number): boolean {
  return hasCode(cause, "point-lost") || (attempt > 1 && hasCode(cause, "foreign-block-job"));
}

interface Work {
  readonly order: ProtectInstance;
  readonly transfer: Transfer;
  readonly context: OrderContext;
}

interface ReadDisk {
  readonly disk: PointDisk;
  readonly stored: StoredDisk;
  readonly read: ReadMode;
}

/**
 * Reads all disks, proves that they are of one point, and takes the point down: guests carry its cost no
 * longer.
 */
async function readPoint(point: Point, work: Work): Promise<readonly ReadDisk[]> {
  const { context } = work;
  try {
    context.progress.enter("reading");
    for (const { order, sizeBytes } of point.disks) {
      context.progress.tell(order.diskId, { doneBytes: 0, totalBytes: sizeBytes, storedBytes: 0 });
    }
    const stop = AbortSignal.any([context.signal, point.broken]);
    await point.prove(stop);
    const read = await mapLimited(
      point.disks,
      DISKS_AT_ONCE,
      async (disk, signal) => storeDisk(disk, work, signal),
      stop,
    );
    await point.prove(stop);
    context.progress.enter("cleaning");
    await point.end("keep");
    return read;
  } catch (cause) {
    context.progress.enter("cleaning");
    await point.end("discard");
    // A reader meets the death of QEMU as a lost connection; the point knows the reason.
    context.signal.throwIfAborted();
    point.broken.throwIfAborted();
    throw cause;
  }
}

/**
 * Stores a disk as its plan says. When the transfer finds that the plan cannot be trusted, the disk is read
 * whole from the same point, and the snapshot says why.
 */
async function storeDisk(disk: PointDisk, work: Work, signal: AbortSignal): Promise<ReadDisk> {
  await using client = await connectDisk(disk, signal);
  const { order, plan } = disk;
  const store: StoreBy = async (by, previousRoot) =>
    work.transfer.storeDisk({
      source: diskSource(client, by, disk.changes),
      disk: order.diskId,
      ...(previousRoot === undefined ? {} : { previousRoot }),
      auditBytes: auditShare(work.order.auditBytes, disk.sizeBytes),
      signal,
      onProgress: (progress) => {
        work.context.progress.tell(order.diskId, progress);
      },
    });
  if (plan.mode === "full") {
    const stored = await storeWhole(store, order.previousRoot);
    return { disk, stored, read: { mode: "full", because: plan.because } };
  }
  try {
    const stored = await store("changes", plan.since.root);
    return { disk, stored, read: { mode: "incremental", tracker: plan.tracker } };
  } catch (cause) {
    const because = distrustOf(cause);
    if (because === undefined) throw cause;
    work.context.log.error(`disk.${because}`, { disk: order.diskId, fault: describeFault(cause) });
    return { disk, stored: await storeWhole(store, order.previousRoot), read: { mode: "full", because } };
  }
}

type StoreBy = (by: "changes" | "whole", previousRoot: string | undefined) => Promise<StoredDisk>;

/** The previous tree saves pages when a disk is read whole; a damaged one is done without. */
async function storeWhole(store: StoreBy, previousRoot: string | undefined): Promise<StoredDisk> {
  try {
    return await store("whole", previousRoot);
  } catch (cause) {
    if (previousRoot === undefined || distrustOf(cause) !== "base-unreadable") throw cause;
    return store("whole", undefined);
  }
}

/** Why changes cannot be counted from the base: the bitmap lied, or the tree it refers to cannot be read. */
function distrustOf(cause: unknown): Extract<FullReason, "audit-mismatch" | "base-unreadable"> | undefined {
  if (hasCode(cause, "audit-mismatch")) return "audit-mismatch";
  return hasCode(cause, "base-unreadable") ? "base-unreadable" : undefined;
}

/**
 * How much of one disk is audited: what the order says, but of a small disk no more than a thirty-second, and
 * of a huge one no less than a thousandth, so that a run's chance to find a bitmap that lies does not depend
 * on size.
 */
export function auditShare(orderedBytes: number, sizeBytes: number): number {
  if (orderedBytes === 0) return 0;
  return Math.ceil(Math.max(sizeBytes / 1000, Math.min(orderedBytes, Math.max(16 * MiB, sizeBytes / 32))));
}

function outcomeOf(
  point: Point,
  read: readonly ReadDisk[],
  sealed: { readonly indexSegments: readonly string[]; readonly storedBytes: number },
  { context, order }: Work,
): OrderOutcome {
  // Pages and index belong to all disks together; the first one carries them, so that the sum is right.
  const disks = read.map((each, index) =>
    diskOutcome(each, order.snapshotId, index === 0 ? sealed.storedBytes : 0),
  );
  return {
    kind: "protected",
    pointAt: point.takenAtMs,
    consistency: { ...point.consistency },
    ...(context.barrier === undefined ? {} : { barrier: context.barrier.outcome }),
    disks,
    indexSegments: [...sealed.indexSegments],
  };
}

function diskOutcome(
  { disk, stored, read }: ReadDisk,
  snapshotId: string,
  sharedBytes: number,
): ProtectedDiskOutcome {
  const { order, sizeBytes, format } = disk;
  const next = nextBase(disk, read);
  const { root, readBytes, auditedBytes, changedBytes } = stored;
  const storedBytes = stored.storedBytes + sharedBytes;
  const facts = {
    diskId: order.diskId,
    sizeBytes,
    format,
    root,
    read,
    readBytes,
    auditedBytes,
    changedBytes,
    storedBytes,
  };
  return next === undefined
    ? facts
    : { ...facts, base: { ...next, qemu: { ...next.qemu }, snapshotId, root } };
}

/**
 * The base for the next snapshot. A stopped instance's old bitmap stays the base, but not if the audit has
 * shown that it misses writes.
 */
function nextBase({ next, plan }: PointDisk, read: ReadMode): NextBase | undefined {
  const hasLied = read.mode === "full" && read.because === "audit-mismatch";
  const isOld = plan.mode === "incremental" && plan.since.bitmap === next?.bitmap;
  return hasLied && isOld ? undefined : next;
}
