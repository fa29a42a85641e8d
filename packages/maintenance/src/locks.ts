import { mapLimited, Rejection } from "@cairn/kernel";
import {
  listCommits,
  type MaintenanceState,
  type RecordKind,
  readState,
  repositoryNames,
} from "@cairn/repository";
import type { ObjectLock, Store } from "@cairn/store";
import { damageOf } from "./damage.ts";
import { checkRule, chooseSamples, costOf, type LockRule, nothingDue, planLock } from "./locks-plan.ts";
import type {
  CheckLocksReport,
  CheckLocksRequest,
  ExtendLocksReport,
  ExtendLocksRequest,
} from "./locks-report.ts";
import { type Meter, meteredStore, newMeter } from "./meter.ts";
import { changeState } from "./record-damage.ts";
import type { MaintenanceScope } from "./scope.ts";
import { SWEEP_LIMITS } from "./sweep/options.ts";

const PARALLEL = 16;
const BATCH = 1000;
const NAMED_MAX = 1000;
const SAMPLES = 200;

/**
 * Locks everything that is in use for longer, as far as it would otherwise fall below the promise before the
 * next run: one request to look at an object, and one to extend it, once in `window - promise`. What nothing
 * can lead to any more, and snapshots whose removal was asked for, are left to lapse. Packs come first and
 * commits last, so that a snapshot is never extended before what it needs. The state remembers how far
 * everything is locked: a run that finds nothing due asks for nothing else. Faults: those of the store.
 * Rejections: a target without locks, a window too short for the promise.
 */
export async function extendLocks(request: ExtendLocksRequest): Promise<ExtendLocksReport> {
  const { handle, signal, promiseMs, intervalMs, prices, dryRun = false } = request;
  const meter = newMeter();
  const store = meteredStore(request.store, meter);
  const lock = requireLock(store);
  const { windowMs } = lock;
  checkRule({ windowMs, promiseMs, intervalMs });
  const rule: LockRule = { now: await store.time(signal), windowMs, promiseMs, intervalMs };
  const state = await readState(store, handle, { signal });
  const idle = nothingDue(rule, state.lockFloor);
  const work = new LockWork({ request, lock, rule });
  if (!idle) {
    for await (const names of objectsInUse({ ...request, store }, state)) await work.extend(names);
  }
  const lockFloor = idle ? (state.lockFloor ?? rule.now) : work.floor;
  if (!idle && !dryRun) await rememberFloor({ ...request, store }, state, lockFloor);
  const requests = requestsIn(meter);
  return {
    mode: lock.mode,
    dryRun,
    nothingDue: idle,
    objects: work.objects,
    extended: work.extended,
    tooShort: work.tooShort,
    tooShortOmitted: work.tooShortOmitted,
    lockFloor,
    requests,
    ...(prices === undefined ? {} : { cost: costOf(requests, prices) }),
    deadBytes: state.condemned.reduce((sum, { bytes }) => sum + bytes, 0),
    deadPacks: state.condemned.length,
  };
}

function requireLock(store: Store): ObjectLock {
  if (store.lock !== undefined) return store.lock;
  throw new Rejection("the target does not lock objects", {
    status: 409,
    field: "lock",
    remedy: "use a bucket with object lock; a directory can only be protected against removal by rights",
  });
}

function requestsIn({ reads, writes, lists }: Meter): ExtendLocksReport["requests"] {
  return { reads, writes, lists };
}

class LockWork {
  readonly tooShort: { readonly object: string; readonly lockedUntil: number | null }[] = [];
  tooShortOmitted = 0;
  objects = 0;
  extended = 0;
  /** The shortest lock of all that is in use, after extending; listed or not. */
  floor: number;
  readonly #request: ExtendLocksRequest;
  readonly #lock: ObjectLock;
  readonly #rule: LockRule;

  constructor(at: {
    readonly request: ExtendLocksRequest;
    readonly lock: ObjectLock;
    readonly rule: LockRule;
  }) {
    this.#request = at.request;
    this.#lock = at.lock;
    this.#rule = at.rule;
    const { graceMs = SWEEP_LIMITS.graceMs } = at.request;
    // What no listing shows yet was locked when it was stored, less than a grace ago.
    this.floor = at.rule.now + at.rule.windowMs - graceMs;
  }

