import { type Command, nothing, type Parameter } from "./command.ts";

/** In the order in which scripts read them with `-f value`. */
const QUOTA_FIELDS = [
  "allowed_value",
  "high_watermark",
  "id",
  "project_id",
  "quota_type_id",
  "quota_type_name",
  "version",
] as const;

const quotaId = (to: string): Parameter => ({ name: "allowed_quota_id", help: "id of the limit", to });

const amounts = (at: string): readonly Parameter[] => [
  {
    name: "--allowed-value",
    help: "at most so many (bytes of Storage); 0 forbids",
    value: "integer",
    to: `${at}.allowed_value`,
  },
  {
    name: "--high-watermark",
    help: "from so many on it warns",
    value: "integer",
    to: `${at}.high_watermark`,
  },
];

/** The commands on quotas. */
export const quotaCommands: readonly Command[] = [
  {
    name: "project-quota-type-list",
    openstack: "workload quota type list",
    summary: "List what can be limited.",
    examples: ["-f json"],
    operation: "listQuotaTypes",
    parameters: [],
    result: {
      kind: "list",
      at: "quota_types",
      columns: [
        ["ID", "id"],
        ["Name", "display_name"],
        ["Description", "display_description"],
        ["Status", "status"],
      ],
    },
  },
  {
    name: "project-quota-type-show",
    openstack: "workload quota type show",
    summary: "Show something that can be limited.",
    examples: ["1c5d4290-2e08-11ea-889c-7440bb00b67d"],
    operation: "showQuotaType",
    parameters: [{ name: "quota_type_id", help: "id of the type", to: "path.quota_type_id" }],
    result: {
      kind: "item",
      at: "quota_types.0",
      fields: ["id", ["name", "display_name"], ["description", "display_description"], "status", "version"],
    },
  },
  {
    name: "project-allowed-quota-create",
    openstack: "workload quota create",
    summary: "Limit a project; for administrators.",
    examples: [
      "--quota-type-id 1c5d4290-2e08-11ea-889c-7440bb00b67d --allowed-value 10 --high-watermark 8 " +
        "--project-id 0ee6ae1fb11045c0a8c56178f571d56f",
    ],
    operation: "createQuotas",
    parameters: [
      {
        name: "--quota-type-id",
        help: "what is limited",
        required: true,
        to: "body.allowed_quotas.0.quota_type_id",
      },
      ...amounts("body.allowed_quotas.0").map((each, at) =>
        at === 0 ? { ...each, required: true as const } : each,
      ),
      { name: "--project-id", help: "id of the project", required: true, to: "path.project_or_quota_id" },
    ],
    result: { kind: "item", at: "allowed_quotas.0", fields: QUOTA_FIELDS },
  },
  {
    name: "project-allowed-quota-update",
    openstack: "workload quota update",
    summary: "Change a limit, at once; for administrators.",
    examples: ["4f6a3b1c-2d4e-4f5a-8b7c-9d0e1f2a3b4c --allowed-value 20"],
    operation: "updateQuota",
    parameters: [
      quotaId("path.quota_id"),
      ...amounts("body.allowed_quotas"),
      { name: "--project-id", help: "id of its project", to: "body.allowed_quotas.project_id" },
    ],
    result: { kind: "item", at: "allowed_quotas.0", fields: QUOTA_FIELDS },
  },
  {
    name: "project-allowed-quota-list",
    openstack: "workload quota list",
    summary: "List the limits of a project.",
    examples: ["0ee6ae1fb11045c0a8c56178f571d56f"],
    operation: "listQuotas",
    parameters: [{ name: "project_id", help: "id of the project", to: "path.project_or_quota_id" }],
    result: {
      kind: "list",
      at: "allowed_quotas",
      columns: [
        ["ID", "id"],
        ["Quota Type", "quota_type_name"],
        ["Allowed Value", "allowed_value"],
        ["High Watermark", "high_watermark"],
        ["Project ID", "project_id"],
      ],
    },
  },
  {
    name: "project-allowed-quota-show",
    openstack: "workload quota show",
    summary: "Show a limit.",
    examples: ["4f6a3b1c-2d4e-4f5a-8b7c-9d0e1f2a3b4c -f value"],
    operation: "showQuota",
    parameters: [quotaId("path.quota_id")],
    result: { kind: "item", at: "allowed_quotas", fields: QUOTA_FIELDS },
  },
  {
    name: "project-allowed-quota-delete",
    openstack: "workload quota delete",
    summary: "Lift a limit; for administrators.",
    examples: ["4f6a3b1c-2d4e-4f5a-8b7c-9d0e1f2a3b4c"],
    operation: "deleteQuota",
    parameters: [quotaId("path.project_or_quota_id")],
    result: nothing,
  },
];
