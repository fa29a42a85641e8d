import {
  type FailedWorkload,
  type MovedWorkload,
  type ReassignWorkloads,
  type TargetWorkload,
  wireTime,
} from "@cairn/contract";
import {
  findOwnershipJob,
  listFound,
  listReadyTargets,
  listTypesOf,
  type OwnershipJobRow,
  openOwnershipJob,
  type Standing,
  type TargetWorkloadRow,
  tellOwnershipJob,
  type WantedJob,
} from "@cairn/database";
import { missingRoles, NO_NEEDS, type RecoveryNeeds } from "@cairn/domain";
import { asId, assert, Fault, Rejection } from "@cairn/kernel";
import { STILL_WORKING } from "../replies.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

type OwnershipHandlers = Pick<
  Handlers,
  "listImportableWorkloads" | "importWorkloads" | "listOrphanedWorkloads" | "reassignWorkloads"
>;

/**
 * Whose workloads on targets are. The API does not reach targets: it asks the engines, waits for a while, and
 * then says how far they are. Who asks again gets the answer of the same job.
 */
export function ownershipHandlers(world: World): OwnershipHandlers {
  return {
    listImportableWorkloads: async (request) => listed(world, request, ["ours"]),
    listOrphanedWorkloads: async (request) =>
      listed(world, request, [
        "project-gone",
        "user-gone",
        ...(request.query.migrate_cloud === true ? (["other-cloud"] as const) : []),
      ]),
    importWorkloads: async (request) => {
      const { body, caller } = request;
      await refuseOtherTarget(world, body.target_btt, "target_btt");
      const targetIds = await targetsNamed(world, body, "source_btt");
      const wanted = { workloadIds: body.workload_ids ?? [], ...targetIds };
      const done = await ended(world, request, { kind: "import", request: wanted, askedBy: caller.userId });
      const { imported = [], failed = [], skipped = [] } = done.result as Partial<Outcome>;
      return {
        workloads: {
          imported_workloads: imported.map(movedView),
          failed_workloads: failed.map(failedView),
        },
        unreadable: [...skipped],
      };
    },
    reassignWorkloads: async (request) => reassign(world, request),
  };
}

/** What an engine wrote as the end of a job. */
interface Outcome {
  readonly imported: readonly Moved[];
  readonly reassigned: readonly Moved[];
  readonly failed: readonly { readonly id: string; readonly name?: string; readonly reason: string }[];
  readonly skipped: readonly string[];
}

interface Moved {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly projectId: string;
  readonly userId: string;
  readonly snapshots: number;
  readonly warnings: readonly string[];
}

/** The first page has the engines look again; further ones go through what they found. */
async function listed(
  world: World,
  request: ApiRequest<"listImportableWorkloads" | "listOrphanedWorkloads">,
  standings: readonly Standing[],
): Promise<{ workloads: TargetWorkload[]; unreadable: string[] }> {
  const { query, caller } = request;
  const { project_id: projectId, source_btt: name, source_btt_all: isAll } = query;
  const named = name === undefined ? {} : { source_btt: [name] };
  const wanted = await targetsNamed(world, { ...named, ...(isAll === true ? { source_btt_all: true } : {}) });
  const { targetIds } = wanted;
  let unreadable: string[] = [];
  if (query.marker === undefined) {
    const look = await ended(world, request, { kind: "look", request: wanted, askedBy: caller.userId });
    unreadable = [...((look.result as Partial<Outcome>).skipped ?? [])];
  }
  const rows = await listFound(
    world.database.handle,
    { standings, projectId, targetIds: targetIds?.map((id) => asId<"target">(id)) },
    pageOf(query),
  );
  return { workloads: rows.map(foundView), unreadable };
}

async function reassign(world: World, request: ApiRequest<"reassignWorkloads">) {
  const { body, caller } = request;
  const targetIds = await targetsNamed(world, combined(body), "[].source_btt");
  for (const [index, entry] of body.entries()) {
    await assertEntry(world, { entry, field: `[${String(index)}]`, signal: request.signal });
  }
  const reassignments = body.map((entry) => ({
    workloadIds: entry.workload_ids ?? [],
    oldProjectIds: entry.old_tenant_ids ?? [],
    projectId: entry.new_tenant_id,
    userId: entry.user_id,
    migratesCloud: entry.migrate_cloud === true,
  }));
  const wanted = { reassignments, by: caller.userId, ...targetIds };
  const done = await ended(world, request, { kind: "reassign", request: wanted, askedBy: caller.userId });
  const { reassigned = [], failed = [], skipped = [] } = done.result as Partial<Outcome>;
  return {
    workloads: {
      reassigned_workloads: reassigned.map(movedView),
      failed_workloads: failed.map(failedView),
    },
    unreadable: [...skipped],
  };
}

