import {
  type Database,
  type Handle,
  insertRebuiltRepository,
  insertRebuiltSnapshot,
  insertRebuiltWorkload,
  listReadyTargets,
  type TargetRow,
} from "@cairn/database";
import type { CommittedWorkload } from "@cairn/domain";
import { asError, describeFault, Fault, type Secret } from "@cairn/kernel";
import {
  type Commit,
  listCommits,
  listRepositories,
  type RepositoryHandle,
  readCommit,
  readTombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { omissions, warningMessage } from "./messages.ts";
import { diskSums, type FoundCommit, planRebuild } from "./rebuild-plan.ts";
import { openStoredKeys } from "./repository-access.ts";
import { parseCaptured } from "./restore-source.ts";
import { SCHEDULED_NAME } from "./scheduling.ts";
import type { Log } from "./step.ts";
import { openTarget } from "./targets.ts";

export interface RebuildRequest {
  readonly database: Database;
  readonly masterKey: Secret<Buffer>;
  readonly log: Log;
  readonly signal: AbortSignal;
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
  const commits: FoundCommit[] = [];
  const repositories = { found: 0, written: 0 };
  for (const target of targets) {
    const found = await readTarget(request, target, skipped);
    repositories.found += found.repositories.found;
    repositories.written += found.repositories.written;
    commits.push(...found.commits);
  }
  return { repositories, ...(await writeRows(database, commits)), skipped };
}

/** What lies on one target; its repositories get their rows. */
async function readTarget(
  request: RebuildRequest,
  target: TargetRow,
  skipped: string[],
): Promise<Pick<RebuildReport, "repositories"> & { readonly commits: readonly FoundCommit[] }> {
  const { database, signal } = request;
  const store = openTarget(target, request.masterKey);
  const commits: FoundCommit[] = [];
  const repositories = { found: 0, written: 0 };
  for await (const repositoryId of listRepositories(store, signal)) {
    repositories.found += 1;
    const opened = await openFound(request, store, repositoryId).catch((cause: unknown) => {
      skipped.push(`repository ${repositoryId}: ${describeFault(asError(cause))}`);
    });
    if (opened === undefined) continue;
    const found = await readCommits(store, opened.handle, { skipped, signal });
    commits.push(...found);
    const projectId = found[0]?.commit.projectId;
    // Without a commit nothing says whose it is, and there is nothing in it either.
    if (projectId === undefined) continue;
    const row = { id: repositoryId, projectId, targetId: target.id, wrappedKeys: opened.wrapped };
    if (await insertRebuiltRepository(database.handle, row)) repositories.written += 1;
  }
  return { repositories, commits };
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
  commits: readonly FoundCommit[],
): Promise<Pick<RebuildReport, "workloads" | "snapshots" | "notes">> {
  const plan = planRebuild(commits);
  const workloads = { found: plan.workloads.length, written: 0 };
  const snapshots = { found: plan.snapshots.length, written: 0 };
  for (const { record, ...workload } of plan.workloads) {
    await database.transaction(async (transaction) => {
      const row = { ...workload, ...record };
      if (await insertRebuiltWorkload(transaction, row)) workloads.written += 1;
    });
  }
  for (const snapshot of plan.snapshots) {
    await database.transaction(async (transaction) => {
      if (await writeSnapshot(transaction, snapshot)) snapshots.written += 1;
    });
  }
  return { workloads, snapshots, notes: plan.notes };
}

async function writeSnapshot(
  transaction: Handle,
  { repositoryId, commit, captured }: FoundCommit,
): Promise<boolean> {
  const { snapshot } = captured.record;
  return insertRebuiltSnapshot(transaction, {
    id: commit.snapshotId,
    workloadId: commit.workloadId,
    projectId: commit.projectId,
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
