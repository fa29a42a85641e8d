import { type Command, idOf, nothing } from "./command.ts";

const TRUST_FIELDS = [
  "name",
  "value",
  "description",
  "category",
  "type",
  "status",
  "version",
  "user_id",
  "project_id",
  "metadata",
  "created_at",
  "updated_at",
] as const;

const trustName = { name: "trust_id", help: "name of the trust: trust-…", to: "path.trust_name" } as const;

/** The commands on what lets schedules run. */
export const schedulingCommands: readonly Command[] = [
  {
    name: "scheduler-trust-validate",
    openstack: "workload scheduler trust validate",
    summary: "Tell whether a workload's schedule can run for its owner.",
    examples: ["web"],
    operation: "validateTrust",
    parameters: [idOf("workload")],
    result: { kind: "literal", fields: ["scheduler_enabled", "trust", "is_valid", "scheduler_obj"] },
  },
  {
    name: "get-global-job-scheduler",
    openstack: "workload global job scheduler show",
    summary: "Tell whether schedules start snapshots in this cloud.",
    examples: [""],
    operation: "showGlobalJobScheduler",
    parameters: [],
    result: { kind: "item", at: "", fields: ["global_job_scheduler"] },
  },
  {
    name: "enable-global-job-scheduler",
    openstack: "workload global job scheduler enable",
    summary: "Let schedules start snapshots; for administrators.",
    examples: [""],
    operation: "enableGlobalJobScheduler",
    parameters: [],
    result: { kind: "item", at: "", fields: ["global_job_scheduler"] },
  },
  {
    name: "disable-global-job-scheduler",
    openstack: "workload global job scheduler disable",
    summary: "Start no scheduled snapshots, those taken by hand go on; for administrators.",
    examples: [""],
    operation: "disableGlobalJobScheduler",
    parameters: [],
    result: { kind: "item", at: "", fields: ["global_job_scheduler"] },
  },
  {
    name: "trust-list",
    summary: "List the trusts of the project's users.",
    examples: ["", "-f json"],
    operation: "listTrusts",
    parameters: [],
    result: {
      kind: "list",
      at: "trust",
      columns: [
        ["TrustID", "name"],
        ["WLM User", "user_id"],
        ["ProjectID", "project_id"],
        ["Role", "metadata.0.value"],
        ["CreatedAt", "created_at"],
      ],
    },
  },
  {
    name: "trust-show",
    summary: "Show a trust.",
    examples: ["trust-1b1d8e7e-9f0a-4d4e-b7d5-6f4c5a1e2b3c"],
    operation: "showTrust",
    parameters: [trustName],
    result: { kind: "item", at: "trust", fields: TRUST_FIELDS },
  },
  {
    name: "trust-create",
    summary: "Let the service act for you in the project; takes the place of a former trust.",
    examples: ["member", "member,creator -f json"],
    operation: "createTrust",
    parameters: [
      { name: "role_name", help: "roles of the token, with commas", to: "body.trusts.role_name" },
      {
        name: "--is_cloud_trust",
        help: "accepted: the service has an account of its own",
        value: "boolean",
        to: "body.trusts.is_cloud_trust",
      },
    ],
    result: { kind: "item", at: "trust.0", fields: TRUST_FIELDS },
  },
  {
    name: "trust-delete",
    summary: "Delete a trust of yours: your schedules run no more.",
    examples: ["trust-1b1d8e7e-9f0a-4d4e-b7d5-6f4c5a1e2b3c"],
    operation: "deleteTrust",
    parameters: [trustName],
    result: nothing,
  },
];
