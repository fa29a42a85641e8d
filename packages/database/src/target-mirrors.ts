import type { RepositoryId, TargetId } from "@cairn/kernel";
import { sql } from "kysely";
import type { Handle } from "./tables.ts";
import type { TargetRow } from "./target-tables.ts";
import { findTarget, lockTargets } from "./targets.ts";

export type MirrorChoice =
  | { readonly kind: "chosen"; readonly target: TargetRow }
  | { readonly kind: "absent" }
  | { readonly kind: "itself" }
  | { readonly kind: "mirror-absent" }
  /** Only what was proven can be a mirror. */
  | { readonly kind: "mirror-unproven"; readonly mirror: TargetRow };

/** Gives a target a mirror, or none; what lies on a former mirror stays there. */
export async function chooseMirror(
  transaction: Handle,
  { id, mirrorId }: { readonly id: TargetId; readonly mirrorId: string | null },
): Promise<MirrorChoice> {
  await lockTargets(transaction);
  const before = await findTarget(transaction, id);
  if (before === undefined) return { kind: "absent" };
  if (mirrorId === id) return { kind: "itself" };
  const mirror = mirrorId === null ? undefined : await findTarget(transaction, mirrorId);
  if (mirrorId !== null && mirror === undefined) return { kind: "mirror-absent" };
  if (mirror !== undefined && mirror.state !== "ready") return { kind: "mirror-unproven", mirror };
  if (before.mirror_id === mirrorId) return { kind: "chosen", target: before };
  // What an engine does for the former mirror ends: its claim is gone.
  await transaction
    .deleteFrom("maintenance")
    .where("kind", "=", "mirror")
    .where("repository_id", "in", (eb) =>
      eb.selectFrom("repository").select("id").where("target_id", "=", id),
    )
    .execute();
  const target = await transaction
    .updateTable("target")
    .set({ mirror_id: mirror?.id ?? null, updated_at: sql<Date>`now()` })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return { kind: "chosen", target };
}

/** The mirror of the target that a repository lies on, and how long it keeps what was deleted. */
export async function findMirror(
  handle: Handle,
  repositoryId: RepositoryId,
): Promise<{ readonly target: TargetRow; readonly keepDays: number } | undefined> {
  const row = await handle
    .selectFrom("repository")
    .innerJoin("target as source", "source.id", "repository.target_id")
    .innerJoin("target as mirror", "mirror.id", "source.mirror_id")
    .selectAll("mirror")
    .select("source.mirror_keep_days as keep_days")
    .where("repository.id", "=", repositoryId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { keep_days: keepDays, ...target } = row;
  return { target, keepDays };
}

/** A text that is another one as soon as a snapshot came to a repository or left it. */
export async function contentsMark(handle: Handle, repositoryId: RepositoryId): Promise<string> {
  const { mark } = await handle
    .selectFrom("snapshot")
    .select(sql<string>`md5(coalesce(string_agg(id, ',' order by id), ''))`.as("mark"))
    .where("repository_id", "=", repositoryId)
    .executeTakeFirstOrThrow();
  return mark;
}

/** What mirroring keeps of a repository between two times; JSON. */
export interface MirrorCursor {
  /** What `contentsMark` was before the last time that went through. */
  readonly contents: string;
  /** When all that was there then was at the mirror, ISO 8601. */
  readonly mirroredAt: string;
  readonly sweptAt: string;
  /** Snapshots that could not be copied yet. */
  readonly heldBack: number;
}

/** How a target's mirror is. */
export interface MirrorState {
  readonly targetId: TargetId;
  readonly repositories: number;
  /** Everything that is older is at the mirror; null while a repository was never mirrored. */
  readonly mirroredAt: Date | null;
  readonly heldBack: number;
  /** Why the last time of a repository failed. */
  readonly error: string | null;
}

/** How the mirrors of these targets are; of targets without repositories nothing. */
export async function mirrorStates(handle: Handle, ids: readonly TargetId[]): Promise<MirrorState[]> {
  if (ids.length === 0) return [];
  const at = sql<Date | null>`(maintenance.cursor ->> 'mirroredAt')::timestamptz`;
  const rows = await handle
    .selectFrom("repository")
    .leftJoin("maintenance", (join) =>
      join.onRef("maintenance.repository_id", "=", "repository.id").on("maintenance.kind", "=", "mirror"),
    )
    .select("repository.target_id as targetId")
    .select((eb) => eb.fn.countAll<number>().as("repositories"))
    .select(sql<Date | null>`case when count(${at}) = count(*) then min(${at}) end`.as("mirroredAt"))
    .select(sql<number>`coalesce(sum((maintenance.cursor ->> 'heldBack')::int), 0)::int`.as("heldBack"))
    .select(sql<string | null>`max(maintenance.error_message)`.as("error"))
    .where("repository.target_id", "in", ids)
    .where("repository.is_foreign", "=", false)
    .groupBy("repository.target_id")
    .execute();
  return rows;
}
