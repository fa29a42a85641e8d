import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const text = Type.String({ minLength: 1, maxLength: 255 });

/** Instances with this tag, or with this key in their metadata and this value, if one is given. */
export const ProtectionMarkBody = Type.Union([
  Type.Object({ tag: text }),
  Type.Object({
    metadata_key: text,
    metadata_value: Type.Optional(nullable(Type.String({ maxLength: 255 }))),
  }),
]);

const ProtectionRule = Type.Object({
  id: WireId,
  project_id: WireId,
  user_id: WireId,
  workload_id: WireId,
  tag: nullable(Type.String()),
  metadata_key: nullable(Type.String()),
  metadata_value: nullable(Type.String()),
  created_at: Timestamp,
  looked_at: nullable(Timestamp),
  note: nullable(Type.String({ description: "what it could not do when it looked last" })),
});
export type ProtectionRule = Static<typeof ProtectionRule>;

/** The operations on protection by tag. */
export const protectionRoutes = {
  listProtectionRules: {
    scope: "project",
    methods: ["GET"],
    paths: ["/protection_rules"],
    params: none,
    query: Type.Object(page),
    reply: Type.Object({ protection_rules: Type.Array(ProtectionRule) }),
    status: 200,
    action: "workload:protection_rule_get_all",
    effect: "read",
    summary: "List the rules by which instances join and leave workloads",
  },
  createProtectionRule: {
    scope: "project",
    methods: ["POST"],
    paths: ["/protection_rules"],
    params: none,
    query: none,
    body: Type.Object({
      protection_rule: Type.Intersect([Type.Object({ workload_id: WireId }), ProtectionMarkBody]),
    }),
    reply: Type.Object({ protection_rule: ProtectionRule }),
    status: 200,
    action: "workload:protection_rule_create",
    effect: "change",
    summary:
      "Let instances with a tag, or with metadata, join a workload, and leave it when they have it no more",
  },
  deleteProtectionRule: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/protection_rules/{rule_id}"],
    params: Type.Object({ rule_id: WireId }),
    query: none,
    status: 200,
    action: "workload:protection_rule_delete",
    effect: "change",
    summary: "Remove a rule; the members that it added stay",
  },
} as const satisfies Record<string, Route>;
