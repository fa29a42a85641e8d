import { type Static, Type } from "typebox";
import { CreateRestore, RestoreOptions } from "./restores.ts";
import type { Route } from "./route.ts";
import { FaultDetail, nullable, Timestamp, WireId } from "./shapes.ts";
import { JobSchedule } from "./workloads.ts";

const none = Type.Object({});
const workloadParams = Type.Object({ workload_id: WireId });
const snapshotParams = Type.Object({ snapshot_id: WireId, workload_id: Type.Optional(WireId) });

/** Body of planning a restore; without one, all instances are planned selectively. */
export const PlanRestore = Type.Object({
  plan: Type.Object({
    restore_type: Type.Optional(Type.Union([Type.Literal("selective"), Type.Literal("inplace")])),
    instances: Type.Optional(
      Type.Array(WireId, {
        minItems: 1,
        maxItems: 1000,
        description: "ids in the snapshot; all unless given",
      }),
    ),
  }),
});
export type PlanRestore = Static<typeof PlanRestore>;

const named = Type.Object({ id: WireId, name: Type.String() });
const networkShown = Type.Object({
  id: WireId,
  name: Type.String(),
  cidr: nullable(Type.String()),
});

/** A warning with what it is about: `field` says of what kind of thing `id` is. */
export const PlanWarning = Type.Object({
  field: Type.Union(
    [
      Type.Literal("instance"),
      Type.Literal("flavor"),
      Type.Literal("availability_zone"),
      Type.Literal("network"),
      Type.Literal("volume_type"),
      Type.Literal("volume"),
      Type.Literal("topology"),
    ],
    { description: "what a person would look at or change" },
  ),
  id: Type.String({
    description:
      "in the snapshot: of the instance for instance, flavor and availability_zone, of the network or the " +
      "volume; the name of the volume type; empty for topology",
  }),
  message: Type.String(),
});
export type PlanWarning = Static<typeof PlanWarning>;

/** What the project has today that a selective restore may be given; empty for one in place. */
export const PlanChoices = Type.Object({
  flavors: Type.Array(
    Type.Object({
      ...named.properties,
      vcpus: Type.Integer(),
      ram: Type.Integer({ description: "MiB" }),
      disk: Type.Integer({ description: "GiB; 0: as large as the image" }),
    }),
  ),
  networks: Type.Array(
    Type.Object({
      ...named.properties,
      subnets: Type.Array(Type.Object({ ...named.properties, cidr: Type.String() })),
    }),
  ),
  volume_types: Type.Array(Type.String()),
  availability_zones: Type.Array(Type.String({ description: "of Nova" })),
});
export type PlanChoices = Static<typeof PlanChoices>;

/** What stands in the way of a restore, as asking for it would be refused; nothing: it would be begun. */
export const RestoreCheckReport = Type.Object({ problems: Type.Array(FaultDetail) });
export type RestoreCheckReport = Static<typeof RestoreCheckReport>;

/** A complete restore that may be edited and is then sent to the restores of the same snapshot. */
export const RestorePlan = Type.Object({
  restore: Type.Object({ name: Type.String(), description: Type.String(), options: RestoreOptions }),
  warnings: Type.Array(Type.String(), {
    description: "what is not as it was, and what a person has to look at",
  }),
  warnings_by_field: Type.Array(PlanWarning, { description: "the same, each with what it is about" }),
  choices: PlanChoices,
  mapping: Type.Object({
    instances: Type.Array(
      Type.Object({ ...named.properties, included: Type.Boolean(), flavor: nullable(Type.String()) }),
    ),
    networks: Type.Array(Type.Object({ snapshot_network: networkShown, target_network: networkShown })),
    volume_types: Type.Array(
      Type.Object({ snapshot_volume_type: Type.String(), target_volume_type: Type.String() }),
    ),
    volumes: Type.Array(
      Type.Object({
        ...named.properties,
        instance: Type.String(),
        disk: Type.String({ description: "device of the instance, such as vdb" }),
        restored: Type.Boolean(),
      }),
    ),
  }),
});
export type RestorePlan = Static<typeof RestorePlan>;

