import { type Static, Type } from "typebox";
import { ByteCount, Label, Links, MetadataRow, nullable, Progress, Timestamp, WireId } from "./shapes.ts";

export const SnapshotStatus = Type.Union([
  Type.Literal("creating"),
  Type.Literal("executing"),
  Type.Literal("snapshotting"),
  Type.Literal("uploading"),
  Type.Literal("available"),
  Type.Literal("restoring"),
  Type.Literal("error"),
  Type.Literal("cancelling"),
  Type.Literal("cancelled"),
  Type.Literal("deleting"),
  Type.Literal("mounting"),
  Type.Literal("mounted"),
]);
export type SnapshotStatus = Static<typeof SnapshotStatus>;

export const SnapshotType = Type.Union([Type.Literal("full"), Type.Literal("incremental")]);
export type SnapshotType = Static<typeof SnapshotType>;

/** Body of taking a snapshot. The query's `full` decides; the body's counts only as a JSON boolean. */
export const TakeSnapshot = Type.Object({
  snapshot: Type.Object({
    name: Type.Optional(Label),
    description: Type.Optional(Type.String({ maxLength: 4096 })),
    is_scheduled: Type.Optional(Type.Boolean()),
    full: Type.Optional(Type.Boolean()),
  }),
});
export type TakeSnapshot = Static<typeof TakeSnapshot>;

/** The eight fields of a snapshot in a plain list. */
const summary = {
  id: WireId,
  created_at: Timestamp,
  status: SnapshotStatus,
  snapshot_type: SnapshotType,
  workload_id: WireId,
  name: Type.String(),
  description: Type.String(),
  host: Type.String(),
};

/** A snapshot in a list. */
export const SnapshotSummary = Type.Object(summary);
export type SnapshotSummary = Static<typeof SnapshotSummary>;

/** How a disk was read, and why not better. */
export const DiskRead = Type.Object({
  mode: Type.Union([Type.Literal("full"), Type.Literal("incremental")]),
  tracker: Type.Optional(
    Type.String({ description: "what told the changes: persistent- or transient-bitmap, rbd-snapshot" }),
  ),
  because: Type.Optional(Type.String({ description: "why the disk was read whole" })),
});
export type DiskRead = Static<typeof DiskRead>;

/**
 * A disk in a snapshot. Disks of Cinder have `volume_id`; the local root disk has `image_id` instead. From
 * `disk` on the fields are Cairn's own; they are `null` until the disk has been read.
 */
export const SnapshotDisk = Type.Object({
  label: nullable(Type.String()),
  volume_id: Type.Optional(WireId),
  volume_name: Type.Optional(Type.String()),
  volume_size: Type.Optional(Type.Integer({ description: "GiB, as Cinder counts" })),
  volume_type: Type.Optional(nullable(Type.String())),
  volume_mountpoint: Type.Optional(Type.String()),
  availability_zone: Type.Optional(nullable(Type.String())),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  image_id: Type.Optional(nullable(WireId)),
  image_name: Type.Optional(nullable(Type.String())),
  restore_size: nullable(ByteCount),
  disk: Type.String({ description: "device of the instance, such as vda" }),
  disk_id: Type.String(),
  format: nullable(Type.String()),
  size_bytes: nullable(ByteCount),
  read: nullable(DiskRead),
  read_bytes: nullable(ByteCount),
  changed_bytes: nullable(ByteCount),
  audited_bytes: nullable(ByteCount),
  stored_bytes: nullable(ByteCount),
});
export type SnapshotDisk = Static<typeof SnapshotDisk>;

export const SnapshotNic = Type.Object({
  mac_address: Type.String(),
  ip_address: Type.String(),
  network: Type.Object({
    id: WireId,
    name: Type.String(),
    subnet: nullable(
      Type.Object({
        id: WireId,
        name: Type.String(),
        cidr: Type.String(),
        ip_version: Type.Integer(),
        gateway_ip: nullable(Type.String()),
      }),
    ),
  }),
});
export type SnapshotNic = Static<typeof SnapshotNic>;

