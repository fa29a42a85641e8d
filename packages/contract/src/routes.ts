import { type Static, type TSchema, Type } from "typebox";
import { admissionRoutes } from "./admission-routes.ts";
import { auditRoutes } from "./audit-routes.ts";
import { fileRoutes } from "./file-routes.ts";
import { mountRoutes } from "./mount-routes.ts";
import { nodeRoutes } from "./node-routes.ts";
import { notificationRoutes } from "./notification-routes.ts";
import { ownershipRoutes } from "./ownership-routes.ts";
import { planningRoutes } from "./planning-routes.ts";
import { policyRoutes } from "./policy-routes.ts";
import { protectionRoutes } from "./protection-routes.ts";
import { quotaRoutes } from "./quota-routes.ts";
import { CreateRestore, RestoreDetail, RestoreSummary } from "./restores.ts";
import type { Download, Route } from "./route.ts";
import { scheduleRoutes } from "./schedule-routes.ts";
import { settingRoutes } from "./setting-routes.ts";
import { page, WireId } from "./shapes.ts";
import { SnapshotDetail, SnapshotSummary, TakeSnapshot } from "./snapshots.ts";
import { targetRoutes } from "./target-routes.ts";
import { trustRoutes } from "./trust-routes.ts";
import { usageRoutes } from "./usage-routes.ts";
import { workloadFilter } from "./workload-filter.ts";
import { CreateWorkload, ModifyWorkload, WorkloadDetail, WorkloadSummary } from "./workloads.ts";

const none = Type.Object({});
const workloadParams = Type.Object({ workload_id: WireId });
const snapshotParams = Type.Object({ snapshot_id: WireId, workload_id: Type.Optional(WireId) });
const ofWhat = { workload_id: Type.Optional(WireId), snapshot_id: Type.Optional(WireId) };
const restoreParams = Type.Object({ restore_id: WireId, ...ofWhat });
const listSnapshotParams = Type.Object({ workload_id: Type.Optional(WireId) });
const listRestoreParams = Type.Object(ofWhat);

const date = Type.String({ description: "YYYY-MM-DDTHH:MM:SS, UTC" });

const listWorkloadsQuery = Type.Object({ ...workloadFilter, ...page });
const listSnapshotsQuery = Type.Object({
  workload_id: Type.Optional(WireId),
  date_from: Type.Optional(date),
  date_to: Type.Optional(date),
  all: Type.Optional(Type.Boolean({ description: "of all projects; administrators only" })),
  ...page,
});
const listRestoresQuery = Type.Object({
  workload_id: Type.Optional(WireId),
  snapshot_id: Type.Optional(WireId),
  all: Type.Optional(Type.Boolean({ description: "of all projects; administrators only" })),
  ...page,
});

const Version = Type.Object({
  id: Type.String(),
  status: Type.String(),
  updated: Type.String(),
  links: Type.Array(Type.Object({ rel: Type.String(), href: Type.String() })),
});

const workloadReply = Type.Object({ workload: WorkloadDetail });
const snapshotReply = Type.Object({ snapshot: SnapshotDetail });
const restoreReply = Type.Object({ restore: RestoreDetail });

const ofSnapshot = ["/snapshots/{snapshot_id}", "/workloads/{workload_id}/snapshots/{snapshot_id}"] as const;
const ofRestore = [
  "/restores/{restore_id}",
  "/workloads/{workload_id}/snapshots/{snapshot_id}/restores/{restore_id}",
] as const;

/**
 * Every operation that cairn-api answers. Validation, types, the OpenAPI document and the client come from
 * here.
 */