/** Body of a preview: what a schedule says, or what shall change in a workload's; nothing is written. */
export const PreviewRetention = Type.Object({
  preview: Type.Object({
    jobschedule: Type.Optional(JobSchedule),
    policy_id: Type.Optional(
      nullable(Type.String({ description: "as a workload's creation or change would name it" })),
    ),
    runs: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: "next runs to show; 10" })),
    simulate_days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3653,
        description: "carry out the runs of so many days in thought",
      }),
    ),
  }),
});

const nextRuns = Type.Array(
  Type.Object({
    at: Timestamp,
    local_time: Type.String(),
    seconds: Type.Integer({ minimum: 0 }),
    snapshot_type: Type.Union([
      Type.Literal("full"),
      Type.Literal("incremental"),
      Type.Literal("by-rule", { description: "as fullbackup_interval says when it is due" }),
    ]),
    tiers: Type.Array(Type.String()),
  }),
);

const later = nullable(
  Type.Object(
    {
      runs: Type.Integer({ minimum: 1, description: "after so many; 1000 at most" }),
      at: Timestamp,
      snapshots: Type.Integer({ minimum: 0 }),
      oldest_at: nullable(Timestamp),
    },
    { description: "what the schedule alone would have kept by then; null: no run will come" },
  ),
);

const RuleName = Type.Union([
  Type.Literal("hourly"),
  Type.Literal("daily"),
  Type.Literal("weekly"),
  Type.Literal("monthly"),
  Type.Literal("yearly"),
]);

/** One reason why a snapshot stays or goes: a word for programs, and what it counts. */
export const RetentionReason = Type.Object({
  code: Type.Union([
    Type.Literal("running"),
    Type.Literal("deleting"),
    Type.Literal("pinned"),
    Type.Literal("mounted"),
    Type.Literal("restoring"),
    Type.Literal("manual"),
    Type.Literal("base", { description: "the next incremental snapshot counts from it" }),
    Type.Literal("newest", { description: "the newest that can be restored" }),
    Type.Literal("no-rules"),
    Type.Literal("no-schedule", { description: "the workload has no schedule: nothing is deleted" }),
    Type.Literal("outside", { description: "no rule keeps it" }),
    Type.Literal("failed", { description: "its record stays for so many days" }),
    Type.Literal("last", { description: "one of the newest so many" }),
    Type.Literal("days", { description: "not older than so many days" }),
    Type.Literal("tier", { description: "the newest of its period" }),
  ]),
  tier: Type.Optional(RuleName),
  period: Type.Optional(Type.String({ description: "of a tier: 2026-03-29, 2026-W13, 2026-03 …" })),
  place: Type.Optional(
    Type.Integer({ minimum: 1, description: "of `last` and `tier`: counted from the newest" }),
  ),
  of: Type.Optional(Type.Integer({ minimum: 1, description: "so many are kept" })),
  days: Type.Optional(Type.Integer({ minimum: 1, description: "of `days` and `failed`" })),
  by_hand: Type.Optional(Type.Boolean({ description: "of `last` and `days`: a rule for manual snapshots" })),
  is_over: Type.Optional(Type.Boolean({ description: "of `failed`: its days are over" })),
});
export type RetentionReason = Static<typeof RetentionReason>;

const count = Type.Integer({ minimum: 0 });

const simulation = nullable(
  Type.Object(
    {
      from: Timestamp,
      until: Timestamp,
      is_cut: Type.Boolean({ description: "there are too many runs; `until` is the last one's time" }),
      taken: count,
      kept_by: Type.Object(
        {
          last: count,
          days: count,
          hourly: count,
          daily: count,
          weekly: count,
          monthly: count,
          yearly: count,
        },
        { description: "how many each rule keeps; one that several keep counts for each" },
      ),
      kept: Type.Array(
        Type.Object({
          at: Timestamp,
          local_time: Type.String(),
          reason: Type.String(),
          reasons: Type.Array(RetentionReason, { minItems: 1 }),
        }),
        { description: "newest first" },
      ),
    },
    {
      description:
        "what the runs of simulate_days come to, were there nothing yet; null: not asked, or no run",
    },
  ),
);
export type RetentionSimulation = Static<typeof simulation>;

