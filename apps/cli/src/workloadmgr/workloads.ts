import { type Command, idOf, nothing, type Parameter } from "./command.ts";

const SUMMARY_FIELDS = [
  "id",
  "name",
  "description",
  "status",
  "workload_type_id",
  "project_id",
  "user_id",
  "created_at",
  "updated_at",
  "scheduler_trust",
] as const;

const DETAIL_FIELDS = [
  ...SUMMARY_FIELDS.slice(0, -1),
  "error_msg",
  "instances",
  "jobschedule",
  "scheduler_trust",
  "storage_usage",
  "metadata",
  "policy_id",
  "encryption",
  "secret_uuid",
] as const;

const naming: readonly Parameter[] = [
  { name: "--display-name", help: "name of the workload", to: "body.workload.name" },
  { name: "--display-description", help: "what it is for", to: "body.workload.description" },
];

const jobschedule: Parameter = {
  name: "--jobschedule",
  metavar: "key=value",
  help:
    "part of the schedule: start_date, end_date, start_time, interval, retention_policy_type, " +
    "retention_policy_value, fullbackup_interval, timezone, enabled; may be repeated",
  value: "pairs",
  repeated: true,
  to: "body.workload.jobschedule",
};

const tiers = ["hourly", "daily", "weekly", "monthly", "yearly", "manual"].map(
  (tier): Parameter => ({
    name: `--${tier}`,
    metavar: "key=value",
    help:
      tier === "manual"
        ? "limit of snapshots taken by hand: retention=N, retention_days_to_keep=N"
        : `${tier} part of a tiered schedule, such as retention=7; may be repeated`,
    value: "tier",
    repeated: true,
    to: `body.workload.jobschedule.${tier}`,
  }),
);

const scheduling: readonly Parameter[] = [
  jobschedule,
  ...tiers,
  {
    name: "--metadata",
    metavar: "key=value",
    help: "may be repeated",
    value: "pairs",
    repeated: true,
    to: "body.workload.metadata",
  },
  { name: "--policy-id", help: "policy whose schedule it gets", to: "body.workload.policy_id" },
];

const instance: Parameter = {
  name: "--instance",
  metavar: "instance",
  help: "instance-id=ID, or the id or name alone; may be repeated",
  value: "member",
  repeated: true,
  to: "body.workload.instances",
};

