import { type Static, Type } from "typebox";
import { ByteCount, Label, Links, nullable, Timestamp, WireId } from "./shapes.ts";
import { SnapshotStatus, SnapshotType } from "./snapshots.ts";

/** The ids of the two workload types that every installation has; clients send and show them. */
export const WORKLOAD_TYPES = {
  serial: "f82ce76f-17fe-438b-aa37-7a023058e50d",
  parallel: "2ddd528d-c9b4-4d7e-8722-cc395140255a",
} as const;

export const WorkloadStatus = Type.Union([
  Type.Literal("creating"),
  Type.Literal("available"),
  Type.Literal("locked"),
  Type.Literal("updating"),
  Type.Literal("resetting"),
  Type.Literal("deleting"),
  Type.Literal("error"),
]);
export type WorkloadStatus = Static<typeof WorkloadStatus>;

/**
 * A schedule as it was given: both the classic and the tiered form are kept; values are strings or numbers.
 * What they mean is read by `parseSchedule` of the domain.
 */
export const JobSchedule = Type.Record(Type.String(), Type.Unknown(), {
  description:
    "Classic: enabled, timezone, start_date (MM/DD/YYYY), start_time (02:30 PM), end_date, interval " +
    "(24hrs), fullbackup_interval (-1 first only, 0 always, N after so many incrementals), " +
    "retention_policy_type (Number of Snapshots to Keep | Number of days to retain Snapshots), " +
    "retention_policy_value. Tiered: enabled, timezone, start_date, start_time, end_date, hourly " +
    "{interval, retention, snapshot_type}, daily {backup_time: [HH:MM], retention, snapshot_type}, " +
    "weekly {backup_day: [mon], retention}, monthly {month_backup_day: [1], retention}, yearly " +
    "{backup_month: [jan], retention}, manual {retention, retention_days_to_keep}. Replies also have " +
    "nextrun (seconds, only when a run will come), appliance_timezone, global_jobscheduler, and " +
    "skipped_because where the run that was due last did not start.",
});
export type JobSchedule = Static<typeof JobSchedule>;

const MetadataMap = Type.Record(Type.String(), Type.Unknown());

const member = Type.Object({ "instance-id": WireId });

/** Body of workload creation, after `compatibility.ts` made the spellings one. */
export const CreateWorkload = Type.Object({
  workload: Type.Object({
    name: Type.Optional(Label),
    description: Type.Optional(Type.String({ maxLength: 4096 })),
    workload_type_id: Type.Optional(nullable(WireId)),
    source_platform: Type.Optional(nullable(Type.String())),
    instances: Type.Array(member, { minItems: 1, maxItems: 1000 }),
    jobschedule: Type.Optional(JobSchedule),
    metadata: Type.Optional(MetadataMap),
    policy_id: Type.Optional(nullable(Type.String())),
    encryption: Type.Optional(
      Type.Boolean({ description: "only a secret of the project's opens its backups; decided for ever" }),
    ),
    secret_uuid: Type.Optional(
      nullable(
        Type.String({ description: "id or address of the secret in Barbican; empty without encryption" }),
      ),
    ),
    backup_target_types: Type.Optional(
      nullable(Type.String({ description: "name or id of the type of its backup target, for ever" })),
    ),
  }),
});
export type CreateWorkload = Static<typeof CreateWorkload>;

/** Body of workload modification; what is absent stays, an instance list replaces the old one. */
export const ModifyWorkload = Type.Object({
  workload: Type.Object({
    name: Type.Optional(Label),
    description: Type.Optional(Type.String({ maxLength: 4096 })),
    instances: Type.Optional(Type.Array(member, { minItems: 1, maxItems: 1000 })),
    jobschedule: Type.Optional(JobSchedule),
    metadata: Type.Optional(MetadataMap),
    backup_target_types: Type.Optional(
      nullable(Type.String({ description: "cannot be changed; the same is no change" })),
    ),
    encryption: Type.Optional(Type.Boolean({ description: "cannot be changed; the same is no change" })),
    secret_uuid: Type.Optional(
      nullable(Type.String({ description: "another id of the same payload; another payload is refused" })),
    ),
    policy_id: Type.Optional(
      nullable(
        Type.String({ description: "decides rhythm and retention; none: it follows no policy any more" }),
      ),
    ),
  }),
});
export type ModifyWorkload = Static<typeof ModifyWorkload>;

const summary = {
  id: WireId,
  name: Type.String(),
  description: Type.String(),
  project_id: WireId,
  user_id: WireId,
  workload_type_id: WireId,
  status: WorkloadStatus,
  created_at: Timestamp,
  updated_at: Timestamp,
  snapshots_info: Type.String(),
  scheduler_trust: nullable(Type.Record(Type.String(), Type.Unknown())),
  links: Links,
};

/** A workload in a list. */
export const WorkloadSummary = Type.Object(summary);
export type WorkloadSummary = Static<typeof WorkloadSummary>;

const usageOfType = Type.Object({ usage: ByteCount, snap_count: Type.Integer({ minimum: 0 }) });

const recentSnapshot = Type.Object({
  id: WireId,
  status: SnapshotStatus,
  snapshot_type: SnapshotType,
  created_at: Timestamp,
});

/** A workload with its members, its schedule and what it occupies. */
export const WorkloadDetail = Type.Object({
  ...summary,
  instances: Type.Array(
    Type.Object({ id: WireId, name: Type.String(), metadata: Type.Record(Type.String(), Type.Unknown()) }),
  ),
  jobschedule: JobSchedule,
  metadata: MetadataMap,
  storage_usage: Type.Object({ usage: ByteCount, full: usageOfType, incremental: usageOfType }),
  availability_zone: nullable(Type.String()),
  host: nullable(Type.String()),
  error_msg: nullable(Type.String()),
  waiting_reason: nullable(Type.String({ description: "why its snapshot has not begun (Cairn's own)" })),
  interval: nullable(Type.String()),
  encryption: Type.Boolean(),
  secret_uuid: nullable(Type.String()),
  backup_target_types: nullable(Type.String()),
  source_platform: Type.String(),
  policy_id: nullable(Type.String()),
  recent_snapshots: Type.Array(recentSnapshot, {
    description: "the last ten of any outcome, newest first (Cairn's own)",
  }),
  restorable_snapshot: nullable(
    Type.Object(
      { id: WireId, created_at: Timestamp },
      { description: "the newest that can be restored (Cairn's own)" },
    ),
  ),
});
export type WorkloadDetail = Static<typeof WorkloadDetail>;