/** The guarantee that the point in time gives, and why not a better one. */
export const Consistency = Type.Object({
  quality: Type.Union([Type.Literal("application"), Type.Literal("file-system"), Type.Literal("crash")]),
  reason: Type.String(),
  freeze_ms: Type.Optional(
    Type.Integer({ minimum: 0, description: "for how long the guest's file systems were frozen" }),
  ),
});
export type Consistency = Static<typeof Consistency>;

/** An instance in a snapshot, as it was at the point in time. */
export const SnapshotInstance = Type.Object({
  id: WireId,
  name: Type.String(),
  status: Type.String(),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  flavor: Type.Record(Type.String(), Type.Unknown()),
  security_group: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  nics: Type.Array(SnapshotNic),
  vdisks: Type.Array(SnapshotDisk),
  point_at: nullable(Timestamp),
  consistency: nullable(Consistency),
  vm_mount_path: Type.Optional(
    Type.String({ description: "of a mounted snapshot: the instance's folder in the mount instance" }),
  ),
});
export type SnapshotInstance = Static<typeof SnapshotInstance>;

/**
 * Whether the instances' points in time are one. `together`: all lie within `skew_ms`; from the first freeze
 * to the last thaw it took `window_ms`. Otherwise each instance has a point of its own, and `reason` says
 * why.
 */
export const WorkloadPoint = Type.Object({
  together: Type.Boolean(),
  skew_ms: nullable(Type.Integer({ minimum: 0 })),
  window_ms: nullable(Type.Integer({ minimum: 0 })),
  reason: nullable(Type.String()),
});
export type WorkloadPoint = Static<typeof WorkloadPoint>;

/** Why a snapshot has not begun. */
export const Waiting = Type.Object({
  since: Timestamp,
  place: nullable(Type.Integer({ minimum: 1, description: "in the queue of all projects" })),
  code: nullable(Type.String({ description: "cap, blackout, window, reserved or target-offline" })),
  reason: Type.String(),
});
export type Waiting = Static<typeof Waiting>;

/** Where a snapshot is mounted, or being mounted. */
export const SnapshotMount = Type.Object({
  instance_id: WireId,
  instance_name: Type.String(),
  mounturl: Type.String({ description: "where its files are; empty where the guest has mounted none" }),
  mounted_at: nullable(Timestamp),
  dismounting: Type.Boolean(),
  file_systems: Type.Array(
    Type.Object({
      vm_id: WireId,
      vm_name: Type.String({ description: "of the instance that the disk was copied from" }),
      disk: Type.String(),
      path: Type.String({ description: "in the mount instance" }),
      file_system: Type.String({ description: "ext4, xfs …" }),
    }),
  ),
});
export type SnapshotMount = Static<typeof SnapshotMount>;

/** A snapshot with everything known of it. */
export const SnapshotDetail = Type.Object({
  ...summary,
  updated_at: Timestamp,
  finished_at: nullable(Timestamp),
  user_id: WireId,
  project_id: WireId,
  size: ByteCount,
  restore_size: ByteCount,
  uploaded_size: ByteCount,
  progress_percent: Type.Integer({ minimum: 0, maximum: 100 }),
  progress_msg: nullable(Type.String()),
  warning_msg: nullable(Type.String()),
  error_msg: nullable(Type.String()),
  time_taken: Type.Integer({ minimum: 0, description: "seconds" }),
  metadata: Type.Array(MetadataRow),
  links: Links,
  instances: Type.Array(SnapshotInstance),
  workload_point: nullable(WorkloadPoint),
  progress: nullable(Progress),
  waiting: nullable(Waiting),
  mount: nullable(SnapshotMount),
  virtual_bytes: ByteCount,
  read_bytes: ByteCount,
  stored_bytes: ByteCount,
});
export type SnapshotDetail = Static<typeof SnapshotDetail>;
