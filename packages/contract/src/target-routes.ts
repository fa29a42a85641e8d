import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { ByteCount, Label, nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const targetParams = Type.Object({ backup_target_id: WireId });
const typeParams = Type.Object({ backup_target_type_id: WireId });
const pageQuery = Type.Object(page);
const Metadata = Type.Record(Type.String(), Type.Unknown());
const Text = Type.String({ maxLength: 1024 });
/** Existing clients read numbers here. */
const Flag = Type.Union([Type.Literal(0), Type.Literal(1)]);

const TargetError = Type.Object({
  message: Type.String(),
  field: Type.Optional(Type.String()),
  value: Type.Optional(Type.Unknown()),
  remedy: Type.Optional(Type.String()),
});

/** How the second copy of a target is. */
const TargetMirror = Type.Object({
  backup_target_id: WireId,
  keep_days: Type.Integer({ description: "how long the mirror keeps what was deleted" }),
  /** All that is older is at the mirror; null until everything was copied once. */
  mirrored_at: nullable(Timestamp),
  held_back: Type.Integer({ description: "snapshots that cannot be copied yet, such as damaged ones" }),
  error: nullable(Type.String({ description: "why the last time failed" })),
});

/** A backup target, without anything secret. */
export const BackupTarget = Type.Object({
  id: WireId,
  type: Type.Union([Type.Literal("nfs"), Type.Literal("s3"), Type.Literal("directory")]),
  status: Type.Union(
    [Type.Literal("creating"), Type.Literal("online"), Type.Literal("offline"), Type.Literal("error")],
    { description: "creating: no engine has proved it yet; error: it cannot be a target, see error" },
  ),
  status_since: Timestamp,
  btt_name: nullable(Type.String({ description: "name of its first type" })),
  filesystem_export: nullable(Type.String()),
  filesystem_export_mount_path: nullable(
    Type.String({ description: "the directory: where engines and compute nodes have the export" }),
  ),
  nfs_mount_opts: nullable(Type.String()),
  s3_endpoint_url: nullable(Type.String()),
  s3_bucket: nullable(Type.String()),
  s3_region: nullable(Type.String()),
  s3_prefix: nullable(Type.String()),
  secret_ref: nullable(Type.String()),
  mover_secret_ref: nullable(Type.String()),
  is_default: Flag,
  immutable: Flag,
  capacity: nullable(ByteCount),
  used: nullable(ByteCount),
  seen_at: nullable(Timestamp),
  error: nullable(TargetError),
  mirror: nullable(TargetMirror),
  warnings: Type.Array(Type.String(), { description: "what the probe found that an operator should know" }),
  metadata: Metadata,
  version: Type.String(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type BackupTarget = Static<typeof BackupTarget>;

/** Body of a target's creation. */
export const CreateBackupTarget = Type.Object({
  backup_target: Type.Object({
    type: Type.Union([Type.Literal("nfs"), Type.Literal("s3"), Type.Literal("directory")]),
    filesystem_export: Type.Optional(Text),
    filesystem_export_mount_path: Type.Optional(Text),
    nfs_mount_opts: Type.Optional(Text),
    s3_endpoint_url: Type.Optional(Text),
    s3_bucket: Type.Optional(Text),
    s3_region: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    s3_prefix: Type.Optional(Text),
    s3_force_path_style: Type.Optional(Type.Boolean()),
    secret_ref: Type.Optional(Text),
    mover_secret_ref: Type.Optional(Text),
    immutable: Type.Optional(Type.Boolean({ description: "lock every object for lock_days" })),
    lock_mode: Type.Optional(Type.Union([Type.Literal("governance"), Type.Literal("compliance")])),
    lock_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
    btt_name: Type.Optional(Label),
    description: Type.Optional(Text),
    is_public: Type.Optional(Type.Boolean({ description: "of its first type; true unless given" })),
    is_default: Type.Optional(Type.Boolean({ description: "the default as soon as it is proven" })),
    metadata: Type.Optional(Metadata),
  }),
});
export type CreateBackupTarget = Static<typeof CreateBackupTarget>;

/** Body of a target's change; where it lies cannot be changed. */
export const UpdateBackupTarget = Type.Object({
  backup_target: Type.Object({
    nfs_mount_opts: Type.Optional(Text),
    secret_ref: Type.Optional(Text),
    mover_secret_ref: Type.Optional(Text),
    metadata: Type.Optional(Metadata),
    is_default: Type.Optional(Type.Boolean()),
    /** The target to copy everything to; null ends it. */
    mirror_id: Type.Optional(nullable(WireId)),
    mirror_keep_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 3650 })),
  }),
});
export type UpdateBackupTarget = Static<typeof UpdateBackupTarget>;

/** A name by which workloads choose a target. */
export const BackupTargetType = Type.Object({
  id: WireId,
  name: Type.String(),
  description: Type.String(),
  is_public: Type.Boolean(),
  is_default: Type.Boolean({ description: "workloads that name no type get its target" }),
  status: Type.String({ description: "of its target" }),
  backup_targets_id: WireId,
  backup_target_type_metadata: Metadata,
  backup_target_type_projects: Type.Array(
    Type.Object({ backup_target_types_id: WireId, project_id: WireId, created_at: Timestamp }),
    { description: "who it was given to; others than administrators see themselves alone" },
  ),
  user_id: nullable(WireId),
  project_id: nullable(WireId),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type BackupTargetType = Static<typeof BackupTargetType>;

const ProjectIds = Type.Array(WireId, { minItems: 1, maxItems: 1000 });

export const CreateBackupTargetType = Type.Object({
  backup_target_type: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 255 }),
    backup_targets_id: WireId,
    description: Type.Optional(Text),
    is_public: Type.Optional(Type.Boolean({ description: "true unless given" })),
    backup_target_type_metadata: Type.Optional(Metadata),
  }),
});
export const UpdateBackupTargetType = Type.Object({
  backup_target_type: Type.Object({
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    description: Type.Optional(Text),
    is_public: Type.Optional(Type.Boolean()),
    backup_target_type_metadata: Type.Optional(Metadata),
  }),
});

