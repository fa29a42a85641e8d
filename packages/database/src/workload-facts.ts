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
  readonly id: SnapshotId;
  readonly status: SnapshotRow["status"];
  readonly snapshotType: SnapshotRow["snapshot_type"];
  readonly createdAtMs: number;
}

/** What is known of some workloads beside their rows. */
export interface WorkloadFacts {
  readonly members: readonly Pick<WorkloadInstanceRow, "workload_id" | "instance_id" | "name" | "metadata">[];
  readonly usage: readonly StorageUsage[];
  /** By workload its last ten snapshots, newest first; `null` where there are none. */
  readonly recent: Readonly<Record<WorkloadId, readonly RecentSnapshot[] | null>>;
  /** The newest of each that can be restored. */
  readonly restorable: readonly (Pick<RecentSnapshot, "id" | "createdAtMs"> & {
    readonly workloadId: WorkloadId;
  })[];
  readonly schedules: readonly Pick<ScheduleRow, "workload_id" | "rule" | "last_result" | "last_reason">[];
  /** Whether any schedule of the cloud starts anything. */
  readonly isSchedulerOn: boolean;
}

/**
 * In JSON a time would be a text in the session's zone. `date_part` counts in floating point, exact to less
 * than a microsecond here; `extract` counts in decimals, which take five times as long.
 */
const AT_MS = sql`floor(date_part('epoch', created_at) * 1000)::bigint`;

/**
 * All that a view of workloads shows beside their rows, in one statement: four of them take the API longer
 * than the database. Members are in the order in which they were added. `json` and not `jsonb`: what nobody
 * looks into is not taken apart to be put together again, which halves what a list costs the database.
 */
export async function loadWorkloadFacts(handle: Handle, ids: readonly WorkloadId[]): Promise<WorkloadFacts> {
  const { rows } = await sql<WorkloadFacts>`
    select
      (select coalesce(json_agg(json_build_object('workload_id', workload_id, 'instance_id', instance_id,
          'name', name, 'metadata', metadata) order by added_at, instance_id), '[]')
        from workload_instance where workload_id = any(${ids})) as members,
      (select coalesce(json_agg(used), '[]') from (
        select workload_id as "workloadId", snapshot_type as "snapshotType", count(*)::int as count,
            coalesce(sum(stored_bytes), 0)::bigint as "storedBytes"
          from snapshot where workload_id = any(${ids})
              and status in ('available', 'restoring', 'mounting', 'mounted')
          group by workload_id, snapshot_type) as used) as usage,
      (select coalesce(json_object_agg(wanted.id, newest.snapshots), '{}')
        from unnest(${ids}::text[]) wanted (id) cross join lateral (
          select json_agg(json_build_object('id', id, 'status', status, 'snapshotType', snapshot_type,
              'createdAtMs', ${AT_MS}) order by created_at desc) as snapshots
            from (select id, status, snapshot_type, created_at
              from snapshot where workload_id = wanted.id order by created_at desc limit 10) ten) newest
        ) as recent,
      (select coalesce(json_agg(good), '[]')
        from unnest(${ids}::text[]) wanted (id) cross join lateral (
          select workload_id as "workloadId", snapshot.id, ${AT_MS} as "createdAtMs"
            from snapshot where workload_id = wanted.id and status in ('available', 'restoring')
            order by created_at desc limit 1) good) as restorable,
      (select coalesce(json_agg(json_build_object('workload_id', workload_id, 'rule', rule,
          'last_result', last_result, 'last_reason', last_reason)), '[]')
        from schedule where workload_id = any(${ids})) as schedules,
      coalesce((select value = 'true' from setting where name = 'global_job_scheduler'),
        ${switchDefault("global_job_scheduler")}) as "isSchedulerOn"`.execute(handle);
  const [facts] = rows;
  if (facts === undefined) throw new Error("bug: a select without a from has one row");
  return facts;
}
