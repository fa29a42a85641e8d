import { assert, Fault, hasCode } from "@cairn/kernel";
import {
  type Deletion,
  type MaintenanceState,
  readState,
  repositoryNames,
  type SeenObjects,
  writeState,
} from "@cairn/repository";
import { compactAll } from "./compact-all.ts";
import { listPacks, listSegments, oldStates, packLocks, removeAll } from "./effects.ts";
import { type Gathered, gather } from "./gather.ts";
import { type Marked, markAll } from "./mark-all.ts";
import { SWEEP_LIMITS, type SweepOptions } from "./options.ts";
import { CONDEMNED, DAMAGED, DELETING, MOVED, PackTable } from "./pack-table.ts";
import {
  isSettled,
  packKey,
  planSweep,
  type SweepFacts,
  type SweepPlan,
  sumBytes,
  suspectListing,
} from "./plan.ts";
import type { Removal, SweepReport } from "./report.ts";
import { afterChanges, mergeRelocations, type SegmentChanges, withoutPacks } from "./segments.ts";
import type { Sweeping } from "./sweeping.ts";
import { byWorkload, decidedState, finishedState, isNews, packName, seenSince } from "./transition.ts";

/** How often a state is made again because scrub or heal wrote one meanwhile. */
const STATE_ATTEMPTS = 5;

/**
 * Sweeps a repository once: marks what all snapshots lead to, condemns what nothing leads to, removes what
 * was condemned long enough ago and is still in nobody's use. Safe beside writers, readers, other maintenance
 * and another sweep, and when it is killed anywhere; the next one goes on. Faults, besides those of the
 * store:
 *
 * | code              | retry          | means                                                            |
 * |-------------------|----------------|------------------------------------------------------------------|
 * | `clock-skew`      | after-operator | the store's clock and this host's are too far apart              |
 * | `listing-suspect` | later          | a listing shows far less than the last sweep saw                 |
 * | `object-vanished` | after-operator | a snapshot or session is gone, and nobody removed it by the rules |
 * | `mark-incomplete` | after-operator | a page cannot be read: what it leads to is not known             |
 * | `state-outrun`    | later          | another sweep was faster                                         |
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const { store, handle, clock, signal } = options;
  const limits = { ...SWEEP_LIMITS, ...options.limits };
  const nowMs = Math.floor(await store.time(signal));
  refuseSkew(clock.now(), nowMs, limits.skewMs);
  const before = await readState(store, handle, { signal });
  const tables = { chunk: new PackTable("chunk"), page: new PackTable("page") };
  const sweeping = { ...options, limits, flaws: options.flaws ?? {}, nowMs, state: before, tables };
  const left = await finishJournal(sweeping);
  const gathered = await gatherInPeace(sweeping);
  const owed = new Set(left.map(({ name }) => name));
  const gone = before.deleting.map(({ name }) => name).filter((name) => !owed.has(name));
  const listed = await listPacks(sweeping, tables, new Set(gone));
  refuseSuspect(sweeping, listed);
  options.onProgress?.({
    kind: "listed",
    packs: listed.chunk + listed.page,
    snapshots: gathered.snapshots.length,
  });
  flagPacks(sweeping);
  const marked = await markAll(sweeping, gathered);
  const plan = await decide(sweeping, gathered, marked);
  const absent = marked.unlisted;
  const seen: SeenObjects = {
    chunkPacks: listed.chunk - absent.chunk,
    pagePacks: listed.page - absent.page,
    segments: 0,
    commits: byWorkload(gathered.snapshots),
    sessions: gathered.sessions.map(({ sessionId }) => sessionId).toSorted(),
  };
  return perform({ sweeping, gathered, marked, plan, seen, left });
}

/**
 * What has gone may have been removed by another sweep since our state was read: that is no reason for alarm.
 */
