import {
  findMountOfWorkload,
  findWorkload,
  listStoredSnapshots,
  listWorkloadInstances,
  listWorkloadsOf,
  lockWorkloadRow,
  moveWorkload,
  type WorkloadRow,
} from "@cairn/database";
import { type OwnerTriple, WORKLOAD_ID_KEY, WORKLOAD_NAME_KEY } from "@cairn/domain";
import { asError, asId, assert, type InstanceId } from "@cairn/kernel";
import { type OwnerRecord, readOwner, writeOwner } from "@cairn/repository";
import { removed } from "./absent.ts";
import type { OwnershipContext } from "./ownership-context.ts";
import {
  attempted,
  type FailedWorkload,
  type ImportedWorkload,
  importFound,
  missingReason,
  progressOf,
  repositoriesOf,
} from "./ownership-import.ts";
import { type FoundWorkload, type Look, lookAtTargets } from "./target-look.ts";

/** Who gets which workloads. */
export interface Reassignment {
  readonly workloadIds: readonly string[];
  /** All workloads of these projects. */
  readonly oldProjectIds: readonly string[];
  readonly projectId: string;
  readonly userId: string;
  /** Workloads of other clouds, too. */
  readonly migratesCloud: boolean;
}

export interface ReassignRequest {
  readonly reassignments: readonly Reassignment[];
  readonly by: string;
  readonly targetIds?: readonly string[];
}

export interface ReassignResult {
  readonly reassigned: readonly ImportedWorkload[];
  readonly failed: readonly FailedWorkload[];
  readonly skipped: readonly string[];
}

/** Time for the run that frees members which stay behind; the workload is told as it is then. */
const FREED_WITHIN_MS = 60_000;
const FREED_LOOK_MS = 250;

/**
 * Gives workloads to another project and user: on the target first, then in the database. A crash between the
 * two is mended by doing it again. The keys of the repository stay where they are: the new project never
 * gets them, and its next snapshots go to its own repository.
 */
export async function reassignWorkloads(
  context: OwnershipContext,
  request: ReassignRequest,
): Promise<ReassignResult> {
  const look = await lookAtTargets(context, request);
  const reassigned: ImportedWorkload[] = [];
  const failed: FailedWorkload[] = [];
  for (const each of request.reassignments) {
    const ids = await chosen(context, look, each);
    for (const [index, id] of ids.entries()) {
      const doing = `reassigning workload ${index + 1} of ${ids.length}`;
      context.onProgress({ ...progressOf(look), doing });
      const name = look.workloads.get(id)?.name;
      const done = await attempted(context, { id, name }, async () =>
        reassign(context, look, { id, to: each, by: request.by }),
      );
      if ("reason" in done) failed.push(done);
      else reassigned.push(done);
    }
  }
  return { reassigned, failed, skipped: look.skipped };
}

async function chosen(
  { database }: OwnershipContext,
  look: Look,
  { workloadIds, oldProjectIds, migratesCloud }: Reassignment,
): Promise<string[]> {
  const found = [...look.workloads.values()].filter(
    (each) => oldProjectIds.includes(each.projectId) && (migratesCloud || each.standing !== "other-cloud"),
  );
  const known = await listWorkloadsOf(database.handle, { projectIds: oldProjectIds });
  const ids = [...workloadIds, ...found.map((each) => each.workloadId), ...known.map(({ id }) => id)];
  return [...new Set(ids)];
}

interface Reassigning {
  readonly id: string;
  readonly to: Reassignment;
  readonly by: string;
}

async function reassign(
  context: OwnershipContext,
  look: Look,
  wanted: Reassigning,
): Promise<ImportedWorkload | string> {
  const { id, to } = wanted;
  if ((await findWorkload(context.database.handle, { id })) !== undefined) {
    return moveKnown(context, look, wanted);
  }
  const found = look.workloads.get(id);
  if (found === undefined) return missingReason(look, id);
  if (found.standing === "other-cloud" && !to.migratesCloud) {
    const other = found.cloudId ?? "unknown";
    return `it belongs to another cloud (${other}); ask with migrate_cloud to move it here`;
  }
  return moveFound(context, look, { ...wanted, found });
}

/** A workload that has no row: it gets its new owner on the target, and is imported then. */
async function moveFound(
  context: OwnershipContext,
  look: Look,
  { found, to, by }: Reassigning & { readonly found: FoundWorkload },
): Promise<ImportedWorkload | string> {
  const owner = ownerBy(context, to);
  const afterMs = found.newestAt.getTime();
  const { workloadId, owner: former } = found;
  const isMoved = !isSameOwner(former, owner);
  if (isMoved) await writeOwners(context, look, { workloadId, owner, former, by, afterMs });
  return importFound(context, look, { found, owner, isMoved: former.projectId !== owner.projectId });
}

function ownerBy({ cloudId }: OwnershipContext, { projectId, userId }: Reassignment): OwnerTriple {
  return { projectId, userId, cloudId };
}

function isSameOwner(a: OwnerTriple, b: OwnerTriple): boolean {
  return a.projectId === b.projectId && a.userId === b.userId && a.cloudId === b.cloudId;
}

