import type { QuotaType } from "@cairn/domain";
import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const quotaParams = Type.Object({ quota_id: WireId });
/** Reading and creating name a project here, deletion a quota: existing clients have both at one place. */
const ownerParams = Type.Object({ project_or_quota_id: WireId });

interface QuotaTypeInfo {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

/** The types of quotas as clients know them: ids and names are the same in every installation. */
export const QUOTA_TYPE_INFO: Readonly<Record<QuotaType, QuotaTypeInfo>> = {
  workloads: {
    id: "1c5d4290-2e08-11ea-889c-7440bb00b67d",
    name: "Workloads",
    description: "Workloads of the project",
  },
  snapshots: {
    id: "b7273a06-2e08-11ea-889c-7440bb00b67d",
    name: "Snapshots",
    description: "Snapshots of the project's workloads",
  },
  instances: {
    id: "be323f58-2e08-11ea-889c-7440bb00b67d",
    name: "VMs",
    description: "Instances in the project's workloads",
  },
  volumes: {
    id: "c61324d0-2e08-11ea-889c-7440bb00b67d",
    name: "Volumes",
    description: "Volumes attached to instances in the project's workloads",
  },
  storage: {
    id: "f02dd7a6-2e08-11ea-889c-7440bb00b67d",
    name: "Storage",
    description: "Bytes that the project's snapshots store",
  },
};

const QuotaTypeRow = Type.Object({
  id: WireId,
  display_name: Type.String(),
  display_description: Type.String(),
  status: Type.Literal("available"),
  created_at: Timestamp,
  updated_at: nullable(Timestamp),
  deleted_at: nullable(Timestamp),
  deleted: Type.Boolean(),
  version: Type.String(),
});
export type QuotaTypeRow = Static<typeof QuotaTypeRow>;

/** Below 2^53, so that every client reads it exactly. */
const Amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** A limit of one project; existing clients count its keys. */
export const AllowedQuota = Type.Object({
  id: WireId,
  project_id: WireId,
  quota_type_id: WireId,
  quota_type_name: Type.String(),
  allowed_value: Amount,
  high_watermark: Amount,
  version: Type.String(),
});
export type AllowedQuota = Static<typeof AllowedQuota>;

export const CreateQuotas = Type.Object({
  allowed_quotas: Type.Array(
    Type.Object({
      project_id: Type.Optional(WireId),
      quota_type_id: WireId,
      allowed_value: Amount,
      high_watermark: Type.Optional(Amount),
    }),
    { minItems: 1, maxItems: 5 },
  ),
});
export type CreateQuotas = Static<typeof CreateQuotas>;

/** What is absent stays. */
export const UpdateQuota = Type.Object({
  allowed_quotas: Type.Object({
    project_id: Type.Optional(WireId),
    allowed_value: Type.Optional(Amount),
    high_watermark: Type.Optional(Amount),
  }),
});
export type UpdateQuota = Static<typeof UpdateQuota>;

/** How much of one type a project uses. */
export const QuotaUsage = Type.Object({
  quota_type_id: WireId,
  quota_type_name: Type.String(),
  used: Amount,
  allowed_value: nullable(Type.Integer({ description: "null: no limit" })),
  high_watermark: nullable(Type.Integer()),
  is_above_watermark: Type.Boolean(),
  above_since: nullable(Timestamp),
});
export type QuotaUsage = Static<typeof QuotaUsage>;

const typesReply = Type.Object({ quota_types: Type.Array(QuotaTypeRow) });
const quotasReply = Type.Object({ allowed_quotas: Type.Array(AllowedQuota) });

/** The operations on what projects may use. Projects read their own; administrators set all. */
export const quotaRoutes = {
  listQuotaTypes: {
    scope: "project",
    methods: ["GET"],
    paths: ["/project_quota_types", "/projects_quota_types"],
    params: none,
    query: none,
    reply: typesReply,
    status: 200,
    action: "workload:project_quota_type_list",
    effect: "read",
    summary: "List what quotas there can be",
  },
  showQuotaType: {
    scope: "project",
    methods: ["GET"],
    paths: ["/project_quota_types/{quota_type_id}", "/projects_quota_types/{quota_type_id}"],
    params: Type.Object({ quota_type_id: WireId }),
    query: none,
    reply: typesReply,
    status: 200,
    action: "workload:project_quota_type_get",
    effect: "read",
    summary: "Show a type of quota",
  },
  listQuotas: {
    scope: "project",
    methods: ["GET"],
    paths: ["/project_allowed_quotas/{project_or_quota_id}"],
    params: ownerParams,
    query: none,
    reply: quotasReply,
    status: 200,
    action: "workload:allowed_quota_list",
    effect: "read",
    summary: "List the limits of a project; of other projects administrators only",
  },
  createQuotas: {
    scope: "project",
    methods: ["POST"],
    paths: ["/project_allowed_quotas/{project_or_quota_id}"],
    params: ownerParams,
    query: none,
    body: CreateQuotas,
    reply: quotasReply,
    status: 200,
    action: "workload:allowed_quota_create",
    effect: "administer",
    summary: "Limit a project; 0 forbids",
  },
  showQuota: {
    scope: "project",
    methods: ["GET"],
    paths: ["/project_allowed_quota/{quota_id}"],
    params: quotaParams,
    query: none,
    reply: Type.Object({ allowed_quotas: AllowedQuota }),
    status: 200,
    action: "workload:allowed_quota_get",
    effect: "read",
    summary: "Show a limit",
  },
  updateQuota: {
    scope: "project",
    methods: ["PUT"],
    paths: ["/update_allowed_quota/{quota_id}"],
    params: quotaParams,
    query: none,
    body: UpdateQuota,
    reply: quotasReply,
    status: 202,
    action: "workload:allowed_quota_update",
    effect: "administer",
    summary: "Change a limit, at once",
  },
  deleteQuota: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/project_allowed_quotas/{project_or_quota_id}"],
    params: ownerParams,
    query: none,
    status: 202,
    action: "workload:allowed_quota_delete",
    effect: "administer",
    summary: "Lift a limit, by its own id",
  },
  showQuotaUsage: {
    scope: "project",
    methods: ["GET"],
    paths: ["/project_quota_usage/{quota_project_id}"],
    params: Type.Object({ quota_project_id: WireId }),
    query: none,
    reply: Type.Object({ quota_usage: Type.Array(QuotaUsage) }),
    status: 200,
    action: "workload:allowed_quota_list",
    effect: "read",
    summary: "Show how much of each type a project uses, its limits and watermarks",
  },
} as const satisfies Record<string, Route>;