/** Several entries are one look: at the targets of all of them. */
function combined(body: readonly ReassignWorkloads[]): TargetsAsked {
  const isAll = body.some((entry) => entry.source_btt_all === true || (entry.source_btt ?? []).length === 0);
  return isAll ? {} : { source_btt: [...new Set(body.flatMap((entry) => entry.source_btt ?? []))] };
}

interface Entry {
  readonly entry: ReassignWorkloads;
  readonly field: string;
  readonly signal: AbortSignal;
}

/** Refused before anything is touched: a project or user that is not there, or may not act there. */
async function assertEntry(world: World, { entry, field, signal }: Entry): Promise<void> {
  const { keystone } = world.admin;
  const { new_tenant_id: projectId, user_id: userId } = entry;
  if ((entry.workload_ids ?? []).length === 0 && (entry.old_tenant_ids ?? []).length === 0) {
    const remedy = "Name workload_ids, or with old_tenant_ids the projects whose workloads shall move.";
    throw new Rejection("The entry names no workloads.", {
      status: 400,
      field: `${field}.workload_ids`,
      value: [],
      remedy,
    });
  }
  await refuseOtherTarget(world, entry.target_btt, `${field}.target_btt`);
  const project = await keystone.projects.find(asId(projectId), signal);
  if (project?.enabled !== true) {
    throw new Rejection(`The project ${projectId} does not exist, or is disabled.`, {
      status: 400,
      field: `${field}.new_tenant_id`,
      value: projectId,
      remedy: "Give the id of a project of this cloud, as `openstack project list` shows it.",
    });
  }
  const user = await keystone.users.find(asId(userId), signal);
  if (user?.enabled !== true) {
    throw new Rejection(`The user ${userId} does not exist, or is disabled.`, {
      status: 400,
      field: `${field}.user_id`,
      value: userId,
      remedy: "Give the id of a user of this cloud, as `openstack user list` shows it.",
    });
  }
  const missing = missingRoles(await rolesOf(world, { projectId, userId, signal }), world.trusteeRoles ?? []);
  if (missing.length === 0) return;
  throw new Rejection(`The user ${user.name} lacks ${missing.join(", ")} in the project ${project.name}.`, {
    status: 400,
    field: `${field}.user_id`,
    value: userId,
    remedy: `Give it: openstack role add --project ${projectId} --user ${userId} ${missing[0] ?? ""}.`,
  });
}

/** By name, with what groups and inheritance give. */
async function rolesOf(
  { admin }: World,
  who: { readonly projectId: string; readonly userId: string; readonly signal: AbortSignal },
): Promise<string[]> {
  const { projectId, userId, signal } = who;
  const { roles } = admin.keystone;
  const held = await roles.listAssignments({ projectId, userId, isEffective: true }, signal);
  const all = await roles.list({}, signal);
  return all.filter(({ id }) => held.some(({ roleId }) => roleId === id)).map(({ name }) => name);
}

interface TargetsAsked {
  readonly source_btt?: readonly string[];
  readonly source_btt_all?: boolean;
}

/** The ids of targets by their names; nothing when all are meant. */
async function targetsNamed(
  { database }: World,
  { source_btt: names = [], source_btt_all: isAll = false }: TargetsAsked,
  field = "source_btt",
): Promise<{ readonly targetIds?: readonly string[] }> {
  if (isAll || names.length === 0) return {};
  const all = await namedTargets(database.handle);
  const targetIds = names.map((name) => {
    const found = all.find((each) => each.names.includes(name));
    if (found !== undefined) return found.id;
    const remedy = `There are ${all.map((each) => each.names.at(-1) ?? "").join(", ")}.`;
    throw new Rejection(`There is no backup target ${name}.`, { status: 400, field, value: name, remedy });
  });
  return { targetIds };
}

