import type { TargetId, WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import type { Standing, TargetWorkloadRow, WorkloadPlace } from "./ownership-tables.ts";
import type { Page } from "./paging.ts";
import { type Handle, toJson } from "./tables.ts";

/** A workload as a look at a target found it. */
export interface FoundRow {
  readonly workloadId: WorkloadId;
  readonly name: string;
  readonly projectId: string;
  readonly userId: string;
  readonly cloudId: string | undefined;
  readonly standing: Standing;
  readonly isKnown: boolean;
  readonly places: readonly WorkloadPlace[];
  readonly facts: unknown;
  readonly newestAt: Date;
}

/** What earlier looks found on a target. */
export async function listFoundOn(handle: Handle, targetId: TargetId): Promise<TargetWorkloadRow[]> {
  return handle.selectFrom("target_workload").selectAll().where("target_id", "=", targetId).execute();
}

/** Puts what a look found into the place of what an earlier one did. */
export async function replaceFound(
  transaction: Handle,
  targetId: TargetId,
  found: readonly FoundRow[],
): Promise<void> {
  // Two looks at once must not mix what they found.
  await transaction.selectFrom("target").select("id").where("id", "=", targetId).forUpdate().execute();
  await transaction.deleteFrom("target_workload").where("target_id", "=", targetId).execute();
  for (const row of found) {
    await transaction
      .insertInto("target_workload")
      .values({
        target_id: targetId,
        workload_id: row.workloadId,
        name: row.name,
        project_id: row.projectId,
        user_id: row.userId,
        cloud_id: row.cloudId ?? null,
        standing: row.standing,
        is_known: row.isKnown,
        places: toJson(row.places),
        facts: toJson(row.facts),
        newest_at: row.newestAt,
      })
      .execute();
  }
}

export interface FoundFilter {
  readonly standings: readonly Standing[];
  readonly projectId?: string | undefined;
  readonly targetIds?: readonly TargetId[] | undefined;
}

/**
 * What of the last look still holds: workloads that were unknown and still are, and known ones that are still
 * there. In the order of their ids.
 */
export async function listFound(
  handle: Handle,
  { standings, projectId, targetIds }: FoundFilter,
  page: Page,
): Promise<TargetWorkloadRow[]> {
  let query = handle
    .selectFrom("target_workload")
    .selectAll()
    .distinctOn("workload_id")
    .where("standing", "in", [...standings])
    .where((eb) => {
      const rows = eb
        .selectFrom("workload")
        .select("workload.id")
        .whereRef("workload.id", "=", "target_workload.workload_id");
      const asFound = rows
        .whereRef("workload.project_id", "=", sql.ref("target_workload.project_id"))
        .whereRef("workload.user_id", "=", sql.ref("target_workload.user_id"));
      const isUnknown = eb.and([eb("is_known", "=", false), eb.not(eb.exists(rows))]);
      return eb.or([isUnknown, eb.and([eb("is_known", "=", true), eb.exists(asFound)])]);
    })
    .orderBy("workload_id")
    .orderBy("newest_at", "desc")
    .limit(page.limit);
  if (projectId !== undefined) query = query.where("project_id", "=", projectId);
  if (targetIds !== undefined) query = query.where("target_id", "in", [...targetIds]);
  if (page.marker !== undefined) query = query.where("workload_id", ">", page.marker as WorkloadId);
  return query.execute();
}
