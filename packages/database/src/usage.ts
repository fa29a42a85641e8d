import type { InstanceId, ProjectId, SnapshotId, WorkloadId } from "@cairn/kernel";
import { sql } from "kysely";
import type { Page } from "./paging.ts";
import { type Handle, type SnapshotType, WHOLE_STATUSES } from "./tables.ts";
import type { TargetRow } from "./target-tables.ts";

const STORED = sql<number>`coalesce(sum(stored_bytes), 0)::bigint`;

/** What snapshots of one type are on a target. */
export interface TypeUsage {
  readonly snapshotType: SnapshotType;
  readonly count: number;
  /** What they added to their repositories, compressed and sealed. */
  readonly storedBytes: number;
}

/** A target, with what an engine saw of its room, and what our snapshots take of it. */
export interface TargetUsage {
  readonly target: TargetRow;
  readonly byType: readonly TypeUsage[];
}

/** How full targets are, the default one first. */
export async function targetUsage(handle: Handle): Promise<TargetUsage[]> {
  const targets = await handle
    .selectFrom("target")
    .selectAll()
    .orderBy("is_default", "desc")
    .orderBy("name")
    .execute();
  const sums = await handle
    .selectFrom("snapshot")
    .innerJoin("repository", "repository.id", "snapshot.repository_id")
    .select(["repository.target_id", "snapshot_type"])
    .select((eb) => [eb.fn.countAll<number>().as("count"), STORED.as("stored")])
    .where("status", "in", WHOLE_STATUSES)
    .groupBy(["repository.target_id", "snapshot_type"])
    .execute();
  return targets.map((target) => ({
    target,
    byType: sums.filter((each) => each.target_id === target.id).map(asTypeUsage),
  }));
}

function asTypeUsage(row: { snapshot_type: SnapshotType; count: number; stored: number }): TypeUsage {
  return { snapshotType: row.snapshot_type, count: row.count, storedBytes: row.stored };
}

/** What a project protects, and what it takes. */
export interface ProjectUsage {
  readonly projectId: ProjectId;
  readonly workloads: number;
  readonly instances: number;
  readonly byType: readonly TypeUsage[];
}

/** The usage of all projects that have a workload, by their ids. */
export async function projectUsage(handle: Handle): Promise<ProjectUsage[]> {
  const counts = await handle
    .selectFrom("workload")
    .leftJoin("workload_instance", "workload_instance.workload_id", "workload.id")
    .select("workload.project_id")
    .select((eb) => [
      eb.fn.count<number>("workload.id").distinct().as("workloads"),
      eb.fn.count<number>("workload_instance.instance_id").as("instances"),
    ])
    .groupBy("workload.project_id")
    .orderBy("workload.project_id")
    .execute();
  const sums = await handle
    .selectFrom("snapshot")
    .select(["project_id", "snapshot_type"])
    .select((eb) => [eb.fn.countAll<number>().as("count"), STORED.as("stored")])
    .where("status", "in", WHOLE_STATUSES)
    .groupBy(["project_id", "snapshot_type"])
    .execute();
  return counts.map((row) => ({
    projectId: row.project_id,
    workloads: row.workloads,
    instances: row.instances,
    byType: sums.filter((each) => each.project_id === row.project_id).map(asTypeUsage),
  }));
}

/** What one disk of an instance takes: all its snapshots together, and its size in the newest of them. */
export interface DiskUsage {
  readonly projectId: ProjectId;
  readonly workloadId: WorkloadId;
  readonly workloadName: string;
  readonly instanceId: string;
  readonly instanceName: string;
  readonly diskId: string;
  readonly device: string;
  readonly snapshots: number;
  readonly storedBytes: number;
  readonly sizeBytes: number;
}

/** What each disk of each protected instance takes, of all projects or of one. */
export async function diskUsage(handle: Handle, projectId?: string): Promise<DiskUsage[]> {
  const found = await sql<{
    project_id: ProjectId;
    workload_id: WorkloadId;
    workload_name: string;
    instance_id: string;
    instance_name: string | null;
    disk_id: string;
    device: string;
    snapshots: number;
    stored: number;
    size: number;
  }>`
    select w.project_id, w.id as workload_id, w.name as workload_name,
      d->>'instanceId' as instance_id, max(m.name) as instance_name,
      d->>'diskId' as disk_id, max(d->>'device') as device,
      count(*)::bigint as snapshots,
      sum((d->>'storedBytes')::bigint)::bigint as stored,
      (array_agg((d->>'sizeBytes')::bigint order by s.created_at desc))[1] as size
    from snapshot s
      join workload w on w.id = s.workload_id
      cross join lateral jsonb_array_elements(s.disks) d
      left join workload_instance m on m.instance_id = d->>'instanceId' and m.workload_id = w.id
    where s.status in ('available', 'restoring', 'mounting', 'mounted')
      and (${projectId ?? null}::text is null or w.project_id = ${projectId ?? null})
    group by w.project_id, w.id, w.name, d->>'instanceId', d->>'diskId'
    order by w.project_id, w.id, instance_id, disk_id`.execute(handle);
  return found.rows.map((row) => ({
    projectId: row.project_id,
    workloadId: row.workload_id,
    workloadName: row.workload_name,
    instanceId: row.instance_id,
    instanceName: row.instance_name ?? "",
    diskId: row.disk_id,
    device: row.device,
    snapshots: row.snapshots,
    storedBytes: row.stored,
    sizeBytes: row.size,
  }));
}

/** An instance of a workload. */
export interface ProtectedInstance {
  readonly instanceId: InstanceId;
  readonly name: string;
  readonly workloadId: WorkloadId;
  readonly workloadName: string;
}

/** The protected instances of a project, by their ids; the marker is the last one's of the page before. */
export async function listProtected(
  handle: Handle,
  projectId: ProjectId,
  page: Page,
): Promise<ProtectedInstance[]> {
  const rows = await handle
    .selectFrom("workload_instance")
    .innerJoin("workload", "workload.id", "workload_instance.workload_id")
    .select(["workload_instance.instance_id", "workload_instance.name", "workload_instance.workload_id"])
    .select("workload.name as workload_name")
    .where("workload.project_id", "=", projectId)
    .$if(page.marker !== undefined, (query) =>
      query.where("workload_instance.instance_id", ">", (page.marker ?? "") as InstanceId),
    )
    .orderBy("workload_instance.instance_id")
    .limit(page.limit)
    .execute();
  return rows.map((row) => ({
    instanceId: row.instance_id,
    name: row.name,
    workloadId: row.workload_id,
    workloadName: row.workload_name,
  }));
}

/** A member of a workload, and its newest snapshot that can be restored. */
export interface MemberProtection extends ProtectedInstance {
  readonly snapshotId: SnapshotId | null;
  readonly takenAt: Date | null;
}

/** Every member of a project's workloads. A snapshot counts for those instances that are in it. */
export async function listMemberProtection(
  handle: Handle,
  projectId: ProjectId,
): Promise<MemberProtection[]> {
  const { rows } = await sql<MemberProtection>`
    select member.instance_id as "instanceId", member.name, workload.id as "workloadId",
        workload.name as "workloadName", good.id as "snapshotId", good.created_at as "takenAt"
      from workload_instance member join workload on workload.id = member.workload_id
      left join lateral (
        select id, created_at from snapshot
          where workload_id = workload.id and status in ('available', 'restoring')
            and instances @> jsonb_build_array(jsonb_build_object('id', member.instance_id))
          order by created_at desc limit 1) good on true
      where workload.project_id = ${projectId} order by member.instance_id`.execute(handle);
  return rows;
}
