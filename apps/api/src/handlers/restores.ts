import { LABEL_MAX, type RestoreKind, type RestoreOptions } from "@cairn/contract";
import {
  cancelRestore,
  findRestore,
  findSnapshot,
  listRestores,
  openRestore,
  type RestoreRow,
  removeRestore,
  type SnapshotRow,
} from "@cairn/database";
import type { SnapshotId, WorkloadId } from "@cairn/kernel";
import { refuseMounted } from "../mount-refusals.ts";
import { assertAdmin, type Caller } from "../policy.ts";
import { conflict, notFound, notOpened, tooLateToCancel } from "../refusals.ts";
import { assertRestorable } from "../restore-checks.ts";
import { settleRestore } from "../restore-settling.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assertOwnProject, ensureTrust } from "../trusts.ts";
import type { DiskNames } from "../views/progress-view.ts";
import { restoreDetail, restoreSummary } from "../views/restore-view.ts";
import { diskNames, instanceRecords } from "../views/snapshot-view.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";
import { listRunning } from "./running.ts";
import { ownSnapshot } from "./snapshots.ts";

type RestoreHandlers = Pick<
  Handlers,
  "createRestore" | "listRestores" | "listRestoresDetail" | "showRestore" | "cancelRestore" | "deleteRestore"
>;

/** What is done with restores. */
export function restoreHandlers(world: World): RestoreHandlers {
  return {
    createRestore: async (request) => create(world, request),
    listRestores: async (request) => {
      const rows = await listed(world, request);
      const running = await runningOf(world, rows, new Map());
      const about = { origin: request.origin, nowMs: world.clock.now() };
      return { restores: rows.map((row) => restoreSummary(row, running.get(row.run_id), about)) };
    },
    listRestoresDetail: async (request) => {
      const rows = await listed(world, request);
      return {
        restores: await Promise.all(rows.map(async (row) => detail(world, row, request.origin))),
      };
    },
    showRestore: async (request) => ({
      restore: await detail(world, await ownRestore(world, request), request.origin),
    }),
    cancelRestore: async (request) => {
      const row = await ownRestore(world, request);
      const cancelled = await world.database.transaction(async (transaction) =>
        cancelRestore(transaction, request.caller, row.id),
      );
      if (cancelled.kind === "absent") throw notFound("restore", row.id);
      if (cancelled.kind === "ended") throw tooLateToCancel("restore", { ...row, status: cancelled.status });
      return undefined;
    },
    deleteRestore: async (request) => {
      const row = await ownRestore(world, request);
      const removed = await world.database.transaction(async (transaction) =>
        removeRestore(transaction, row.id),
      );
      if (!removed) throw conflict("restore", row.id, row.status);
      return undefined;
    },
  };
}

/** Everything that may refuse comes before the first thing that is written. */
async function create(world: World, request: ApiRequest<"createRestore">) {
  const { caller, signal, body } = request;
  const { options } = body.restore;
  const snapshot = await ownSnapshot(world, request);
  await refuseMounted(world, snapshot);
  if (snapshot.status !== "available") throw conflict("snapshot", snapshot.id, snapshot.status);
  assertOwnProject(caller);
  const captured = instanceRecords(snapshot);
  const settled = settleRestore(options, captured);
  const cloud = world.cloudOf(caller.token, request.requestId);
  await assertRestorable({ options: settled, captured, projectId: caller.projectId, cloud, signal });
  await ensureTrust(world, caller, cloud, signal);
  const name = body.restore.name ?? options.name ?? defaultName(settled);
  const opened = await world.database.transaction(async (transaction) =>
    openRestore(transaction, caller, {
      snapshotId: snapshot.id,
      name,
      description: body.restore.description ?? options.description ?? "",
      restoreType: options.restore_type,
      options,
      request: settled,
      ...(settled.safety_snapshot === true ? { safetySnapshot: safetySnapshot(snapshot, name) } : {}),
    }),
  );
  if (opened.kind !== "opened") throw notOpened(opened, { kind: "snapshot", id: snapshot.id });
  return { restore: await detail(world, opened.restore, request.origin) };
}

/** What the snapshot is called that is taken before a restore overwrites anything. */
function safetySnapshot(restored: SnapshotRow, restoreName: string) {
  return {
    name: `Before restore of ${restored.name}`.slice(0, LABEL_MAX).toWellFormed(),
    description: `Taken by the restore "${restoreName}" of what it was to overwrite.`,
    snapshotType: "incremental",
  } as const;
}

/** The names that the reference gives to what is restored without an instance. */
function defaultName({ restore_type: kind, openstack }: RestoreOptions): string {
  if (kind !== "selective" || openstack.instances.length > 0) return DEFAULT_NAMES[kind];
  return openstack.restore_topology ? "Network Topology Restore" : "Security Groups Restore";
}

const DEFAULT_NAMES: Readonly<Record<RestoreKind, string>> = {
  oneclick: "One-click restore",
  selective: "Selective restore",
  inplace: "In-place restore",
};

async function detail(world: World, row: RestoreRow, origin: string) {
  const snapshot = await findSnapshot(world.database.handle, { id: row.snapshot_id });
  const names = diskNames(snapshot === undefined ? [] : [snapshot]);
  const running = (await runningOf(world, [row], names)).get(row.run_id);
  return restoreDetail(row, { snapshot, running }, { origin, nowMs: world.clock.now() });
}

async function runningOf(world: World, rows: readonly RestoreRow[], names: DiskNames) {
  const moving = rows.filter((row) => row.status === "executing" || row.status === "cancelling");
  return listRunning(
    world,
    moving.map((row) => row.run_id),
    names,
  );
}

async function ownRestore(
  world: World,
  request: {
    readonly params: {
      readonly restore_id: string;
      readonly snapshot_id?: string;
      readonly workload_id?: string;
    };
    readonly caller: Caller;
  },
): Promise<RestoreRow> {
  const { restore_id: id, snapshot_id: snapshotId, workload_id: workloadId } = request.params;
  const row = await findRestore(world.database.handle, { id, projectId: request.caller.projectId });
  const isElsewhere =
    (snapshotId !== undefined && row?.snapshot_id !== snapshotId) ||
    (workloadId !== undefined && row?.workload_id !== workloadId);
  if (row === undefined || isElsewhere) throw notFound("restore", id);
  return row;
}

async function listed(
  world: World,
  request: ApiRequest<"listRestores" | "listRestoresDetail">,
): Promise<RestoreRow[]> {
  const { query, params, caller } = request;
  if (query.all === true) assertAdmin(caller, "restore:restore_get_all");
  const snapshotId = params.snapshot_id ?? query.snapshot_id;
  const workloadId = params.workload_id ?? query.workload_id;
  const filter = {
    ...(query.all === true ? {} : { projectId: caller.projectId }),
    ...(workloadId === undefined ? {} : { workloadId: workloadId as WorkloadId }),
    ...(snapshotId === undefined ? {} : { snapshotId: snapshotId as SnapshotId }),
  };
  return listRestores(world.database.handle, filter, pageOf(query));
}
