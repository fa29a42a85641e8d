import { asError, describeFault, Fault, mapLimited, Rejection } from "@cairn/kernel";
import {
  type Commit,
  type Credential,
  isTenantSealed,
  type KeySet,
  listCommits,
  listRepositories,
  openRepository,
  type RepositoryHandle,
  readCommit,
  readCommitClear,
  readCommitStructure,
  readKeySet,
  readTombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { capturedNames } from "./captured-names.ts";

const READS_IN_FLIGHT = 8;

/**
 * What is on a target. With a key: with names and disks; without: what object names and clear headers tell.
 */
export interface Catalogue {
  readonly repositories: readonly CataloguedRepository[];
}

export interface CataloguedRepository {
  readonly repositoryId: string;
  /** `locked`: no key was given; `refused`: none of the given ones opens it, or it is damaged. */
  readonly access:
    | { readonly kind: "opened"; readonly rights: "all" | "structure"; readonly by: string }
    | { readonly kind: "locked" }
    | { readonly kind: "refused"; readonly why: string };
  readonly workloads: readonly CataloguedWorkload[];
}

export interface CataloguedWorkload {
  readonly workloadId: string;
  /** That of its newest snapshot that could be read. */
  readonly name: string | undefined;
  /** Newest first. */
  readonly snapshots: readonly CataloguedSnapshot[];
}

export interface CataloguedSnapshot {
  readonly repositoryId: string;
  readonly workloadId: string;
  readonly snapshotId: string;
  /** ISO 8601, UTC; undefined when the commit cannot be read at all. */
  readonly createdAt: string | undefined;
  readonly type: "full" | "incremental" | undefined;
  readonly disks: number | undefined;
  readonly sizeBytes: number | undefined;
  readonly workloadName: string | undefined;
  /** Why less is known of this one than of others. */
  readonly problem: string | undefined;
}

export interface CatalogueRequest {
  readonly store: Store;
  readonly credentials: readonly Credential[];
  /** Only this repository: then the target is not listed as a whole. */
  readonly repositoryId?: string;
  readonly workloadId?: string;
  readonly signal: AbortSignal;
}

/** Reads what is on a target. A repository or a snapshot that cannot be read is told, and does not end it. */
export async function readCatalogue(request: CatalogueRequest): Promise<Catalogue> {
  const repositories: CataloguedRepository[] = [];
  for await (const repositoryId of repositoryIds(request)) {
    repositories.push(await readRepository(request, repositoryId));
  }
  return { repositories: repositories.toSorted((a, b) => compare(a.repositoryId, b.repositoryId)) };
}

/** The repositories of a target, or the one that was asked for, if it is there. */
export async function* repositoryIds({
  store,
  repositoryId,
  signal,
}: Pick<CatalogueRequest, "store" | "repositoryId" | "signal">): AsyncGenerator<string> {
  if (repositoryId === undefined) {
    yield* listRepositories(store, signal);
    return;
  }
  await openRepository(store, { repositoryId, signal });
  yield repositoryId;
}

async function readRepository(
  request: CatalogueRequest,
  repositoryId: string,
): Promise<CataloguedRepository> {
  const opened = await openWith(request, repositoryId);
  const names: { readonly workloadId: string; readonly snapshotId: string }[] = [];
  const { store, workloadId, signal } = request;
  const within = workloadId === undefined ? {} : { workloadId };
  for await (const name of listCommits(store, { repositoryId, ...within, signal })) names.push(name);
  const snapshots = await mapLimited(
    names,
    READS_IN_FLIGHT,
    async (name, stop) => readSnapshot(store, { repositoryId, ...name, signal: stop }, opened.keySet),
    signal,
  );
  const byWorkload = Map.groupBy(snapshots, (snapshot) => snapshot.workloadId);
  const workloads = [...byWorkload].map(([id, all]): CataloguedWorkload => {
    const newestFirst = all.toSorted((a, b) => compare(keyOf(b), keyOf(a)));
    const named = newestFirst.find(({ workloadName }) => workloadName !== undefined);
    return { workloadId: id, name: named?.workloadName, snapshots: newestFirst };
  });
  return {
    repositoryId,
    access: opened.access,
    workloads: workloads.toSorted((a, b) => compare(a.workloadId, b.workloadId)),
  };
}

function keyOf({ createdAt, snapshotId }: CataloguedSnapshot): string {
  return `${createdAt ?? ""} ${snapshotId}`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

interface Opened {
  readonly access: CataloguedRepository["access"];
  readonly keySet: KeySet | undefined;
}

async function openWith(request: CatalogueRequest, repositoryId: string): Promise<Opened> {
  const { store, credentials, signal } = request;
  if (credentials.length === 0) return { access: { kind: "locked" }, keySet: undefined };
  try {
    await openRepository(store, { repositoryId, signal });
    const keySet = await readKeySet(store, { repositoryId, credentials, signal });
    const by = keySet.openedBy === undefined ? "" : `${keySet.openedBy.kind} ${keySet.openedBy.label}`;
    return { access: { kind: "opened", rights: keySet.rights, by }, keySet };
  } catch (cause) {
    if (!isAboutOne(cause)) throw cause;
    return { access: { kind: "refused", why: describeFault(cause) }, keySet: undefined };
  }
}

/** Whether the target answered, and it is this object or this key that is wrong. */
function isAboutOne(cause: unknown): boolean {
  const codes = ["wrong-key", "keys-missing", "keys-destroyed", "object-damaged", "format-unknown"];
  return cause instanceof Fault && (cause.retry === "never" || codes.includes(cause.code));
}

interface SnapshotRequest {
  readonly repositoryId: string;
  readonly workloadId: string;
  readonly snapshotId: string;
  readonly signal: AbortSignal;
}

async function readSnapshot(
  store: Store,
  request: SnapshotRequest,
  keySet: KeySet | undefined,
): Promise<CataloguedSnapshot> {
  const { signal: _, ...names } = request;
  const unknown = {
    ...names,
    createdAt: undefined,
    type: undefined,
    disks: undefined,
    sizeBytes: undefined,
    workloadName: undefined,
    problem: undefined,
  };
  try {
    if (keySet === undefined) {
      const { createdAtMs } = await readCommitClear(store, request);
      return { ...unknown, createdAt: new Date(createdAtMs).toISOString() };
    }
    return { ...unknown, ...(await readOpened(store, request, keySet)) };
  } catch (cause) {
    if (!isAboutOne(cause) && !(cause instanceof RangeError)) throw cause;
    return { ...unknown, problem: describeFault(asError(cause)) };
  }
}

async function readOpened(
  store: Store,
  request: SnapshotRequest,
  { keys, rights, slots }: KeySet,
): Promise<Partial<CataloguedSnapshot>> {
  const commit: Omit<Commit, "metadata"> & { readonly metadata?: unknown } =
    rights === "all" || isTenantSealed(slots)
      ? await readCommit(store, { ...request, keys })
      : await readCommitStructure(store, { ...request, keys });
  const isGoing = (await readTombstone(store, { ...request, keys })) !== undefined;
  return {
    createdAt: commit.createdAt,
    type: commit.type,
    disks: commit.disks.length,
    sizeBytes: commit.disks.reduce((sum, disk) => sum + disk.sizeBytes, 0),
    workloadName: capturedNames(commit.metadata).workloadName,
    ...(isGoing ? { problem: "its deletion was asked for" } : {}),
  };
}

/** A snapshot, its keys and its commit. */
export interface OpenedSnapshot {
  readonly handle: RepositoryHandle;
  readonly keySet: KeySet;
  readonly commit: Commit;
}

const SHORTEST_PREFIX = 4;

/**
 * Opens a snapshot by its id, by the beginning of it, or as `latest`. Rejections: none, or several, of that
 * name; a key that opens the structure only. Faults: those of keys, commits and store.
 */
export async function openSnapshot(
  request: CatalogueRequest & { readonly snapshot: string },
): Promise<OpenedSnapshot> {
  const { store, credentials, signal } = request;
  const { repositoryId, workloadId, snapshotId } = await findSnapshot(request);
  await openRepository(store, { repositoryId, signal });
  const keySet = await readKeySet(store, { repositoryId, credentials, signal });
  if (keySet.rights !== "all") {
    throw new Rejection("The key opens only the structure of the repository, not what is in its disks.", {
      status: 403,
      field: "--key-file",
      remedy: isTenantSealed(keySet.slots)
        ? "Give the payload of the workload's secret with --secret-file."
        : "Use a key of the right to all.",
    });
  }
  const handle = { repositoryId, keys: keySet.keys };
  const commit = await readCommit(store, { ...handle, workloadId, snapshotId, signal });
  return { handle, keySet, commit };
}

/** Where a snapshot is, by object names alone. */
export async function findSnapshot(
  request: Omit<CatalogueRequest, "credentials"> & { readonly snapshot: string },
): Promise<{ readonly repositoryId: string; readonly workloadId: string; readonly snapshotId: string }> {
  const { store, snapshot, workloadId, signal } = request;
  const found: { repositoryId: string; workloadId: string; snapshotId: string }[] = [];
  const within = workloadId === undefined ? {} : { workloadId };
  for await (const repositoryId of repositoryIds(request)) {
    for await (const name of listCommits(store, { repositoryId, ...within, signal })) {
      if (snapshot === "latest" || name.snapshotId.startsWith(snapshot))
        found.push({ repositoryId, ...name });
    }
  }
  if (snapshot === "latest") return latestOf(store, found, signal);
  if (snapshot.length < SHORTEST_PREFIX) {
    throw notOne(
      snapshot,
      400,
      `${snapshot} is too short to name a snapshot.`,
      "Give at least 4 characters.",
    );
  }
  const [first, ...others] = found;
  if (first === undefined) {
    const remedy = "`cairn repo list` shows what there is.";
    throw notOne(snapshot, 404, `No snapshot on the target begins with ${snapshot}.`, remedy);
  }
  if (others.length === 0) return first;
  const ids = found.slice(0, 5).map(({ repositoryId, snapshotId }) => `${snapshotId} in ${repositoryId}`);
  const message = `${found.length} snapshots on the target begin with ${snapshot}.`;
  throw notOne(snapshot, 400, message, `Give more of the id, or --repository: ${ids.join(", ")}.`);
}

async function latestOf(
  store: Store,
  found: readonly {
    readonly repositoryId: string;
    readonly workloadId: string;
    readonly snapshotId: string;
  }[],
  signal: AbortSignal,
): Promise<{ readonly repositoryId: string; readonly workloadId: string; readonly snapshotId: string }> {
  const workloads = new Set(found.map(({ repositoryId, workloadId }) => `${repositoryId}/${workloadId}`));
  if (workloads.size > 1) {
    const message = `The target has ${workloads.size} workloads, and each has a latest snapshot.`;
    throw notOne("latest", 400, message, "Give --workload, or the snapshot's id.");
  }
  const dated = await mapLimited(
    found,
    READS_IN_FLIGHT,
    async (name, stop) => {
      const { createdAtMs } = await readCommitClear(store, { ...name, signal: stop });
      return { name, createdAtMs };
    },
    signal,
  );
  const [newest] = dated.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  if (newest !== undefined) return newest.name;
  throw notOne(
    "latest",
    404,
    "There is no snapshot on the target.",
    "`cairn repo list` shows what there is.",
  );
}

function notOne(value: string, status: 400 | 404, message: string, remedy: string): Rejection {
  return new Rejection(message, { status, field: "snapshot", value, remedy });
}
