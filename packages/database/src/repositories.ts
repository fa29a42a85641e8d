import {
  asId,
  type ProjectId,
  type RepositoryId,
  type SnapshotId,
  type TargetId,
  type WorkloadId,
} from "@cairn/kernel";
import type { Handle, RepositoryRow } from "./tables.ts";
import type { TargetRow } from "./target-tables.ts";
import { findTarget } from "./targets.ts";

/** A repository together with its target. */
export async function loadRepository(
  handle: Handle,
  id: RepositoryId,
): Promise<{ readonly repository: RepositoryRow; readonly target: TargetRow } | undefined> {
  const repository = await handle
    .selectFrom("repository")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirst();
  if (repository === undefined) return undefined;
  const target = await findTarget(handle, repository.target_id);
  return target === undefined ? undefined : { repository, target };
}

/**
 * Writes a repository's row unless the project writes to one on that target already, and gives back the one
 * that stands: of two that try at once, both go on with the same id and keys.
 */
export async function ensureRepository(
  handle: Handle,
  wanted: {
    readonly id: RepositoryId;
    readonly projectId: ProjectId;
    readonly targetId: TargetId;
    readonly wrappedKeys: Buffer;
    /** The encrypted workload that it is for. */
    readonly workloadId?: WorkloadId | undefined;
  },
): Promise<RepositoryRow> {
  const { workloadId } = wanted;
  await handle
    .insertInto("repository")
    .values({
      id: wanted.id,
      project_id: wanted.projectId,
      target_id: wanted.targetId,
      wrapped_keys: wanted.wrappedKeys,
      workload_id: workloadId ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return currentRepository(handle, wanted).selectAll("repository").executeTakeFirstOrThrow();
}

/** Whose repository: a project's, or that of an encrypted workload, whichever project it is in. */
export interface RepositoryOwner {
  readonly projectId: ProjectId;
  readonly targetId: TargetId;
  readonly workloadId?: WorkloadId | undefined;
}

function currentRepository(handle: Handle, { projectId, targetId, workloadId }: RepositoryOwner) {
  const current = handle
    .selectFrom("repository")
    .where("target_id", "=", targetId)
    .where("is_current", "=", true);
  return workloadId === undefined
    ? current.where("project_id", "=", projectId).where("workload_id", "is", null)
    : current.where("workload_id", "=", workloadId);
}

/** The repository on a target that a project, or its encrypted workload, writes to, if it has one. */
export async function findRepositoryId(
  handle: Handle,
  owner: RepositoryOwner,
): Promise<RepositoryId | undefined> {
  const row = await currentRepository(handle, owner).select("id").executeTakeFirst();
  return row?.id;
}

/** Remembers the newest state object that somebody saw; an older one than is known changes nothing. */
export async function noteStateEpoch(handle: Handle, id: RepositoryId, epoch: number): Promise<void> {
  await handle
    .updateTable("repository")
    .set({ state_epoch: epoch })
    .where("id", "=", id)
    .where("state_epoch", "<", epoch)
    .execute();
}

/**
 * Puts a repository's newest key set in the place of the one that was read. False when somebody else was
 * faster; the target says which is the newest then. Without `from` whatever is there is replaced.
 */
export async function replaceWrappedKeys(
  handle: Handle,
  change: { readonly id: RepositoryId; readonly from?: Buffer; readonly to: Buffer },
): Promise<boolean> {
  const { id, from, to } = change;
  const { numUpdatedRows } = await handle
    .updateTable("repository")
    .set({ wrapped_keys: to })
    .where("id", "=", id)
    .$if(from !== undefined, (query) => query.where("wrapped_keys", "=", from ?? to))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Lists index segments as present, in this order; those that are listed already keep their place. */
export async function addSegments(
  transaction: Handle,
  repositoryId: RepositoryId,
  snapshotId: SnapshotId,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  await transaction
    .insertInto("repository_segment")
    .values(names.map((name) => ({ repository_id: repositoryId, name, snapshot_id: snapshotId })))
    .onConflict((conflict) => conflict.columns(["repository_id", "name"]).doNothing())
    .execute();
}

/** Follows a sweep that wrote index segments anew: those that replace others are the oldest. */
export async function replaceSegments(
  transaction: Handle,
  repositoryId: RepositoryId,
  change: { readonly added: readonly string[]; readonly removed: readonly string[] },
): Promise<void> {
  if (change.removed.length > 0) {
    await transaction
      .deleteFrom("repository_segment")
      .where("repository_id", "=", repositoryId)
      .where("name", "in", [...change.removed])
      .execute();
  }
  await addSegments(transaction, repositoryId, asId<"snapshot">(SWEPT), change.added);
}

/** Stands where a segment names the snapshot that added it. */
const SWEPT = "sweep";

/** The index segments of a repository, oldest first. */
export async function listSegments(handle: Handle, repositoryId: RepositoryId): Promise<string[]> {
  const rows = await handle
    .selectFrom("repository_segment")
    .select("name")
    .where("repository_id", "=", repositoryId)
    .orderBy("position")
    .execute();
  return rows.map((row) => row.name);
}