export const routes = {
  listVersions: {
    scope: "public",
    methods: ["GET"],
    paths: ["/"],
    params: none,
    query: none,
    reply: Type.Object({ versions: Type.Array(Version) }),
    status: 200,
    effect: "read",
    summary: "The versions of this interface; needs no token",
  },
  showOpenApi: {
    scope: "public",
    methods: ["GET"],
    paths: ["/v1/openapi.json"],
    params: none,
    query: none,
    reply: Type.Record(Type.String(), Type.Unknown()),
    status: 200,
    effect: "read",
    summary: "This document; needs no token",
  },
  listWorkloads: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads"],
    params: none,
    query: listWorkloadsQuery,
    reply: Type.Object({ workloads: Type.Array(Type.Union([WorkloadDetail, WorkloadSummary])) }),
    status: 200,
    action: "workload:workload_get_all",
    effect: "read",
    summary: "List workloads, newest first",
  },
  listWorkloadsDetail: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/detail"],
    params: none,
    query: listWorkloadsQuery,
    reply: Type.Object({ workloads: Type.Array(WorkloadDetail) }),
    status: 200,
    action: "workload:workload_get_all",
    effect: "read",
    summary: "List workloads with members, schedule and storage usage",
  },
  createWorkload: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads"],
    params: none,
    query: none,
    body: CreateWorkload,
    reply: Type.Object({ workload: WorkloadSummary }),
    status: 202,
    action: "workload:workload_create",
    effect: "change",
    summary: "Create a workload of instances of the project",
  },
  showWorkload: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/{workload_id}"],
    params: workloadParams,
    query: none,
    reply: workloadReply,
    status: 200,
    action: "workload:workload_get",
    effect: "read",
    summary: "Show a workload",
  },
  modifyWorkload: {
    scope: "project",
    methods: ["PUT"],
    paths: ["/workloads/{workload_id}"],
    params: workloadParams,
    query: Type.Object({ is_admin_dashboard: Type.Optional(Type.Boolean()) }),
    body: ModifyWorkload,
    reply: workloadReply,
    status: 202,
    action: "workload:workload_modify",
    effect: "change",
    summary: "Modify a workload; a list of instances replaces its members",
  },
  deleteWorkload: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/workloads/{workload_id}"],
    params: workloadParams,
    query: Type.Object({ database_only: Type.Optional(Type.Boolean()) }),
    status: 202,
    action: "workload:workload_delete",
    effect: "change",
    summary: "Delete a workload that has no snapshots",
  },
  resetWorkload: {
    scope: "project",
    methods: ["POST", "GET", "PUT", "DELETE"],
    paths: ["/workloads/{workload_id}/reset"],
    params: workloadParams,
    query: none,
    status: 202,
    action: "workload:workload_reset",
    effect: "change",
    summary: "Forget how disks changed since the last snapshot: the next one reads them whole",
  },
  unlockWorkload: {
    scope: "project",
    methods: ["POST", "GET", "PUT", "DELETE"],
    paths: ["/workloads/{workload_id}/unlock"],
    params: workloadParams,
    query: none,
    status: 202,
    action: "workload:workload_unlock",
    effect: "change",
    summary: "Make a workload available again whose lock no run holds",
  },
  ...auditRoutes,
  ...fileRoutes,
  ...nodeRoutes,
  ...scheduleRoutes,
  ...trustRoutes,
  ...settingRoutes,
  ...notificationRoutes,
  ...planningRoutes,
  ...protectionRoutes,
  ...admissionRoutes,
  ...targetRoutes,
  ...policyRoutes,
  ...quotaRoutes,
  ...usageRoutes,
  ...ownershipRoutes,
  takeSnapshot: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/{workload_id}"],
    params: workloadParams,
    query: Type.Object({ full: Type.Optional(Type.Boolean()) }),
    body: TakeSnapshot,
    reply: snapshotReply,
    status: 200,
    action: "workload:workload_snapshot",
    effect: "change",
    summary: "Take a snapshot: incremental, or full with ?full=1; the first is always full",
  },
  listSnapshots: {
    scope: "project",
    methods: ["GET"],
    paths: ["/snapshots", "/workloads/{workload_id}/snapshots"],
    params: listSnapshotParams,
    query: listSnapshotsQuery,
    reply: Type.Object({ snapshots: Type.Array(SnapshotSummary) }),
    status: 200,
    action: "snapshot:snapshot_get_all",
    effect: "read",
    summary: "List snapshots, newest first",
  },
  listSnapshotsDetail: {
    scope: "project",
    methods: ["GET"],
    paths: ["/snapshots/detail", "/workloads/{workload_id}/snapshots/detail"],
    params: listSnapshotParams,
    query: listSnapshotsQuery,
    reply: Type.Object({ snapshots: Type.Array(SnapshotDetail) }),
    status: 200,
    action: "snapshot:snapshot_get_all",
    effect: "read",
    summary: "List snapshots with everything known of them",
  },
  showSnapshot: {
    scope: "project",
    methods: ["GET"],
    paths: ofSnapshot,
    params: snapshotParams,
    query: none,
    reply: snapshotReply,
    status: 200,
    action: "snapshot:snapshot_get",
    effect: "read",
    summary: "Show a snapshot, its instances and disks, and its progress",
  },
  cancelSnapshot: {
    scope: "project",
    methods: ["POST", "GET"],
    paths: ["/snapshots/{snapshot_id}/cancel", "/workloads/{workload_id}/snapshots/{snapshot_id}/cancel"],
    params: snapshotParams,
    query: none,
    status: 202,
    action: "snapshot:snapshot_cancel",
    effect: "change",
    summary: "Cancel a snapshot that is being taken, or its mount",
  },
  resetSnapshot: {
    scope: "project",
    methods: ["POST", "GET"],
    paths: ["/snapshots/{snapshot_id}/reset", "/workloads/{workload_id}/snapshots/{snapshot_id}/reset"],
    params: snapshotParams,
    query: none,
    status: 202,
    action: "snapshot:snapshot_reset",
    effect: "administer",
    summary: "End a snapshot that hangs: what it made is removed, and it is an error",
  },
  deleteSnapshot: {
    scope: "project",
    methods: ["DELETE"],
    paths: ofSnapshot,
    params: snapshotParams,
    query: none,
    status: 202,
    action: "snapshot:snapshot_delete",
    effect: "change",
    summary: "Delete a snapshot; all others stay complete",
  },
  ...mountRoutes,
  createRestore: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/{workload_id}/snapshots/{snapshot_id}/restores", "/snapshots/{snapshot_id}"],
    params: snapshotParams,
    query: none,
    body: CreateRestore,
    reply: restoreReply,
    status: 202,
    action: "snapshot:snapshot_restore",
    effect: "change",
    summary: "Restore a snapshot: one-click, selective, in-place, topology or security groups",
  },
  listRestores: {
    scope: "project",
    methods: ["GET"],
    paths: ["/restores", "/workloads/{workload_id}/snapshots/{snapshot_id}/restores"],
    params: listRestoreParams,
    query: listRestoresQuery,
    reply: Type.Object({ restores: Type.Array(RestoreSummary) }),
    status: 200,
    action: "restore:restore_get_all",
    effect: "read",
    summary: "List restores, newest first",
  },
  listRestoresDetail: {
    scope: "project",
    methods: ["GET"],
    paths: ["/restores/detail"],
    params: listRestoreParams,
    query: listRestoresQuery,
    reply: Type.Object({ restores: Type.Array(RestoreDetail) }),
    status: 200,
    action: "restore:restore_get_all",
    effect: "read",
    summary: "List restores with what they made",
  },
  showRestore: {
    scope: "project",
    methods: ["GET"],
    paths: ofRestore,
    params: restoreParams,
    query: none,
    reply: restoreReply,
    status: 200,
    action: "restore:restore_get",
    effect: "read",
    summary: "Show a restore, what it made, and its progress",
  },
  cancelRestore: {
    scope: "project",
    methods: ["POST", "GET"],
    paths: [
      "/restores/{restore_id}/cancel",
      "/workloads/{workload_id}/snapshots/{snapshot_id}/restores/{restore_id}/cancel",
    ],
    params: restoreParams,
    query: none,
    status: 202,
    action: "restore:restore_cancel",
    effect: "change",
    summary: "Cancel a running restore; what it made is removed",
  },
  deleteRestore: {
    scope: "project",
    methods: ["DELETE"],
    paths: ofRestore,
    params: restoreParams,
    query: none,
    status: 202,
    action: "restore:restore_delete",
    effect: "change",
    summary: "Delete the record of a restore; what it restored stays",
  },
} as const satisfies Record<string, Route>;

