import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const ids = Type.Array(WireId, { maxItems: 10_000 });

const names = Type.Object({
  id: WireId,
  name: Type.String(),
  cidrs: Type.Array(Type.String()),
});

/** What a cloud must have, or have something else for, so that a workload can be restored there. */
const RecoveryNeeds = Type.Object({
  networks: Type.Array(names),
  flavors: Type.Array(
    Type.Object({
      name: Type.String(),
      vcpus: Type.Integer(),
      ram: Type.Integer({ description: "MiB" }),
      disk: Type.Integer({ description: "GiB" }),
    }),
  ),
  volume_types: Type.Array(Type.String()),
  availability_zones: Type.Array(Type.String()),
  volume_zones: Type.Array(Type.String()),
});

/** A workload on a backup target that this service has no row of, as its newest snapshot describes it. */
export const TargetWorkload = Type.Object({
  id: WireId,
  name: Type.String(),
  description: Type.String(),
  project_id: WireId,
  user_id: WireId,
  cloud_id: nullable(WireId),
  standing: Type.Union(
    [
      Type.Literal("ours"),
      Type.Literal("project-gone"),
      Type.Literal("user-gone"),
      Type.Literal("other-cloud"),
    ],
    { description: "why it is an orphan; ours: it can be imported" },
  ),
  newest_snapshot_at: Timestamp,
  snapshot_count: Type.Integer({ minimum: 0 }),
  instances: Type.Array(Type.Object({ id: WireId, name: Type.String() })),
  needs: RecoveryNeeds,
});
export type TargetWorkload = Static<typeof TargetWorkload>;

/** A workload that was imported or reassigned. */
export const MovedWorkload = Type.Object({
  id: WireId,
  name: Type.String(),
  status: Type.String(),
  project_id: WireId,
  user_id: WireId,
  snapshots: Type.Integer({ minimum: 0, description: "that were not here before" }),
  warnings: Type.Array(Type.String()),
});
export type MovedWorkload = Static<typeof MovedWorkload>;

/** A workload that was not, and why. */
export const FailedWorkload = Type.Object({
  id: WireId,
  name: nullable(Type.String()),
  reason: Type.String(),
});
export type FailedWorkload = Static<typeof FailedWorkload>;

const targets = {
  source_btt: Type.Optional(
    Type.Array(Type.String(), { description: "names or ids of targets to look at; all unless given" }),
  ),
  source_btt_all: Type.Optional(Type.Boolean()),
};
const unread = Type.Array(Type.String(), {
  description: "what on the targets could not be read (Cairn's own)",
});

/** Body of an import. */
export const ImportWorkloads = Type.Object({
  workload_ids: Type.Optional(ids),
  upgrade: Type.Optional(Type.Boolean({ description: "ignored: snapshots of all releases are readable" })),
  target_btt: Type.Optional(nullable(Type.String())),
  ...targets,
});
export type ImportWorkloads = Static<typeof ImportWorkloads>;

/** Who gets which workloads; one entry of a reassignment. */
export const ReassignWorkloads = Type.Object({
  workload_ids: Type.Optional(ids),
  old_tenant_ids: Type.Optional(ids),
  new_tenant_id: WireId,
  user_id: WireId,
  migrate_cloud: Type.Optional(Type.Boolean({ description: "workloads of other clouds, too" })),
  upgrade: Type.Optional(Type.Boolean({ description: "ignored: snapshots of all releases are readable" })),
  target_btt: Type.Optional(nullable(Type.String())),
  ...targets,
});
export type ReassignWorkloads = Static<typeof ReassignWorkloads>;

const listQuery = {
  project_id: Type.Optional(WireId),
  source_btt: Type.Optional(Type.String({ description: "name or id of a target" })),
  source_btt_all: Type.Optional(Type.Boolean()),
  ...page,
};
const listReply = Type.Object({ workloads: Type.Array(TargetWorkload), unreadable: unread });

/** Whose workloads on targets are: for administrators, since it concerns all projects. */
export const ownershipRoutes = {
  listImportableWorkloads: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/get_list/import_workloads"],
    params: none,
    query: Type.Object(listQuery),
    reply: listReply,
    status: 200,
    action: "workload:get_import_workloads_list",
    effect: "inspect",
    summary: "Look for workloads of this cloud on the backup targets that are not here",
  },
  importWorkloads: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/import_workloads"],
    params: none,
    query: none,
    body: ImportWorkloads,
    reply: Type.Object({
      workloads: Type.Object({
        imported_workloads: Type.Array(MovedWorkload),
        failed_workloads: Type.Array(FailedWorkload),
      }),
      unreadable: unread,
    }),
    status: 200,
    action: "workload:import_workloads",
    effect: "administer",
    summary: "Import workloads of this cloud from the backup targets: those that are named, or all",
  },
  listOrphanedWorkloads: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/orphan_workloads", "/workloads/orphaned_workloads"],
    params: none,
    query: Type.Object({
      migrate_cloud: Type.Optional(Type.Boolean({ description: "those of other clouds, too" })),
      ...listQuery,
    }),
    reply: listReply,
    status: 200,
    action: "workload:get_orphaned_workloads_list",
    effect: "inspect",
    summary: "Look for workloads whose project, user or cloud is not here",
  },
  reassignWorkloads: {
    scope: "project",
    methods: ["POST"],
    paths: [
      "/workloads/reassign_workloads",
      "/workloads/reasign_workloads",
      "/workloads/import_reassign_workloads",
    ],
    params: none,
    query: none,
    body: Type.Array(ReassignWorkloads, { minItems: 1, maxItems: 1000 }),
    reply: Type.Object({
      workloads: Type.Object({
        reassigned_workloads: Type.Array(MovedWorkload),
        failed_workloads: Type.Array(FailedWorkload),
      }),
      unreadable: unread,
    }),
    status: 200,
    action: "workload:reassign_workloads",
    effect: "administer",
    summary: "Give workloads to another project and user, on the backup target and here",
  },
} as const satisfies Record<string, Route>;
