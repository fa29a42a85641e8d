import type { ParamsOf, WorkloadDetail } from "@cairn/contract";
import {
  countSnapshots,
  createWorkload,
  findMountOfWorkload,
  findWorkload,
  type Handle,
  listWaiting,
  listWorkloadInstances,
  listWorkloadSummaries,
  listWorkloads,
  loadWorkloadFacts,
  lockWorkloadRow,
  type Modified,
  modifyWorkload,
  openWorkloadRun,
  targetTypeNames,
  unlockWorkload,
  type WorkloadFilter,
  type WorkloadInstanceRow,
  type WorkloadRow,
} from "@cairn/database";
import { changedSchedule } from "@cairn/domain";
import { asId, assert, type InstanceId, newId, Rejection, unreachable, type WorkloadId } from "@cairn/kernel";
import { MemberAdmission } from "../admission.ts";
import { assertTargetKept, chosenTarget } from "../chosen-target.ts";
import { instanceTaken, resolveMembers } from "../members.ts";
import { mountedRefusal } from "../mount-refusals.ts";
import { type Following, holdFollowed, settlePolicy } from "../policies.ts";
import { assertAdmin, type Caller } from "../policy.ts";
import { conflict, notFound, notOpened } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assertOwnProject, ensureTrust } from "../trusts.ts";
import { workloadDetail, workloadSummary } from "../views/workload-view.ts";
import { keptSecret, settleSecret } from "../workload-secrets.ts";
import type { World } from "../world.ts";
import { markInstances } from "./instance-marks.ts";
import { pageOf } from "./lists.ts";
import { assertChangeable, keepSchedule, meaningOf } from "./schedules.ts";

type WorkloadHandlers = Pick<
  Handlers,
  | "listWorkloads"
  | "listWorkloadsDetail"
  | "createWorkload"
  | "showWorkload"
  | "modifyWorkload"
  | "deleteWorkload"
  | "resetWorkload"
  | "unlockWorkload"
>;

/** What is done with workloads. */
export function workloadHandlers(world: World): WorkloadHandlers {
  return {
    listWorkloads: async (request) => {
      if (request.query.detail === true) return { workloads: await listDetails(world, request) };
      const { handle } = world.database;
      const rows = await listWorkloadSummaries(handle, filterOf(request), pageOf(request.query));
      return { workloads: rows.map((row) => workloadSummary(row, request.origin)) };
    },
    listWorkloadsDetail: async (request) => ({ workloads: await listDetails(world, request) }),
    createWorkload: async (request) => create(world, request),
    showWorkload: async (request) => {
      const row = await ownWorkload(world, request);
      return { workload: await detail(world, row, request.origin) };
    },
    modifyWorkload: async (request) => modify(world, request),
    deleteWorkload: async (request) => deletion(world, request),
    resetWorkload: async (request) => {
      const workloadId = request.params.workload_id as WorkloadId;
      const opened = await world.database.transaction(async (transaction) =>
        openWorkloadRun(transaction, request.caller, { workloadId, flow: "workload-reset" }),
      );
      if (opened.kind !== "opened") throw notOpened(opened, { kind: "workload", id: workloadId });
      return undefined;
    },
    unlockWorkload: async (request) => unlock(world, request),
  };
}

type ListRequest = ApiRequest<"listWorkloads" | "listWorkloadsDetail">;

/** Which workloads a list is of. */
function filterOf({ query, caller }: ListRequest): WorkloadFilter {
  const { name, status } = query;
  if (query.all_workloads !== true) return { projectId: caller.projectId, name, status };
  assertAdmin(caller, "workload:workload_get_all");
  return { name, status };
}

async function listDetails(world: World, request: ListRequest): Promise<WorkloadDetail[]> {
  const rows = await listWorkloads(world.database.handle, filterOf(request), pageOf(request.query));
  return details(world, rows, request.origin);
}

async function details(
  world: World,
  rows: readonly WorkloadRow[],
  origin: string,
): Promise<WorkloadDetail[]> {
  const ids = rows.map((row) => row.id);
  const { handle } = world.database;
  // Only a run that is not over waits, and it holds its workload.
  const held = rows.flatMap((row) => (row.status === "available" ? [] : (row.run_id ?? [])));
  const facts = {
    ...(await loadWorkloadFacts(handle, ids)),
    waiting: held.length === 0 ? [] : await listWaiting(handle, held),
    targetTypes: await targetTypeNames(handle, [...new Set(rows.flatMap((row) => row.target_type_id ?? []))]),
    nowMs: world.clock.now(),
  };
  return rows.map((row) => workloadDetail(row, facts, origin));
}

async function detail(world: World, row: WorkloadRow, origin: string): Promise<WorkloadDetail> {
  const [only] = await details(world, [row], origin);
  assert(only !== undefined, "a row has a view");
  return only;
}

