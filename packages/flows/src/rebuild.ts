import {
  type Database,
  type Handle,
  insertRebuiltRepository,
  insertRebuiltSnapshot,
  insertRebuiltWorkload,
  listReadyTargets,
  type TargetRow,
} from "@cairn/database";
import type { CommittedWorkload, OwnerSince } from "@cairn/domain";
import { asError, describeFault, Fault, type Secret } from "@cairn/kernel";
import {
  type Commit,
  listCommits,
  listRepositories,
  type RepositoryHandle,
  readCommit,
  readOwner,
  readTombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { omissions, warningMessage } from "./messages.ts";
import { diskSums, type FoundCommit, planRebuild, type RebuildPlan } from "./rebuild-plan.ts";
import { openStoredKeys, tenantSecretOf } from "./repository-access.ts";
import { parseCaptured } from "./restore-source.ts";
import { SCHEDULED_NAME } from "./scheduling.ts";
import type { Log } from "./step.ts";
import { openTarget } from "./targets.ts";

export interface RebuildRequest {
  readonly database: Database;
  readonly masterKey: Secret<Buffer>;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Which of the clouds that share the target this one is; needed only where several do. */
  readonly cloudId?: string | undefined;
}

/** What a rebuild found and wrote. Rows that were there already are not counted as written. */
export interface RebuildReport {
  readonly repositories: { readonly found: number; readonly written: number };
  readonly workloads: { readonly found: number; readonly written: number };
  readonly snapshots: { readonly found: number; readonly written: number };
  /** What could not be read, with the reason: nothing is left out silently. */
  readonly skipped: readonly string[];
  /** What cannot be as it was. */
  readonly notes: readonly string[];
}

/**
 * Makes the rows of repositories, workloads and snapshots again from all targets that are known. The store
 * is the truth: what it holds and the database lacks is written, what both have stays as it is, so it can be
 * run at any time and again. Not on the target, and so not made again: runs, restores, trusts (the API makes
 * one at the user's next request), and the bitmaps' proofs (the next snapshot of each disk reads it whole).
 */
export async function rebuildDatabase(request: RebuildRequest): Promise<RebuildReport> {
  const { database } = request;
  const targets = await listReadyTargets(database.handle);
  if (targets.length === 0) {
    throw new Fault("no-target", "looking for backup targets: none is configured", "after-operator");
  }
  const skipped: string[] = [];
  const moved = new Map<string, OwnerSince>();
  const opened: Opened[] = [];
  const repositories = { found: 0, written: 0 };
  for (const target of targets)
    repositories.found += await readTarget(request, target, { skipped, moved, opened });
  const plan = ofThisCloud(
    planRebuild(
      opened.flatMap(({ found }) => found),
      moved,
    ),
    request,
  );
  const mine = new Set(plan.workloads.map(({ id }) => id));
  // The one with the newest commit first: that is the one its project goes on writing to.
  for (const { handle, wrapped, found, target } of opened.toSorted((a, b) => newestMs(b) - newestMs(a))) {
    const projectId = found[0]?.commit.projectId;
    const isForeign = found.some(({ commit }) => !mine.has(commit.workloadId));
    if (projectId === undefined || !found.some(({ commit }) => mine.has(commit.workloadId))) continue;
    const isEncrypted = tenantSecretOf(handle.repositoryId, wrapped) !== undefined;
    const workloadId = isEncrypted ? found[0]?.commit.workloadId : undefined;
    const row = {
      id: handle.repositoryId,
      projectId,
      targetId: target.id,
      wrappedKeys: wrapped,
      isForeign,
      workloadId,
    };
    if (await insertRebuiltRepository(database.handle, row)) repositories.written += 1;
  }
  return { repositories, ...(await writeRows(database, plan, opened)), skipped };
}

/** What the reading of targets gathers. */
interface Gathered {
  readonly skipped: string[];
  readonly moved: Map<string, OwnerSince>;
  readonly opened: Opened[];
}

/** Reads what lies on one target; gives how many repositories there are. */
async function readTarget(
  request: RebuildRequest,
  target: TargetRow,
  { skipped, moved, opened }: Gathered,
): Promise<number> {
  const { signal } = request;
  const store = openTarget(target, request.masterKey);
  let count = 0;
  for await (const repositoryId of listRepositories(store, signal)) {
    count += 1;
    const one = await openFound(request, store, repositoryId).catch((cause: unknown) => {
      skipped.push(`repository ${repositoryId}: ${describeFault(asError(cause))}`);
    });
    if (one === undefined) continue;
    const found = await readCommits(store, one.handle, { skipped, signal });
    await readMoves(store, { handle: one.handle, found, skipped, signal }, moved);
    // Without a commit nothing says whose it is, and there is nothing in it either.
    if (found.length > 0) opened.push({ ...one, found, target });
  }
  return count;
}

interface Opened {
  readonly target: TargetRow;
  readonly handle: RepositoryHandle;
  readonly wrapped: Buffer;
  readonly found: readonly FoundCommit[];
}

function newestMs({ found }: Opened): number {
  return Math.max(...found.map(({ commit }) => Date.parse(commit.createdAt)));
}

async function readMoves(
  store: Store,
  {
    handle,
    found,
    skipped,
    signal,
  }: {
    readonly handle: RepositoryHandle;
    readonly found: readonly FoundCommit[];
    readonly skipped: string[];
    readonly signal: AbortSignal;
  },
  moved: Map<string, OwnerSince>,
): Promise<void> {
  for (const workloadId of new Set(found.map(({ commit }) => commit.workloadId))) {
    const record = await readOwner(store, { ...handle, workloadId, signal }).catch((cause: unknown) => {
      if (!(cause instanceof Fault) || cause.retry === "later") throw cause;
      skipped.push(`owner of workload ${workloadId}: ${describeFault(cause)}`);
      return undefined;
    });
    const before = moved.get(workloadId);
    if (record === undefined || (before !== undefined && before.atMs >= record.at)) continue;
    moved.set(workloadId, { owner: record.owner, atMs: record.at });
  }
}

/** A target may be shared by several clouds, whose workloads are none of our database's business. */
function ofThisCloud(plan: RebuildPlan, { cloudId }: RebuildRequest): RebuildPlan {
  const clouds = new Set(plan.workloads.flatMap((each) => each.cloudId ?? []));
  if (cloudId === undefined && clouds.size > 1) {
    const message = `rebuilding from a target that several clouds share (${[...clouds].join(", ")})`;
    throw new Fault("several-clouds", `${message}: say which is this one with cloud.id`, "after-operator");
  }
  if (cloudId === undefined) return plan;
  const others = plan.workloads.filter((each) => (each.cloudId ?? cloudId) !== cloudId);
  const ids = new Set(others.map(({ id }) => id));
  return {
    workloads: plan.workloads.filter(({ id }) => !ids.has(id)),
    snapshots: plan.snapshots.filter(({ commit }) => !ids.has(commit.workloadId)),
    notes: [
      ...plan.notes,
      ...others.map(({ name, cloudId: other }) => `Workload ${name} belongs to cloud ${other ?? ""}.`),
    ],
  };
}

async function openFound(
  request: RebuildRequest,
  store: Store,
  repositoryId: string,
): Promise<{ readonly handle: RepositoryHandle; readonly wrapped: Buffer }> {
  const { keys, wrapped } = await openStoredKeys(request, store, repositoryId);
  return { handle: { repositoryId, keys }, wrapped };
}

async function readCommits(
  store: Store,
  handle: RepositoryHandle,
  { skipped, signal }: { readonly skipped: string[]; readonly signal: AbortSignal },
): Promise<FoundCommit[]> {
  const found: FoundCommit[] = [];
  for await (const names of listCommits(store, { ...handle, signal })) {
    try {
      const tombstone = await readTombstone(store, { ...handle, snapshotId: names.snapshotId, signal });
      // Its removal was under way: the tenant was told that it is gone.
      if (tombstone !== undefined) continue;
      const commit: Commit = await readCommit(store, { ...handle, ...names, signal });
      const captured = parseCaptured(commit.metadata, commit.snapshotId) as CommittedWorkload;
      found.push({ repositoryId: handle.repositoryId, commit, captured });
    } catch (cause) {
      signal.throwIfAborted();
      // A target that is away is no damage: whoever takes it for that rebuilds half a database.
      if (!(cause instanceof Fault) || cause.retry !== "never") throw cause;
      skipped.push(`snapshot ${names.snapshotId}: ${describeFault(cause)}`);
    }
  }
  return found;
}

async function writeRows(
  database: Database,
  plan: RebuildPlan,
  opened: readonly Opened[],
): Promise<Pick<RebuildReport, "workloads" | "snapshots" | "notes">> {
  const projects = new Map(plan.workloads.map(({ id, projectId }) => [id, projectId]));
  const workloads = { found: plan.workloads.length, written: 0 };
  const snapshots = { found: plan.snapshots.length, written: 0 };
  for (const { record, cloudId: _cloud, ...workload } of plan.workloads) {
    await database.transaction(async (transaction) => {
      const newest = plan.snapshots.findLast(({ commit }) => commit.workloadId === workload.id);
      const place = opened.find(({ handle }) => handle.repositoryId === newest?.repositoryId);
      const secretId =
        place === undefined ? undefined : tenantSecretOf(place.handle.repositoryId, place.wrapped);
      const row = { ...workload, ...record, targetId: place?.target.id, secretId };
      if (await insertRebuiltWorkload(transaction, row)) workloads.written += 1;
    });
  }
  for (const snapshot of plan.snapshots) {
    await database.transaction(async (transaction) => {
      const projectId = projects.get(snapshot.commit.workloadId) ?? snapshot.commit.projectId;
      if (await writeSnapshot(transaction, snapshot, projectId)) snapshots.written += 1;
    });
  }
  return { workloads, snapshots, notes: plan.notes };
}

/** Writes the row of a committed snapshot, of its workload's project; false when it has one. */
export async function writeSnapshot(
  transaction: Handle,
  { repositoryId, commit, captured }: FoundCommit,
  projectId: string,
): Promise<boolean> {
  const { snapshot } = captured.record;
  return insertRebuiltSnapshot(transaction, {
    id: commit.snapshotId,
    workloadId: commit.workloadId,
    projectId,
    repositoryId,
    userId: snapshot.userId,
    name: snapshot.name,
    description: snapshot.description,
    snapshotType: commit.type,
    // Commits do not tell; people do not use this name.
    isScheduled: snapshot.name === SCHEDULED_NAME,
    ...diskSums(captured.disks),
    instances: captured.instances,
    disks: captured.disks,
    warningMessage: warningMessage(omissions(captured.instances)),
    pointAt: new Date(commit.createdAt),
    requestedAt: new Date(snapshot.requestedAt),
    indexSegments: commit.indexSegments,
  });
}
