import type { Because, FlowName, Leftover, Plan, RunResult } from "@cairn/domain";
import type {
  HostName,
  InstanceId,
  OrderId,
  ProjectId,
  RepositoryId,
  RestoreId,
  RunId,
  SnapshotId,
  TargetId,
  TrustId,
  UserId,
  WorkloadId,
} from "@cairn/kernel";
import type { ColumnType, Generated, Kysely, Selectable } from "kysely";
import type { AdmissionTables } from "./admission-tables.ts";
import type { AuditTables } from "./audit-tables.ts";
import type { FileTables } from "./file-tables.ts";
import type { MountTables } from "./mount-tables.ts";
import type { NodeTables } from "./node-tables.ts";
import type { NoticeTables } from "./notice-tables.ts";
import type { OwnershipTables } from "./ownership-tables.ts";
import type { PolicyId, PolicyTables } from "./policy-tables.ts";
import type { ProtectionTables } from "./protection-tables.ts";
import type { TargetTable, TargetTypeId, TargetTypeProjectTable, TargetTypeTable } from "./target-tables.ts";

/** The tables as migration 0001 and its followers leave them. */
export interface Tables
  extends FileTables,
    OwnershipTables,
    AdmissionTables,
    AuditTables,
    MountTables,
    NodeTables,
    NoticeTables,
    PolicyTables,
    ProtectionTables {
  target: TargetTable;
  target_type: TargetTypeTable;
  target_type_project: TargetTypeProjectTable;
  repository: RepositoryTable;
  repository_segment: RepositorySegmentTable;
  maintenance: MaintenanceTable;
  trust: TrustTable;
  workload: WorkloadTable;
  workload_instance: WorkloadInstanceTable;
  snapshot: SnapshotTable;
  restore: RestoreTable;
  run: RunTable;
  step: StepTable;
  datamover: DatamoverTable;
  datamover_order: DatamoverOrderTable;
  order_key: OrderKeyTable;
  order_barrier: OrderBarrierTable;
  disk_base: DiskBaseTable;
  schedule: ScheduleTable;
  setting: SettingTable;
}

/** What statements take: the pool's handle, or a transaction. */
export type Handle = Kysely<Tables>;

/**
 * A jsonb column: parsed when read, written as JSON text (`toJson`), because a bare array would become SQL's.
 */
type Json<Value> = ColumnType<Value, string, string>;
type JsonOrDefault<Value> = ColumnType<Value, string | undefined, string>;
type Now = ColumnType<Date, Date | undefined, Date>;

/** JSON text for a jsonb column. */
export function toJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}

interface RepositoryTable {
  id: RepositoryId;
  project_id: ProjectId;
  target_id: TargetId;
  wrapped_keys: Buffer;
  state_epoch: Generated<number>;
  /** The one of its project on its target that new snapshots go to. */
  is_current: Generated<boolean>;
  /** It holds workloads of another cloud, which keeps it sound. */
  is_foreign: Generated<boolean>;
  /** The encrypted workload that it is for; null: for all others of the project. */
  workload_id: WorkloadId | null;
  created_at: Now;
}
export type RepositoryRow = Selectable<RepositoryTable>;

interface RepositorySegmentTable {
  repository_id: RepositoryId;
  position: ColumnType<number, never, never>;
  name: string;
  snapshot_id: SnapshotId;
  added_at: Now;
}

export type MaintenanceKind = "sweep" | "scrub" | "locks" | "mirror";

interface MaintenanceTable {
  repository_id: RepositoryId;
  kind: MaintenanceKind;
  due_at: Now;
  generation: Generated<number>;
  claimed_by: string | null;
  lease_until: Date | null;
  cursor: JsonOrDefault<unknown>;
  report: JsonOrDefault<unknown>;
  error_message: string | null;
  started_at: Date | null;
  finished_at: Date | null;
}
export type MaintenanceRow = Selectable<MaintenanceTable>;

