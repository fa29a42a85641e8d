import { hasCode } from "@cairn/kernel";
import {
  chunkIdKey,
  dataKey,
  EMPTY_STATE,
  listCommits,
  type MaintenanceState,
  openRelocations,
  type Relocations,
  type RepositoryHandle,
  readCommit,
  readCommitStructure,
  readState,
  repositoryNames,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type Damage, type DegradedSnapshot, damageOf, toDamage } from "./damage.ts";
import { KnownDamage } from "./known-damage.ts";
import { meteredStore, newMeter, requestsOf } from "./meter.ts";
import { type SnapshotToVerify, Verification } from "./verification.ts";
import { verifyObjects } from "./verify-objects.ts";
import type { VerifyReport, VerifyRequest } from "./verify-report.ts";

const MiB = 1024 * 1024;
const RECORD_BYTES = 64 * MiB;
const RANGES_MAX = 100_000;

interface SnapshotIds {
  readonly workloadId: string;
  readonly snapshotId: string;
}

/**
 * Reads one snapshot as far as the level says. Whatever is damaged or missing is in the report, by name and
 * place; faults are thrown only where the target as a whole does not answer. Fault `object-missing` when
 * there is no such snapshot.
 */
export async function verifySnapshot(request: VerifyRequest & SnapshotIds): Promise<VerifyReport> {
  const { workloadId, snapshotId } = request;
  return verify(request, async () => [{ workloadId, snapshotId }], "named");
}

/** The same for all snapshots of a workload: what they share is read once. */
export async function verifyWorkload(
  request: VerifyRequest & { readonly workloadId: string },
): Promise<VerifyReport> {
  const { store, handle, workloadId, signal } = request;
  const { repositoryId } = handle;
  return verify(
    request,
    async () => Array.fromAsync(listCommits(store, { repositoryId, workloadId, signal })),
    "listed",
  );
}

/** The same for all snapshots of a repository, and every small object of it is opened. */
export async function verifyTarget(request: VerifyRequest): Promise<VerifyReport> {
  const { store, handle, signal } = request;
  const { repositoryId } = handle;
  return verify(request, async () => Array.fromAsync(listCommits(store, { repositoryId, signal })), "target");
}

/** What is asked for by name must be there; what a listing shows may be removed meanwhile. */
type Scope = "named" | "listed" | "target";

async function verify(
  request: VerifyRequest,
  list: () => Promise<readonly SnapshotIds[]>,
  scope: Scope,
): Promise<VerifyReport> {
  const { handle, level, clock, signal } = request;
  const startedAt = clock.now();
  if (level === "data") requireDataKeys(handle);
  const meter = newMeter();
  const store = meteredStore(request.store, meter);
  const { state, fault } = await stateOrDamage(store, handle, signal);
  const relocations = tolerant(openRelocations(store, handle, { hint: state.epoch, signal }));
  const commits = await readCommits({ store, handle, level, signal, scope }, await list());
  const verification = new Verification({
    store,
    handle,
    relocations,
    known: new KnownDamage(state),
    level,
    recordBytes: request.limits?.recordBytes ?? RECORD_BYTES,
    signal,
    onProgress: (progress) => request.onProgress?.({ ...progress, bytesRead: meter.bytesRead }),
  });
  await verification.run(commits.snapshots);
  const degraded = await verification.degraded(commits.snapshots, request.limits?.rangesMax ?? RANGES_MAX);
  const objects = scope === "target" ? await verifyObjects(store, handle, signal) : [];
  if (scope !== "target" && fault !== undefined) objects.push(fault);
  const unreadable = commits.unreadable.map(({ ids }, index) => ({ ...ids, commitDamage: index, disks: [] }));
  const found = await stillThere(store, handle, {
    damage: [...commits.unreadable.map(({ damage }) => damage), ...verification.damage],
    degraded: [...unreadable, ...shift(degraded, commits.unreadable.length)],
    signal,
  });
  const damage = [...found.damage, ...objects];
  const { pages, packs, records, relocated } = verification;
  return {
    level,
    sound: damage.length === 0,
    snapshots: commits.snapshots.length + commits.unreadable.length,
    disks: commits.snapshots.reduce((sum, { disks }) => sum + disks.length, 0),
    pages,
    packs,
    records,
    relocated,
    bytesRead: meter.bytesRead,
    requests: requestsOf(meter),
    durationMs: clock.now() - startedAt,
    damage,
    degraded: found.degraded,
  };
}

