import { type Command, idOf, nothing, type Parameter, type Section } from "./command.ts";

const naming = (of: string): readonly Parameter[] => [
  { name: "--display-name", help: `name of the ${of}`, to: "body.restore.name" },
  { name: "--display-description", help: "what it is for", to: "body.restore.description" },
];

const RESTORE_FIELDS = [
  "id",
  "name",
  "description",
  "snapshot_id",
  "workload_id",
  "restore_type",
  "status",
  "host",
  "size",
  "uploaded_size",
  "progress_percent",
  "progress_msg",
  "warning_msg",
  "error_msg",
  "time_taken",
  "created_at",
  "updated_at",
  "finished_at",
  "project_id",
  "user_id",
] as const;

const made = (rows: string): Section => ({
  rows,
  columns: [
    ["ID", "0.id"],
    ["Name", "0.name"],
    ["Original ID", "0.original_id"],
  ],
});

/** The commands on snapshots. */
export const snapshotCommands: readonly Command[] = [
  {
    name: "snapshot-list",
    summary: "List snapshots, newest first.",
    examples: ["--workload_id web", "--date_from 2026-06-01T00:00:00 -f json"],
    operation: "listSnapshots",
    parameters: [
      {
        name: "--workload_id",
        help: "of this workload (id or name)",
        find: "workload",
        to: "query.workload_id",
      },
      { name: "--tvault_node", help: "those that this host took", to: "filter.host" },
      { name: "--date_from", help: "taken at or after YYYY-MM-DDTHH:MM:SS (UTC)", to: "query.date_from" },
      { name: "--date_to", help: "taken at or before YYYY-MM-DDTHH:MM:SS (UTC)", to: "query.date_to" },
      { name: "--all", help: "of all projects; for administrators", value: "boolean", to: "query.all" },
    ],
    result: {
      kind: "list",
      at: "snapshots",
      columns: [
        ["Created At", "created_at"],
        ["Name", "name"],
        ["ID", "id"],
        ["Workload ID", "workload_id"],
        ["Snapshot Type", "snapshot_type"],
        ["Status", "status"],
        ["Host", "host"],
      ],
    },
  },
  {
    name: "snapshot-show",
    summary: "Show a snapshot, and with --output its networks, disks or metadata.",
    examples: ["nightly", "nightly --output networks,disks"],
    operation: "showSnapshot",
    parameters: [
      idOf("snapshot"),
      {
        name: "--output",
        metavar: "networks,disks,metadata",
        help: "further tables, with commas",
        value: "list",
        choices: ["networks", "disks", "metadata"],
        to: "out.sections",
      },
    ],
    result: {
      kind: "item",
      at: "snapshot",
      fields: [
        "id",
        "name",
        "description",
        "workload_id",
        "snapshot_type",
        "status",
        "host",
        "size",
        "restore_size",
        "uploaded_size",
        "progress_percent",
        "progress_msg",
        "warning_msg",
        "error_msg",
        "time_taken",
        "created_at",
        "updated_at",
        "finished_at",
        "project_id",
        "user_id",
      ],
      sections: {
        networks: {
          rows: "instances.*.nics.*",
          columns: [
            ["VM", "0.name"],
            ["Network", "1.network.name"],
            ["Network ID", "1.network.id"],
            ["MAC", "1.mac_address"],
            ["IP", "1.ip_address"],
          ],
        },
        disks: {
          rows: "instances.*.vdisks.*",
          columns: [
            ["VM", "0.name"],
            ["Device", "1.disk"],
            ["Volume ID", "1.volume_id"],
            ["Volume Name", "1.volume_name"],
            ["Volume Type", "1.volume_type"],
            ["Restore Size", "1.restore_size"],
          ],
        },
        metadata: {
          rows: "metadata.*",
          columns: [
            ["Key", "0.key"],
            ["Value", "0.value"],
          ],
        },
      },
    },
  },
  {
    name: "snapshot-delete",
    summary: "Delete a snapshot; all others stay complete.",
    examples: ["nightly"],
    operation: "deleteSnapshot",
    parameters: [idOf("snapshot")],
    result: nothing,
  },
  {
    name: "snapshot-cancel",
    summary: "Cancel a snapshot that is being taken, or its mount.",
    examples: ["nightly"],
    operation: "cancelSnapshot",
    parameters: [idOf("snapshot")],
    result: nothing,
  },
  {
    name: "snapshot-reset",
    summary: "End a snapshot that hangs: what it made is removed, and it is an error. For administrators.",
    examples: ["--snapshot_id nightly"],
    operation: "resetSnapshot",
    parameters: [{ ...idOf("snapshot"), name: "--snapshot_id", required: true }],
    result: nothing,
  },
  restoring({
    name: "snapshot-oneclick-restore",
    summary: "Make all instances of a snapshot again, as they were; they must be gone.",
    kind: "oneclick",
  }),
  restoring({
    name: "snapshot-selective-restore",
    summary: "Make chosen instances of a snapshot anew, as a file says.",
    kind: "selective",
    file: true,
  }),
  restoring({
    name: "snapshot-inplace-restore",
    summary: "Write chosen disks of instances that still exist back to the snapshot's state, as a file says.",
    kind: "inplace",
    file: true,
  }),
  restoring({
    name: "restore-network-topology",
    summary: "Make networks, subnets and routers again that are gone, and no instance.",
    kind: "selective",
    fixed: { "body.restore.options.openstack.restore_topology": true },
  }),
  restoring({
    name: "restore-security-groups",
    summary: "Make security groups again that are gone or lost rules, and no instance.",
    kind: "selective",
    fixed: { "body.restore.options.openstack.restore_security_groups": true },
    called: "Security Groups Restore",
  }),
];

