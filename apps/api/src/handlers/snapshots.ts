import { parseWireTime, type SnapshotDetail } from "@cairn/contract";
import {
  type Cancelled,
  cancelSnapshot,
  cancelSnapshotMount,
  findRun,
  findSnapshot,
  findWorkload,
  hasCommittedSnapshot,
  listMountsOf,
  listNodes,
  listSnapshotSummaries,
  listSnapshots,
  listWaiting,
  openSnapshot,
  openSnapshotDeletion,
  resetSnapshot,
  type SnapshotFilter,
  type SnapshotRow,
} from "@cairn/database";
import { snapshotKind } from "@cairn/domain";
import { Rejection, type WorkloadId } from "@cairn/kernel";
import { refuseExceeded } from "../admission.ts";
import { refuseMounted } from "../mount-refusals.ts";
import { assertAdmin, type Caller } from "../policy.ts";
import { notFound, notOpened, tooLateToCancel } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { diskNames, snapshotDetail, snapshotSummary } from "../views/snapshot-view.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";
import { isUp } from "./nodes.ts";
import { listRunning } from "./running.ts";

type SnapshotHandlers = Pick<
  Handlers,
  | "takeSnapshot"
  | "listSnapshots"
  | "listSnapshotsDetail"
  | "showSnapshot"
  | "cancelSnapshot"
  | "resetSnapshot"
  | "deleteSnapshot"
>;

/** What is done with snapshots. */
export function snapshotHandlers(world: World): SnapshotHandlers {
  return {
    takeSnapshot: async (request) => take(world, request),
    listSnapshots: async (request) => {
      const { handle } = world.database;
      const rows = await listSnapshotSummaries(handle, filterOf(request), pageOf(request.query));
      return { snapshots: rows.map(snapshotSummary) };
    },
    listSnapshotsDetail: async (request) => {
      const rows = await listSnapshots(world.database.handle, filterOf(request), pageOf(request.query));
      return { snapshots: await snapshotDetails(world, rows, request.origin) };
    },
    showSnapshot: async (request) => {
      const row = await ownSnapshot(world, request);
      return { snapshot: await onlyDetail(world, row, request.origin) };
    },
    cancelSnapshot: async (request) => {
      const row = await ownSnapshot(world, request);
      if (row.status === "mounting") return cancelMount(world, row);
      const cancelled = await world.database.transaction(async (transaction) =>
        cancelSnapshot(transaction, request.caller, row.id),
      );
      refuseEnded(row, cancelled);
      return undefined;
    },
    resetSnapshot: async (request) => {
      const row = await ownSnapshot(world, request);
      await refuseWithoutEngine(world, row);
      const cancelled = await world.database.transaction(async (transaction) =>
        resetSnapshot(transaction, request.caller, row.id),
      );
      refuseEnded(row, cancelled);
      return undefined;
    },
    deleteSnapshot: async (request) => {
      const row = await ownSnapshot(world, request);
      await refuseMounted(world, row);
      const opened = await world.database.transaction(async (transaction) =>
        openSnapshotDeletion(transaction, request.caller, row.id),
      );
      if (opened.kind !== "opened") throw notOpened(opened, { kind: "snapshot", id: row.id });
      return undefined;
    },
  };
}

function refuseEnded(row: SnapshotRow, cancelled: Cancelled): void {
  if (cancelled.kind === "absent") throw notFound("snapshot", row.id);
  if (cancelled.kind === "ended") throw tooLateToCancel("snapshot", { ...row, status: cancelled.status });
}

/** An engine has to remove what the snapshot made: without one the error would still hold things. */
async function refuseWithoutEngine({ database }: World, row: SnapshotRow): Promise<void> {
  const nodes = await listNodes(database.handle);
  const engines = nodes.filter(({ service }) => service === "engine");
  if (engines.some(isUp)) return;
  const run = await findRun(database.handle, row.run_id);
  const holders = engines.filter(({ name }) => name === run?.claimed_by);
  const hosts = [...new Set((holders.length > 0 ? holders : engines).map(({ host }) => host))].join(", ");
  // The words that clients of snapshot-reset look for.
  throw new Rejection(`Please check service status on the Host(${hosts})`, {
    status: 409,
    field: "host",
    value: hosts,
    remedy: "No engine is up. Start one: it takes the snapshot over, and then it can be reset.",
  });
}