interface TrustTable {
  user_id: UserId;
  project_id: ProjectId;
  /** Null where there is an application credential, with both its fields. */
  trust_id: TrustId | null;
  credential_id: string | null;
  credential_sealed: string | null;
  roles: Json<string[]>;
  created_at: Now;
}
export type TrustRow = Selectable<TrustTable>;

export type WorkloadStatus = "available" | "locked" | "resetting" | "deleting" | "error";

interface WorkloadTable {
  id: WorkloadId;
  project_id: ProjectId;
  user_id: UserId;
  name: string;
  description: Generated<string>;
  workload_type_id: string | null;
  status: WorkloadStatus;
  error_message: string | null;
  run_id: RunId | null;
  next_full: Generated<boolean>;
  jobschedule: JsonOrDefault<Record<string, unknown>>;
  metadata: JsonOrDefault<Record<string, unknown>>;
  /** Where its snapshots go; null until its first one, when none was chosen. */
  target_id: TargetId | null;
  target_type_id: TargetTypeId | null;
  /** The policy that it follows. */
  policy_id: PolicyId | null;
  /** The secret in Barbican that it is encrypted with. */
  secret_id: string | null;
  /** What its payload is known again by; null where nobody here has seen it. */
  secret_proof: string | null;
  created_at: Now;
  updated_at: Now;
}
export type WorkloadRow = Selectable<WorkloadTable>;

interface WorkloadInstanceTable {
  instance_id: InstanceId;
  workload_id: WorkloadId;
  name: string;
  metadata: JsonOrDefault<Record<string, unknown>>;
  volume_count: Generated<number>;
  added_at: Now;
  /** The rule that added it; null: a person did. */
  rule_id: string | null;
}
export type WorkloadInstanceRow = Selectable<WorkloadInstanceTable>;

export type SnapshotType = "full" | "incremental";
export type SnapshotStatus =
  | "executing"
  | "available"
  | "restoring"
  | "mounting"
  | "mounted"
  | "cancelling"
  | "cancelled"
  | "deleting"
  | "error";

/** Statuses of snapshots that are whole and stay: what reads a snapshot can read one in any of them. */
export const WHOLE_STATUSES = ["available", "restoring", "mounting", "mounted"] as const;

/** Whether a snapshot is whole and stays. */
export function isWhole({ status }: Pick<SnapshotRow, "status">): boolean {
  return WHOLE_STATUSES.some((each) => each === status);
}

interface SnapshotTable {
  id: SnapshotId;
  workload_id: WorkloadId;
  project_id: ProjectId;
  user_id: UserId;
  name: string;
  description: Generated<string>;
  snapshot_type: SnapshotType;
  status: SnapshotStatus;
  run_id: RunId;
  repository_id: RepositoryId | null;
  size_bytes: Generated<number>;
  read_bytes: Generated<number>;
  stored_bytes: Generated<number>;
  error_message: string | null;
  warning_message: string | null;
  /** Of the last mount or dismount. */
  mount_error: string | null;
  mount_warning: string | null;
  instances: JsonOrDefault<unknown[]>;
  disks: JsonOrDefault<unknown[]>;
  degraded: ColumnType<unknown, string | null | undefined, string | null>;
  metadata: JsonOrDefault<Record<string, unknown>>;
  point_at: Date | null;
  is_scheduled: Generated<boolean>;
  created_at: Now;
  updated_at: Now;
  finished_at: Date | null;
}
export type SnapshotRow = Selectable<SnapshotTable>;

export type RestoreType = "oneclick" | "selective" | "inplace";
export type RestoreStatus = "executing" | "available" | "cancelling" | "cancelled" | "error";

interface RestoreTable {
  id: RestoreId;
  snapshot_id: SnapshotId;
  workload_id: WorkloadId;
  project_id: ProjectId;
  user_id: UserId;
  name: string;
  description: Generated<string>;
  restore_type: RestoreType;
  options: Json<unknown>;
  /** What an in-place restore overwrites, as it was before; null where none was taken. */
  safety_snapshot_id: SnapshotId | null;
  status: RestoreStatus;
  run_id: RunId;
  size_bytes: Generated<number>;
  written_bytes: Generated<number>;
  error_message: string | null;
  warning_message: string | null;
  instances: JsonOrDefault<unknown[]>;
  metadata: JsonOrDefault<Record<string, unknown>>;
  created_at: Now;
  updated_at: Now;
  finished_at: Date | null;
}
export type RestoreRow = Selectable<RestoreTable>;