async function gatherInPeace(sweeping: Sweeping): Promise<Gathered> {
  const { store, handle, state, limits, signal } = sweeping;
  try {
    return await gather({ ...sweeping, graceMs: limits.graceMs });
  } catch (cause) {
    if (!hasCode(cause, "object-vanished")) throw cause;
    const { epoch } = await readState(store, handle, { hint: state.epoch, signal });
    if (epoch === state.epoch) throw cause;
    throw new Fault("state-outrun", "sweeping: other maintenance was faster", "later", cause);
  }
}

function refuseSkew(ours: number, theirs: number, skewMs: number): void {
  const apart = Math.abs(ours - theirs);
  if (apart <= skewMs) return;
  const message = `sweeping: the store's clock and this host's are ${Math.round(apart / 1000)} s apart`;
  throw new Fault("clock-skew", message, "after-operator");
}

function refuseSuspect(
  { state, flaws }: Sweeping,
  listed: { readonly chunk: number; readonly page: number },
): void {
  if (flaws.trustsListings === true) return;
  const suspicion = suspectListing(state, { chunkPacks: listed.chunk, pagePacks: listed.page });
  if (suspicion !== undefined) throw new Fault("listing-suspect", `sweeping: ${suspicion}`, "later");
}

/**
 * Removes what an earlier sweep had decided to and died over; returns what is still locked. Commits are not
 * among it: a writer may have chosen one as its base since, so they are decided upon again.
 */
