import { type Command, nothing, type Parameter } from "./command.ts";

const POLICY_FIELDS = [
  "id",
  "name",
  "description",
  "status",
  "field_values",
  "policy_assignments",
  "metadata",
  "project_id",
  "user_id",
  "created_at",
  "updated_at",
] as const;

const policyId: Parameter = { name: "policy_id", help: "id of the policy", to: "path.policy_id" };

const TIERS = ["hourly", "daily", "weekly", "monthly", "yearly", "manual"];

/** What a policy says, under the name that its request has for it. */
const saying = (envelope: string): readonly Parameter[] => [
  {
    name: "--policy-fields",
    metavar: "key=value",
    help: "fullbackup_interval, interval, retention_policy_type or retention_policy_value; may be repeated",
    value: "pairs",
    repeated: true,
    to: `body.${envelope}.field_values`,
  },
  ...TIERS.map(
    (tier): Parameter => ({
      name: `--${tier}`,
      metavar: "key=value",
      help: "part of a tier, in place of --policy-fields; may be repeated",
      value: "tier",
      repeated: true,
      to: `body.${envelope}.field_values.${tier}`,
    }),
  ),
  { name: "--display-description", help: "what it is for", to: `body.${envelope}.display_description` },
  {
    name: "--metadata",
    metavar: "key=value",
    help: "may be repeated",
    value: "pairs",
    repeated: true,
    to: `body.${envelope}.metadata`,
  },
];

/** The commands on policies. */
export const policyCommands: readonly Command[] = [
  {
    name: "policy-create",
    summary: "Publish a schedule and retention; for administrators.",
    examples: [
      "gold --policy-fields interval=24hrs --policy-fields retention_policy_value=30 " +
        "--policy-fields fullbackup_interval=7",
      "gold --hourly interval=6 --hourly retention=8",
    ],
    operation: "createPolicy",
    parameters: [
      {
        name: "display_name",
        help: "name of the policy",
        to: "body.workload_policy.display_name",
      },
      ...saying("workload_policy"),
    ],
    result: { kind: "item", at: "policy", fields: POLICY_FIELDS },
  },
  {
    name: "policy-update",
    summary: "Change a policy that no workload follows; for administrators.",
    examples: ["5f6a3b1c-2d4e-4f5a-8b7c-9d0e1f2a3b4c --policy-fields interval=12hrs"],
    operation: "updatePolicy",
    parameters: [
      policyId,
      { name: "--display-name", help: "new name", to: "body.policy.display_name" },
      ...saying("policy"),
    ],
    result: { kind: "item", at: "policy", fields: POLICY_FIELDS },
  },
  {
    name: "policy-list",
    summary: "List the policies that the project may choose; for administrators all.",
    examples: [""],
    operation: "listPolicies",
    parameters: [],
    result: {
      kind: "list",
      at: "policy_list",
      columns: [
        ["ID", "id"],
        ["Name", "name"],
        ["Status", "status"],
        ["Description", "description"],
        ["CreatedAt", "created_at"],
      ],
    },
  },
  {
    name: "policy-show",
    summary: "Show a policy.",
    examples: ["5f6a3b1c-2d4e-4f5a-8b7c-9d0e1f2a3b4c"],
    operation: "showPolicy",
    parameters: [policyId],
    result: { kind: "item", at: "policy", fields: POLICY_FIELDS },
  },
  {
    name: "policy-delete",
    summary: "Delete a policy that no workload follows; for administrators.",
    examples: ["5f6a3b1c-2d4e-4f5a-8b7c-9d0e1f2a3b4c"],
    operation: "deletePolicy",
    parameters: [policyId],
    result: nothing,
  },
  {
    name: "policy-assign",
    summary: "Give a policy to projects, or take it from them; for administrators.",
    examples: ["5f6a3b1c-2d4e-4f5a-8b7c-9d0e1f2a3b4c --add_project 0ee6ae1fb11045c0a8c56178f571d56f"],
    operation: "assignPolicy",
    parameters: [
      policyId,
      {
        name: "--add_project",
        help: "id of a project that may choose it; may be repeated",
        value: "list",
        repeated: true,
        to: "body.policy.add_projects",
      },
      {
        name: "--remove_project",
        help: "id of a project that may choose it no more; may be repeated",
        value: "list",
        repeated: true,
        to: "body.policy.remove_projects",
      },
    ],
    result: { kind: "item", at: "policy", fields: ["id", "name", "policy_assignments"] },
  },
  {
    name: "list-assigned-policies",
    openstack: "workload policy assigned list",
    summary: "List the policies that a project may choose.",
    examples: ["0ee6ae1fb11045c0a8c56178f571d56f"],
    operation: "listAssignedPolicies",
    parameters: [{ name: "project_id", help: "id of the project", to: "path.assigned_project_id" }],
    result: {
      kind: "list",
      at: "policies",
      columns: [
        ["ID", "policy_id"],
        ["Name", "policy_name"],
        ["Deleted", "deleted"],
        ["CreatedAt", "created_at"],
      ],
    },
  },
];