/** Missing keys are the caller's matter, and no damage. Fault `wrong-key`. */
function requireDataKeys(handle: RepositoryHandle): void {
  for (const { epoch } of handle.keys.epochs) dataKey(handle.keys, epoch);
  chunkIdKey(handle.keys);
}

/** Without its newest state a repository can be verified all the same, but for what has moved. */
export async function stateOrDamage(
  store: Store,
  handle: RepositoryHandle,
  signal: AbortSignal,
): Promise<{ readonly state: MaintenanceState; readonly fault?: Damage }> {
  const read = await damageOf(async () => readState(store, handle, { signal }));
  if ("result" in read) return { state: read.result };
  return {
    state: EMPTY_STATE,
    fault: toDamage("object", repositoryNames(handle.repositoryId).states, read.fault),
  };
}

/**
 * Relocations that cannot be read lead nowhere; the damage itself is found where their objects are looked at.
 */
function tolerant(relocations: Relocations): Relocations {
  return {
    find: async (kind, id) => {
      const found = await damageOf(async () => relocations.find(kind, id));
      return "result" in found ? found.result : undefined;
    },
  };
}

interface ReadCommits {
  readonly snapshots: readonly SnapshotToVerify[];
  readonly unreadable: readonly { readonly ids: SnapshotIds; readonly damage: Damage }[];
}

async function readCommits(
  options: Pick<VerifyRequest, "store" | "handle" | "level" | "signal"> & { readonly scope: Scope },
  all: readonly SnapshotIds[],
): Promise<ReadCommits> {
  const { store, handle, level, signal, scope } = options;
  const snapshots: SnapshotToVerify[] = [];
  const unreadable: { ids: SnapshotIds; damage: Damage }[] = [];
  for (const ids of all) {
    const request = { ...handle, ...ids, signal };
    const read = await damageOf(async () =>
      // At the level of data, the metadata is opened, too.
      level === "data" ? readCommit(store, request) : readCommitStructure(store, request),
    );
    if ("result" in read) {
      const { createdAt, disks } = read.result;
      snapshots.push({ ...ids, createdAt, disks });
      continue;
    }
    if (hasCode(read.fault, "object-missing")) {
      if (scope === "named") throw read.fault;
      continue;
    }
    const name = repositoryNames(handle.repositoryId).commit(ids.workloadId, ids.snapshotId);
    unreadable.push({ ids, damage: toDamage("commit", name, read.fault) });
  }
  return { snapshots, unreadable };
}

/** The numbers of damage, counted from further on. */
function shift(degraded: readonly DegradedSnapshot[], by: number): DegradedSnapshot[] {
  return renumber(degraded, (damage) => damage + by);
}

function renumber(
  degraded: readonly DegradedSnapshot[],
  number: (damage: number) => number,
): DegradedSnapshot[] {
  return degraded.map((snapshot) => ({
    ...snapshot,
    ...(snapshot.commitDamage === undefined ? {} : { commitDamage: number(snapshot.commitDamage) }),
    disks: snapshot.disks.map((disk) => ({
      ...disk,
      ranges: disk.ranges.map((range) => ({ ...range, damage: number(range.damage) })),
    })),
  }));
}

/**
 * Snapshots that were removed while they were read, and what is missing for that reason, are no damage: a
 * sweep may go on beside a verification.
 */
async function stillThere(
  store: Store,
  handle: RepositoryHandle,
  found: {
    readonly damage: readonly Damage[];
    readonly degraded: readonly DegradedSnapshot[];
    readonly signal: AbortSignal;
  },
): Promise<{ readonly damage: Damage[]; readonly degraded: DegradedSnapshot[] }> {
  const names = repositoryNames(handle.repositoryId);
  const degraded: DegradedSnapshot[] = [];
  for (const snapshot of found.degraded) {
    const name = names.commit(snapshot.workloadId, snapshot.snapshotId);
    if ((await store.size(name, found.signal)) !== undefined) degraded.push(snapshot);
  }
  const named = new Set(
    degraded.flatMap(({ commitDamage, disks }) => [
      ...(commitDamage === undefined ? [] : [commitDamage]),
      ...disks.flatMap(({ ranges }) => ranges.map((range) => range.damage)),
    ]),
  );
  const omitted = degraded.some(({ disks }) => disks.some(({ rangesOmitted }) => rangesOmitted > 0));
  const numbers = new Map<number, number>();
  const damage = found.damage.filter((each, index) => {
    const keep = named.has(index) || omitted || each.code !== "object-missing";
    if (keep) numbers.set(index, numbers.size);
    return keep;
  });
  return { damage, degraded: renumber(degraded, (index) => numbers.get(index) ?? index) };
}