/** What was attached goes again, and the snapshot is available. */
async function cancelMount(world: World, row: SnapshotRow): Promise<undefined> {
  const isAsked = await world.database.transaction(async (transaction) =>
    cancelSnapshotMount(transaction, row.id),
  );
  if (!isAsked) throw tooLateToCancel("snapshot", row);
  return undefined;
}

/** Snapshots of a list with their progress: a few statements, however many rows. */
export async function snapshotDetails(
  world: World,
  rows: readonly SnapshotRow[],
  origin: string,
): Promise<SnapshotDetail[]> {
  const moving = rows.filter((row) => row.status === "executing" || row.status === "cancelling");
  const mounting = rows.filter((row) => row.status === "mounting" || row.status === "mounted");
  const mounts = await listMountsOf(
    world.database.handle,
    mounting.map((row) => row.id),
  );
  const running = await listRunning(
    world,
    [...moving.map((row) => row.run_id), ...[...mounts.values()].map((mount) => mount.run_id)],
    diskNames(mounting),
  );
  const waiting = await listWaiting(
    world.database.handle,
    moving.map((row) => row.run_id),
  );
  const about = { origin, nowMs: world.clock.now(), waiting };
  return rows.map((row) => {
    const mount = mounts.get(row.id);
    return snapshotDetail(row, running.get(mount?.run_id ?? row.run_id), { ...about, mount });
  });
}

async function onlyDetail(world: World, row: SnapshotRow, origin: string): Promise<SnapshotDetail> {
  const [detail] = await snapshotDetails(world, [row], origin);
  if (detail === undefined) throw new Error("bug: a snapshot without its view");
  return detail;
}

/** The snapshot of a path; a workload in the path must be its own. */
export async function ownSnapshot(
  world: World,
  request: {
    readonly params: { readonly snapshot_id: string; readonly workload_id?: string };
    readonly caller: Caller;
  },
): Promise<SnapshotRow> {
  const { snapshot_id: id, workload_id: workloadId } = request.params;
  const row = await findSnapshot(world.database.handle, { id, projectId: request.caller.projectId });
  if (row === undefined || (workloadId !== undefined && row.workload_id !== workloadId)) {
    throw notFound("snapshot", id);
  }
  return row;
}

async function take(world: World, request: ApiRequest<"takeSnapshot">) {
  const { caller, body, query } = request;
  const { handle } = world.database;
  const id = request.params.workload_id;
  const workload = await findWorkload(handle, { id, projectId: caller.projectId });
  if (workload === undefined) throw notFound("workload", id);
  const wantsFull = query.full ?? body.snapshot.full ?? false;
  const opened = await world.database.transaction(async (transaction) =>
    openSnapshot(transaction, caller, {
      workloadId: workload.id,
      name: nameOf(body.snapshot),
      description: body.snapshot.description ?? "",
      snapshotType: snapshotKind({
        requested: wantsFull ? "full" : "incremental",
        nextFull: workload.next_full,
        hasCommittedSnapshot: await hasCommittedSnapshot(handle, workload.id),
      }),
    }),
  );
  if (opened.kind === "over-quota") refuseExceeded(opened.exceeded, "snapshot");
  if (opened.kind !== "opened") throw notOpened(opened, { kind: "workload", id });
  return { snapshot: await onlyDetail(world, opened.snapshot, request.origin) };
}

function nameOf(asked: { readonly name?: string }): string {
  return asked.name === undefined || asked.name === "" ? "snapshot" : asked.name;
}

/** Which snapshots a list is of. */
function filterOf(request: ApiRequest<"listSnapshots" | "listSnapshotsDetail">): SnapshotFilter {
  const { query, params, caller } = request;
  if (query.all === true) assertAdmin(caller, "snapshot:snapshot_get_all");
  const workloadId = params.workload_id ?? query.workload_id;
  return {
    ...(query.all === true ? {} : { projectId: caller.projectId }),
    ...(workloadId === undefined ? {} : { workloadId: workloadId as WorkloadId }),
    from: dateOf("date_from", query.date_from),
    to: dateOf("date_to", query.date_to),
  };
}

function dateOf(field: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const ms = parseWireTime(text);
  if (ms !== undefined) return new Date(ms);
  throw new Rejection(`Invalid input for field ${field}: it must be a date and time.`, {
    status: 400,
    field,
    value: text,
    remedy: "Write it as YYYY-MM-DDTHH:MM:SS, in UTC.",
  });
}