export type Routes = typeof routes;
export type RouteId = keyof Routes;
export type ParamsOf<Id extends RouteId> = Static<Routes[Id]["params"]>;
export type QueryOf<Id extends RouteId> = Static<Routes[Id]["query"]>;
/** The body after validation; `undefined` for routes without one. */
export type BodyOf<Id extends RouteId> = Routes[Id] extends { readonly body: infer Body extends TSchema }
  ? Static<Body>
  : undefined;
/** The reply's body; `undefined` for routes that answer without one. */
export type ReplyOf<Id extends RouteId> = Routes[Id] extends { readonly reply: infer Reply extends TSchema }
  ? Static<Reply>
  : Routes[Id] extends { readonly download: true }
    ? Download
    : undefined;

/** The ids of all routes, in the table's order. */
export const routeIds = Object.keys(routes) as RouteId[];

/** A route by its id, seen as the plain interface. */
export function routeOf(id: RouteId): Route {
  return routes[id];
}

/** The full path of a route's spelling: those of a project lie under `/v1/{project_id}`. */
export function fullPath(route: Route, path: string): string {
  return route.scope === "project" ? `/v1/{project_id}${path}` : path;
}

/** Every spelling of a route as a full path, the preferred one first. */
export function fullPaths(route: Route): readonly string[] {
  return [...route.paths.map((path) => fullPath(route, path)), ...(route.rootPaths ?? [])];
}