/** When a schedule would run, and what it would keep, were there nothing yet. */
export const SchedulePreview = Type.Object({
  timezone: Type.String(),
  enabled: Type.Boolean(),
  next_runs: nextRuns,
  later,
  simulation,
});
export type SchedulePreview = Static<typeof SchedulePreview>;

/** Which snapshots a schedule would keep, and when it would take the next ones. */
export const RetentionPreview = Type.Object({
  workload_id: WireId,
  timezone: Type.String(),
  enabled: Type.Boolean(),
  judged: Type.Boolean({ description: "false: the workload has no schedule, and nothing is deleted" }),
  snapshots: Type.Array(
    Type.Object({
      id: WireId,
      name: Type.String(),
      created_at: Timestamp,
      status: Type.String(),
      is_scheduled: Type.Boolean(),
      verdict: Type.Union([Type.Literal("keep"), Type.Literal("delete")]),
      reason: Type.String(),
      reasons: Type.Array(RetentionReason, { minItems: 1, description: "the strongest first" }),
    }),
  ),
  next_runs: nextRuns,
  later,
  simulation,
});
export type RetentionPreview = Static<typeof RetentionPreview>;

/** What a workload of a type does. */
export const WorkloadType = Type.Object({
  id: WireId,
  name: Type.String(),
  description: Type.String(),
  is_public: Type.Boolean(),
  status: Type.String(),
  metadata: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  created_at: Timestamp,
  updated_at: nullable(Timestamp),
  links: Type.Array(Type.Object({ rel: Type.String(), href: Type.String() })),
});
export type WorkloadType = Static<typeof WorkloadType>;

/** Planning of restores and retention, which changes nothing; and the types that workloads have. */
export const planningRoutes = {
  planRestore: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/{workload_id}/snapshots/{snapshot_id}/plan", "/snapshots/{snapshot_id}/plan"],
    params: snapshotParams,
    query: none,
    body: PlanRestore,
    reply: RestorePlan,
    status: 200,
    action: "snapshot:snapshot_restore_plan",
    effect: "read",
    summary: "Propose a complete restore of a snapshot for today's project, with warnings; changes nothing",
  },
  checkRestore: {
    scope: "project",
    methods: ["POST"],
    paths: [
      "/workloads/{workload_id}/snapshots/{snapshot_id}/restores/check",
      "/snapshots/{snapshot_id}/restores/check",
    ],
    params: snapshotParams,
    query: none,
    body: CreateRestore,
    reply: RestoreCheckReport,
    status: 200,
    action: "snapshot:snapshot_restore_plan",
    effect: "read",
    summary: "Tell everything that would refuse a restore if it were asked for now; changes nothing",
  },
  previewRetention: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/{workload_id}/retention/preview"],
    params: workloadParams,
    query: none,
    body: PreviewRetention,
    reply: Type.Object({ preview: RetentionPreview }),
    status: 200,
    action: "workload:workload_retention_preview",
    effect: "read",
    summary: "Tell which snapshots a schedule would keep and why, and its next runs; changes nothing",
  },
  previewSchedule: {
    scope: "project",
    methods: ["POST"],
    paths: ["/schedules/preview"],
    params: none,
    query: none,
    body: PreviewRetention,
    reply: Type.Object({ preview: SchedulePreview }),
    status: 200,
    action: "workload:workload_retention_preview",
    effect: "read",
    summary:
      "Tell when a schedule that no workload has yet would run, and what it would keep; changes nothing",
  },
  listWorkloadTypes: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workload_types", "/workload_types/detail"],
    params: none,
    query: none,
    reply: Type.Object({ workload_types: Type.Array(WorkloadType) }),
    status: 200,
    action: "workload_type:workload_type_get_all",
    effect: "read",
    summary: "List the types that a workload can have",
  },
  showWorkloadType: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workload_types/{workload_type_id}"],
    params: Type.Object({ workload_type_id: WireId }),
    query: none,
    reply: Type.Object({ workload_type: WorkloadType }),
    status: 200,
    action: "workload_type:workload_type_get",
    effect: "read",
    summary: "Show a workload type",
  },
} as const satisfies Record<string, Route>;
