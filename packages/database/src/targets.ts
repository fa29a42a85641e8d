import { assert, newId, type ProjectId, type TargetId, type UserId, type WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import { type Page, paged } from "./paging.ts";
import { type Handle, toJson } from "./tables.ts";
import type { TargetRow, TargetTypeRow, TargetWish } from "./target-tables.ts";
import { insertTargetType } from "./target-types.ts";

/**
 * Makes the directory the default target, once; one with this path that exists already becomes the default.
 */
export async function ensureDefaultTarget(transaction: Handle, path: string): Promise<TargetRow> {
  await withoutDefault(transaction);
  return transaction
    .insertInto("target")
    .values({ id: newId<"target">(), name: path, kind: "directory", path, is_default: true })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ is_default: true }))
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function withoutDefault(transaction: Handle): Promise<void> {
  await transaction
    .updateTable("target")
    .set({ is_default: false, is_chosen: false })
    .where("is_default", "=", true)
    .execute();
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

/** The columns of what a probe proved. */
export function provenColumns(wanted: WantedTarget) {
  const { kind, path, mover } = wanted;
  return {
    kind,
    path,
    address: toJson(wanted.address),
    sealed_secret: wanted.sealedSecret ?? null,
    mover_key_id: mover?.keyId ?? null,
    sealed_mover_secret: mover?.sealedSecret ?? null,
    report: toJson(wanted.report),
  };
}

/**
 * Keeps a probed target as that of the configuration. What was known of it is replaced. It becomes the
 * default unless somebody chose another one: that a program starts is no reason to move what comes next.
 */
export async function registerConfiguredTarget(
  transaction: Handle,
  wanted: WantedTarget,
): Promise<TargetRow> {
  await lockTargets(transaction);
  const known = await findTargetAt(transaction, wanted);
  const chosen = await transaction
    .selectFrom("target")
    .select("id")
    .where("is_chosen", "=", true)
    .executeTakeFirst();
  const isDefault = chosen === undefined || chosen.id === known?.id;
  if (isDefault && known?.is_default !== true) await withoutDefault(transaction);
  await transaction.updateTable("target").set({ is_configured: false }).execute();
  const values = {
    ...provenColumns(wanted),
    is_default: isDefault,
    is_configured: true,
    state: "ready",
    wish: null,
    fault: null,
  } as const;
  if (known === undefined) return insertConfigured(transaction, wanted.path, values);
  return transaction
    .updateTable("target")
    .set({ ...values, updated_at: sql<Date>`now()` })
    .where("id", "=", known.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

type ConfiguredColumns = ReturnType<typeof provenColumns> & {
  readonly is_default: boolean;
  readonly is_configured: true;
  readonly state: "ready";
  readonly wish: null;
  readonly fault: null;
};

async function insertConfigured(
  transaction: Handle,
  name: string,
  values: ConfiguredColumns,
): Promise<TargetRow> {
  const target = await transaction
    .insertInto("target")
    .values({ id: newId<"target">(), name, ...values })
    .returningAll()
    .executeTakeFirstOrThrow();
  const type = { targetId: target.id, description: "The target of the configuration", isPublic: true };
  const first = await insertTargetType(transaction, { ...type, name: "default" });
  if (first === undefined) {
    await insertTargetType(transaction, { ...type, name: `default-${target.id.slice(0, 8)}` });
  }
  return target;
}

/**
 * Those who add, remove or choose targets do it one after the other; whoever reads them does not wait. The
 * first statement of its transaction that touches the table.
 */
export async function lockTargets(transaction: Handle): Promise<void> {
  await sql`lock table target in share row exclusive mode`.execute(transaction);
}

/** The target in this place, if one is registered: a directory, or a bucket of a service under a prefix. */
export async function findTargetAt(
  handle: Handle,
  place: Pick<WantedTarget, "kind" | "path" | "address">,
): Promise<TargetRow | undefined> {
  const rows = await handle.selectFrom("target").selectAll().where("path", "=", place.path).execute();
  const at = rows.find(({ address }) => address["endpoint"] === place.address["endpoint"]);
  // The configuration's bucket may have moved to another address of its service.
  return at ?? rows.find(({ kind, is_configured: isConfigured }) => kind === place.kind && isConfigured);
}

/** Where workloads go that ask for no other target. */
export async function findDefaultTarget(handle: Handle): Promise<TargetRow | undefined> {
  return handle.selectFrom("target").selectAll().where("is_default", "=", true).executeTakeFirst();
}

/** One target by its id. */
export async function findTarget(handle: Handle, id: string): Promise<TargetRow | undefined> {
  return handle
    .selectFrom("target")
    .selectAll()
    .where("id", "=", id as TargetId)
    .executeTakeFirst();
}

/** Targets, newest first. */
export async function listTargets(handle: Handle, page: Page): Promise<TargetRow[]> {
  return paged(handle.selectFrom("target").selectAll(), "target", page).execute();
}

/** Every target that was proven, the default first: where backups may lie. */
export async function listReadyTargets(handle: Handle): Promise<TargetRow[]> {
  return handle
    .selectFrom("target")
    .selectAll()
    .where("state", "=", "ready")
    .orderBy("is_default", "desc")
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

/** A target as an administrator asks for it. */
export interface NewTarget {
  readonly kind: TargetRow["kind"];
  readonly path: string;
  /** Of a bucket without user and secret: those come from the references. */
  readonly address: Readonly<Record<string, unknown>>;
  readonly wish: TargetWish;
  readonly filesystemExport: string | null;
  readonly nfsMountOpts: string | null;
  readonly secretRef: string | null;
  readonly moverSecretRef: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The type by which workloads choose it. */
  readonly type: { readonly name: string; readonly description: string; readonly isPublic: boolean };
  readonly by: { readonly userId: UserId; readonly projectId: ProjectId };
}

export type TargetCreation =
  | { readonly kind: "created"; readonly target: TargetRow; readonly type: TargetTypeRow }
  /** Another target is in this place. */
  | { readonly kind: "place-taken"; readonly target: TargetRow }
  | { readonly kind: "name-taken" };

/** Writes that a target is wanted, with its type. Throw (or roll back) unless it was created. */
export async function createTarget(transaction: Handle, wanted: NewTarget): Promise<TargetCreation> {
  await lockTargets(transaction);
  const there = await findTargetAt(transaction, wanted);
  if (there !== undefined && there.address["endpoint"] === wanted.address["endpoint"]) {
    return { kind: "place-taken", target: there };
  }
  const id: TargetId = newId();
  const target = await transaction
    .insertInto("target")
    .values({
      id,
      // Two services may have buckets of one name.
      name: wanted.kind === "directory" ? wanted.path : `${wanted.path} of ${id}`,
      kind: wanted.kind,
      path: wanted.path,
      address: toJson(wanted.address),
      state: "wanted",
      is_online: false,
      offline_reason: "no engine has proved it yet",
      wish: toJson(wanted.wish),
      filesystem_export: wanted.filesystemExport,
      nfs_mount_opts: wanted.nfsMountOpts,
      secret_ref: wanted.secretRef,
      mover_secret_ref: wanted.moverSecretRef,
      metadata: toJson(wanted.metadata),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const type = await insertTargetType(transaction, { ...wanted.type, targetId: id, by: wanted.by });
  return type === undefined ? { kind: "name-taken" } : { kind: "created", target, type };
}

/** What may be changed of a target; absent stays. */
export interface TargetChanges {
  readonly nfsMountOpts?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly secretRef?: string;
  readonly moverSecretRef?: string;
  readonly mirrorKeepDays?: number;
  /** To prove anew; until it is, what was proven last counts. */
  readonly wish?: TargetWish;
}

/** Changes a target; undefined when it is not there. */
export async function changeTarget(
  transaction: Handle,
  id: TargetId,
  changes: TargetChanges,
): Promise<TargetRow | undefined> {
  const { wish } = changes;
  return transaction
    .updateTable("target")
    .set((eb) => ({
      updated_at: sql<Date>`now()`,
      ...(changes.nfsMountOpts === undefined ? {} : { nfs_mount_opts: changes.nfsMountOpts }),
      ...(changes.metadata === undefined ? {} : { metadata: toJson(changes.metadata) }),
      ...(changes.secretRef === undefined ? {} : { secret_ref: changes.secretRef }),
      ...(changes.moverSecretRef === undefined ? {} : { mover_secret_ref: changes.moverSecretRef }),
      ...(changes.mirrorKeepDays === undefined ? {} : { mirror_keep_days: changes.mirrorKeepDays }),
      ...(wish === undefined
        ? {}
        : {
            wish: toJson(wish),
            fault: null,
            look_at: sql<Date>`now()`,
            look_lease_until: null,
            look_generation: eb("look_generation", "+", 1),
          }),
    }))
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirst();
}

/** Makes a target that was proven the default; false when it is absent or was not. */
export async function chooseDefaultTarget(transaction: Handle, id: TargetId): Promise<boolean> {
  await lockTargets(transaction);
  const target = await findTarget(transaction, id);
  if (target?.state !== "ready") return false;
  await withoutDefault(transaction);
  await transaction
    .updateTable("target")
    .set({ is_default: true, is_chosen: true, updated_at: sql<Date>`now()` })
    .where("id", "=", id)
    .execute();
  return true;
}

/**
 * Where a workload's snapshots go. One that was never told to keeps from now on what its newest snapshot lies
 * on, or the default; undefined when there is none.
 */
export async function settleWorkloadTarget(handle: Handle, id: WorkloadId): Promise<TargetRow | undefined> {
  const row = await handle
    .selectFrom("workload")
    .innerJoin("target", "target.id", "workload.target_id")
    .selectAll("target")
    .where("workload.id", "=", id)
    .executeTakeFirst();
  if (row !== undefined) return row;
  const target = (await targetOfSnapshots(handle, id)) ?? (await findDefaultTarget(handle));
  if (target === undefined) return undefined;
  await handle
    .updateTable("workload")
    .set({ target_id: target.id })
    .where("id", "=", id)
    .where("target_id", "is", null)
    .execute();
  return target;
}

async function targetOfSnapshots(handle: Handle, id: WorkloadId): Promise<TargetRow | undefined> {
  return handle
    .selectFrom("snapshot")
    .innerJoin("repository", "repository.id", "snapshot.repository_id")
    .innerJoin("target", "target.id", "repository.target_id")
    .selectAll("target")
    .where("snapshot.workload_id", "=", id)
    .orderBy("snapshot.created_at", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** How much of what people made is on a target. */
export interface TargetUse {
  readonly workloads: number;
  readonly snapshots: number;
  /** What its snapshots added to it, as they counted. */
  readonly storedBytes: number;
}

/** What of the database is on a target. */
export async function targetUse(handle: Handle, id: TargetId): Promise<TargetUse> {
  const { count } = await handle
    .selectFrom("workload")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("target_id", "=", id)
    .executeTakeFirstOrThrow();
  const stored = await handle
    .selectFrom("snapshot")
    .innerJoin("repository", "repository.id", "snapshot.repository_id")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .select(sql<number>`coalesce(sum(snapshot.stored_bytes), 0)::bigint`.as("bytes"))
    .where("repository.target_id", "=", id)
    .executeTakeFirstOrThrow();
  return { workloads: count, snapshots: stored.count, storedBytes: stored.bytes };
}

export type TargetDeletion =
  | { readonly kind: "deleted" }
  | { readonly kind: "absent" }
  | { readonly kind: "default" }
  | { readonly kind: "configured" }
  | { readonly kind: "mirror"; readonly of: TargetRow }
  | ({ readonly kind: "in-use"; readonly runs: number } & TargetUse);

/**
 * Forgets a target with its types and its empty repositories; what lies on it stays there. Refused while it
 * is the default, the configuration's or a mirror, and while workloads, snapshots or running work need it.
 */
export async function deleteTarget(transaction: Handle, id: TargetId): Promise<TargetDeletion> {
  await lockTargets(transaction);
  const target = await findTarget(transaction, id);
  if (target === undefined) return { kind: "absent" };
  if (target.is_configured) return { kind: "configured" };
  if (target.is_default) return { kind: "default" };
  const mirrored = await transaction
    .selectFrom("target")
    .selectAll()
    .where("mirror_id", "=", id)
    .limit(1)
    .executeTakeFirst();
  if (mirrored !== undefined) return { kind: "mirror", of: mirrored };
  const use = await targetUse(transaction, id);
  const runs = await countRunsOn(transaction, id);
  if (use.workloads + use.snapshots + runs > 0) return { kind: "in-use", runs, ...use };
  const repositories = transaction.selectFrom("repository").select("id").where("target_id", "=", id);
  await transaction
    .updateTable("datamover_order")
    .set({ repository_id: null })
    .where("repository_id", "in", repositories)
    .execute();
  await transaction.deleteFrom("repository_segment").where("repository_id", "in", repositories).execute();
  await transaction.deleteFrom("repository").where("target_id", "=", id).execute();
  const { numDeletedRows } = await transaction
    .deleteFrom("target")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  assert(numDeletedRows === 1n, `target ${id} is deleted once`);
  return { kind: "deleted" };
}

/** Runs that have not ended and gave orders about what is on the target. */
async function countRunsOn(transaction: Handle, id: TargetId): Promise<number> {
  const { count } = await transaction
    .selectFrom("run")
    .innerJoin("datamover_order", "datamover_order.run_id", "run.id")
    .innerJoin("repository", "repository.id", "datamover_order.repository_id")
    .select((eb) => eb.fn.count<number>("run.id").distinct().as("count"))
    .where("repository.target_id", "=", id)
    .where("run.state", "<>", "concluded")
    .executeTakeFirstOrThrow();
  return count;
}