const targetReply = Type.Object({ backup_target: BackupTarget });
const typeReply = Type.Object({ backup_target_type: BackupTargetType });

const targets = {
  paths: ["/backup_targets"],
  rootPaths: ["/backup_targets", "/v1/backup_targets"],
} as const;
const oneTarget = {
  paths: ["/backup_targets/{backup_target_id}"],
  rootPaths: ["/backup_targets/{backup_target_id}", "/v1/backup_targets/{backup_target_id}"],
} as const;
const types = {
  paths: ["/backup_target_types"],
  rootPaths: ["/backup_target_types", "/v1/backup_target_types"],
} as const;
const oneType = {
  paths: ["/backup_target_types/{backup_target_type_id}"],
  rootPaths: [
    "/backup_target_types/{backup_target_type_id}",
    "/v1/backup_target_types/{backup_target_type_id}",
  ],
} as const;

const targetOperations = {
  listBackupTargets: {
    ...targets,
    scope: "project",
    methods: ["GET"],
    params: none,
    query: pageQuery,
    reply: Type.Object({ backup_targets: Type.Array(BackupTarget) }),
    status: 200,
    action: "backup_target:backup_target_get_all",
    effect: "inspect",
    summary: "List backup targets, newest first",
  },
  createBackupTarget: {
    ...targets,
    scope: "project",
    methods: ["POST"],
    params: none,
    query: none,
    body: CreateBackupTarget,
    reply: targetReply,
    status: 202,
    action: "backup_target:backup_target_create",
    effect: "administer",
    summary: "Ask for a backup target, with a type of its name; an engine proves it",
  },
  showBackupTarget: {
    ...oneTarget,
    scope: "project",
    methods: ["GET"],
    params: targetParams,
    query: none,
    reply: targetReply,
    status: 200,
    action: "backup_target:backup_target_get",
    effect: "inspect",
    summary: "Show a backup target: whether it is online, how full it is, what is wrong with it",
  },
  updateBackupTarget: {
    ...oneTarget,
    scope: "project",
    methods: ["PUT"],
    params: targetParams,
    query: none,
    body: UpdateBackupTarget,
    reply: targetReply,
    status: 202,
    action: "backup_target:backup_target_update",
    effect: "administer",
    summary: "Change what opens a backup target, or what is said of it; it is proven anew",
  },
  deleteBackupTarget: {
    ...oneTarget,
    scope: "project",
    methods: ["DELETE"],
    params: targetParams,
    query: none,
    status: 202,
    action: "backup_target:backup_target_delete",
    effect: "administer",
    summary: "Forget a backup target that nothing uses; what lies on it stays there",
  },
  setDefaultBackupTarget: {
    scope: "project",
    methods: ["POST", "GET"],
    paths: ["/backup_targets/{backup_target_id}/set_default"],
    rootPaths: [
      "/backup_targets/{backup_target_id}/set_default",
      "/v1/backup_targets/{backup_target_id}/set_default",
    ],
    params: targetParams,
    query: none,
    reply: targetReply,
    status: 200,
    action: "backup_target:backup_target_set_default",
    effect: "administer",
    summary: "Make a backup target that of new workloads; existing ones stay where they are",
  },
} as const satisfies Record<string, Route>;

