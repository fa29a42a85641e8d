import { isDeepStrictEqual } from "node:util";
import type {
  CondemnedPack,
  Deletion,
  MaintenanceState,
  RecordKind,
  Release,
  SeenObjects,
} from "@cairn/repository";
import type { SnapshotName } from "./gather.ts";
import { packKey, type SweepPlan } from "./plan.ts";
import type { SweptPack } from "./report.ts";

/** What a sweep changes in the state before it removes anything. */
export interface StateChange {
  readonly at: number;
  readonly by: string;
  readonly plan: SweepPlan;
  /** Packs whose live records lie elsewhere now, too. */
  readonly moved: readonly SweptPack[];
  readonly relocations: readonly string[];
  /** The journal: decided now, and what an earlier one has not finished. */
  readonly deleting: readonly Deletion[];
  readonly seen: SeenObjects;
}

/** The state that makes a sweep's decisions known: before anything is removed, and in one object. */
export function decidedState(base: MaintenanceState, change: StateChange): MaintenanceState {
  const { at, by, plan, moved, relocations, deleting, seen } = change;
  const epoch = base.epoch + 1;
  const gone = new Set([...plan.rescue, ...plan.removePacks].map(packKey));
  const fresh =
    (why: CondemnedPack["why"]) =>
    (pack: SweptPack): CondemnedPack => {
      return { pack: pack.pack, kind: pack.kind, epoch, at, bytes: pack.bytes, why };
    };
  const settled = new Set(plan.settled.map(packKey));
  const condemned = [
    ...base.condemned
      .filter((pack) => !gone.has(packKey(pack)))
      .map((pack): CondemnedPack => (settled.has(packKey(pack)) ? { ...pack, settled: true } : pack)),
    ...plan.condemn.map(fresh("unreferenced")),
    ...moved.map(fresh("moved")),
  ];
  // What was condemned was not locked for longer; rescued, it is in use again, and nothing says until when.
  const { lockFloor, ...rest } = base;
  const floor = plan.rescue.length > 0 || lockFloor === undefined ? {} : { lockFloor };
  return {
    ...rest,
    ...floor,
    epoch,
    at,
    by,
    condemned,
    deleting,
    damaged: withoutFinished(base, deleting),
    relocations,
    released: releases(base, condemned, { epoch, snapshots: goneSnapshots(base, seen) }),
    seen,
  };
}

/**
 * What the next sweep may insist on. When somebody wrote a state since ours was read, it may have been a
 * sweep that removed what we have seen: then what that one left counts, or every later sweep would miss it
 * and stop for good. Without what its journal owed and we have removed: `deleting` no longer says that it had
 * to go.
 */
export function seenSince(
  ours: Pick<MaintenanceState, "epoch">,
  base: Pick<MaintenanceState, "epoch" | "seen" | "deleting">,
  change: Pick<StateChange, "seen" | "deleting">,
): SeenObjects {
  if (base.epoch === ours.epoch || base.seen === undefined) return change.seen;
  const left = new Set(change.deleting.map(({ name }) => name));
  const removed = new Set(base.deleting.map(({ name }) => name).filter((name) => !left.has(name)));
  const count = (prefix: string): number =>
    Array.from(removed).filter((name) => name.startsWith(prefix)).length;
  return withoutRemoved(base.seen, removed, count);
}

/** Damage of packs that an earlier sweep's journal has seen to is no more. */
function withoutFinished(base: MaintenanceState, deleting: readonly Deletion[]): MaintenanceState["damaged"] {
  const left = new Set(deleting.map(({ name }) => name));
  const finished = new Set(base.deleting.map(({ name }) => name).filter((name) => !left.has(name)));
  return base.damaged.filter(({ kind, pack }) => !finished.has(packName(kind, pack)));
}

/** Releases that explain a pack that is still condemned, and the newest one if it explains any. */
function releases(
  base: MaintenanceState,
  condemned: readonly CondemnedPack[],
  newest: Release,
): readonly Release[] {
  const epochs = new Set(condemned.map(({ epoch }) => epoch));
  const all = newest.snapshots.length === 0 ? base.released : [...base.released, newest];
  return all.filter(({ epoch }) => epochs.has(epoch));
}

function goneSnapshots(base: MaintenanceState, seen: SeenObjects): readonly string[] {
  const there = new Set(Object.values(seen.commits).flat());
  return Object.values(base.seen?.commits ?? {})
    .flat()
    .filter((snapshotId) => !there.has(snapshotId));
}

/** Snapshots by workload, in a fixed order. */
export function byWorkload(snapshots: readonly SnapshotName[]): Readonly<Record<string, readonly string[]>> {
  const workloads: Record<string, string[]> = {};
  const key = ({ workloadId, snapshotId }: SnapshotName): string => `${workloadId}/${snapshotId}`;
  for (const { workloadId, snapshotId } of snapshots.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))) {
    (workloads[workloadId] ??= []).push(snapshotId);
  }
  return workloads;
}

/**
 * The state after removals. Packs stay in the journal until every index segment of it is gone, too: as long
 * as a segment names a pack, writers must be told to avoid it.
 */
export function finishedState(
  base: MaintenanceState,
  done: { readonly at: number; readonly by: string; readonly removed: ReadonlySet<string> },
): MaintenanceState {
  const { at, by, removed } = done;
  const segmentLeft = base.deleting.some(({ name }) => name.startsWith("i/") && !removed.has(name));
  const stays = (name: string): boolean => !removed.has(name) || (segmentLeft && /^[pm]\//.test(name));
  const gone = (kind: RecordKind, pack: string): boolean => removed.has(packName(kind, pack));
  const { seen } = base;
  const count = (prefix: string): number =>
    base.deleting.filter(({ name }) => name.startsWith(prefix) && removed.has(name)).length;
  return {
    ...base,
    epoch: base.epoch + 1,
    at,
    by,
    deleting: base.deleting.filter(({ name }) => stays(name)),
    damaged: base.damaged.filter(({ kind, pack }) => !gone(kind, pack)),
    ...(seen === undefined ? {} : { seen: withoutRemoved(seen, removed, count) }),
  };
}

function withoutRemoved(
  seen: SeenObjects,
  removed: ReadonlySet<string>,
  count: (prefix: string) => number,
): SeenObjects {
  return {
    chunkPacks: Math.max(0, seen.chunkPacks - count("p/")),
    pagePacks: Math.max(0, seen.pagePacks - count("m/")),
    segments: Math.max(0, seen.segments - count("i/")),
    commits: seen.commits,
    sessions: seen.sessions.filter((sessionId) => !removed.has(`w/${sessionId}/begin`)),
  };
}

/** The name of a pack within the repository. */
export function packName(kind: RecordKind, pack: string): string {
  return `${kind === "chunk" ? "p" : "m"}/${pack.slice(0, 2)}/${pack}`;
}

/** Whether a state says anything that the other does not, but for when and by whom it was made. */
export function isNews(before: MaintenanceState, after: MaintenanceState): boolean {
  const same: MaintenanceState = { ...after, epoch: before.epoch, at: before.at, by: before.by };
  return !isDeepStrictEqual(before, same);
}
