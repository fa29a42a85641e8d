import { describeFault, Fault } from "@cairn/kernel";
import { verifyTarget } from "@cairn/maintenance";
import { listCommits, readCommit, readKeySet, readTombstone } from "@cairn/repository";
import type { Store } from "@cairn/store";
import { openTransfer } from "@cairn/transfer";
import { CheckedDisk } from "./content.ts";
import { godStore } from "./god.ts";
import { checkJournal, checkLease } from "./order-checkers.ts";
import type { StoredObject, Target } from "./target.ts";
import type { SnapshotRow } from "./workload.ts";
import type { World } from "./world.ts";

const neverAborted = new AbortController().signal;

/**
 * The rules that are looked at when nothing moves. Each is named after the invariant that it stands for, and
 * says which snapshot or object breaks it.
 */
export async function checkAll(world: World): Promise<void> {
  const targets = world.mirror === undefined ? [world.main] : [world.main, world.mirror];
  const rows = new Map(
    world.workloads.flatMap(({ rows }) => rows.map((row) => [row.snapshotId, row] as const)),
  );
  for (const target of targets) {
    for (const each of target.violations.splice(0)) world.violate(each.rule, each.message);
    if (target.objects.size > 0) await checkCommits(world, target, rows);
    await checkJournal(world, target);
  }
  for (const row of rows.values()) {
    checkRow(world, row);
    checkLease(world, row);
  }
  if (world.locks !== undefined && !world.ending) await checkLocksHold(world, world.locks, rows.values());
}

/**
 * I16: from what is locked for as long as was promised alone, every snapshot can be restored, and the keys be
 * had. The promise holds from one extension until the next is due. A record that was moved lies at two
 * places for a while; one of them is enough.
 */
async function checkLocksHold(
  world: World,
  { beganAt, intervalMs, promiseMs }: NonNullable<World["locks"]>,
  rows: Iterable<SnapshotRow>,
): Promise<void> {
  const until = Math.min(world.scheduler.now, beganAt + intervalMs) + promiseMs;
  const isLocked = ({ lockedUntil = 0 }: StoredObject): boolean => lockedUntil >= until;
  const locked = godStore(world.main, "pristine", { sees: isLocked });
  if (!(await keysAreThere(world, locked))) {
    world.violate("I16 locks-hold", "the newest key set is locked for less than promised");
  }
  for (const row of rows) {
    if (row.state !== "available" || isAllThere(world.main, row, isLocked)) continue;
    const restored = await restoreAll(world, locked, row);
    if (restored.kind === "right") continue;
    const what = `snapshot ${row.snapshotId} needs what is locked for less than promised`;
    world.violate("I16 locks-hold", `${what}: ${restored.why}`);
  }
}

async function keysAreThere({ handle, keySet, masterKey }: World, store: Store): Promise<boolean> {
  const credentials = [{ kind: "key-file", key: masterKey }] as const;
  try {
    const { epochs } = await readKeySet(store, { repositoryId: handle.repositoryId, credentials });
    return epochs.length >= keySet.epochs.length;
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    return false;
  }
}

/**
 * I2, I3: what a commit names is there, and is what was on the disks. A removal that was asked for may go on.
 */
async function checkCommits(
  world: World,
  target: Target,
  rows: ReadonlyMap<string, SnapshotRow>,
): Promise<void> {
  const store = godStore(target, "pristine");
  for await (const ids of listCommits(store, world.handle)) {
    const row = rows.get(ids.snapshotId);
    if (row === undefined) world.violate("I2 commits-are-complete", `nobody took snapshot ${ids.snapshotId}`);
    else if (isUnchecked(target, row) && !(await isTombstoned(world, store, row))) {
      target.checked.set(row.snapshotId, await checkCommit(world, target, row));
    }
  }
}

/** What was complete stays so unless some of it was removed or damaged: looking again would cost minutes. */
function isUnchecked(target: Target, row: SnapshotRow): boolean {
  return !isAllThere(target, row, ({ bytes, pristine }) => bytes === pristine);
}

/** Whether all that a restore has read once is there still, and is so. */
function isAllThere(target: Target, row: SnapshotRow, is: (object: StoredObject) => boolean): boolean {
  const names = target.checked.get(row.snapshotId);
  if (names === undefined) return false;
  for (const name of names) {
    const object = target.objects.get(name);
    if (object === undefined || !is(object)) return false;
  }
  return true;
}

async function isTombstoned(world: World, store: Store, { snapshotId }: SnapshotRow): Promise<boolean> {
  return (await readTombstone(store, { ...world.handle, snapshotId })) !== undefined;
}

