import type { CondemnedPack, MaintenanceState, RecordKind, Tombstone } from "@cairn/repository";
import { SESSION_MARGIN_MS } from "@cairn/repository";
import type { JudgedSession, SnapshotName } from "./gather.ts";
import type { SweepFlaws, SweepLimits } from "./options.ts";
import type { SweptPack, WaitingPack } from "./report.ts";

/** All that a sweep decides by. */
export interface SweepFacts {
  /** The store's time before anything was looked at. */
  readonly nowMs: number;
  readonly state: MaintenanceState;
  readonly sessions: readonly JudgedSession[];
  readonly snapshots: readonly SnapshotName[];
  readonly tombstones: readonly Tombstone[];
  readonly heldSnapshots: ReadonlySet<string>;
  /** Condemned packs that the new mark found in use, as `<kind>/<pack>`. */
  readonly inUse: ReadonlySet<string>;
  /** Packs that are not condemned and that the mark did not find in use. */
  readonly unreferenced: readonly SweptPack[];
  /** When locks of packs that are due end, ms since 1970, as `<kind>/<pack>`. */
  readonly lockedUntil: ReadonlyMap<string, number>;
  /** Bytes of all that is in use. */
  readonly liveBytes: number;
  readonly confirmedBytes: number;
  readonly limits: SweepLimits;
  readonly flaws: SweepFlaws;
}

/** What is to be done. Nothing is left to decide. */
export interface SweepPlan {
  readonly rescue: readonly CondemnedPack[];
  readonly condemn: readonly SweptPack[];
  /** Packs to remove, condemned long ago (or, by a flawed sweeper, just found). */
  readonly removePacks: readonly CondemnedPack[];
  readonly waiting: readonly WaitingPack[];
  /** Condemned packs that nothing can lead to any more, whether or not they may go now. */
  readonly settled: readonly CondemnedPack[];
  readonly removeCommits: readonly SnapshotName[];
  readonly removeTombstones: readonly string[];
  readonly removeSessions: readonly string[];
  readonly confirmationNeeded?: { readonly bytes: number; readonly share: number };
}

const NO_LOCKS: SweepFacts["lockedUntil"] = new Map();

/** The key of a pack in sets and maps. */
export function packKey(pack: { readonly kind: RecordKind; readonly pack: string }): string {
  return `${pack.kind}/${pack.pack}`;
}

/** Decides a sweep. */
export function planSweep(facts: SweepFacts): SweepPlan {
  const { state, inUse, limits, flaws } = facts;
  const rescue = state.condemned.filter((pack) => inUse.has(packKey(pack)));
  const waiting: WaitingPack[] = [];
  const due: CondemnedPack[] = [];
  for (const pack of candidates(facts)) {
    const reason =
      due.length < limits.packsPerSweepMax ? waitsFor(pack, facts) : ({ kind: "batch" } as const);
    if (reason === undefined) due.push(pack);
    else waiting.push({ pack: pack.pack, kind: pack.kind, bytes: pack.bytes, waitsFor: reason });
  }
  const confirmationNeeded = needsConfirmation(facts, due);
  const removePacks = confirmationNeeded === undefined ? due : [];
  if (confirmationNeeded !== undefined) {
    for (const { pack, kind, bytes } of due)
      waiting.push({ pack, kind, bytes, waitsFor: { kind: "confirmation" } });
  }
  const room = Math.max(0, limits.packsPerSweepMax - state.condemned.length);
  return {
    rescue,
    condemn: flaws.neverWaits === true ? [] : facts.unreferenced.slice(0, room),
    removePacks,
    waiting,
    settled: candidates(facts).filter((pack) => isSettled(pack, facts)),
    removeCommits: dueCommits(facts),
    removeTombstones: finishedTombstones(facts),
    removeSessions: finishedSessions(facts),
    ...(confirmationNeeded === undefined ? {} : { confirmationNeeded }),
  };
}

/** Condemned packs that are still not in use. A flawed sweeper adds what it has just found. */
function candidates(facts: SweepFacts): readonly CondemnedPack[] {
  const { state, inUse, flaws, unreferenced, nowMs } = facts;
  const condemned = state.condemned.filter((pack) => !inUse.has(packKey(pack)));
  if (flaws.neverWaits !== true) return condemned;
  const found = unreferenced.map(({ pack, kind, bytes }): CondemnedPack => {
    return { pack, kind, bytes, epoch: state.epoch, at: nowMs, why: "unreferenced" };
  });
  return [...condemned, ...found];
}

/**
 * What a condemned pack that is not in use waits for; `undefined` when it may go. The grace is longer than
 * any listing is out of date. A session that had not seen the condemnation when it began may refer to the
 * pack in a commit that is still to come. A live session whose base is gone may take over anything of it.
 */
export function waitsFor(
  pack: CondemnedPack,
  facts: Pick<SweepFacts, "nowMs" | "sessions" | "lockedUntil" | "limits" | "flaws">,
): WaitingPack["waitsFor"] | undefined {
  const { nowMs, sessions, lockedUntil, limits, flaws } = facts;
  const lockedUntilMs = lockedUntil.get(packKey(pack)) ?? 0;
  if (lockedUntilMs > nowMs) return { kind: "lock", untilMs: lockedUntilMs };
  if (flaws.neverWaits === true) return undefined;
  const untilMs = pack.at + limits.graceMs;
  if (nowMs < untilMs) return { kind: "grace", untilMs };
  for (const { live, sessionId, epochSeen, basesGone } of sessions) {
    if (live && epochSeen < pack.epoch) return { kind: "session", sessionId };
    const [snapshotId] = basesGone;
    if (snapshotId !== undefined) return { kind: "base", sessionId, snapshotId };
  }
  return undefined;
}

