import { restoreAll } from "./checkers.ts";
import { portOf } from "./port.ts";
import type { Process } from "./process.ts";
import { HOUR_MS } from "./scenario.ts";
import { isHeld, type SnapshotRow } from "./workload.ts";
import type { Program, World } from "./world.ts";

/** Restores one snapshot after the other while everything else goes on, and holds it for as long. */
export function restorer(): Program {
  return async (process) => {
    const { world, chance } = process;
    while (!world.ending) {
      await process.sleep(chance.between(4, 24) * HOUR_MS);
      const rows = available(world);
      if (rows.length > 0) await restoreOne(process, chance.pick(rows));
    }
  };
}

function available({ workloads }: World): readonly SnapshotRow[] {
  return workloads.flatMap(({ rows }) => rows).filter(({ state }) => state === "available");
}

/** Snapshots that no sweep may remove now. */
export function heldSnapshots({ workloads }: World): ReadonlySet<string> {
  const rows = workloads.flatMap(({ rows: all }) => all).filter(isHeld);
  return new Set(rows.map(({ snapshotId }) => snapshotId));
}

async function restoreOne(process: Process, row: SnapshotRow): Promise<void> {
  const { world } = process;
  row.heldBy = process;
  const restored = await restoreAll(world, portOf(process, world.main), row);
  row.heldBy = undefined;
  const what = `${process.name} restored ${row.snapshotId}`;
  world.scheduler.note(`${what}: ${restored.kind}`);
  switch (restored.kind) {
    case "right":
      world.happened("restore");
      return;
    case "wrong":
      world.violate("I11 damage-is-never-data", `${what}: ${restored.why}`);
      return;
    case "refused":
      if (!mayBeRefused(world, restored.why)) {
        world.violate("I15 what-is-held-stays", `${what}: ${restored.why}`);
      }
  }
}

/** The target may be in trouble, and bytes may be damaged. What nothing has happened to is there. */
function mayBeRefused({ scenario }: World, why: string): boolean {
  const { garbled, short } = scenario.faults;
  return why.startsWith("store-") || scenario.rottenPacks > 0 || garbled > 0 || short > 0;
}
