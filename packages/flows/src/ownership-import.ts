import {
  findWorkload,
  insertRebuiltRepository,
  insertRebuiltWorkload,
  listKnownWorkloads,
  listMemberships,
  listSnapshotIds,
  loadRepository,
  setForeign,
  switchedOff,
} from "@cairn/database";
import {
  type CommittedWorkload,
  type OwnerTriple,
  standingSentence,
  WORKLOAD_ID_KEY,
  WORKLOAD_NAME_KEY,
} from "@cairn/domain";
import { asError, asId, describeFault, Fault, mapLimited } from "@cairn/kernel";
import { listCommits, readCommit, readTombstone } from "@cairn/repository";
import type { OwnershipContext } from "./ownership-context.ts";
import { writeSnapshot } from "./rebuild.ts";
import { type FoundCommit, planRebuild } from "./rebuild-plan.ts";
import { tenantSecretOf } from "./repository-access.ts";
import { parseCaptured } from "./restore-source.ts";
import { type FoundRepository, type FoundWorkload, type Look, lookAtTargets } from "./target-look.ts";

/** A workload that is here now. */
export interface ImportedWorkload {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly projectId: string;
  readonly userId: string;
  /** How many snapshots got a row. */
  readonly snapshots: number;
  /** What is not as it was, in sentences. */
  readonly warnings: readonly string[];
}

/** A workload that is not, and why. */
export interface FailedWorkload {
  readonly id: string;
  readonly name: string | undefined;
  readonly reason: string;
}

export interface ImportResult {
  readonly imported: readonly ImportedWorkload[];
  readonly failed: readonly FailedWorkload[];
  readonly skipped: readonly string[];
}

const READS_AT_ONCE = 4;

/** What an administrator wants imported: these workloads, or with an empty list all of this cloud. */
export interface ImportRequest {
  readonly workloadIds: readonly string[];
  readonly targetIds?: readonly string[];
}

/**
 * Writes rows for workloads of this cloud that a target has and the database lacks. Each is a matter of its
 * own: what fails is named with its reason and keeps no other from being imported. Again is harmless: a
 * workload that is here gets the snapshots that it lacks, and nothing else is touched.
 */
export async function importWorkloads(
  context: OwnershipContext,
  request: ImportRequest,
): Promise<ImportResult> {
  const look = await lookAtTargets(context, request);
  const { workloadIds } = request;
  const all = [...look.workloads.values()].filter((each) => each.standing === "ours" && !each.isKnown);
  const ids = workloadIds.length === 0 ? all.map((each) => each.workloadId as string) : workloadIds;
  const known = await listKnownWorkloads(
    context.database.handle,
    ids.map((id) => asId<"workload">(id)),
  );
  const imported: ImportedWorkload[] = [];
  const failed: FailedWorkload[] = [];
  for (const [index, id] of [...new Set(ids)].entries()) {
    context.onProgress({ ...progressOf(look), doing: `importing workload ${index + 1} of ${ids.length}` });
    const found = look.workloads.get(id);
    const done = await attempted(context, { id, name: found?.name }, async () =>
      known.has(asId(id)) ? completeWorkload(context, look, id) : importNew(context, look, { id, found }),
    );
    if ("reason" in done) failed.push(done);
    else imported.push(done);
  }
  return { imported, failed, skipped: look.skipped };
}

/** A Fault is the workload's own failure; only the end of the engine's patience with all ends the job. */
export async function attempted(
  { signal, log }: OwnershipContext,
  { id, name }: { readonly id: string; readonly name: string | undefined },
  work: () => Promise<ImportedWorkload | string>,
): Promise<ImportedWorkload | FailedWorkload> {
  signal.throwIfAborted();
  try {
    const done = await work();
    return typeof done === "string" ? { id, name, reason: done } : done;
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof Fault)) throw cause;
    log.warn("ownership.workload-failed", { workload: id, fault: asError(cause) });
    return { id, name, reason: describeFault(cause) };
  }
}

export function progressOf(look: Look) {
  const { size } = look.repositories;
  return { repositories: size, repositoriesKnown: size, workloads: look.workloads.size };
}

async function importNew(
  context: OwnershipContext,
  look: Look,
  { id, found }: { readonly id: string; readonly found: FoundWorkload | undefined },
): Promise<ImportedWorkload | string> {
  if (found === undefined) return missingReason(look, id);
  if (found.standing !== "ours") return standingSentence(found.standing, found.owner);
  return importFound(context, look, { found, owner: found.owner, isMoved: false });
}