async function ownWorkload(
  world: World,
  request: { readonly params: ParamsOf<"showWorkload">; readonly caller: Caller },
): Promise<WorkloadRow> {
  const id = request.params.workload_id;
  const row = await findWorkload(world.database.handle, { id, projectId: request.caller.projectId });
  if (row === undefined) throw notFound("workload", id);
  return row;
}

/** Everything that may refuse comes before the first thing that is written. */
async function create(world: World, request: ApiRequest<"createWorkload">) {
  const { caller, signal, body } = request;
  const asked = body.workload;
  assertOwnProject(caller);
  const policy = { asked: asked.policy_id, currentId: null, before: {}, after: asked.jobschedule };
  const following = await settlePolicy(world, caller, policy);
  // Refused before anything is written.
  meaningOf(following.jobschedule, world.clock.now());
  const target = await chosenTarget(world, caller.projectId, asked.backup_target_types);
  const cloud = world.cloudOf(caller.token, request.requestId);
  const secret = await settleSecret(cloud, asked, signal);
  const names = asked.instances.map((member) => member["instance-id"]);
  const isEncrypted = secret !== undefined;
  const instances = await resolveMembers(world, { instances: names, caller, cloud, isEncrypted }, signal);
  const admission = await MemberAdmission.observe(world, { caller, cloud }, signal);
  const change = { workloads: 1, before: [], after: instances } as const;
  await admission.assertRoom(world, change);
  await ensureTrust(world, caller, cloud, signal);
  const id: WorkloadId = newId();
  const created = await world.database.transaction(async (transaction) => {
    await holdFollowed(transaction, following);
    await admission.admit(transaction, change);
    const made = await createWorkload(transaction, {
      id,
      projectId: caller.projectId,
      userId: caller.userId,
      name: nameOr(asked.name, "workload"),
      description: asked.description ?? "",
      workloadTypeId: asked.workload_type_id ?? undefined,
      jobschedule: following.jobschedule ?? {},
      metadata: asked.metadata ?? {},
      target,
      policyId: following.policy?.id,
      secret,
      instances,
    });
    if (made.kind === "created") await keepSchedule(transaction, made.workload, world.clock.now());
    return made;
  });
  if (created.kind === "instance-taken") throw instanceTaken(created.instanceId);
  await markInstances(
    cloud,
    { instances: instances.map((each) => each.instanceId), workload: created.workload },
    request,
  );
  // The row is usable at once; clients were built to see this word first and to ask again.
  return { workload: { ...workloadSummary(created.workload, request.origin), status: "creating" as const } };
}

async function modify(world: World, request: ApiRequest<"modifyWorkload">) {
  const { caller, signal, body } = request;
  const before = await ownWorkload(world, request);
  if (before.status !== "available") throw conflict("workload", before.id, before.status);
  assertOwnProject(caller);
  await assertTargetKept(world, before, body.workload.backup_target_types);
  const following = await settledSchedule(world, caller, before, body.workload);
  const cloud = world.cloudOf(caller.token, request.requestId);
  const secretId = await keptSecret(cloud, before, body.workload, signal);
  const names = body.workload.instances?.map((member) => member["instance-id"]);
  const isEncrypted = before.secret_id !== null;
  const wanted = { caller, cloud, workloadId: before.id, isEncrypted };
  const instances =
    names === undefined ? undefined : await resolveMembers(world, { ...wanted, instances: names }, signal);
  const admission = await MemberAdmission.observe(world, { caller, cloud }, signal);
  if (instances !== undefined) {
    const members = await listWorkloadInstances(world.database.handle, [before.id]);
    await admission.assertRoom(world, { workloads: 0, before: members, after: instances });
  }
  await ensureTrust(world, caller, cloud, signal);
  const workload = await world.database.transaction(async (transaction) => {
    // Locks come in one order everywhere: the workload, its policy, the project's quotas.
    const locked = await lockWorkloadRow(transaction, before.id);
    if (locked !== undefined && locked.policy_id !== before.policy_id)
      throw conflict("workload", before.id, "updating");
    await holdFollowed(transaction, following);
    const members = await listWorkloadInstances(transaction, [before.id]);
    if (instances !== undefined) {
      await admission.admit(transaction, { workloads: 0, before: members, after: instances });
    }
    const modified = await modifyWorkload(transaction, before.id, {
      ...changesOf(before, body.workload),
      jobschedule: following.jobschedule,
      policyId: following.policy?.id ?? null,
      secretId,
      instances,
    });
    // Thrown inside, so that the transaction rolls back what it did before the refusal.
    const changed = modifiedOrThrow(modified, before.id);
    if (following.jobschedule !== undefined) await keepSchedule(transaction, changed, world.clock.now());
    const former = instances === undefined ? undefined : formerMembers(members, instances);
    return former === undefined ? changed : markMembers(transaction, caller, changed, former);
  });
  const shown = await detail(world, workload, request.origin);
  // A new name alone needs no run: nothing is left on a host, and nobody has to wait for it.
  if (workload.name !== before.name && workload.status === "available") {
    await markInstances(cloud, { instances: shown.instances.map(({ id }) => asId(id)), workload }, request);
  }
  return { workload: shown };
}

