import type { SnapshotId, WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import { switchDefault } from "./settings.ts";
import type { Handle, ScheduleRow, SnapshotRow, WorkloadInstanceRow } from "./tables.ts";

/** What the snapshots of one kind that a workload has occupy. */
export interface StorageUsage {
  readonly workloadId: WorkloadId;
  readonly snapshotType: "full" | "incremental";
  readonly count: number;
  readonly storedBytes: number;
}

/** A snapshot as one mark in a row of them. */
export interface RecentSnapshot {
  readonly workloadId: WorkloadId;
  readonly id: SnapshotId;
  readonly status: SnapshotRow["status"];
  readonly snapshotType: SnapshotRow["snapshot_type"];
  readonly createdAtMs: number;
}

/** What is known of some workloads beside their rows. */
export interface WorkloadFacts {
  readonly members: readonly Pick<WorkloadInstanceRow, "workload_id" | "instance_id" | "name" | "metadata">[];
  readonly usage: readonly StorageUsage[];
  /** The last ten snapshots of each, newest first. */
  readonly recent: readonly RecentSnapshot[];
  /** The newest of each that can be restored. */
  readonly restorable: readonly Pick<RecentSnapshot, "workloadId" | "id" | "createdAtMs">[];
  readonly schedules: readonly Pick<ScheduleRow, "workload_id" | "rule" | "last_result" | "last_reason">[];
  /** Whether any schedule of the cloud starts anything. */
  readonly isSchedulerOn: boolean;
}

/** In JSON a time would be a text in the session's zone. */
const AT_MS = sql`(extract(epoch from created_at) * 1000)::bigint`;

/**
 * All that a view of workloads shows beside their rows, in one statement: four of them take the API longer
 * than the database. Members are in the order in which they were added.
 */
export async function loadWorkloadFacts(handle: Handle, ids: readonly WorkloadId[]): Promise<WorkloadFacts> {
  const { rows } = await sql<WorkloadFacts>`
    select
      (select coalesce(jsonb_agg(jsonb_build_object('workload_id', workload_id, 'instance_id', instance_id,
          'name', name, 'metadata', metadata) order by added_at, instance_id), '[]')
        from workload_instance where workload_id = any(${ids})) as members,
      (select coalesce(jsonb_agg(used), '[]') from (
        select workload_id as "workloadId", snapshot_type as "snapshotType", count(*)::int as count,
            coalesce(sum(stored_bytes), 0)::bigint as "storedBytes"
          from snapshot where workload_id = any(${ids})
              and status in ('available', 'restoring', 'mounting', 'mounted')
          group by workload_id, snapshot_type) as used) as usage,
      (select coalesce(jsonb_agg(recent order by recent."createdAtMs" desc), '[]')
        from unnest(${ids}::text[]) wanted (id) cross join lateral (
          select workload_id as "workloadId", snapshot.id, status, snapshot_type as "snapshotType",
              ${AT_MS} as "createdAtMs"
            from snapshot where workload_id = wanted.id order by created_at desc limit 10) recent) as recent,
      (select coalesce(jsonb_agg(good), '[]')
        from unnest(${ids}::text[]) wanted (id) cross join lateral (
          select workload_id as "workloadId", snapshot.id, ${AT_MS} as "createdAtMs"
            from snapshot where workload_id = wanted.id and status in ('available', 'restoring')
            order by created_at desc limit 1) good) as restorable,
      (select coalesce(jsonb_agg(jsonb_build_object('workload_id', workload_id, 'rule', rule,
          'last_result', last_result, 'last_reason', last_reason)), '[]')
        from schedule where workload_id = any(${ids})) as schedules,
      coalesce((select value = 'true' from setting where name = 'global_job_scheduler'),
        ${switchDefault("global_job_scheduler")}) as "isSchedulerOn"`.execute(handle);
  const [facts] = rows;
  if (facts === undefined) throw new Error("bug: a select without a from has one row");
  return facts;
}