/** Why nothing can be done for a workload that was not found. */
export function missingReason(look: Look, id: string): string {
  const there = [...look.repositories.values()].some(({ workloadIds }) => workloadIds.includes(id));
  return there
    ? "none of its snapshots on the backup target can be read"
    : "it is not on the backup target, or lies in a repository that this key file does not open";
}

export interface Importing {
  readonly found: FoundWorkload;
  readonly owner: OwnerTriple;
  /** The owner is a new one, whose project writes to another repository. */
  readonly isMoved: boolean;
}

/** Writes the rows of a workload that has none. */
export async function importFound(
  context: OwnershipContext,
  look: Look,
  { found, owner, isMoved }: Importing,
): Promise<ImportedWorkload | string> {
  const { database } = context;
  const warnings: string[] = [];
  const repositories = repositoriesOf(look, found.workloadId);
  const commits = await readCommits(context, { repositories, workloadId: found.workloadId }, warnings);
  const [workload] = planRebuild(commits).workloads;
  if (workload === undefined) return missingReason(look, found.workloadId);
  for (const repository of repositories) {
    await keepRepository(context, look, {
      repository,
      projectId: projectIn(commits, repository),
      moved: isMoved ? found.workloadId : undefined,
    });
  }
  const { members, record } = workload;
  const elsewhere = await listMemberships(
    database.handle,
    members.map(({ instanceId }) => asId<"instance">(instanceId)),
  );
  for (const each of elsewhere) {
    warnings.push(`Instance ${each.name} is a member of workload ${each.workload_id} and stays there.`);
  }
  const free = members.filter((each) => !elsewhere.some((other) => other.instance_id === each.instanceId));
  const newest = commits.toSorted((a, b) => atMs(b) - atMs(a))[0];
  const home = repositories.find((each) => each.repositoryId === newest?.repositoryId);
  const goesOn = !isMoved && newest !== undefined && (await isWrittenTo(context, newest, owner));
  await database.transaction(async (transaction) =>
    insertRebuiltWorkload(transaction, {
      ...workload,
      ...record,
      projectId: owner.projectId,
      userId: owner.userId,
      jobschedule: switchedOff(record.jobschedule),
      members: free,
      disks: goesOn
        ? workload.disks.filter((disk) => free.some((each) => each.instanceId === disk.instanceId))
        : [],
      nextFull: !goesOn,
      targetId: home?.target.id,
      secretId: home === undefined ? undefined : tenantSecretOf(home.repositoryId, home.wrapped),
    }),
  );
  const snapshots = await writeSnapshots(context, commits, owner);
  await markMembers(context, { id: found.workloadId, name: workload.name }, { members: free, owner });
  return imported(context, found.workloadId, { snapshots, warnings });
}

/** The project that a repository was made for: every commit in it says so. */
function projectIn(commits: readonly FoundCommit[], { repositoryId }: FoundRepository): string | undefined {
  return commits.find((each) => each.repositoryId === repositoryId)?.commit.projectId;
}

function atMs({ commit }: FoundCommit): number {
  return Date.parse(commit.createdAt);
}

/** Whether the next snapshot of this owner goes to the repository where the newest one lies. */
async function isWrittenTo(
  { database }: OwnershipContext,
  { repositoryId }: FoundCommit,
  owner: OwnerTriple,
): Promise<boolean> {
  const row = await loadRepository(database.handle, asId(repositoryId));
  if (row === undefined) return false;
  const { repository } = row;
  const isOwn = repository.workload_id !== null || repository.project_id === owner.projectId;
  return repository.is_current && isOwn;
}

/** Snapshots that a target has of a workload that is here already. */
async function completeWorkload(
  context: OwnershipContext,
  look: Look,
  workloadId: string,
): Promise<ImportedWorkload | string> {
  const row = await findWorkload(context.database.handle, { id: workloadId });
  if (row === undefined) return missingReason(look, workloadId);
  const warnings: string[] = [];
  const repositories = repositoriesOf(look, workloadId);
  const commits = await readCommits(context, { repositories, workloadId }, warnings);
  for (const repository of repositories) {
    await keepRepository(context, look, { repository, projectId: projectIn(commits, repository) });
  }
  const owner = { projectId: row.project_id, userId: row.user_id };
  const snapshots = await writeSnapshots(context, commits, owner);
  return imported(context, workloadId, { snapshots, warnings });
}

async function imported(
  { database }: OwnershipContext,
  id: string,
  done: Pick<ImportedWorkload, "snapshots" | "warnings">,
): Promise<ImportedWorkload | string> {
  const row = await findWorkload(database.handle, { id });
  if (row === undefined) return "it was deleted while it was imported";
  const { name, status, project_id: projectId, user_id: userId } = row;
  return { id, name, status, projectId, userId, ...done };
}

