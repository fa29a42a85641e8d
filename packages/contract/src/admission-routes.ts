import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const clock = Type.String({ pattern: "^([01]\\d|2[0-3]):[0-5]\\d$", description: "HH:MM on the wall" });
const subject = Type.Optional(
  nullable(
    Type.String({ minLength: 1, maxLength: 255, description: "which one; each of them unless given" }),
  ),
);
const day = Type.String({
  pattern: "^(mon|tue|wed|thu|fri|sat|sun|weekday|weekend|every)$",
  description: "mon to sun, weekday, weekend or every",
});

const Cap = Type.Object({
  kind: Type.Literal("cap"),
  scope: Type.Union([
    Type.Literal("cloud"),
    Type.Literal("target"),
    Type.Literal("host"),
    Type.Literal("project"),
  ]),
  subject,
  max: Type.Integer({ minimum: 0, maximum: 100_000, description: "snapshots at once" }),
});

const Hours = Type.Object({
  kind: Type.Union([Type.Literal("window"), Type.Literal("blackout")]),
  scope: Type.Union([Type.Literal("cloud"), Type.Literal("host")]),
  subject,
  timezone: Type.String({ maxLength: 64, description: "Europe/Rome, UTC …" }),
  days: Type.Array(day, { minItems: 1, maxItems: 10, description: "on which it begins" }),
  from: clock,
  to: clock,
});

/** A limit on snapshots that run at once, or hours in which they may or may not begin. */
export const AdmissionRuleBody = Type.Union([Cap, Hours]);
export type AdmissionRuleBody = Static<typeof AdmissionRuleBody>;

const AdmissionRuleShown = Type.Object({
  id: WireId,
  description: Type.String(),
  rule: AdmissionRuleBody,
  changed_by: WireId,
  created_at: Timestamp,
});

const QueuedSnapshot = Type.Object({
  run_id: WireId,
  snapshot_id: nullable(WireId),
  workload_id: WireId,
  project_id: WireId,
  is_scheduled: Type.Boolean(),
  asked_at: Timestamp,
  waited_seconds: Type.Integer({ minimum: 0 }),
  place: nullable(Type.Integer({ description: "in the queue; null: it was asked for just now" })),
  reason: nullable(Type.String()),
  hosts: Type.Array(Type.String()),
  target_id: nullable(WireId),
});
export type QueuedSnapshot = Static<typeof QueuedSnapshot>;

/** The operations on limits of snapshots that run at once, and on those that wait. */
export const admissionRoutes = {
  showAdmissionQueue: {
    scope: "project",
    methods: ["GET"],
    paths: ["/admission/queue"],
    params: none,
    query: Type.Object(page),
    reply: Type.Object({
      queue: Type.Array(QueuedSnapshot),
      waiting: Type.Integer({ minimum: 0, description: "of all projects, more than are listed perhaps" }),
      running: Type.Integer({ minimum: 0 }),
    }),
    status: 200,
    action: "workload:admission_queue",
    effect: "inspect",
    summary: "List the snapshots of all projects that wait to begin, in their order, with the reasons",
  },
  listAdmissionRules: {
    scope: "project",
    methods: ["GET"],
    paths: ["/admission/rules"],
    params: none,
    query: Type.Object(page),
    reply: Type.Object({ rules: Type.Array(AdmissionRuleShown) }),
    status: 200,
    action: "workload:admission_rule_get_all",
    effect: "inspect",
    summary: "List the limits on snapshots that run at once, and the hours in which they begin",
  },
  createAdmissionRule: {
    scope: "project",
    methods: ["POST"],
    paths: ["/admission/rules"],
    params: none,
    query: none,
    body: Type.Object({ rule: AdmissionRuleBody }),
    reply: Type.Object({ rule: AdmissionRuleShown }),
    status: 200,
    action: "workload:admission_rule_create",
    effect: "administer",
    summary: "Add a limit or hours; a cap takes the place of the one for the same thing",
  },
  deleteAdmissionRule: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/admission/rules/{rule_id}"],
    params: Type.Object({ rule_id: WireId }),
    query: none,
    status: 200,
    action: "workload:admission_rule_delete",
    effect: "administer",
    summary: "Remove a limit or hours",
  },
} as const satisfies Record<string, Route>;