interface RunTable {
  id: RunId;
  project_id: ProjectId;
  user_id: UserId;
  flow: FlowName;
  flow_version: Generated<number>;
  workload_id: WorkloadId;
  snapshot_id: SnapshotId | null;
  restore_id: RestoreId | null;
  request: Json<unknown>;
  state: Generated<"planning" | "forward" | "undoing" | "concluded">;
  plan: JsonOrDefault<Plan | null>;
  because: JsonOrDefault<Because | null>;
  result: JsonOrDefault<RunResult | null>;
  leftovers: JsonOrDefault<Leftover[]>;
  cancel_requested_at: Date | null;
  /** Its cancellation is an administrator's reset. */
  is_reset: Generated<boolean>;
  generation: Generated<number>;
  claimed_by: string | null;
  lease_until: Date | null;
  /** Why nobody works on it although it could begin. */
  waiting_reason: string | null;
  created_at: Now;
  updated_at: Now;
  concluded_at: Date | null;
}
export type RunRow = Selectable<RunTable>;

interface StepTable {
  run_id: RunId;
  key: string;
  stage: number;
  position: number;
  kind: string;
  state: "started" | "done" | "undone" | "kept";
  attempt: Generated<number>;
  undo_attempt: Generated<number>;
  output: JsonOrDefault<unknown>;
  message: string | null;
  started_at: Now;
  updated_at: Now;
}
export type StepRow = Selectable<StepTable>;

interface DatamoverTable {
  host: HostName;
  token_sha256: Buffer;
  version: string | null;
  capabilities: JsonOrDefault<string[]>;
  connector: ColumnType<Readonly<Record<string, unknown>> | null, string | null | undefined, string | null>;
  registered_at: Now;
  seen_at: Date | null;
}
export type DatamoverRow = Selectable<DatamoverTable>;

export type OrderState = "queued" | "claimed" | "cancelling" | "cancelled" | "finished";

interface DatamoverOrderTable {
  id: OrderId;
  run_id: RunId;
  step_key: string;
  call: string;
  host: HostName;
  repository_id: RepositoryId | null;
  body: Json<unknown>;
  state: Generated<OrderState>;
  generation: Generated<number>;
  lease_until: Date | null;
  progress: JsonOrDefault<unknown>;
  outcome: JsonOrDefault<unknown>;
  created_at: Now;
  updated_at: Now;
  finished_at: Date | null;
}
export type OrderRow = Selectable<DatamoverOrderTable>;

interface OrderKeyTable {
  order_id: OrderId;
  sealed: string;
}

interface OrderBarrierTable {
  id: string;
  run_id: RunId;
  state: Json<unknown>;
  updated_at: Now;
}

interface DiskBaseTable {
  workload_id: WorkloadId;
  disk_id: string;
  instance_id: InstanceId;
  snapshot_id: SnapshotId;
  root: string;
  base: ColumnType<unknown, string | null | undefined, string | null>;
  updated_at: Now;
}
export type DiskBaseRow = Selectable<DiskBaseTable>;

interface ScheduleTable {
  workload_id: WorkloadId;
  /** `BackupSchedule` of the domain, which is the one to know its shape. */
  rule: Json<unknown>;
  due_at: Date | null;
  look_at: Date | null;
  last_due_at: Date | null;
  last_result: "started" | "skipped" | null;
  last_reason: string | null;
  /** Null: nothing has happened since retention judged the workload's snapshots. */
  retain_at: Now | null;
}
export type ScheduleRow = Selectable<ScheduleTable>;

interface SettingTable {
  name: string;
  value: Json<unknown>;
  changed_by: string;
  changed_at: Now;
}
