import { findSnapshot } from "@cairn/database";
import { CAPTURED_VERSION, type CapturedWorkload } from "@cairn/domain";
import { assert, Fault, type RepositoryId } from "@cairn/kernel";
import { type Commit, readCommit } from "@cairn/repository";
import { openRepository } from "./repository-access.ts";
import type { FlowContext, RunFacts } from "./step.ts";

/** The repository that the run's snapshot lies in. */
export async function repositoryOfSnapshot(context: FlowContext): Promise<RepositoryId> {
  const { snapshotId } = context.run.subject;
  assert(snapshotId !== undefined, "this run names a snapshot");
  const snapshot = await findSnapshot(context.database.handle, { id: snapshotId });
  if (snapshot === undefined || snapshot.repository_id === null) {
    throw new Fault("snapshot-uncommitted", `finding the repository of snapshot ${snapshotId}`, "never");
  }
  return snapshot.repository_id;
}

/** What names a writing to Cinder and to datamovers: the restore; of a mount, which has none, its run. */
export function writingId({ id, subject }: RunFacts): string {
  return subject.restoreId ?? id;
}

/** A commit and what was captured of the instances; the store is the truth, the rows are its reflection. */
export interface SnapshotSource {
  readonly commit: Commit;
  readonly captured: CapturedWorkload;
}

/** Reads the commit of the run's snapshot. Faults: those of the repository, `captured-unknown`. */
export async function readSnapshotSource(context: FlowContext): Promise<SnapshotSource> {
  const { snapshotId, workloadId } = context.run.subject;
  assert(snapshotId !== undefined, "this run names a snapshot");
  const repository = await openRepository(context, await repositoryOfSnapshot(context));
  const { store, repositoryId, keys } = repository;
  const commit = await readCommit(store, {
    repositoryId,
    keys,
    workloadId,
    snapshotId,
    signal: context.signal,
  });
  return { commit, captured: parseCaptured(commit.metadata, snapshotId) };
}

/**
 * The commit is sealed, so its metadata is what this program wrote; only its version may be another one's.
 */
export function parseCaptured(metadata: unknown, snapshotId: string): CapturedWorkload {
  const isObject = typeof metadata === "object" && metadata !== null;
  const version = isObject && "version" in metadata ? metadata.version : undefined;
  if (version !== CAPTURED_VERSION) {
    const doing = `reading snapshot ${snapshotId}: what it captured has version ${String(version)}`;
    throw new Fault("captured-unknown", doing, "after-operator");
  }
  return metadata as CapturedWorkload;
}