async function finishJournal(sweeping: Sweeping): Promise<readonly Deletion[]> {
  const owed = sweeping.state.deleting.filter(({ name }) => !name.startsWith("s/"));
  if (sweeping.dryRun === true || owed.length === 0) return owed;
  const { locked } = await removeAll(sweeping, owed, () => undefined);
  const segmentLeft = locked.some(({ name }) => name.startsWith("i/"));
  // Packs stay in the journal as long as a segment may name them: writers are told by it to avoid them.
  return segmentLeft ? owed.filter((each) => locked.includes(each) || /^[pm]\//.test(each.name)) : locked;
}

function flagPacks({ state, tables }: Sweeping): void {
  for (const { kind, pack, why } of state.condemned) {
    const number = tables[kind].numberOfHex(pack);
    tables[kind].set(number, why === "moved" ? CONDEMNED | MOVED : CONDEMNED);
  }
  for (const { kind, pack } of state.damaged) tables[kind].set(tables[kind].numberOfHex(pack), DAMAGED);
  for (const { name } of state.deleting) {
    const [prefix, , pack] = name.split("/");
    const kind = prefix === "p" ? "chunk" : "page";
    if (pack !== undefined && (prefix === "p" || prefix === "m")) {
      tables[kind].set(tables[kind].numberOfHex(pack), DELETING);
    }
  }
}

async function decide(sweeping: Sweeping, gathered: Gathered, marked: Marked): Promise<SweepPlan> {
  const { state, nowMs, limits, flaws } = sweeping;
  const facts: SweepFacts = {
    nowMs,
    state,
    limits,
    flaws,
    ...gathered,
    heldSnapshots: sweeping.heldSnapshots ?? new Set(),
    inUse: marked.inUse,
    unreferenced: marked.unreferenced,
    lockedUntil: new Map(),
    liveBytes: marked.liveBytes,
    confirmedBytes: sweeping.confirmedBytes ?? 0,
  };
  const perhapsDue = state.condemned.filter(
    (pack) => !marked.inUse.has(packKey(pack)) && isSettled(pack, facts),
  );
  return planSweep({ ...facts, lockedUntil: await packLocks(sweeping, perhapsDue) });
}

interface Performance {
  readonly sweeping: Sweeping;
  readonly gathered: Gathered;
  readonly marked: Marked;
  readonly plan: SweepPlan;
  readonly seen: SeenObjects;
  /** Removals that earlier sweeps owe. */
  readonly left: readonly Deletion[];
}

const NO_CHANGES: SegmentChanges = { replaced: new Map(), storedBytes: new Map() };

/**
 * What is decided becomes true in this order: new packs and segments; the state that names them, condemns,
 * and journals every removal; the removals; the state without the journal. A crash between two of them leaves
 * objects that the next sweep finds and removes, or a journal that it finishes.
 */
async function perform(performance: Performance): Promise<SweepReport> {
  const { sweeping, plan, marked, left } = performance;
  const { state, limits, dryRun } = sweeping;
  const segments = await allSegments(performance);
  const compacted = await compactAll(sweeping, marked.compactions);
  const gone = new Set(plan.removePacks.map(({ pack }) => pack));
  const dropped = dryRun === true ? NO_CHANGES : await withoutPacks(sweeping, segments, gone);
  const relocations = [...afterChanges(state.relocations, dropped), ...compacted.segments];
  const merged =
    dryRun === true
      ? NO_CHANGES
      : await mergeRelocations(sweeping, relocations, limits.relocationSegmentsMax);
  const changes = [dropped, merged];
  const decided = await journal(performance, changes);
  const removals = [...left, ...decided.map(({ deletion }) => deletion)];
  const seen = { ...performance.seen, segments: segments.length };
  const epochAfter =
    dryRun === true
      ? state.epoch
      : await conclude(sweeping, {
          removals,
          change: {
            at: sweeping.nowMs,
            by: sweeping.by,
            plan,
            moved: compacted.moved,
            relocations: afterChanges(relocations, merged),
            deleting: removals,
            seen,
          },
        });
  return report(performance, {
    compacted,
    changes,
    epochAfter,
    segments: segments.length,
    removals: [...left.map((deletion) => ({ deletion, lastNeededBy: [] })), ...decided],
  });
}

/** Index segments that a listing shows, that snapshots name, or that the state lists. */
async function allSegments({ sweeping, gathered }: Performance): Promise<readonly string[]> {
  const listed = await listSegments(sweeping);
  return Array.from(new Set([...listed, ...gathered.segments, ...sweeping.state.relocations])).toSorted();
}

interface Decided {
  readonly deletion: Deletion;
  readonly lastNeededBy: readonly string[];
}

/** Every removal, with its reason, size and decider, before it is done. */
async function journal(
  { sweeping, plan }: Performance,
  changes: readonly SegmentChanges[],
): Promise<Decided[]> {
  const { state, by, nowMs, limits, handle } = sweeping;
  const decided: Decided[] = [];
  const remove = (name: string, bytes: number, why: string, lastNeededBy: readonly string[] = []): void => {
    decided.push({ deletion: { name, bytes, why, by }, lastNeededBy });
  };
  const released = new Map(state.released.map(({ epoch, snapshots }) => [epoch, snapshots]));
  for (const { workloadId, snapshotId } of plan.removeCommits) {
    remove(`s/${workloadId}/${snapshotId}`, 0, "its tombstone is due");
  }
  for (const { kind, pack, bytes, why, epoch } of plan.removePacks) {
    remove(packName(kind, pack), bytes, `${why} since state ${epoch}`, released.get(epoch));
  }
  for (const { replaced, storedBytes } of changes) {
    for (const [name, successors] of replaced) {
      const why =
        successors.length === 0 ? "all that it lists is removed or listed elsewhere" : "written anew";
      remove(name, storedBytes.get(name) ?? 0, why);
    }
  }
  for (const snapshotId of plan.removeTombstones) remove(`t/${snapshotId}`, 0, "its snapshot is long gone");
  for (const sessionId of plan.removeSessions) {
    for (const part of ["begin", "end"]) remove(`w/${sessionId}/${part}`, 0, "the session is long over");
  }
  for (const epoch of await oldStates(sweeping, state.epoch, nowMs - limits.keepStatesMs)) {
    const name = repositoryNames(handle.repositoryId).state(epoch);
    remove(name.slice(handle.repositoryId.length + 1), 0, "an old state");
  }
  return decided;
}

interface Conclusion {
  readonly removals: readonly Deletion[];
  readonly change: Parameters<typeof decidedState>[1];
}

/** The state, the removals, the state without the journal. Returns the epoch of the last one. */
async function conclude(sweeping: Sweeping, { removals, change }: Conclusion): Promise<number> {
  const { state, signal, by } = sweeping;
  // What is journaled already (a locked object, again) needs no new state before it is tried again.
  const journaled = isNews(state, decidedState(state, change))
    ? await advance(sweeping, state, (base) => {
        refuseOutrun(state, base);
        return decidedState(base, { ...change, seen: seenSince(state, base, change) });
      })
    : state;
  if (removals.length === 0) return journaled.epoch;
  const { removed } = await removeAll(sweeping, removals, (objects) => {
    sweeping.onProgress?.({ kind: "removing", objects, of: removals.length });
  });
  if (removed.size === 0) return journaled.epoch;
  const at = Math.floor(await sweeping.store.time(signal));
  const finished = await advance(sweeping, journaled, (base) => finishedState(base, { at, by, removed }));
  return finished.epoch;
}

/** Another sweep's decisions and ours must not mix; what scrub found meanwhile is taken over as it is. */
function refuseOutrun(ours: MaintenanceState, newest: MaintenanceState): void {
  const same = (["condemned", "deleting", "relocations"] as const).every(
    (field) => JSON.stringify(ours[field]) === JSON.stringify(newest[field]),
  );
  if (!same) throw new Fault("state-outrun", "sweeping: other maintenance was faster", "later");
}

/** Writes the state that `change` makes of the newest, which is `known` unless others were faster. */
async function advance(
  { store, handle, signal }: Sweeping,
  known: MaintenanceState,
  change: (base: MaintenanceState) => MaintenanceState,
): Promise<MaintenanceState> {
  let base = known;
  for (let attempt = 1; ; attempt += 1) {
    const state = change(base);
    assert(state.epoch === base.epoch + 1, "a state's epoch goes up by one");
    try {
      await writeState(store, handle, { state, signal });
      return state;
    } catch (cause) {
      if (!hasCode(cause, "object-exists") || attempt >= STATE_ATTEMPTS) throw cause;
    }
    base = await readState(store, handle, { hint: base.epoch, signal });
  }
}

interface Outcome {
  readonly compacted: Awaited<ReturnType<typeof compactAll>>;
  readonly changes: readonly SegmentChanges[];
  readonly epochAfter: number;
  readonly segments: number;
  readonly removals: readonly Decided[];
}

function report(performance: Performance, outcome: Outcome): SweepReport {
  const { sweeping, gathered, marked, plan, seen } = performance;
  const { compacted, changes, epochAfter, removals } = outcome;
  const removed: Removal[] = removals.map(({ deletion: { name, bytes, why }, lastNeededBy }) => {
    return { name, bytes, why, lastNeededBy };
  });
  const { confirmationNeeded } = plan;
  return {
    repositoryId: sweeping.handle.repositoryId,
    dryRun: sweeping.dryRun === true,
    at: sweeping.nowMs,
    epochBefore: sweeping.state.epoch,
    epochAfter,
    found: {
      snapshots: gathered.snapshots.length,
      sessions: gathered.sessions.length,
      liveSessions: gathered.sessions.filter(({ live }) => live).length,
      chunkPacks: seen.chunkPacks,
      pagePacks: seen.pagePacks,
      segments: outcome.segments,
      pages: marked.pages,
      chunks: marked.chunks,
      liveBytes: marked.liveBytes,
      totalBytes: marked.liveBytes + sumBytes(sweeping.state.condemned) + sumBytes(marked.unreferenced),
      passes: marked.passes,
    },
    condemned: plan.condemn,
    rescued: plan.rescue.map(({ pack, kind, bytes }) => ({ pack, kind, bytes, liveBytes: 0 })),
    compacted: compacted.moved,
    removed,
    removedBytes: sumBytes(removed),
    waiting: plan.waiting,
    ...(confirmationNeeded === undefined ? {} : { confirmationNeeded }),
    indexSegments: {
      added: [
        ...compacted.chunkSegments,
        ...changes.flatMap(({ replaced }) => Array.from(replaced.values()).flat()),
      ],
      removed: changes.flatMap(({ replaced }) => Array.from(replaced.keys())),
    },
    missingPacks: marked.missing,
    damagedPacks: compacted.damaged,
  };
}
