import { Fault, hasCode } from "@cairn/kernel";
import {
  beginSession,
  type Commit,
  endSession,
  mayCommit,
  readSession,
  writeCommit,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { openTransfer, type StoredDisk, type Transfer } from "@cairn/transfer";
import { changedExtents, type DiskImage, sourceOf, wholeExtents } from "./content.ts";
import { flawedStore, transferStore } from "./flaws.ts";
import { portOf } from "./port.ts";
import type { Process } from "./process.ts";
import { removeSnapshot } from "./retention.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./scenario.ts";
import { uuidOf } from "./stand-in.ts";
import { freeze, guestWrites, isHeld, type SnapshotRow, type Workload } from "./workload.ts";
import type { Program } from "./world.ts";

const ATTEMPTS_MAX = 4;
const neverAborted = new AbortController().signal;

/**
 * What engine and datamover do for one workload: snapshots and their removal, one after the other, from rows
 * that outlive them. A run that was interrupted goes on from its row.
 */
export function writerOf(workload: Workload): Program {
  return async (process) => {
    const { world } = process;
    for (;;) {
      const open = workload.rows.find((row) => !["available", "failed", "deleted"].includes(row.state));
      if (open !== undefined) await goOn(process, workload, open);
      else if (world.ending) return;
      else {
        await process.sleep(world.drawPauseMs());
        guestWrites(workload, world.chance);
        beginRun(process, workload);
      }
    }
  };
}

/** Opens the next run: retention when there are too many snapshots, else a snapshot. */
function beginRun(process: Process, workload: Workload): void {
  const available = workload.rows.filter(({ state }) => state === "available");
  const oldest = available.find((row) => !isHeld(row));
  if (oldest !== undefined && available.length > workload.keep) {
    oldest.state = "deleting";
    if (workload.base === oldest) workload.base = undefined;
    return;
  }
  const { chance } = process;
  const base = chance.often(0.9) ? workload.base : undefined;
  workload.rows.push({
    snapshotId: uuidOf(chance.bytes(16)),
    workloadId: workload.workloadId,
    type: base === undefined ? "full" : chance.pick(["incremental", "incremental", "hash-scan"]),
    images: freeze(workload),
    base,
    state: "writing",
    commit: undefined,
    sessionId: undefined,
    notAfter: undefined,
    heldBy: undefined,
    attempts: 0,
  });
}

async function goOn(process: Process, workload: Workload, row: SnapshotRow): Promise<void> {
  const store = flawedStore(process, portOf(process, process.world.main));
  try {
    switch (row.state) {
      case "writing":
        await write(process, store, row);
        break;
      case "committing":
        await commit(process, store, row);
        workload.base = row;
        break;
      case "turning-back":
      case "deleting":
        await removeSnapshot(process, store, row);
        break;
      case "available":
      case "failed":
      case "deleted":
        break;
    }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    process.world.scheduler.note(
      `${process.name} ${row.state} failed: ${cause.code} ${process.world.shorten(cause.message)}`,
    );
    row.attempts += 1;
    if (row.state === "writing" && row.attempts >= ATTEMPTS_MAX) row.state = "turning-back";
    if (row.state === "committing" && mustTurnBack(cause, row)) row.state = "turning-back";
    await process.sleep(MINUTE_MS * row.attempts);
  }
}

function mustTurnBack(cause: Fault, row: SnapshotRow): boolean {
  return cause.retry === "never" || hasCode(cause, "session-over") || row.attempts >= 2 * ATTEMPTS_MAX;
}

/** Stores the disks under a session of their own: what an attempt before this one did is left to a sweep. */
async function write(process: Process, store: Store, row: SnapshotRow): Promise<void> {
  const { world, chance } = process;
  const bases = row.base === undefined || row.attempts > 1 ? [] : [row.base.snapshotId];
  // Never that of an attempt before: a sweep may have removed it long ago, and names are not used again.
  row.sessionId = uuidOf(chance.bytes(16));
  const { sessionId, snapshotId, workloadId } = row;
  const lifetimeMs = chance.pick([6 * HOUR_MS, DAY_MS, 7 * DAY_MS]);
  const session = await beginSession(store, world.handle, {
    sessionId,
    snapshotId,
    workloadId,
    bases,
    lifetimeMs,
  });
  row.notAfter = session.notAfter;
  const indexSegments = world.workloads.flatMap(({ rows }) =>
    rows.flatMap((each) => each.commit?.indexSegments ?? []),
  );
  const draw = (limit: number): number => chance.below(limit);
  const options = {
    store: transferStore(process, store),
    ...world.handle,
    indexSegments,
    workers: 0,
    signal: neverAborted,
  };
  const transfer = await openTransfer({ ...options, stateHint: session.state.epoch }, draw);
  try {
    const disks = await Promise.all(
      row.images.map(async (image) =>
        storeImage(process, transfer, image, bases.length > 0 ? row : { ...row, base: undefined }),
      ),
    );
    await process.sleep(world.drawStallMs());
    const sealed = await transfer.seal(neverAborted);
    row.commit = commitOf(row, disks, {
      createdAtMs: process.clock.now(),
      indexSegments: sealed.indexSegments,
    });
    row.state = "committing";
  } finally {
    await transfer.close();
  }
}

async function storeImage(
  process: Process,
  transfer: Transfer,
  image: DiskImage,
  row: SnapshotRow,
): Promise<StoredDisk> {
  const baseImage = row.base?.images.find(({ diskId }) => diskId === image.diskId);
  const previousRoot = row.base?.commit?.disks.find(({ diskId }) => diskId === image.diskId)?.root;
  const incremental = row.type === "incremental" && baseImage !== undefined && previousRoot !== undefined;
  const extents = incremental
    ? changedExtents(image, baseImage, process.chance)
    : wholeExtents(image, process.chance);
  return transfer.storeDisk({
    source: sourceOf(image, extents),
    disk: image.diskId,
    ...(previousRoot === undefined ? {} : { previousRoot }),
    auditBytes: process.chance.pick([0, 1]),
    signal: neverAborted,
  });
}

function commitOf(
  row: SnapshotRow,
  disks: readonly StoredDisk[],
  more: { readonly createdAtMs: number; readonly indexSegments: readonly string[] },
): Commit {
  const { snapshotId, workloadId } = row;
  return {
    formatVersion: 1,
    snapshotId,
    workloadId,
    projectId: "project",
    createdAt: new Date(more.createdAtMs).toISOString(),
    type: row.type === "incremental" ? "incremental" : "full",
    metadata: { about: snapshotId },
    disks: row.images.map(({ diskId, sizeBytes }, index) => {
      return { diskId, instanceId: "instance", device: "vda", sizeBytes, root: disks[index]?.root ?? "" };
    }),
    indexSegments: more.indexSegments,
  };
}

/** The commit, while the session may still make one; then the session's end, then the row. */
async function commit(process: Process, store: Store, row: SnapshotRow): Promise<void> {
  const { handle } = process.world;
  const { sessionId, commit, workloadId, snapshotId } = row;
  if (sessionId === undefined || commit === undefined) throw new Error("bug: nothing to commit");
  const session = await readSession(store, handle, { sessionId });
  const now = await store.time();
  const blind = process.world.scenario.flaw === "lease-not-checked";
  if (session === undefined || !(blind || mayCommit(session, now))) {
    throw new Fault("session-over", `committing ${snapshotId}: its session's time is over`, "never");
  }
  await writeCommit(store, { ...handle, commit });
  await endSession(store, handle, { sessionId, commit: { workloadId, snapshotId } });
  row.state = "available";
}