/** Whether only its lock, or a person's word, keeps a condemned pack that is not in use. */
export function isSettled(
  pack: CondemnedPack,
  facts: Pick<SweepFacts, "nowMs" | "sessions" | "limits" | "flaws">,
): boolean {
  return waitsFor(pack, { ...facts, lockedUntil: NO_LOCKS }) === undefined;
}

/** Too large a share at once wants a person's word. Everything there is: in use, condemned, just found. */
function needsConfirmation(
  facts: SweepFacts,
  due: readonly CondemnedPack[],
): { readonly bytes: number; readonly share: number } | undefined {
  const bytes = sumBytes(due);
  const known = new Set(facts.state.condemned.map(packKey));
  const found = facts.unreferenced.filter((pack) => !known.has(packKey(pack)));
  const total = facts.liveBytes + sumBytes(facts.state.condemned) + sumBytes(found);
  const share = total === 0 ? 0 : bytes / total;
  if (share <= facts.limits.confirmShare || bytes <= facts.confirmedBytes) return undefined;
  return { bytes, share };
}

export function sumBytes(packs: readonly { readonly bytes: number }[]): number {
  return packs.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Snapshots whose tombstones are due, and that nobody takes anything over from. */
function dueCommits(facts: SweepFacts): readonly SnapshotName[] {
  const { nowMs, tombstones, heldSnapshots, sessions, snapshots } = facts;
  const held = new Set(heldSnapshots);
  for (const { live, bases, snapshotId } of sessions) {
    if (!live) continue;
    for (const base of bases) held.add(base);
    if (snapshotId !== undefined) held.add(snapshotId);
  }
  const due = new Set(
    tombstones.filter(({ notBefore }) => Date.parse(notBefore) <= nowMs).map(({ snapshotId }) => snapshotId),
  );
  return snapshots.filter(({ snapshotId }) => due.has(snapshotId) && !held.has(snapshotId));
}

/**
 * Tombstones whose snapshots are gone, and were gone at the last sweep already: until then the tombstone is
 * the reason why.
 */
function finishedTombstones(facts: SweepFacts): readonly string[] {
  const { nowMs, state, snapshots, sessions, limits } = facts;
  const needed = new Set(snapshots.map(({ snapshotId }) => snapshotId));
  for (const ids of Object.values(state.seen?.commits ?? {})) for (const id of ids) needed.add(id);
  for (const { snapshotId, bases, end } of sessions) {
    for (const id of [snapshotId, end?.commit?.snapshotId, ...bases]) if (id !== undefined) needed.add(id);
  }
  return facts.tombstones
    .filter(({ notBefore }) => Date.parse(notBefore) + limits.keepTombstonesMs < nowMs)
    .filter(({ snapshotId }) => !needed.has(snapshotId))
    .map(({ snapshotId }) => snapshotId);
}

/** Sessions that are over for so long that every listing shows what they committed. */
function finishedSessions({ nowMs, sessions, limits }: SweepFacts): readonly string[] {
  return sessions
    .filter(({ live, end, notAfter }) => {
      const overAt = end?.endedAt ?? notAfter + SESSION_MARGIN_MS;
      return !live && overAt + 2 * limits.graceMs < nowMs;
    })
    .map(({ sessionId }) => sessionId);
}

/** What a listing showed. */
export interface ListedCounts {
  readonly chunkPacks: number;
  readonly pagePacks: number;
}

/**
 * What is wrong with a listing, if it shows less than half of what the last sweep saw and nobody removed: a
 * target that is not mounted, a wrong prefix, a page of the listing that was lost without an error.
 */
export function suspectListing(state: MaintenanceState, listed: ListedCounts): string | undefined {
  const { seen, deleting } = state;
  if (seen === undefined) return undefined;
  const going = (prefix: string): number => deleting.filter(({ name }) => name.startsWith(prefix)).length;
  const expected: readonly (readonly [what: string, expected: number, found: number])[] = [
    ["packs of chunks", seen.chunkPacks - going("p/"), listed.chunkPacks],
    ["packs of pages", seen.pagePacks - going("m/"), listed.pagePacks],
  ];
  const bad = expected.find(([, before, now]) => now < before / 2);
  if (bad === undefined) return undefined;
  return `the listing shows ${bad[2]} ${bad[0]}, the last sweep saw ${bad[1]}`;
}

/** A pack of which little is in use. */
export interface CompactionCandidate extends SweptPack {
  readonly number: number;
}

/** Which packs to compact: those that free most for what they move first, up to the limit of bytes. */
export function chooseCompactions(
  packs: readonly CompactionCandidate[],
  limits: Pick<SweepLimits, "compactBelowShare" | "compactSavesBytesMin" | "compactBytesMax">,
): readonly CompactionCandidate[] {
  const worth = packs
    .filter(({ liveBytes, bytes }) => liveBytes < bytes * limits.compactBelowShare)
    .filter(({ liveBytes, bytes }) => bytes - liveBytes >= limits.compactSavesBytesMin)
    .toSorted((a, b) => {
      const shares = a.liveBytes / a.bytes - b.liveBytes / b.bytes;
      return shares === 0 ? a.pack.localeCompare(b.pack) : shares;
    });
  let bytes = 0;
  return worth.filter((pack) => {
    bytes += pack.bytes;
    return bytes <= limits.compactBytesMax;
  });
}
