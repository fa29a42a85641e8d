import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const trustParams = Type.Object({ trust_name: WireId });

/** How the service acts for a user who is not there, as the row of settings that existing clients read. */
export const Trust = Type.Object({
  name: Type.String({ description: "trust-, and Keystone's id of the trust or application credential" }),
  value: Type.String({ description: "Keystone's id" }),
  category: Type.Literal("identity"),
  type: Type.Union([Type.Literal("trust_id"), Type.Literal("application_credential_id")]),
  description: Type.String(),
  status: Type.Literal("available"),
  user_id: WireId,
  project_id: WireId,
  is_public: Type.Boolean(),
  is_hidden: Type.Boolean(),
  version: Type.String(),
  created_at: Timestamp,
  updated_at: nullable(Timestamp),
  deleted_at: nullable(Timestamp),
  deleted: Type.Boolean(),
  metadata: Type.Array(Type.Object({ key: Type.String(), value: Type.String() }), {
    description: "its roles",
  }),
});
export type Trust = Static<typeof Trust>;

/** Body of a trust's creation. */
export const CreateTrust = Type.Object({
  trusts: Type.Object({
    role_name: Type.Optional(
      Type.String({ description: "roles of the token, with commas; all of them unless given" }),
    ),
    is_cloud_trust: Type.Optional(
      Type.Boolean({ description: "ignored: the service has an account of its own" }),
    ),
  }),
});

const TrustCheck = Type.Object({
  scheduler_enabled: Type.Boolean(),
  trust: nullable(Trust),
  is_valid: Type.Boolean({
    description: "the schedule is on, and the service may act for the workload's owner",
  }),
  scheduler_obj: Type.Record(Type.String(), Type.Unknown()),
});

/** The operations on what lets schedules run without their users. */
export const trustRoutes = {
  listTrusts: {
    scope: "project",
    methods: ["GET"],
    paths: ["/trusts"],
    params: none,
    query: Type.Object({ is_cloud_admin: Type.Optional(Type.Boolean()), ...page }),
    reply: Type.Object({ trust: Type.Array(Trust) }),
    status: 200,
    action: "workload:trust_list",
    effect: "read",
    summary: "List the trusts of the project's users",
  },
  createTrust: {
    scope: "project",
    methods: ["POST"],
    paths: ["/trusts"],
    params: none,
    query: none,
    body: CreateTrust,
    reply: Type.Object({ trust: Type.Array(Trust) }),
    status: 200,
    action: "workload:trust_create",
    effect: "change",
    summary: "Let the service act for the caller in the project; a former trust is replaced",
  },
  validateTrust: {
    scope: "project",
    methods: ["GET"],
    paths: ["/trusts/validate/{workload_id}"],
    params: Type.Object({ workload_id: WireId }),
    query: none,
    reply: TrustCheck,
    status: 200,
    action: "workload:trust_get",
    effect: "read",
    summary: "Tell whether a workload's schedule can run for its owner",
  },
  showTrust: {
    scope: "project",
    methods: ["GET"],
    paths: ["/trusts/{trust_name}"],
    params: trustParams,
    query: none,
    reply: Type.Object({ trust: Trust }),
    status: 200,
    action: "workload:trust_get",
    effect: "read",
    summary: "Show a trust",
  },
  deleteTrust: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/trusts/{trust_name}"],
    params: trustParams,
    query: none,
    status: 200,
    action: "workload:trust_delete",
    effect: "change",
    summary: "Delete a trust of the caller's: their schedules run no more",
  },
} as const satisfies Record<string, Route>;
