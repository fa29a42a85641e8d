import type { MountedSnapshot } from "@cairn/contract";
import {
  datamoverPresence,
  findMountOfInstance,
  findWorkload,
  listMounted,
  type MountedSnapshotRow,
  openSnapshotDismount,
  openSnapshotMount,
} from "@cairn/database";
import { asId, type InstanceId, isUuid, Rejection, type WorkloadId } from "@cairn/kernel";
import type { Server } from "@cairn/openstack";
import { refuseMounted } from "../mount-refusals.ts";
import { conflict, notFound, notOpened } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assertOwnProject, ensureTrust } from "../trusts.ts";
import type { World } from "../world.ts";
import { pageAmong } from "./lists.ts";
import { ownSnapshot } from "./snapshots.ts";

type MountHandlers = Pick<Handlers, "mountSnapshot" | "dismountSnapshot" | "listMountedSnapshots">;

/** A datamover that was seen within this time is live, as engines count. */
const LIVE_MS = 60_000;
const FIELD = "mount.mount_vm_id";

/** Mounts of snapshots in instances. */
export function mountHandlers(world: World): MountHandlers {
  return {
    mountSnapshot: async (request) => mount(world, request),
    dismountSnapshot: async (request) => dismount(world, request),
    listMountedSnapshots: async (request) => {
      const all = await mounted(world, request);
      return { mounted_snapshots: pageAmong(all, request.query, (row) => row.snapshot_id) };
    },
  };
}

/** Everything that may refuse comes before the first thing that is written. */
async function mount(world: World, request: ApiRequest<"mountSnapshot">): Promise<undefined> {
  const { caller, signal, body } = request;
  const row = await ownSnapshot(world, request);
  await refuseMounted(world, row);
  if (row.status !== "available") throw conflict("snapshot", row.id, row.status);
  assertOwnProject(caller);
  const cloud = world.cloudOf(caller.token, request.requestId);
  const instanceId = asId<"instance">(body.mount.mount_vm_id);
  // What is no id would be another address of Nova's.
  const server = isUuid(instanceId) ? await cloud.nova.servers.find(instanceId, signal) : undefined;
  if (server?.projectId !== caller.projectId) throw noInstance(instanceId);
  assertRuns(server);
  await assertReachable(world, server, signal);
  await refuseTaken(world, server);
  await ensureTrust(world, caller, cloud, signal);
  const wanted = { snapshotId: row.id, instanceId, instanceName: server.name };
  const opened = await world.database.transaction(async (transaction) => {
    const run = await openSnapshotMount(transaction, caller, wanted);
    if (run.kind === "instance-taken") throw taken(server, run.snapshotId);
    return run;
  });
  if (opened.kind !== "opened") throw notOpened(opened, { kind: "snapshot", id: row.id });
  return undefined;
}

async function dismount(world: World, request: ApiRequest<"dismountSnapshot">): Promise<undefined> {
  const { caller, signal } = request;
  const row = await ownSnapshot(world, request);
  if (row.status === "mounting") await refuseMounted(world, row);
  if (row.status !== "mounted") {
    throw new Rejection(`The snapshot ${row.id} is not mounted: it is ${row.status}.`, {
      status: 409,
      field: "status",
      value: row.status,
      remedy: "GET /snapshots/mounted/list lists those that are (cairn snapshot mounted-list).",
    });
  }
  assertOwnProject(caller);
  await ensureTrust(world, caller, world.cloudOf(caller.token, request.requestId), signal);
  const opened = await world.database.transaction(async (transaction) =>
    openSnapshotDismount(transaction, caller, row.id),
  );
  if (opened.kind !== "opened") throw notOpened(opened, { kind: "snapshot", id: row.id });
  return undefined;
}

async function mounted(
  world: World,
  { params, query, caller }: ApiRequest<"listMountedSnapshots">,
): Promise<MountedSnapshot[]> {
  const { handle } = world.database;
  const { projectId } = caller;
  const workloadId = params.workload_id ?? query.workload_id;
  if (workloadId === undefined) return (await listMounted(handle, { projectId })).map(mountedView);
  if ((await findWorkload(handle, { id: workloadId, projectId })) === undefined) {
    throw notFound("workload", workloadId);
  }
  const rows = await listMounted(handle, { projectId, workloadId: workloadId as WorkloadId });
  return rows.map(mountedView);
}

function mountedView(row: MountedSnapshotRow): MountedSnapshot {
  return {
    snapshot_id: row.id,
    snapshot_name: row.name,
    workload_id: row.workload_id,
    mounturl: row.url,
    status: row.status,
  };
}

/** Another project's instance looks like one that does not exist. */
function noInstance(id: InstanceId): Rejection {
  return new Rejection(`The mount instance ${id} could not be found.`, {
    status: 404,
    field: FIELD,
    value: id,
    remedy: "Give the id of an instance of this project that runs, as `openstack server list` shows it.",
  });
}

function assertRuns({ id, name, status }: Server): void {
  if (status === "ACTIVE") return;
  throw new Rejection(`The mount instance ${name} (${id}) is ${status}.`, {
    status: 409,
    field: FIELD,
    value: id,
    remedy: `Start it (openstack server start ${id}), or choose another: it must be ACTIVE.`,
  });
}

/** Only administrators are told where an instance is, so the service user is asked. */
async function assertReachable(world: World, { id, name }: Server, signal: AbortSignal): Promise<void> {
  const host = (await world.admin.nova.servers.find(id, signal))?.host;
  const presence =
    host === undefined ? undefined : await datamoverPresence(world.database.handle, host, LIVE_MS);
  if (presence?.kind === "present") return;
  throw new Rejection(`No datamover is live on the compute node of the mount instance ${name} (${id}).`, {
    status: 409,
    field: FIELD,
    value: id,
    remedy: "Have its datamover started, or choose an instance on another compute node.",
  });
}

async function refuseTaken(world: World, server: Server): Promise<void> {
  const other = await findMountOfInstance(world.database.handle, server.id);
  if (other !== undefined) throw taken(server, other.snapshot_id);
}

function taken({ id, name }: Server, snapshotId: string): Rejection {
  return new Rejection(`The instance ${name} (${id}) has the snapshot ${snapshotId} mounted already.`, {
    status: 409,
    field: FIELD,
    value: id,
    remedy: `Dismount that one (cairn snapshot dismount ${snapshotId}), or choose another instance.`,
  });
}
