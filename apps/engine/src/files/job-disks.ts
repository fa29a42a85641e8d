import { findSnapshot, isWhole } from "@cairn/database";
import type { SnapshotDiskRecord } from "@cairn/domain";
import { type FileReader, type ReadableSnapshot, readFiles } from "@cairn/files";
import { openForMaintenance } from "@cairn/flows";
import { Fault, type RepositoryId, type SnapshotId } from "@cairn/kernel";
import type { HeldJob } from "./file-world.ts";

interface Found {
  readonly repositoryId: RepositoryId;
  readonly snapshot: ReadableSnapshot;
}

/**
 * Calls back with a reader for each snapshot of a job, oldest first. Nothing has to hold the snapshots: what
 * one that is deleted meanwhile needed stays on the target for a day, and no job lasts that long.
 */
export async function readJobDisks(
  held: HeldJob,
  work: (reader: FileReader) => Promise<void>,
): Promise<{ readonly gone: readonly SnapshotId[] }> {
  const { job, signal } = held;
  const found: Found[] = [];
  const gone: SnapshotId[] = [];
  for (const id of job.snapshot_ids) {
    const one = await findDisks(held, id);
    if (one === undefined) gone.push(id);
    else found.push(one);
  }
  for (const [repositoryId, snapshots] of inOrder(found)) {
    const repository = await openForMaintenance(held, repositoryId);
    const { store, keys } = repository;
    requireDataKeys(keys);
    const appliance = await held.appliance();
    const { accelerators } = held.settings;
    const handle = { repositoryId: repository.repositoryId, keys };
    await readFiles({ appliance, accelerators, store, handle, snapshots, signal }, work);
  }
  return { gone };
}

/** Engines have the data keys of encrypted workloads in runs alone, which read the tenant's secret. */
function requireDataKeys({ chunkId }: { readonly chunkId?: Buffer }): void {
  if (chunkId !== undefined) return;
  const remedy = "restore it, or read it with `cairn repo serve --secret-file`";
  const doing = "reading files in an encrypted workload's snapshot, which its secret alone opens";
  throw new Fault("files-encrypted", `${doing}: ${remedy}`, "never");
}

/** The disks of the job's instance in a snapshot, unless it is on its way out. */
async function findDisks({ database, job }: HeldJob, id: SnapshotId): Promise<Found | undefined> {
  const row = await findSnapshot(database.handle, { id, projectId: job.project_id });
  if (row === undefined || row.repository_id === null) return undefined;
  if (!isWhole(row)) return undefined;
  const disks = (row.disks as readonly SnapshotDiskRecord[]).filter(
    ({ instanceId }) => instanceId === job.instance_id,
  );
  return { repositoryId: row.repository_id, snapshot: { snapshotId: id, disks } };
}

/** A workload that has moved has snapshots in several repositories, one after the other. */
function inOrder(found: readonly Found[]): [RepositoryId, ReadableSnapshot[]][] {
  const groups: [RepositoryId, ReadableSnapshot[]][] = [];
  for (const { repositoryId, snapshot } of found) {
    const last = groups.at(-1);
    if (last?.[0] === repositoryId) last[1].push(snapshot);
    else groups.push([repositoryId, [snapshot]]);
  }
  return groups;
}

/** The one snapshot of a job. Fault `snapshot-gone`. */
export async function readOneSnapshot(
  held: HeldJob,
  work: (reader: FileReader) => Promise<void>,
): Promise<void> {
  const { gone } = await readJobDisks(held, work);
  if (gone.length > 0) throw new Fault("snapshot-gone", "reading a snapshot that was deleted", "never");
}
