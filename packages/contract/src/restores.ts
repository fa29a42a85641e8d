import { type Static, Type } from "typebox";
import { ByteCount, Label, Links, MetadataRow, nullable, Progress, Timestamp, WireId } from "./shapes.ts";

export const RestoreStatus = Type.Union([
  Type.Literal("creating"),
  Type.Literal("executing"),
  Type.Literal("restoring"),
  Type.Literal("available"),
  Type.Literal("error"),
  Type.Literal("cancelling"),
  Type.Literal("cancelled"),
  Type.Literal("deleting"),
]);
export type RestoreStatus = Static<typeof RestoreStatus>;

export const RestoreKind = Type.Union([
  Type.Literal("oneclick"),
  Type.Literal("selective"),
  Type.Literal("inplace"),
]);
export type RestoreKind = Static<typeof RestoreKind>;

const subnetRef = Type.Object({ id: WireId });

/** A network interface that a selective restore asks for; empty addresses mean "the next free one". */
export const RestoreNic = Type.Object({
  id: Type.Optional(Type.String({ description: "the network's id in the snapshot" })),
  mac_address: Type.Optional(Type.String()),
  ip_address: Type.Optional(Type.String()),
  network: Type.Object({ id: WireId, subnet: Type.Optional(subnetRef) }),
});
export type RestoreNic = Static<typeof RestoreNic>;

/** What to do with one Cinder disk, named by its volume id in the snapshot. */
export const RestoreDisk = Type.Object({
  id: WireId,
  new_volume_type: Type.Optional(Type.String()),
  availability_zone: Type.Optional(Type.String()),
  restore_cinder_volume: Type.Optional(Type.Boolean()),
});
export type RestoreDisk = Static<typeof RestoreDisk>;

/** A flavor by id, or by what it must have. */
export const RestoreFlavor = Type.Object({
  id: Type.Optional(WireId),
  vcpus: Type.Optional(Type.Integer({ minimum: 1 })),
  ram: Type.Optional(Type.Integer({ minimum: 1, description: "MiB" })),
  disk: Type.Optional(Type.Integer({ minimum: 0, description: "GiB" })),
  ephemeral: Type.Optional(Type.Integer({ minimum: 0, description: "GiB" })),
  swap: Type.Optional(Type.Integer({ minimum: 0, description: "MiB" })),
});
export type RestoreFlavor = Static<typeof RestoreFlavor>;

/** What to do with one instance of the snapshot, named by its id there. */
export const RestoreInstance = Type.Object({
  id: WireId,
  include: Type.Optional(Type.Boolean()),
  name: Type.Optional(Label),
  availability_zone: Type.Optional(Type.String()),
  flavor: Type.Optional(RestoreFlavor),
  nics: Type.Optional(Type.Array(RestoreNic, { maxItems: 64 })),
  vdisks: Type.Optional(Type.Array(RestoreDisk, { maxItems: 256 })),
  restore_boot_disk: Type.Optional(Type.Boolean()),
  server_group: Type.Optional(Type.String()),
});
export type RestoreInstance = Static<typeof RestoreInstance>;

/** A network of the snapshot and the one that takes its place. */
export const NetworkMapping = Type.Object({
  snapshot_network: Type.Object({ id: WireId, subnet: Type.Optional(subnetRef) }),
  target_network: Type.Object({
    id: WireId,
    name: Type.Optional(Type.String()),
    subnet: Type.Optional(subnetRef),
  }),
});
export type NetworkMapping = Static<typeof NetworkMapping>;

/**
 * What a restore is to do, after `compatibility.ts` made the spellings one. Stored with the restore as it
 * stands here.
 */
export const RestoreOptions = Type.Object({
  name: Type.Optional(Label),
  description: Type.Optional(Type.String({ maxLength: 4096 })),
  type: Type.Literal("openstack"),
  restore_type: RestoreKind,
  oneclickrestore: Type.Boolean(),
  safety_snapshot: Type.Optional(
    Type.Boolean({
      description:
        "in place: take a snapshot of the instances first, and overwrite only when it is available; true " +
        "unless given (Cairn's own)",
    }),
  ),
  openstack: Type.Object({
    instances: Type.Array(RestoreInstance, { maxItems: 1000 }),
    restore_topology: Type.Boolean({
      description: "make networks, subnets and routers again that are gone; alone when no instance is listed",
    }),
    restore_security_groups: Type.Optional(
      Type.Boolean({
        description:
          "make security groups again that are gone or lost rules; alone when no instance is listed " +
          "(Cairn's own)",
      }),
    ),
    networks_mapping: Type.Object({ networks: Type.Array(NetworkMapping, { maxItems: 1000 }) }),
  }),
});
export type RestoreOptions = Static<typeof RestoreOptions>;

/** Body of restoring a snapshot. */
export const CreateRestore = Type.Object({
  restore: Type.Object({
    name: Type.Optional(Label),
    description: Type.Optional(Type.String({ maxLength: 4096 })),
    options: RestoreOptions,
  }),
});
export type CreateRestore = Static<typeof CreateRestore>;

const summary = {
  id: WireId,
  created_at: Timestamp,
  updated_at: Timestamp,
  finished_at: nullable(Timestamp),
  user_id: WireId,
  project_id: WireId,
  status: RestoreStatus,
  restore_type: Type.String({ description: "always restore; the kind is in restore_options.restore_type" }),
  snapshot_id: WireId,
  workload_id: WireId,
  links: Links,
  name: Type.String(),
  description: Type.String(),
  host: Type.String(),
  size: ByteCount,
  uploaded_size: ByteCount,
  progress_percent: Type.Integer({ minimum: 0, maximum: 100 }),
  progress_msg: nullable(Type.String()),
  warning_msg: nullable(Type.String()),
  error_msg: nullable(Type.String()),
  time_taken: Type.Integer({ minimum: 0, description: "seconds" }),
  restore_options: RestoreOptions,
  safety_snapshot_id: nullable(WireId),
  metadata: Type.Array(MetadataRow),
};

/** A restore in a list. */
export const RestoreSummary = Type.Object(summary);
export type RestoreSummary = Static<typeof RestoreSummary>;

/** An instance that a restore made, or wrote into. */
export const RestoredInstance = Type.Object({
  id: WireId,
  name: Type.String(),
  status: Type.String(),
  metadata: Type.Object({ instance_id: WireId }),
});
export type RestoredInstance = Static<typeof RestoredInstance>;

/**
 * What was made: `id`, `original_id` (in the snapshot) or null, and a `name` where it is not the
 * original's.
 */
const restoredThings = Type.Array(Type.Record(Type.String(), Type.Unknown()));

/** A restore with what it made and how far it is. */
export const RestoreDetail = Type.Object({
  ...summary,
  instances: Type.Array(RestoredInstance),
  networks: restoredThings,
  subnets: restoredThings,
  routers: restoredThings,
  flavors: restoredThings,
  security_groups: restoredThings,
  server_groups: restoredThings,
  floating_ips: restoredThings,
  snapshot_details: Type.Object({ id: WireId, name: Type.String(), created_at: Timestamp }),
  progress: nullable(Progress),
});
export type RestoreDetail = Static<typeof RestoreDetail>;
