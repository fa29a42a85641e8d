import { WORKLOAD_TYPES, type WorkloadDetail, type WorkloadSummary, wireTime } from "@cairn/contract";
import type { StorageUsage, WorkloadInstanceRow, WorkloadRow } from "@cairn/database";
import { linksOf } from "../links.ts";

/** A workload's row as a list shows it. */
export function workloadSummary(row: WorkloadRow, origin: string): WorkloadSummary {
  return {
    project_id: row.project_id,
    user_id: row.user_id,
    id: row.id,
    name: row.name,
    snapshots_info: "",
    description: row.description === "" ? "no-description" : row.description,
    workload_type_id: row.workload_type_id ?? WORKLOAD_TYPES.parallel,
    status: row.status,
    created_at: wireTime(row.created_at.getTime()),
    updated_at: wireTime(row.updated_at.getTime()),
    scheduler_trust: null,
    links: linksOf(origin, row.project_id, `workloads/${row.id}`),
  };
}

/** What a reply says of a schedule that is off: reference clients read these keys of any workload. */
const SCHEDULE_DEFAULTS = {
  enabled: false,
  start_date: "",
  end_date: "No End",
  start_time: "09:00 PM",
  interval: "24hrs",
  timezone: "UTC",
  appliance_timezone: "UTC",
  global_jobscheduler: false,
  retention_policy_type: "Number of Snapshots to Keep",
  retention_policy_value: "30",
  fullbackup_interval: "-1",
};

/** A workload with its members and what its snapshots occupy. */
export function workloadDetail(
  row: WorkloadRow,
  about: { readonly members: readonly WorkloadInstanceRow[]; readonly usage: readonly StorageUsage[] },
  origin: string,
): WorkloadDetail {
  const full = usageOf(about.usage, row, "full");
  const incremental = usageOf(about.usage, row, "incremental");
  const { policy_id: policyId, ...metadata } = row.metadata;
  return {
    ...workloadSummary(row, origin),
    instances: about.members
      .filter((member) => member.workload_id === row.id)
      .map((member) => ({
        id: member.instance_id,
        name: member.name,
        metadata: { ...member.metadata, workload_id: row.id, workload_name: row.name },
      })),
    jobschedule: { ...SCHEDULE_DEFAULTS, ...row.jobschedule },
    metadata,
    storage_usage: { usage: full.usage + incremental.usage, full, incremental },
    availability_zone: null,
    host: null,
    error_msg: row.error_message,
    interval: null,
    encryption: false,
    secret_uuid: null,
    backup_target_types: null,
    source_platform: "openstack",
    policy_id: typeof policyId === "string" ? policyId : null,
  };
}

function usageOf(
  usage: readonly StorageUsage[],
  row: WorkloadRow,
  type: StorageUsage["snapshotType"],
): { usage: number; snap_count: number } {
  const found = usage.find((each) => each.workloadId === row.id && each.snapshotType === type);
  return { usage: found?.storedBytes ?? 0, snap_count: found?.count ?? 0 };
}