type AskedChange = ApiRequest<"modifyWorkload">["body"]["workload"];

/** Policy and schedule after a change, checked: nothing of it is refused later. */
async function settledSchedule(
  world: World,
  caller: Caller,
  before: WorkloadRow,
  asked: AskedChange,
): Promise<Following> {
  const after =
    asked.jobschedule === undefined ? undefined : changedSchedule(before.jobschedule, asked.jobschedule);
  const following = await settlePolicy(world, caller, {
    asked: asked.policy_id,
    currentId: before.policy_id,
    before: before.jobschedule,
    after,
  });
  await assertChangeable(world, following.isNew ? following.jobschedule : asked.jobschedule);
  meaningOf(following.jobschedule, world.clock.now());
  return following;
}

/** What a body says of the workload itself; metadata are added to what is there. */
function changesOf(before: WorkloadRow, { name, description, metadata }: AskedChange) {
  return {
    name,
    description,
    metadata: metadata === undefined ? undefined : { ...before.metadata, ...metadata },
  };
}

/**
 * Starts the run that marks the members and takes bitmaps, bases and marks off those that left. In the
 * transaction of the change: a crash cannot leave a former member with a bitmap that nobody will remove.
 */
async function markMembers(
  transaction: Handle,
  caller: Caller,
  { id }: WorkloadRow,
  formerMemberIds: readonly InstanceId[],
): Promise<WorkloadRow> {
  const wanted = { workloadId: id, flow: "workload-mark", request: { formerMemberIds } } as const;
  const opened = await openWorkloadRun(transaction, caller, wanted);
  if (opened.kind !== "opened") throw notOpened(opened, { kind: "workload", id });
  const locked = await findWorkload(transaction, { id });
  assert(locked !== undefined, `workload ${id} that was just changed has a row`);
  return locked;
}

/** Those that left, perhaps nobody; undefined when the members are the same as before. */
function formerMembers(
  before: readonly WorkloadInstanceRow[],
  after: readonly { readonly instanceId: InstanceId }[],
): InstanceId[] | undefined {
  const old = before.map((member) => member.instance_id);
  const now = after.map((member) => member.instanceId);
  const isSame = old.length === now.length && now.every((id) => old.includes(id));
  return isSame ? undefined : old.filter((id) => !now.includes(id));
}

function modifiedOrThrow(modified: Modified, id: string): WorkloadRow {
  switch (modified.kind) {
    case "modified":
      return modified.workload;
    case "busy":
      throw conflict("workload", id, modified.workload.status);
    case "absent":
      throw notFound("workload", id);
    case "instance-taken":
      throw instanceTaken(modified.instanceId);
    default:
      return unreachable(modified);
  }
}

async function deletion(world: World, request: ApiRequest<"deleteWorkload">): Promise<undefined> {
  const row = await ownWorkload(world, request);
  const count = await countSnapshots(world.database.handle, row.id);
  if (count > 0 && request.query.database_only !== true) {
    throw new Rejection(`The workload ${row.name} still has ${counted(count)}.`, {
      status: 409,
      field: "workload_id",
      value: row.id,
      remedy:
        "Delete its snapshots first, or use database_only=True (cairn: --database-only) to keep them on " +
        "the backup target.",
    });
  }
  const opened = await world.database.transaction(async (transaction) => {
    const run = await openWorkloadRun(transaction, request.caller, {
      workloadId: row.id,
      flow: "workload-delete",
      request: { databaseOnly: request.query.database_only === true },
    });
    // Only now is the workload ours: no snapshot of it can be mounted any more.
    const mount = await findMountOfWorkload(transaction, row.id);
    if (mount !== undefined) throw mountedRefusal(mount);
    return run;
  });
  if (opened.kind !== "opened") throw notOpened(opened, { kind: "workload", id: row.id });
  return undefined;
}

function counted(snapshots: number): string {
  return snapshots === 1 ? "1 snapshot" : `${String(snapshots)} snapshots`;
}

async function unlock(world: World, request: ApiRequest<"unlockWorkload">): Promise<undefined> {
  const row = await ownWorkload(world, request);
  const unlocked = await world.database.transaction(async (transaction) =>
    unlockWorkload(transaction, row.id),
  );
  switch (unlocked.kind) {
    case "unlocked":
      return undefined;
    case "absent":
      throw notFound("workload", row.id);
    case "busy":
      throw new Rejection(`The workload ${row.id} is locked by a run that is alive.`, {
        status: 409,
        field: "status",
        value: row.status,
        remedy: "Wait until the running snapshot or restore has ended, or cancel it.",
      });
    default:
      return unreachable(unlocked);
  }
}

/** Names of a blank only are names; nothing at all is not. */
function nameOr(name: string | undefined, fallback: string): string {
  return name === undefined || name === "" ? fallback : name;
}
