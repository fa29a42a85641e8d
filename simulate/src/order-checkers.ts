import { readStateAt, SESSION_MARGIN_MS } from "@cairn/repository";
import { godStore } from "./god.ts";
import type { Target } from "./target.ts";
import type { SnapshotRow } from "./workload.ts";
import type { World } from "./world.ts";

/** I7: nothing is committed that late that a sweep takes its session for over. */
export function checkLease(world: World, row: SnapshotRow): void {
  const name = `${world.handle.repositoryId}/s/${row.workloadId}/${row.snapshotId}`;
  const commit = world.main.objects.get(name);
  if (commit === undefined || row.notAfter === undefined) return;
  const lateMs = commit.putAt - row.notAfter - SESSION_MARGIN_MS;
  if (lateMs <= 0) return;
  world.violate(
    "I7 leases-are-held",
    `snapshot ${row.snapshotId} was committed ${lateMs} ms after its lease`,
  );
}

/** I20: what was removed was in a journal before; of a commit, a tombstone is enough. */
export async function checkJournal(world: World, target: Target): Promise<void> {
  await readJournals(world, target);
  const { removals, journaledAt } = target;
  for (const { name, at, by } of removals.slice(target.removalsChecked)) {
    const reasons = [journaledAt.get(name), tombstonedAt(target, name)];
    if (reasons.some((since) => since !== undefined && since <= at)) continue;
    world.violate("I20 removals-are-journaled", `${by} removed ${world.shorten(name)} and had not said so`);
  }
  target.removalsChecked = removals.length;
}

/** Old states stay for months: none is removed between two looks. */
async function readJournals({ handle }: World, target: Target): Promise<void> {
  const store = godStore(target, "pristine");
  const prefix = `${handle.repositoryId}/g/`;
  for (const [name, { putAt }] of target.objects) {
    if (!name.startsWith(prefix) || target.statesRead.has(name)) continue;
    target.statesRead.add(name);
    const { deleting } = await readStateAt(store, handle, {
      epoch: Number.parseInt(name.slice(prefix.length), 16),
    });
    for (const { name: part } of deleting) {
      const full = `${handle.repositoryId}/${part}`;
      target.journaledAt.set(full, Math.min(putAt, target.journaledAt.get(full) ?? putAt));
    }
  }
}

function tombstonedAt(target: Target, name: string): number | undefined {
  const tombstone = name.replace(/\/s\/[^/]+\//, "/t/");
  if (tombstone === name) return undefined;
  const there = target.objects.get(tombstone);
  return (there ?? target.removals.find((removal) => removal.name === tombstone)?.object)?.putAt;
}
