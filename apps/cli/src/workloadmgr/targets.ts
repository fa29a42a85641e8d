import { type Command, nothing, type Parameter } from "./command.ts";

const TARGET_FIELDS = [
  "id",
  "type",
  "btt_name",
  "status",
  "is_default",
  "immutable",
  "filesystem_export",
  "filesystem_export_mount_path",
  "nfs_mount_opts",
  "s3_endpoint_url",
  "s3_bucket",
  "secret_ref",
  "capacity",
  "used",
  "error",
  "warnings",
  "metadata",
  "created_at",
  "updated_at",
] as const;
const TYPE_FIELDS = [
  "id",
  "name",
  "description",
  "is_public",
  "is_default",
  "backup_targets_id",
  "backup_target_type_metadata",
  "backup_target_type_projects",
  "created_at",
  "updated_at",
] as const;

const TARGET = "8d3c1b2a-4e5f-4a6b-9c7d-0e1f2a3b4c5d";
const TYPE = "9e4d2c3b-5f6a-4b7c-8d9e-1f2a3b4c5d6e";
const targetId: Parameter = {
  name: "backup_target_id",
  help: "id of the target",
  to: "path.backup_target_id",
};
const typeId: Parameter = {
  name: "backup_target_type_id",
  help: "id of the type",
  to: "path.backup_target_type_id",
};

/** An option whose value is a field of the target. */
const ofTarget = (name: string, help: string): Parameter => ({
  name,
  help,
  to: `body.backup_target.${name.slice(2).replaceAll("-", "_")}`,
});

const changeable: readonly Parameter[] = [
  ofTarget("--nfs-mount-opts", "options of the mount"),
  ofTarget("--secret-ref", "secret with the keys of the bucket"),
  {
    name: "--default",
    help: "the target of workloads that name none",
    value: "flag",
    to: "body.backup_target.is_default",
  },
];

const targetCommands: readonly Command[] = [
  {
    name: "backup-target-create",
    openstack: "workload backup target create",
    summary: "Add a backup target, and a type of its name; for administrators.",
    examples: ["--type nfs --filesystem-export 10.0.0.5:/backups --btt-name gold --default"],
    operation: "createBackupTarget",
    parameters: [
      {
        name: "--type",
        help: "what it is",
        choices: ["nfs", "s3", "directory"],
        required: true,
        to: "body.backup_target.type",
      },
      ofTarget("--btt-name", "name of its first type"),
      ofTarget("--s3-endpoint-url", "address of the object store"),
      ofTarget("--s3-bucket", "its bucket"),
      ofTarget("--filesystem-export", "NFS export, HOST:/PATH"),
      ofTarget("--filesystem-export-mount-path", "where engines and compute nodes have it"),
      { name: "--immutable", help: "lock its objects", value: "flag", to: "body.backup_target.immutable" },
      ...changeable,
    ],
    result: { kind: "item", at: "backup_target", fields: TARGET_FIELDS },
  },
  {
    name: "backup-target-list",
    openstack: "workload backup target list",
    summary: "List backup targets; for administrators.",
    examples: [""],
    operation: "listBackupTargets",
    parameters: [],
    result: {
      kind: "list",
      at: "backup_targets",
      columns: [
        ["ID", "id"],
        ["Type", "type"],
        ["Backend Endpoint", "filesystem_export|s3_endpoint_url|s3_bucket|filesystem_export_mount_path"],
        ["Status", "status"],
        ["Is Default", "is_default"],
      ],
    },
  },
  {
    name: "backup-target-show",
    openstack: "workload backup target show",
    summary: "Show a backup target: whether it is online, and how full; for administrators.",
    examples: [TARGET],
    operation: "showBackupTarget",
    parameters: [targetId],
    result: { kind: "item", at: "backup_target", fields: TARGET_FIELDS },
  },
  {
    name: "backup-target-update",
    openstack: "workload backup target update",
    summary: "Change what opens a backup target; for administrators.",
    examples: [`${TARGET} --default`],
    operation: "updateBackupTarget",
    parameters: [targetId, ...changeable],
    result: { kind: "item", at: "backup_target", fields: TARGET_FIELDS },
  },
  {
    name: "backup-target-delete",
    openstack: "workload backup target delete",
    summary: "Forget a backup target that nothing uses; what lies on it stays; for administrators.",
    examples: [TARGET],
    operation: "deleteBackupTarget",
    parameters: [targetId],
    result: nothing,
  },
];

/** A command that gives a type to projects, or takes it from them. */
function projectsOf(verb: "add" | "remove", summary: string): Command {
  return {
    name: `backup-target-type-${verb}-projects`,
    openstack: `workload backup target type ${verb} projects`,
    summary,
    examples: [`${TYPE} --project-id 0ee6ae1fb11045c0a8c56178f571d56f`],
    operation: verb === "add" ? "addBackupTargetTypeProjects" : "removeBackupTargetTypeProjects",
    parameters: [
      typeId,
      {
        name: "--project-id",
        help: "id of a project; may be repeated",
        value: "list",
        repeated: true,
        required: true,
        to: `body.${verb}_projects`,
      },
    ],
    result: { kind: "item", at: "backup_target_type", fields: TYPE_FIELDS },
  };
}

/** The commands on backup targets and on the names by which workloads choose them. */
export const backupTargetCommands: readonly Command[] = [
  ...targetCommands,
  {
    name: "backup-target-type-list",
    openstack: "workload backup target type list",
    summary: "List the types of backup targets that the project may choose.",
    examples: [""],
    operation: "listBackupTargetTypes",
    parameters: [],
    result: {
      kind: "list",
      at: "backup_target_types",
      columns: [
        ["ID", "id"],
        ["Name", "name"],
        ["Backup Target ID", "backup_targets_id"],
        ["Is Public", "is_public"],
        ["Is Default", "is_default"],
      ],
    },
  },
  {
    name: "backup-target-type-create",
    openstack: "workload backup target type create",
    summary: "Give a backup target another name; for administrators.",
    examples: [`--name silver --backup-target-id ${TARGET} --is-public False`],
    operation: "createBackupTargetType",
    parameters: [
      { name: "--name", help: "the name", required: true, to: "body.backup_target_type.name" },
      {
        name: "--backup-target-id",
        help: "id of the target",
        required: true,
        to: "body.backup_target_type.backup_targets_id",
      },
      { name: "--description", help: "what it is for", to: "body.backup_target_type.description" },
      {
        name: "--is-public",
        help: "for all projects, which it is unless told",
        value: "boolean",
        to: "body.backup_target_type.is_public",
      },
    ],
    result: { kind: "item", at: "backup_target_type", fields: TYPE_FIELDS },
  },
  {
    name: "backup-target-type-show",
    openstack: "workload backup target type show",
    summary: "Show a type of backup targets.",
    examples: [TYPE],
    operation: "showBackupTargetType",
    parameters: [typeId],
    result: { kind: "item", at: "backup_target_type", fields: TYPE_FIELDS },
  },
  projectsOf("add", "Let projects choose a type; for administrators."),
  projectsOf("remove", "Let projects choose a type no more; for administrators."),
];