/** The commands on workloads. */
export const workloadCommands: readonly Command[] = [
  {
    name: "workload-type-list",
    openstack: "workload type list",
    summary: "List the types of workloads.",
    examples: [""],
    operation: "listWorkloadTypes",
    parameters: [],
    result: {
      kind: "list",
      at: "workload_types",
      columns: [
        ["ID", "id"],
        ["Name", "name"],
      ],
    },
  },
  {
    name: "workload-type-show",
    openstack: "workload type show",
    summary: "Show a type of workloads.",
    examples: ["2ddd528d-c9b4-4d7e-8722-cc395140255a"],
    operation: "showWorkloadType",
    parameters: [{ name: "workload_type_id", help: "id of the type", to: "path.workload_type_id" }],
    result: { kind: "item", at: "workload_type", fields: ["id", "name", "description"] },
  },
  {
    name: "workload-list",
    summary: "List workloads, newest first.",
    examples: ["", "-f value -c ID -c Status", "--all True"],
    operation: "listWorkloads",
    parameters: [
      {
        name: "--all",
        help: "of all projects; for administrators",
        value: "boolean",
        to: "query.all_workloads",
      },
    ],
    result: {
      kind: "list",
      at: "workloads",
      columns: [
        ["ID", "id"],
        ["Name", "name"],
        ["ProjectID", "project_id"],
        ["WorkloadTypeID", "workload_type_id"],
        ["Status", "status"],
        ["CreatedAt", "created_at"],
      ],
    },
  },
  {
    name: "workload-show",
    summary: "Show a workload, its instances, its schedule and what its snapshots occupy.",
    examples: ["web", "web -f value -c instances"],
    operation: "showWorkload",
    parameters: [
      idOf("workload"),
      { name: "--verbose", help: "every field of the reply", value: "boolean", to: "out.all" },
    ],
    result: { kind: "item", at: "workload", fields: DETAIL_FIELDS },
  },
  {
    name: "workload-create",
    summary: "Protect instances together.",
    examples: [
      "--display-name web instance-id=7c1de4a3-6d38-4ee8-a0ba-5dd4b2b4c2f3",
      "--display-name db --instance 7c1de4a3-6d38-4ee8-a0ba-5dd4b2b4c2f3 --jobschedule enabled=True " +
        "--jobschedule interval=24hrs",
    ],
    operation: "createWorkload",
    fixed: { "body.workload.source_platform": "openstack" },
    parameters: [
      {
        name: "instance-id",
        metavar: "instance-id=ID",
        help: "an instance to protect, by id or name; as many as there are",
        value: "member",
        repeated: true,
        to: "body.workload.instances",
      },
      ...naming,
      {
        name: "--workload-type-id",
        help: "serial (f82ce76f-17fe-438b-aa37-7a023058e50d) or parallel",
        to: "body.workload.workload_type_id",
      },
      {
        name: "--source-platform",
        help: "openstack",
        choices: ["openstack"],
        to: "body.workload.source_platform",
      },
      instance,
      ...scheduling,
      {
        name: "--encryption",
        help: "encrypt its backups with a secret of the project's",
        value: "boolean",
        to: "body.workload.encryption",
      },
      { name: "--secret-uuid", help: "id of the secret in Barbican", to: "body.workload.secret_uuid" },
      {
        name: "--backup-target-type",
        help: "where its backups go",
        to: "body.workload.backup_target_types",
      },
    ],
    result: { kind: "item", at: "workload", fields: SUMMARY_FIELDS },
  },
  {
    name: "workload-modify",
    summary: "Change a workload; what is not named stays.",
    examples: ["web --display-name shop", "web --jobschedule enabled=False"],
    operation: "modifyWorkload",
    parameters: [
      idOf("workload"),
      ...naming,
      { ...instance, help: `${instance.help}; these take the place of all former ones` },
      ...scheduling,
    ],
    result: nothing,
  },
  {
    name: "workload-delete",
    summary: "Delete a workload that has no snapshots.",
    examples: ["web", "web --database_only True"],
    operation: "deleteWorkload",
    parameters: [
      idOf("workload"),
      {
        name: "--database_only",
        help: "forget it, and keep its backups on the target",
        value: "boolean",
        to: "query.database_only",
      },
    ],
    result: nothing,
  },
  {
    name: "workload-snapshot",
    openstack: "workload snapshot create",
    summary: "Take a snapshot of a workload: incremental, unless it is the first or --full is given.",
    examples: ["web --display-name nightly", "web --full"],
    operation: "takeSnapshot",
    parameters: [
      idOf("workload"),
      { name: "--full", help: "read all disks whole", value: "flag", to: "query.full" },
      { name: "--display-name", help: "name of the snapshot", to: "body.snapshot.name" },
      { name: "--display-description", help: "what it is for", to: "body.snapshot.description" },
    ],
    fixed: { "body.snapshot.is_scheduled": false },
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
        "created_at",
        "progress_percent",
      ],
    },
  },
  ...onWorkload("workload-unlock", "unlockWorkload", "Make a workload available again that no run holds."),
  ...onWorkload(
    "workload-reset",
    "resetWorkload",
    "Forget what changed since the last snapshot: the next one reads all disks whole.",
  ),
  ...onWorkload("workload-pause", "pauseWorkload", "Switch a workload's schedule off; what it says stays."),
  ...onWorkload("workload-resume", "resumeWorkload", "Switch a workload's schedule on again."),
];

/** A command that takes a workload and prints nothing. */
function onWorkload(name: string, operation: Command["operation"], summary: string): Command[] {
  return [{ name, summary, examples: ["web"], operation, parameters: [idOf("workload")], result: nothing }];
}