export function repositoriesOf(look: Look, workloadId: string): FoundRepository[] {
  return [...look.repositories.values()].filter((each) => each.workloadIds.includes(workloadId));
}

/** The commits of a workload that have no row, and are not on their way out. */
async function readCommits(
  context: OwnershipContext,
  wanted: { readonly repositories: readonly FoundRepository[]; readonly workloadId: string },
  warnings: string[],
): Promise<FoundCommit[]> {
  const { database, signal } = context;
  const { workloadId } = wanted;
  const known = await listSnapshotIds(database.handle, asId(workloadId));
  const found: FoundCommit[] = [];
  for (const { store, repositoryId, keys } of wanted.repositories) {
    const names = await Array.fromAsync(listCommits(store, { repositoryId, workloadId, signal }));
    const missing = names.filter(({ snapshotId }) => !known.has(asId(snapshotId)));
    const read = await mapLimited(missing, READS_AT_ONCE, async ({ snapshotId }) => {
      const at = { repositoryId, keys, workloadId, snapshotId, signal };
      try {
        // Its removal was under way: the tenant was told that it is gone.
        if ((await readTombstone(store, at)) !== undefined) return undefined;
        const commit = await readCommit(store, at);
        const captured = parseCaptured(commit.metadata, snapshotId) as CommittedWorkload;
        return { repositoryId, commit, captured };
      } catch (cause) {
        if (!(cause instanceof Fault) || cause.retry === "later") throw cause;
        warnings.push(`Snapshot ${snapshotId} cannot be read: ${describeFault(cause)}`);
        return undefined;
      }
    });
    found.push(...read.filter((each) => each !== undefined));
  }
  return found;
}

async function writeSnapshots(
  { database, signal }: OwnershipContext,
  commits: readonly FoundCommit[],
  owner: OwnerTriple,
): Promise<number> {
  let written = 0;
  for (const found of commits.toSorted((a, b) => atMs(a) - atMs(b))) {
    signal.throwIfAborted();
    await database.transaction(async (transaction) => {
      if (await writeSnapshot(transaction, found, owner.projectId)) written += 1;
    });
  }
  return written;
}

/**
 * Gives a repository its row. It is foreign as long as any workload in it is another cloud's: two clouds that
 * sweep one repository do no harm, but who does not own it should not have to.
 */
async function keepRepository(
  { database }: OwnershipContext,
  look: Look,
  kept: {
    readonly repository: FoundRepository;
    readonly projectId: string | undefined;
    /** A workload that is this cloud's from now on. */
    readonly moved?: string | undefined;
  },
): Promise<void> {
  const { moved, projectId } = kept;
  const { repositoryId, workloadIds, target, wrapped } = kept.repository;
  const known = await listKnownWorkloads(
    database.handle,
    workloadIds.map((id) => asId<"workload">(id)),
  );
  const isForeign = workloadIds.some((id) => {
    if (id === moved || known.has(asId(id))) return false;
    return look.workloads.get(id)?.standing === "other-cloud";
  });
  const row = await loadRepository(database.handle, asId(repositoryId));
  if (row !== undefined) {
    if (row.repository.is_foreign && !isForeign) await setForeign(database.handle, asId(repositoryId), false);
    return;
  }
  if (projectId === undefined) return;
  const isEncrypted = tenantSecretOf(repositoryId, wrapped) !== undefined;
  // Such a repository is for one workload alone.
  const workloadId = isEncrypted ? workloadIds[0] : undefined;
  const values = {
    id: repositoryId,
    projectId,
    targetId: target.id,
    wrappedKeys: wrapped,
    isForeign,
    workloadId,
  };
  await insertRebuiltRepository(database.handle, values);
}

/** Marks are for people: what fails is logged, and the workload is imported. */
async function markMembers(
  { admin, log, signal }: OwnershipContext,
  workload: { readonly id: string; readonly name: string },
  {
    members,
    owner,
  }: { readonly members: readonly { readonly instanceId: string }[]; readonly owner: OwnerTriple },
): Promise<void> {
  const marks = { [WORKLOAD_ID_KEY]: workload.id, [WORKLOAD_NAME_KEY]: workload.name };
  const { servers } = admin.nova;
  await mapLimited(members, READS_AT_ONCE, async ({ instanceId }) => {
    try {
      const server = await servers.find(asId(instanceId), signal);
      if (server?.projectId === owner.projectId) await servers.setMetadata(server.id, marks, signal);
    } catch (cause) {
      signal.throwIfAborted();
      log.warn("instance.not-marked", { instance: instanceId, fault: asError(cause) });
    }
  });
}