/** The commands on restores. */
export const restoreCommands: readonly Command[] = [
  {
    name: "restore-list",
    summary: "List restores, newest first.",
    examples: ["", "--snapshot_id nightly"],
    operation: "listRestores",
    parameters: [
      {
        name: "--snapshot_id",
        help: "of this snapshot (id or name)",
        find: "snapshot",
        to: "query.snapshot_id",
      },
    ],
    result: {
      kind: "list",
      at: "restores",
      columns: [
        ["Created At", "created_at"],
        ["Name", "name"],
        ["ID", "id"],
        ["Snapshot ID", "snapshot_id"],
        ["Size", "size"],
        ["Status", "status"],
      ],
    },
  },
  {
    name: "restore-show",
    summary: "Show a restore, and with --output what it made.",
    examples: ["back", "back --output networks,subnets"],
    operation: "showRestore",
    parameters: [
      idOf("restore"),
      {
        name: "--output",
        metavar: "networks,subnets,routers,flavors",
        help: "further tables, with commas",
        value: "list",
        choices: ["networks", "subnets", "routers", "flavors"],
        to: "out.sections",
      },
    ],
    result: {
      kind: "item",
      at: "restore",
      fields: [...RESTORE_FIELDS, "instances"],
      sections: {
        networks: made("networks.*"),
        subnets: made("subnets.*"),
        routers: made("routers.*"),
        flavors: made("flavors.*"),
      },
    },
  },
  {
    name: "restore-delete",
    summary: "Delete the record of a restore; what it restored stays.",
    examples: ["back"],
    operation: "deleteRestore",
    parameters: [idOf("restore")],
    result: nothing,
  },
  {
    name: "restore-cancel",
    summary: "Cancel a running restore; what it made is removed.",
    examples: ["back"],
    operation: "cancelRestore",
    parameters: [idOf("restore")],
    result: nothing,
  },
];

interface Restoring {
  readonly name: string;
  readonly summary: string;
  readonly kind: "oneclick" | "selective" | "inplace";
  readonly file?: true;
  readonly fixed?: Readonly<Record<string, boolean>>;
  /** The name that the restore has when none is given. */
  readonly called?: string;
}

/** A command that starts a restore. */
function restoring({ name, summary, kind, file, fixed, called }: Restoring): Command {
  const [named, described] = naming("restore");
  const filename: Parameter = {
    name: "--filename",
    metavar: "restore.json",
    help: "what to restore, as JSON or as a literal of Python; restore.json unless given",
    value: "document",
    otherwise: "restore.json",
    to: "body.restore.options",
  };
  return {
    name,
    summary,
    examples: file === true ? ["nightly --filename restore.json"] : ["nightly --display-name back"],
    operation: "createRestore",
    parameters: [
      idOf("snapshot"),
      ...(named === undefined ? [] : [called === undefined ? named : { ...named, otherwise: called }]),
      ...(described === undefined ? [] : [described]),
      ...(file === true ? [filename] : []),
    ],
    fixed: {
      "body.restore.options.type": "openstack",
      "body.restore.options.restore_type": kind,
      "body.restore.options.oneclickrestore": kind === "oneclick",
      ...fixed,
    },
    result: { kind: "item", at: "restore", fields: RESTORE_FIELDS },
  };
}