/** Targets by all that people call them: ids, names, and ids and names of their types. */
async function namedTargets(handle: World["database"]["handle"]) {
  const targets = await listReadyTargets(handle);
  const types = await listTypesOf(
    handle,
    targets.map(({ id }) => id),
  );
  return targets.map(({ id, name, is_default: isDefault }) => {
    const own = types
      .filter((type) => type.target_id === id)
      .flatMap((type): string[] => [type.id, type.name]);
    return { id, isDefault, names: [id, name, ...own] };
  });
}

/** Data stays where it lies: what moves is whose it is. */
async function refuseOtherTarget(
  { database }: World,
  name: string | null | undefined,
  field: string,
): Promise<void> {
  if (name === undefined || name === null || name === "") return;
  const all = await namedTargets(database.handle);
  if (all.some((each) => each.isDefault && each.names.includes(name))) return;
  throw new Rejection(`New backups go to the default target, not to ${name}.`, {
    status: 400,
    field,
    value: name,
    remedy: "Leave it out.",
  });
}

const LOOK_MS = 200;
const WAIT_MS = 25_000;

/** Opens or joins a job, and waits for its end as long as a request may. */
async function ended(
  world: World,
  request: { readonly signal: AbortSignal },
  wanted: WantedJob,
): Promise<OwnershipJobRow> {
  const { database, clock } = world;
  const untilMs = clock.now() + (world.ownershipWaitMs ?? WAIT_MS);
  const opened = await database.transaction(async (transaction) => openOwnershipJob(transaction, wanted));
  for (;;) {
    const job = await findOwnershipJob(database.handle, opened.id);
    assert(job !== undefined, `job ${opened.id} that was just opened has a row`);
    if (job.state === "done" || job.state === "failed") {
      await tellOwnershipJob(database.handle, job.id);
      if (job.state === "done") return job;
      throw new Rejection(`The backup target could not be worked on: ${job.error_message ?? ""}.`, {
        status: 409,
        field: "request",
        value: job.request,
        remedy: "Mend what it says and ask again; what was done stays done.",
      });
    }
    if (clock.now() >= untilMs) throw new Fault(STILL_WORKING, progressSentence(job), "later");
    await clock.sleep(LOOK_MS, request.signal);
  }
}

function progressSentence({ state, progress }: OwnershipJobRow): string {
  if (state === "queued")
    return "No engine has begun with it yet: all are busy with another target job, or away.";
  const { doing, repositories, repositoriesKnown, workloads } = progress as {
    readonly doing?: string;
    readonly repositories?: number;
    readonly repositoriesKnown?: number;
    readonly workloads?: number;
  };
  const looked = `${String(repositories ?? 0)} of ${String(repositoriesKnown ?? 0)} repositories`;
  return `An engine is ${doing ?? "beginning"}: ${looked}, ${String(workloads ?? 0)} workloads found so far.`;
}

/** `FoundFacts` of an engine. */
interface Facts {
  readonly description?: string;
  readonly members?: readonly { readonly id: string; readonly name: string }[];
  readonly snapshotCount?: number;
  readonly needs?: RecoveryNeeds;
}

function foundView(row: TargetWorkloadRow): TargetWorkload {
  const { description = "", members = [], snapshotCount = 0, needs = NO_NEEDS } = row.facts as Facts;
  return {
    id: row.workload_id,
    name: row.name,
    description,
    project_id: row.project_id,
    user_id: row.user_id,
    cloud_id: row.cloud_id,
    standing: row.standing,
    newest_snapshot_at: wireTime(row.newest_at.getTime()),
    snapshot_count: snapshotCount,
    instances: [...members],
    needs: {
      networks: needs.networks.map(({ id, name, cidrs }) => ({ id, name, cidrs: [...cidrs] })),
      flavors: needs.flavors.map(({ name, vcpus, ramMiB: ram, diskGiB: disk }) => ({
        name,
        vcpus,
        ram,
        disk,
      })),
      volume_types: [...needs.volumeTypes],
      availability_zones: [...needs.zones],
      volume_zones: [...needs.volumeZones],
    },
  };
}

function movedView({ projectId, userId, warnings, ...moved }: Moved): MovedWorkload {
  return { ...moved, project_id: projectId, user_id: userId, warnings: [...warnings] };
}

function failedView({ id, name, reason }: Outcome["failed"][number]): FailedWorkload {
  return { id, name: name ?? null, reason };
}
