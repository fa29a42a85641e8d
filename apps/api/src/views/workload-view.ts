import {
  type JobSchedule,
  WORKLOAD_TYPES,
  type WorkloadDetail,
  type WorkloadSummary,
  wireTime,
} from "@cairn/contract";
import type {
  AdmissionRow,
  StorageUsage,
  WorkloadFacts,
  WorkloadRow,
  WorkloadSummaryRow,
} from "@cairn/database";
import { type BackupSchedule, parseSchedule, showSchedule } from "@cairn/domain";
import { linksOf } from "../links.ts";

/** A workload's row as a list shows it. */
export function workloadSummary(row: WorkloadSummaryRow, origin: string): WorkloadSummary {
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

/** What is known of some workloads beside their rows, and when. */
interface KnownFacts extends WorkloadFacts {
  /** Runs of theirs that have not begun. */
  readonly waiting: readonly AdmissionRow[];
  /** Names of types of backup targets. */
  readonly targetTypes: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

/** Zone of schedules that name none. */
export const APPLIANCE_ZONE = "UTC";

/** A schedule as it was given and is understood; one that does not count as clients know one that is off. */
function scheduleView({ id, jobschedule: given }: WorkloadRow, facts: KnownFacts): JobSchedule {
  const { isSchedulerOn: isSwitchedOn, nowMs, schedules } = facts;
  const row = schedules.find((each) => each.workload_id === id);
  const none = { timeZone: APPLIANCE_ZONE, nowMs };
  const schedule = row === undefined ? parseSchedule({}, none) : (row.rule as BackupSchedule);
  const shown = showSchedule({ given, schedule, nowMs, isSwitchedOn, applianceTimeZone: APPLIANCE_ZONE });
  const why = row?.last_result === "skipped" ? row.last_reason : null;
  return why === null ? shown : { ...shown, skipped_because: why };
}

/** A workload with its members and what its snapshots occupy. */
export function workloadDetail(row: WorkloadRow, about: KnownFacts, origin: string): WorkloadDetail {
  const full = usageOf(about.usage, row, "full");
  const incremental = usageOf(about.usage, row, "incremental");
  const { policy_id: policyId } = row;
  return {
    ...workloadSummary(row, origin),
    instances: about.members
      .filter((member) => member.workload_id === row.id)
      .map((member) => ({
        id: member.instance_id,
        name: member.name,
        metadata: { ...member.metadata, workload_id: row.id, workload_name: row.name },
      })),
    jobschedule: scheduleView(row, about),
    metadata: policyId === null ? row.metadata : { ...row.metadata, policy_id: policyId },
    storage_usage: { usage: full.usage + incremental.usage, full, incremental },
    availability_zone: null,
    host: null,
    error_msg: row.error_message,
    waiting_reason: about.waiting.find((each) => each.run_id === row.run_id)?.reason ?? null,
    interval: null,
    encryption: row.secret_id !== null,
    secret_uuid: row.secret_id,
    backup_target_types: about.targetTypes.get(row.target_type_id ?? "") ?? null,
    source_platform: "openstack",
    policy_id: policyId,
    recent_snapshots: (about.recent[row.id] ?? []).map(({ id, status, snapshotType, createdAtMs }) => ({
      id,
      status,
      snapshot_type: snapshotType,
      created_at: wireTime(createdAtMs),
    })),
    restorable_snapshot: restorableOf(about.restorable, row),
  };
}

function restorableOf(
  restorable: WorkloadFacts["restorable"],
  row: WorkloadRow,
): WorkloadDetail["restorable_snapshot"] {
  const found = restorable.find(({ workloadId }) => workloadId === row.id);
  return found === undefined ? null : { id: found.id, created_at: wireTime(found.createdAtMs) };
}

function usageOf(
  usage: readonly StorageUsage[],
  row: WorkloadRow,
  type: StorageUsage["snapshotType"],
): { usage: number; snap_count: number } {
  const found = usage.find((each) => each.workloadId === row.id && each.snapshotType === type);
  return { usage: found?.storedBytes ?? 0, snap_count: found?.count ?? 0 };
}
