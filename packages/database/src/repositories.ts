import {
  asId,
  newId,
  type ProjectId,
  type RepositoryId,
  type SnapshotId,
  type TargetId,
} from "@cairn/kernel";
import { type Handle, type RepositoryRow, type TargetRow, toJson } from "./tables.ts";

/**
 * Makes the directory the default target, once; one with this path that exists already becomes the default.
 */
export async function ensureDefaultTarget(transaction: Handle, path: string): Promise<TargetRow> {
  await transaction
    .updateTable("target")
    .set({ is_default: false })
    .where("is_default", "=", true)
    .where("path", "<>", path)
    .execute();
  return transaction
    .insertInto("target")
    .values({ id: newId<"target">(), name: path, kind: "directory", path, is_default: true })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ is_default: true }))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** A target as it is registered. */
export interface WantedTarget {
  readonly kind: TargetRow["kind"];
  readonly path: string;
  readonly address: Readonly<Record<string, unknown>>;
  readonly sealedSecret: Buffer | undefined;
  readonly mover: { readonly keyId: string; readonly sealedSecret: Buffer } | undefined;
  /** What a probe found. */
  readonly report: unknown;
}

/** Makes a probed target the default one. What was known of one with this path is replaced. */
export async function registerDefaultTarget(transaction: Handle, wanted: WantedTarget): Promise<TargetRow> {
  const { path, kind, mover } = wanted;
  await transaction
    .updateTable("target")
    .set({ is_default: false })
    .where("is_default", "=", true)
    .where("path", "<>", path)
    .execute();
  const values = {
    kind,
    path,
    is_default: true,
    address: toJson(wanted.address),
    sealed_secret: wanted.sealedSecret ?? null,
    mover_key_id: mover?.keyId ?? null,
    sealed_mover_secret: mover?.sealedSecret ?? null,
    report: toJson(wanted.report),
  };
  return transaction
    .insertInto("target")
    .values({ id: newId<"target">(), name: path, ...values })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(values))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The target of this path, if one is registered. */
export async function findTargetByPath(handle: Handle, path: string): Promise<TargetRow | undefined> {
  return handle.selectFrom("target").selectAll().where("name", "=", path).executeTakeFirst();
}

/** Where repositories are made that ask for no other target. */
export async function findDefaultTarget(handle: Handle): Promise<TargetRow | undefined> {
  return handle.selectFrom("target").selectAll().where("is_default", "=", true).executeTakeFirst();
}

async function findTarget(handle: Handle, id: TargetId): Promise<TargetRow | undefined> {
  return handle.selectFrom("target").selectAll().where("id", "=", id).executeTakeFirst();
}

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
 * Writes a repository's row unless the project has one on that target already, and gives back the one that
 * stands: of two that try at once, both go on with the same id and keys.
 */
export async function ensureRepository(
  handle: Handle,
  wanted: {
    readonly id: RepositoryId;
    readonly projectId: ProjectId;
    readonly targetId: TargetId;
    readonly wrappedKeys: Buffer;
  },
): Promise<RepositoryRow> {
  await handle
    .insertInto("repository")
    .values({
      id: wanted.id,
      project_id: wanted.projectId,
      target_id: wanted.targetId,
      wrapped_keys: wanted.wrappedKeys,
    })
    .onConflict((conflict) => conflict.columns(["project_id", "target_id"]).doNothing())
    .execute();
  return handle
    .selectFrom("repository")
    .selectAll()
    .where("project_id", "=", wanted.projectId)
    .where("target_id", "=", wanted.targetId)
    .executeTakeFirstOrThrow();
}

/** A project's repository on the default target, if it has one. */
export async function findRepositoryId(
  handle: Handle,
  projectId: ProjectId,
): Promise<RepositoryId | undefined> {
  const row = await handle
    .selectFrom("repository")
    .innerJoin("target", "target.id", "repository.target_id")
    .select("repository.id")
    .where("repository.project_id", "=", projectId)
    .where("target.is_default", "=", true)
    .executeTakeFirst();
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
