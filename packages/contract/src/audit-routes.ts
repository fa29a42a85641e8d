import { AUDIT_KEEP_DAYS_MAX, AUDIT_KEEP_DAYS_MIN } from "@cairn/domain";
import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const day = Type.String({ description: "MM-DD-YYYY, or YYYY-MM-DDTHH:MM:SS; UTC" });
const Outcome = Type.Union(
  [Type.Literal("accepted"), Type.Literal("refused"), Type.Literal("failed"), Type.Literal("unknown")],
  { description: "unknown: the program ended before it could tell" },
);

/** An entry of the audit log, in the names that existing clients read and ours beside them. */
export const AuditRow = Type.Object({
  ID: WireId,
  Timestamp,
  UserName: Type.String({ description: "cairn-engine: what an engine did by itself" }),
  UserId: nullable(Type.String()),
  ProjectName: Type.String({ description: "empty where it is not known" }),
  ProjectId: nullable(Type.String()),
  ObjectType: Type.String({ description: "workload, snapshot, restore … of what was asked for" }),
  ObjectName: Type.String(),
  ObjectId: Type.String(),
  Action: Type.String({ description: "the right that it takes, or engine: and what the engine did" }),
  Outcome,
  Status: nullable(Type.Integer({ description: "HTTP's" })),
  Details: Type.String({ description: "a sentence about it; never what the request held" }),
  RequestId: Type.String(),
  Position: nullable(Type.Integer({ description: "in the chain; null for a moment" })),
  Hash: nullable(Type.String({ description: "SHA-256 over the former entry's hash and this entry" })),
});
export type AuditRow = Static<typeof AuditRow>;

const AuditCheck = Type.Object({
  is_intact: Type.Boolean(),
  checked: Type.Integer({ description: "entries that this answer is about" }),
  begins_after: Type.Integer({ description: "position of the last entry that was let go; 0: none was" }),
  position: Type.Integer({ description: "of the last entry that is as it was written" }),
  hash: Type.String({ description: "its hash, to be kept elsewhere and compared" }),
  next: nullable(Type.Integer({ description: "ask again with after=… for what comes then" })),
  broken_at: nullable(Type.Integer()),
  because: nullable(Type.String()),
});
export type AuditCheck = Static<typeof AuditCheck>;

const AuditRetention = Type.Object({
  days: nullable(Type.Integer({ description: "entries are kept so long; null: for ever" })),
  begins_after: nullable(
    Type.String({ description: "POSITION:HASH of the last entry that was let go; null: none was" }),
  ),
  trimmed_at: nullable(Timestamp),
});
export type AuditRetention = Static<typeof AuditRetention>;

const auditRetentionReply = Type.Object({ audit_retention: AuditRetention });

/** The operations on the record of who did what. */
export const auditRoutes = {
  listAudit: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/audit/auditlog"],
    params: none,
    query: Type.Object({
      time_in_minutes: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 10_000_000, description: "of the last so many minutes" }),
      ),
      time_from: Type.Optional(day),
      time_to: Type.Optional(day),
      user_id: Type.Optional(WireId),
      project: Type.Optional(WireId),
      action: Type.Optional(WireId),
      object_id: Type.Optional(WireId),
      outcome: Type.Optional(Outcome),
      request_id: Type.Optional(WireId),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      marker: Type.Optional(WireId),
    }),
    reply: Type.Object({ auditlog: Type.Array(AuditRow) }),
    status: 200,
    action: "workload:get_auditlog",
    effect: "inspect",
    summary: "List who changed what, or was refused to, newest first",
  },
  verifyAudit: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/audit/verify"],
    params: none,
    query: Type.Object({
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: "begin after this position",
        }),
      ),
      until: Type.Optional(
        Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "end with this position" }),
      ),
    }),
    reply: AuditCheck,
    status: 200,
    action: "workload:verify_auditlog",
    effect: "inspect",
    summary: "Check that no entry of the audit log was changed or taken away",
  },
  showAuditRetention: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/audit/retention"],
    params: none,
    query: none,
    reply: auditRetentionReply,
    status: 200,
    action: "workload:get_audit_retention",
    effect: "inspect",
    summary: "Show how long entries of the audit log are kept, and where it begins",
  },
  setAuditRetention: {
    scope: "project",
    methods: ["PUT"],
    paths: ["/workloads/audit/retention"],
    params: none,
    query: none,
    body: Type.Object({
      audit_retention: Type.Object({
        days: nullable(
          Type.Integer({
            minimum: AUDIT_KEEP_DAYS_MIN,
            maximum: AUDIT_KEEP_DAYS_MAX,
            description: "keep entries so long; null: for ever",
          }),
        ),
      }),
    }),
    reply: auditRetentionReply,
    status: 200,
    action: "workload:update_audit_retention",
    effect: "administer",
    summary: "Set how long entries of the audit log are kept: older ones are let go once a day",
  },
} as const satisfies Record<string, Route>;
