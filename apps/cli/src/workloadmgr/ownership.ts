import type { Column, Command, Parameter } from "./command.ts";

const COLUMNS: readonly Column[] = [
  ["Name", "name"],
  ["ID", "id"],
  ["ProjectID", "project_id"],
  ["UserID", "user_id"],
];

/** In the folder in which the command is called. */
const MAP = "reassign_map.yaml";

const ofCloud = (to: string): Parameter => ({
  name: "--migrate_cloud",
  help: "True: those of other clouds, too",
  value: "boolean",
  to,
});

/** The commands that say whose workloads on backup targets are. */
export const ownershipCommands: readonly Command[] = [
  {
    name: "workload-get-importworkloads-list",
    openstack: "workload import list",
    summary: "List workloads of this cloud that are on backup targets and not here; for administrators.",
    examples: ["", "--project_id 4f9c0a7f2f0b4e4f8a3f0c1f6f1f0c11"],
    operation: "listImportableWorkloads",
    parameters: [{ name: "--project_id", help: "of this project alone", to: "query.project_id" }],
    result: { kind: "list", at: "workloads", columns: COLUMNS },
  },
  {
    name: "workload-importworkloads",
    openstack: "workload import start",
    summary: "Import workloads of this cloud from backup targets: those that are named, or all.",
    examples: ["", "--workloadids 5f0c0c54-7c9e-4a35-9f0e-6f1f37b6c6a0"],
    operation: "importWorkloads",
    // Without it there would be no body.
    fixed: { "body.upgrade": true },
    parameters: [
      {
        name: "--workloadids",
        help: "a workload to import; may be repeated",
        value: "list",
        repeated: true,
        to: "body.workload_ids",
      },
    ],
    result: {
      kind: "item",
      at: "workloads",
      fields: [
        ["imported_workloads", "imported_workloads", "json"],
        ["failed_workloads", "failed_workloads", "json"],
      ],
    },
  },
  {
    name: "workload-get-orphaned-workloads-list",
    openstack: "workload orphan list",
    summary: "List workloads on backup targets whose project, user or cloud is not here; for administrators.",
    examples: ["--migrate_cloud True", "--migrate_cloud True --generate_yaml True"],
    operation: "listOrphanedWorkloads",
    parameters: [
      ofCloud("query.migrate_cloud"),
      {
        name: "--generate_yaml",
        help: `True: write ${MAP}, too: a map to fill in for workload-reassign-workloads --map_file`,
        value: "boolean",
        to: "out.map",
      },
    ],
    result: { kind: "list", at: "workloads", columns: COLUMNS, map: MAP },
  },
  {
    name: "workload-reassign-workloads",
    openstack: "workload reassign",
    summary: "Give workloads to another project and user, on the backup target and here.",
    examples: [
      "--workload_ids 5f0c0c54-7c9e-4a35-9f0e-6f1f37b6c6a0 --new_tenant_id 77d1 --user_id 03ab",
      "--old_tenant_ids 4f9c --new_tenant_id 77d1 --user_id 03ab --migrate_cloud True",
      `--map_file ${MAP}`,
    ],
    operation: "reassignWorkloads",
    parameters: [
      {
        name: "--workload_ids",
        help: "a workload; may be repeated",
        value: "list",
        repeated: true,
        to: "body.0.workload_ids",
      },
      {
        name: "--old_tenant_ids",
        help: "all workloads of this project; may be repeated",
        value: "list",
        repeated: true,
        to: "body.0.old_tenant_ids",
      },
      {
        name: "--new_tenant_id",
        help: "project that they shall belong to",
        required: true,
        to: "body.0.new_tenant_id",
      },
      { name: "--user_id", help: "user that they shall belong to", required: true, to: "body.0.user_id" },
      ofCloud("body.0.migrate_cloud"),
      {
        name: "--map_file",
        help: "YAML file with many reassignments at once, in place of the other options",
        value: "yaml",
        alone: true,
        to: "body",
      },
    ],
    result: {
      kind: "item",
      at: "workloads",
      fields: [
        ["reassigned_workloads", "reassigned_workloads", "json"],
        ["failed_workloads", "failed_workloads", "json"],
      ],
    },
  },
];
