import { randomBytes } from "node:crypto";
import {
  beginSession,
  type Commit,
  endSession,
  GRAIN_BYTES,
  type RepositoryHandle,
  readCommit,
  removeCommit,
  writeCommit,
  writeTombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { openTransfer } from "@cairn/transfer";
import { Chance } from "./chance.ts";
import { CheckedDisk, changedExtents, type DiskImage, sourceOf, wholeExtents } from "./content.ts";

export const WORKLOAD = "11111111-1111-4111-8111-111111111111";
export const neverAborted = new AbortController().signal;
export const masterKey = randomBytes(32);

/** A disk with these values in its grains. */
export function image(values: readonly number[]): DiskImage {
  const grains = new Map(values.flatMap((value, grain) => (value === 0 ? [] : [[grain, value] as const])));
  return { diskId: "disk", sizeBytes: values.length * GRAIN_BYTES, grains };
}

export interface Taken {
  readonly snapshotId: string;
  readonly image: DiskImage;
  readonly root: string;
  readonly indexSegments: readonly string[];
}

/** A snapshot as datamover and engine take it. */
export async function takeSnapshot(
  store: Store,
  handle: RepositoryHandle,
  what: { readonly snapshotId: string; readonly image: DiskImage; readonly base?: Taken },
): Promise<Taken> {
  const { snapshotId, base } = what;
  const sessionId = `session-${snapshotId}`;
  await beginSession(store, handle, { sessionId, bases: base === undefined ? [] : [base.snapshotId] });
  const transfer = await openTransfer({
    store,
    ...handle,
    indexSegments: base?.indexSegments ?? [],
    workers: 0,
    signal: neverAborted,
  });
  const chance = new Chance(1);
  const extents =
    base === undefined ? wholeExtents(what.image, chance) : changedExtents(what.image, base.image, chance);
  const previous = base === undefined ? {} : { previousRoot: base.root };
  const source = sourceOf(what.image, extents);
  const { root } = await transfer.storeDisk({ source, ...previous, auditBytes: 0, signal: neverAborted });
  const { indexSegments } = await transfer.seal(neverAborted);
  await transfer.close();
  const disk = { diskId: "disk", instanceId: "i", device: "vda", sizeBytes: what.image.sizeBytes, root };
  const commit: Commit = {
    formatVersion: 1,
    snapshotId,
    workloadId: WORKLOAD,
    projectId: "project",
    createdAt: "2026-11-22T12:00:00.000Z",
    type: base === undefined ? "full" : "incremental",
    metadata: {},
    disks: [disk],
    indexSegments,
  };
  await writeCommit(store, { ...handle, commit });
  await endSession(store, handle, { sessionId, commit: { workloadId: WORKLOAD, snapshotId } });
  return { snapshotId, image: what.image, root, indexSegments };
}

/** Tombstone and removal. */
export async function removeSnapshot(
  store: Store,
  handle: RepositoryHandle,
  snapshotId: string,
): Promise<void> {
  const at = "2026-11-22T12:00:00.000Z";
  const tombstone = { snapshotId, workloadId: WORKLOAD, requestedAt: at, requestedBy: "test", notBefore: at };
  await writeTombstone(store, { ...handle, tombstone });
  await removeCommit(store, { ...handle, workloadId: WORKLOAD, snapshotId });
}

/** Restores a snapshot into nowhere: what is wrong with its content; a Fault when it cannot be had. */
export async function restoreSnapshot(
  store: Store,
  handle: RepositoryHandle,
  snapshot: { readonly snapshotId: string; readonly image: DiskImage },
): Promise<string | undefined> {
  const { snapshotId } = snapshot;
  const commit = await readCommit(store, { ...handle, workloadId: WORKLOAD, snapshotId });
  const transfer = await openTransfer({
    store,
    ...handle,
    indexSegments: [],
    workers: 0,
    signal: neverAborted,
  });
  try {
    const destination = new CheckedDisk(snapshot.image);
    const root = commit.disks[0]?.root ?? "";
    await transfer.writeDisk({ root, destination, mode: "whole", signal: neverAborted });
    return destination.verdict();
  } finally {
    await transfer.close();
  }
}