  async extend(names: readonly string[]): Promise<void> {
    const { parallel = PARALLEL, signal, onProgress } = this.#request;
    await mapLimited(names, parallel, async (name, stop) => this.#extendOne(name, stop), signal);
    onProgress?.({ objects: this.objects, extended: this.extended });
  }

  async #extendOne(name: string, signal: AbortSignal): Promise<void> {
    const read = await damageOf(async () => this.#lock.lockedUntil(name, signal));
    // What a sweep has removed since it was listed needs no lock.
    if ("fault" in read) return;
    const lockedUntil = read.result;
    const { until, short } = planLock(this.#rule, lockedUntil);
    this.objects += 1;
    if (short) this.#noteShort(name, lockedUntil);
    if (until === undefined) {
      this.floor = Math.min(this.floor, lockedUntil ?? 0);
      return;
    }
    this.extended += 1;
    if (this.#request.dryRun !== true) await this.#lock.extend(name, until, signal);
  }

  #noteShort(object: string, lockedUntil: number | undefined): void {
    if (this.tooShort.length < NAMED_MAX) this.tooShort.push({ object, lockedUntil: lockedUntil ?? null });
    else this.tooShortOmitted += 1;
  }
}

/**
 * Packs, segments, the first and the newest state, the newest key set, the marker, and last the commits whose
 * removal nobody asked for, a thousand at a time. Superseded key sets and states lapse: they are there to be
 * removed. A condemned pack is in use until it is settled: a writer that had begun before may have committed
 * it since, and no sweep may have come to rescue it.
 */
async function* objectsInUse(
  scope: MaintenanceScope,
  state: MaintenanceState,
): AsyncGenerator<readonly string[]> {
  const { store, handle, signal } = scope;
  const names = repositoryNames(handle.repositoryId);
  const root = names.within("");
  const leaving = new Set([
    ...state.condemned
      .filter(({ settled = false }) => settled)
      .map(({ pack, kind }) => packOf(names, kind, pack)),
    ...state.deleting.map(({ name }) => root + name),
  ]);
  for (const prefix of [names.packs("chunk"), names.packs("page"), names.segments]) {
    yield* inBatches(store.list(prefix, signal), (name) => !leaving.has(name));
  }
  const keySets = (await Array.fromAsync(store.list(names.keySets, signal))).filter(
    (name) => name !== names.keysDestroyed,
  );
  const newestKeys = keySets.toSorted().slice(-1);
  // Without the first one a reader takes the others for not being there.
  const states = new Set(state.epoch === 0 ? [] : [names.state(1), names.state(state.epoch)]);
  yield [...states, ...newestKeys, names.marker];
  const removing = new Set<string>();
  for await (const name of store.list(names.tombstones, signal))
    removing.add(name.slice(names.tombstones.length));
  const commits = listCommits(store, { repositoryId: handle.repositoryId, signal });
  const kept: string[] = [];
  for await (const { workloadId, snapshotId } of commits) {
    if (!removing.has(snapshotId)) kept.push(names.commit(workloadId, snapshotId));
  }
  for (let from = 0; from < kept.length; from += BATCH) yield kept.slice(from, from + BATCH);
}

function packOf(names: ReturnType<typeof repositoryNames>, kind: RecordKind, pack: string): string {
  return kind === "chunk" ? names.pack(pack) : names.pagePack(pack);
}

async function* inBatches(
  names: AsyncIterable<string>,
  keep: (name: string) => boolean,
): AsyncGenerator<readonly string[]> {
  let batch: string[] = [];
  for await (const name of names) {
    if (keep(name)) batch.push(name);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Only if nothing has been rescued meanwhile, that is: if the state is still the one that this run went by.
 */
async function rememberFloor(
  scope: MaintenanceScope,
  by: MaintenanceState,
  lockFloor: number,
): Promise<void> {
  const { store, handle, signal } = scope;
  await changeState({ store, handle, signal, by: "extend locks" }, (state) =>
    state.epoch !== by.epoch || state.lockFloor === lockFloor ? undefined : { ...state, lockFloor },
  );
}

/**
 * Asks the target how long a sample of what is in use is locked: whoever extends may be wrong, and a target
 * may not do what it says. Marker, keys, state and commits are among it, then packs and segments by chance.
 * `draw` gives an integer below its argument.
 */
export async function checkLocks(
  request: CheckLocksRequest,
  draw: (below: number) => number,
): Promise<CheckLocksReport> {
  const { store, handle, signal, promiseMs, samples = SAMPLES } = request;
  const lock = requireLock(store);
  const now = await store.time(signal);
  const state = await readState(store, handle, { signal });
  const report = {
    objects: 0,
    checked: 0,
    shortest: Infinity,
    tooShort: [] as CheckLocksReport["tooShort"][number][],
  };
  const inPacks = (name: string): boolean => /\/[pmi]\//.test(name.slice(handle.repositoryId.length));
  for await (const names of objectsInUse(request, state)) {
    const small = names.filter((name) => !inPacks(name));
    const packs = names.filter(inPacks);
    const chosen = chooseSamples(packs.length, samples, draw);
    report.objects += names.length;
    for (const name of [...small, ...packs.filter((_, index) => chosen.has(index))]) {
      const read = await damageOf(async () => lock.lockedUntil(name, signal));
      if ("fault" in read) continue;
      const lockedUntil = read.result ?? 0;
      report.checked += 1;
      report.shortest = Math.min(report.shortest, lockedUntil);
      const short = lockedUntil < now + promiseMs;
      if (short && report.tooShort.length < NAMED_MAX) {
        report.tooShort.push({ object: name, lockedUntil: read.result ?? null });
      }
    }
  }
  const { objects, checked, shortest, tooShort } = report;
  return { objects, checked, shortest: shortest === 0 || shortest === Infinity ? null : shortest, tooShort };
}