/**
 * One snapshot: as it was put, it is right; as it lies there, it is right or is refused with a Fault. Returns
 * what was read.
 */
async function checkCommit(world: World, target: Target, row: SnapshotRow): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const pristine = await restoreAll(
    world,
    godStore(target, "pristine", { onRead: (name) => names.add(name) }),
    row,
  );
  const where = `${target.name}: snapshot ${row.snapshotId} (${row.state})`;
  if (pristine.kind !== "right") {
    world.violate("I2 commits-are-complete", `${where}: ${pristine.why}`);
    return names;
  }
  const touched = [...target.damaged()].filter((name) => names.has(name));
  if (touched.length === 0) return names;
  const actual = await restoreAll(world, godStore(target, "actual"), row);
  if (actual.kind === "wrong") {
    world.violate("I11 damage-is-never-data", `${where}: ${actual.why}, with ${touched.join(", ")} damaged`);
  }
  return names;
}

type Restored =
  | { readonly kind: "right" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "wrong"; readonly why: string };

/** Restores all disks of a snapshot into nowhere, and compares every byte with the reference. */
export async function restoreAll(world: World, store: Store, row: SnapshotRow): Promise<Restored> {
  const { handle } = world;
  try {
    const commit = await readCommit(store, {
      ...handle,
      workloadId: row.workloadId,
      snapshotId: row.snapshotId,
    });
    const draw = (): number => 0;
    const transfer = await openTransfer(
      { store, ...handle, indexSegments: [], workers: 0, signal: neverAborted },
      draw,
    );
    for (const [index, image] of row.images.entries()) {
      const destination = new CheckedDisk(image);
      const root = commit.disks[index]?.root ?? "";
      await transfer.writeDisk({ root, destination, mode: "whole", signal: neverAborted });
      const verdict = destination.verdict();
      if (verdict !== undefined) return { kind: "wrong", why: `disk ${image.diskId}: ${verdict}` };
    }
    await transfer.close();
    return { kind: "right" };
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    return { kind: "refused", why: `${cause.code}: ${describeFault(cause)}` };
  }
}

/** After the last sweep nothing lies there that no snapshot needs (but what is locked). */
export async function checkNothingIsLeft(world: World): Promise<void> {
  const { main } = world;
  const needed = new Set<string>();
  for (const row of world.workloads.flatMap(({ rows }) => rows)) {
    if (row.state === "available")
      await restoreAll(world, godStore(main, "pristine", { onRead: (name) => needed.add(name) }), row);
  }
  for (const [name, { lockedUntil = 0 }] of main.objects) {
    if (!/\/[pm]\//.test(name) || needed.has(name) || lockedUntil > world.scheduler.now) continue;
    world.violate("garbage-goes", `${world.shorten(name)} is still there, and no snapshot needs it`);
  }
}

/** Verifying names exactly the snapshots that cannot be restored. */
export async function checkDamageIsNamed(world: World): Promise<void> {
  const store = godStore(world.main, "actual");
  const clock = { now: () => world.scheduler.now, sleep: async () => Promise.resolve() };
  const { handle } = world;
  const report = await verifyTarget({ store, handle, clock, signal: neverAborted, level: "data" });
  const named = new Set(report.degraded.map(({ snapshotId }) => snapshotId));
  for (const row of world.workloads.flatMap(({ rows }) => rows)) {
    if (row.state !== "available") continue;
    const restored = await restoreAll(world, store, row);
    if ((restored.kind === "right") !== named.has(row.snapshotId)) continue;
    const said = named.has(row.snapshotId) ? "calls it degraded" : "says nothing";
    const why = restored.kind === "right" ? "" : ` (${restored.why})`;
    world.violate(
      "damage-is-named",
      `snapshot ${row.snapshotId} restores ${restored.kind}${why}, and verify ${said}`,
    );
  }
}

/** I4, I17: rows and commits say the same, but for what a run is about to change. */
function checkRow(world: World, row: SnapshotRow): void {
  const name = `${world.handle.repositoryId}/s/${row.workloadId}/${row.snapshotId}`;
  const there = world.main.objects.has(name);
  if (row.state === "available" && !there) {
    world.violate("I17 store-is-the-truth", `snapshot ${row.snapshotId} is available and has no commit`);
  }
  if (row.state === "writing" && there) {
    world.violate("I4 order-of-durability", `snapshot ${row.snapshotId} is committed before it was written`);
  }
}