interface Change {
  readonly workloadId: string;
  readonly owner: OwnerTriple;
  readonly former: OwnerTriple;
  readonly by: string;
  /** The newest commit's time: the record must count for more, whatever this host's clock says. */
  readonly afterMs: number;
}

/** The same record into each repository that has snapshots of the workload, unless it says so already. */
async function writeOwners(context: OwnershipContext, look: Look, change: Change): Promise<void> {
  const { signal, clock, log } = context;
  const { workloadId, owner, former, by, afterMs } = change;
  const repositories = repositoriesOf(look, workloadId);
  const newest = await Promise.all(
    repositories.map(async ({ store, repositoryId, keys }) =>
      readOwner(store, { repositoryId, keys, workloadId, signal }),
    ),
  );
  const at = Math.max(Math.floor(clock.now()), afterMs + 1, ...newest.map((each) => (each?.at ?? 0) + 1));
  for (const [index, { store, repositoryId, keys }] of repositories.entries()) {
    const sequence = (newest[index]?.sequence ?? 0) + 1;
    const record: OwnerRecord = {
      workloadId,
      sequence,
      owner: plain(owner),
      former: plain(former),
      at,
      by,
    };
    await writeOwner(store, { repositoryId, keys, record, signal });
  }
  log.info("workload.reassigned", { workload: workloadId, to: owner, from: former, by });
}

function plain({ projectId, userId, cloudId }: OwnerTriple): OwnerRecord["owner"] {
  return { projectId, userId, ...(cloudId === undefined ? {} : { cloudId }) };
}

/**
 * A workload that has a row, which is held meanwhile: no snapshot of it can begin between the target and the
 * database.
 */
async function moveKnown(
  context: OwnershipContext,
  look: Look,
  { id, to, by }: Reassigning,
): Promise<ImportedWorkload | string> {
  const { database } = context;
  const leaving = await leavingMembers(context, id, to.projectId);
  const moved = await database.transaction(async (transaction) => {
    const row = await lockWorkloadRow(transaction, asId(id));
    if (row === undefined) return "it was deleted meanwhile";
    const former = { projectId: row.project_id, userId: row.user_id, cloudId: context.cloudId };
    const owner = ownerBy(context, to);
    if (isSameOwner(former, owner)) return row;
    if (row.status !== "available" && row.status !== "error") {
      return `it is ${row.status}; wait until its run has ended`;
    }
    const mount = await findMountOfWorkload(transaction, row.id);
    if (mount !== undefined) {
      return `its snapshot ${mount.snapshot_id} is mounted in an instance of its project; dismount it first`;
    }
    const snapshots = await listStoredSnapshots(transaction, row.id);
    const afterMs = Math.max(0, ...snapshots.map((each) => each.point_at?.getTime() ?? 0));
    await writeOwners(context, look, { workloadId: id, owner, former, by, afterMs });
    const move = { workload: row, projectId: asId<"project">(to.projectId), userId: asId<"user">(to.userId) };
    await moveWorkload(transaction, { ...move, leaving });
    return row;
  });
  if (typeof moved === "string") return moved;
  await unmark(context, moved, leaving);
  const row = await whenFree(context, id);
  const warnings = leaving.map(
    (instance) => `Instance ${instance} stays with project ${moved.project_id} and left the workload.`,
  );
  const { name, status, project_id: projectId, user_id: userId } = row;
  return { id, name, status, projectId, userId, snapshots: 0, warnings };
}

/** Members that exist in another project than the new one: nobody there could back them up. */
async function leavingMembers(
  { database, admin, signal }: OwnershipContext,
  workloadId: string,
  projectId: string,
): Promise<InstanceId[]> {
  const members = await listWorkloadInstances(database.handle, [asId(workloadId)]);
  const leaving: InstanceId[] = [];
  for (const { instance_id: id } of members) {
    const server = await admin.nova.servers.find(id, signal);
    if (server !== undefined && server.projectId !== projectId) leaving.push(id);
  }
  return leaving;
}

/** The former owner's run takes bitmaps off, and marks, too, if its trust still holds; this needs none. */
async function unmark(
  { admin, log, signal }: OwnershipContext,
  workload: WorkloadRow,
  leaving: readonly InstanceId[],
): Promise<void> {
  const { servers } = admin.nova;
  for (const id of leaving) {
    try {
      const server = await servers.find(id, signal);
      if (server?.metadata[WORKLOAD_ID_KEY] !== workload.id) continue;
      for (const key of [WORKLOAD_ID_KEY, WORKLOAD_NAME_KEY]) {
        await removed(servers.deleteMetadata(id, key, signal));
      }
    } catch (cause) {
      signal.throwIfAborted();
      log.warn("instance.not-unmarked", { instance: id, fault: asError(cause) });
    }
  }
}

async function whenFree({ database, clock, signal }: OwnershipContext, id: string): Promise<WorkloadRow> {
  const untilMs = clock.now() + FREED_WITHIN_MS;
  for (;;) {
    const row = await findWorkload(database.handle, { id });
    assert(row !== undefined, `workload ${id} that was just moved has a row`);
    if (row.status !== "locked" || clock.now() > untilMs) return row;
    await clock.sleep(FREED_LOOK_MS, signal);
  }
}
