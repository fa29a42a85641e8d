import { newId, type ProjectId, type TargetId, type UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { type Page, paged } from "./paging.ts";
import { type Handle, toJson } from "./tables.ts";
import type { TargetTypeId, TargetTypeProjectRow, TargetTypeRow } from "./target-tables.ts";

/*
 * Types of backup targets: the names by which workloads choose one, and the projects that may. A public one
 * is everybody's.
 */

export interface NewTargetType {
  readonly name: string;
  readonly description: string;
  readonly targetId: TargetId;
  readonly isPublic: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Absent: the service itself. */
  readonly by?: { readonly userId: UserId; readonly projectId: ProjectId };
}

/** Writes a type; undefined when its name is taken. */
export async function insertTargetType(
  transaction: Handle,
  wanted: NewTargetType,
): Promise<TargetTypeRow | undefined> {
  return transaction
    .insertInto("target_type")
    .values({
      id: newId<"target-type">(),
      name: wanted.name,
      description: wanted.description,
      target_id: wanted.targetId,
      is_public: wanted.isPublic,
      metadata: toJson(wanted.metadata ?? {}),
      user_id: wanted.by?.userId ?? null,
      project_id: wanted.by?.projectId ?? null,
    })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .returningAll()
    .executeTakeFirst();
}

/** Types, newest first: those that a project sees, or all when none is named. */
export async function listTargetTypes(
  handle: Handle,
  filter: { readonly projectId?: ProjectId | undefined },
  page: Page,
): Promise<TargetTypeRow[]> {
  const { projectId } = filter;
  return paged(handle.selectFrom("target_type").selectAll(), "target_type", page)
    .$if(projectId !== undefined, (query) =>
      query.where((eb) =>
        eb.or([
          eb("target_type.is_public", "=", true),
          eb(
            "target_type.id",
            "in",
            eb
              .selectFrom("target_type_project")
              .select("type_id")
              .where("target_type_project.project_id", "=", projectId ?? ("" as ProjectId)),
          ),
        ]),
      ),
    )
    .execute();
}

/** One type by its id. */
export async function findTargetType(handle: Handle, id: string): Promise<TargetTypeRow | undefined> {
  return handle
    .selectFrom("target_type")
    .selectAll()
    .where("id", "=", id as TargetTypeId)
    .executeTakeFirst();
}

/** The types of some targets, each target's oldest first. */
export async function listTypesOf(handle: Handle, targetIds: readonly TargetId[]): Promise<TargetTypeRow[]> {
  if (targetIds.length === 0) return [];
  return handle
    .selectFrom("target_type")
    .selectAll()
    .where("target_id", "in", targetIds)
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

/** The names of some types. */
export async function targetTypeNames(
  handle: Handle,
  ids: readonly TargetTypeId[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await handle.selectFrom("target_type").select(["id", "name"]).where("id", "in", ids).execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** The projects to which some types were given. */
export async function listTypeProjects(
  handle: Handle,
  ids: readonly TargetTypeId[],
): Promise<TargetTypeProjectRow[]> {
  if (ids.length === 0) return [];
  return handle
    .selectFrom("target_type_project")
    .selectAll()
    .where("type_id", "in", ids)
    .orderBy("created_at")
    .orderBy("project_id")
    .execute();
}

/** What may be changed of a type; absent stays. */
export interface TargetTypeChanges {
  readonly name?: string;
  readonly description?: string;
  readonly isPublic?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export type ChangedTargetType =
  | { readonly kind: "changed"; readonly type: TargetTypeRow }
  | { readonly kind: "absent" }
  | { readonly kind: "name-taken" };

/** Changes a type. Workloads that chose it keep their target. */
export async function changeTargetType(
  transaction: Handle,
  id: TargetTypeId,
  changes: TargetTypeChanges,
): Promise<ChangedTargetType> {
  if (changes.name !== undefined) {
    const other = await transaction
      .selectFrom("target_type")
      .select("id")
      .where("name", "=", changes.name)
      .executeTakeFirst();
    if (other !== undefined && other.id !== id) return { kind: "name-taken" };
  }
  const type = await transaction
    .updateTable("target_type")
    .set({
      updated_at: sql<Date>`now()`,
      ...(changes.name === undefined ? {} : { name: changes.name }),
      ...(changes.description === undefined ? {} : { description: changes.description }),
      ...(changes.isPublic === undefined ? {} : { is_public: changes.isPublic }),
      ...(changes.metadata === undefined ? {} : { metadata: toJson(changes.metadata) }),
    })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirst();
  return type === undefined ? { kind: "absent" } : { kind: "changed", type };
}

/** Gives a type to projects, and takes it from others; both may be done already. */
export async function assignTargetType(
  transaction: Handle,
  id: TargetTypeId,
  change: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
): Promise<void> {
  const { add = [], remove = [] } = change;
  if (add.length > 0) {
    await transaction
      .insertInto("target_type_project")
      .values(add.map((projectId) => ({ type_id: id, project_id: projectId as ProjectId })))
      .onConflict((conflict) => conflict.columns(["type_id", "project_id"]).doNothing())
      .execute();
  }
  if (remove.length > 0) {
    await transaction
      .deleteFrom("target_type_project")
      .where("type_id", "=", id)
      .where("project_id", "in", remove as readonly ProjectId[])
      .execute();
  }
}

/** Deletes a type that no workload chose; the number of those that did otherwise, undefined when absent. */
export async function deleteTargetType(transaction: Handle, id: TargetTypeId): Promise<number | undefined> {
  const type = await transaction
    .selectFrom("target_type")
    .select("id")
    .where("id", "=", id)
    // Whoever creates a workload of it holds its row, too.
    .forUpdate()
    .executeTakeFirst();
  if (type === undefined) return undefined;
  const { count } = await transaction
    .selectFrom("workload")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("target_type_id", "=", id)
    .executeTakeFirstOrThrow();
  if (count === 0) await transaction.deleteFrom("target_type").where("id", "=", id).execute();
  return count;
}