const typeOperations = {
  listBackupTargetTypes: {
    ...types,
    scope: "project",
    methods: ["GET"],
    params: none,
    query: pageQuery,
    reply: Type.Object({ backup_target_types: Type.Array(BackupTargetType) }),
    status: 200,
    action: "backup_target_type:backup_target_type_get_all",
    effect: "read",
    summary: "List the types of backup targets that the project may choose; administrators see all",
  },
  createBackupTargetType: {
    ...types,
    scope: "project",
    methods: ["POST"],
    params: none,
    query: none,
    body: CreateBackupTargetType,
    reply: typeReply,
    status: 200,
    action: "backup_target_type:backup_target_type_create",
    effect: "administer",
    summary: "Give a backup target another name, for everybody or for some projects",
  },
  showBackupTargetType: {
    ...oneType,
    scope: "project",
    methods: ["GET"],
    params: typeParams,
    query: none,
    reply: typeReply,
    status: 200,
    action: "backup_target_type:backup_target_type_get",
    effect: "read",
    summary: "Show a type of backup targets",
  },
  updateBackupTargetType: {
    ...oneType,
    scope: "project",
    methods: ["PUT"],
    params: typeParams,
    query: none,
    body: UpdateBackupTargetType,
    reply: typeReply,
    status: 200,
    action: "backup_target_type:backup_target_type_update",
    effect: "administer",
    summary: "Change a type's name or description, or whether it is everybody's",
  },
  addBackupTargetTypeProjects: {
    scope: "project",
    methods: ["POST"],
    paths: ["/backup_target_types/{backup_target_type_id}/add_projects"],
    rootPaths: [
      "/backup_target_types/{backup_target_type_id}/add_projects",
      "/v1/backup_target_types/{backup_target_type_id}/add_projects",
    ],
    params: typeParams,
    query: none,
    body: Type.Object({ add_projects: ProjectIds }),
    reply: typeReply,
    status: 200,
    action: "backup_target_type:backup_target_type_add_projects",
    effect: "administer",
    summary: "Let projects choose a type",
  },
  removeBackupTargetTypeProjects: {
    scope: "project",
    methods: ["POST"],
    paths: ["/backup_target_types/{backup_target_type_id}/remove_projects"],
    rootPaths: [
      "/backup_target_types/{backup_target_type_id}/remove_projects",
      "/v1/backup_target_types/{backup_target_type_id}/remove_projects",
    ],
    params: typeParams,
    query: none,
    body: Type.Object({ remove_projects: ProjectIds }),
    reply: typeReply,
    status: 200,
    action: "backup_target_type:backup_target_type_remove_projects",
    effect: "administer",
    summary: "Let projects choose a type no more; their workloads stay on its target",
  },
  deleteBackupTargetType: {
    ...oneType,
    scope: "project",
    methods: ["DELETE"],
    params: typeParams,
    query: none,
    status: 202,
    action: "backup_target_type:backup_target_type_delete",
    effect: "administer",
    summary: "Delete a type that no workload chose; its target stays",
  },
} as const satisfies Record<string, Route>;

/** The operations on backup targets, and on the names by which workloads choose them. */
export const targetRoutes = { ...targetOperations, ...typeOperations } as const;
