import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { Label, nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const policyParams = Type.Object({ policy_id: WireId });

/** What every row of the reference product's database shows of itself. */
const audit = {
  created_at: Timestamp,
  updated_at: nullable(Timestamp),
  deleted_at: nullable(Timestamp),
  deleted: Type.Boolean(),
  version: Type.String(),
};

/** What a policy decides, by the names of a `jobschedule`. */
export const PolicyFields = Type.Record(Type.String(), Type.Unknown(), {
  description:
    "Classic: fullbackup_interval (-1 first only, 0 always, N after so many incrementals), interval " +
    "(24hrs), retention_policy_type (Number of Snapshots to Keep | Number of days to retain Snapshots), " +
    "retention_policy_value; what is absent has its default. Tiered: hourly, daily, weekly, monthly, " +
    "yearly, manual, as in a jobschedule.",
});

const FieldValue = Type.Object({
  ...audit,
  id: WireId,
  policy_id: WireId,
  policy_field_name: Type.String(),
  value: Type.Unknown({ description: "text; of a tier an object" }),
});

export const PolicyAssignment = Type.Object({
  ...audit,
  id: WireId,
  policy_id: WireId,
  policy_name: Type.String(),
  project_id: WireId,
});
export type PolicyAssignment = Static<typeof PolicyAssignment>;

/** A schedule and retention that operators publish. */
export const Policy = Type.Object({
  id: WireId,
  name: Type.String(),
  description: Type.String(),
  status: Type.Literal("available"),
  user_id: WireId,
  project_id: WireId,
  created_at: Timestamp,
  updated_at: Timestamp,
  field_values: Type.Array(FieldValue),
  metadata: Type.Array(
    Type.Object({ ...audit, id: WireId, policy_id: WireId, key: Type.String(), value: Type.String() }),
  ),
  policy_assignments: Type.Array(PolicyAssignment, {
    description: "projects that may choose it; who is no administrator sees their own",
  }),
});
export type Policy = Static<typeof Policy>;

const MetadataMap = Type.Record(Type.String(), Type.Unknown());
const description = Type.Optional(Type.String({ maxLength: 4096 }));

export const CreatePolicy = Type.Object({
  workload_policy: Type.Object({
    display_name: Type.String({ minLength: 1, maxLength: 255 }),
    display_description: description,
    field_values: PolicyFields,
    metadata: Type.Optional(MetadataMap),
  }),
});
export type CreatePolicy = Static<typeof CreatePolicy>;

/** What is absent stays. */
export const UpdatePolicy = Type.Object({
  policy: Type.Object({
    display_name: Type.Optional(Label),
    display_description: description,
    field_values: Type.Optional(PolicyFields),
    metadata: Type.Optional(MetadataMap),
  }),
});
export type UpdatePolicy = Static<typeof UpdatePolicy>;

const projects = Type.Optional(Type.Array(WireId, { maxItems: 1000 }));
export const AssignPolicy = Type.Object({
  policy: Type.Object({ add_projects: projects, remove_projects: projects }),
});
export type AssignPolicy = Static<typeof AssignPolicy>;

const policyReply = Type.Object({ policy: Policy });

/** The operations on policies; existing clients expect 202 of each, also of those that read. */
export const policyRoutes = {
  listPolicies: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workload_policy"],
    params: none,
    query: Type.Object(page),
    reply: Type.Object({ policy_list: Type.Array(Policy) }),
    status: 202,
    action: "workload:policy_list",
    effect: "read",
    summary: "List the policies that the project may choose; for administrators all, newest first",
  },
  createPolicy: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workload_policy"],
    params: none,
    query: none,
    body: CreatePolicy,
    reply: policyReply,
    status: 202,
    action: "workload:policy_create",
    effect: "administer",
    summary: "Make a policy; nobody can choose it before it is assigned",
  },
  listAssignedPolicies: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workload_policy/assigned/{assigned_project_id}"],
    params: Type.Object({ assigned_project_id: WireId }),
    query: Type.Object(page),
    reply: Type.Object({ policies: Type.Array(PolicyAssignment) }),
    status: 202,
    action: "workload:policy_list_assigned",
    effect: "read",
    summary: "List what a project may choose, a marker is a policy_id; of other projects administrators only",
  },
  showPolicy: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workload_policy/{policy_id}"],
    params: policyParams,
    query: none,
    reply: policyReply,
    status: 202,
    action: "workload:policy_get",
    effect: "read",
    summary: "Show a policy",
  },
  updatePolicy: {
    scope: "project",
    methods: ["PUT"],
    paths: ["/workload_policy/{policy_id}"],
    params: policyParams,
    query: none,
    body: UpdatePolicy,
    reply: policyReply,
    status: 202,
    action: "workload:policy_update",
    effect: "administer",
    summary: "Change a policy that no workload follows",
  },
  deletePolicy: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/workload_policy/{policy_id}"],
    params: policyParams,
    query: none,
    status: 202,
    action: "workload:policy_delete",
    effect: "administer",
    summary: "Delete a policy that no workload follows and no project may choose",
  },
  assignPolicy: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workload_policy/{policy_id}/assign"],
    params: policyParams,
    query: none,
    body: AssignPolicy,
    reply: Type.Object({
      policy: Policy,
      failed_ids: Type.Array(WireId, { description: "projects to add that Keystone does not know" }),
    }),
    status: 202,
    action: "workload:policy_assign",
    effect: "administer",
    summary: "Give a policy to projects and take it from others; a project that has some must choose one",
  },
} as const satisfies Record<string, Route>;
