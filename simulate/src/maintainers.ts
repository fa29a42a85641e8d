import { Fault } from "@cairn/kernel";
import { type SweepFlaws, sweep } from "@cairn/maintenance";
import { structureOnlyKeys } from "@cairn/repository";
import { sweepStore } from "./flaws.ts";
import { portOf } from "./port.ts";
import type { Process } from "./process.ts";
import { heldSnapshots } from "./restorer.ts";
import { DAY_MS, type Flaw, HOUR_MS, MINUTE_MS } from "./scenario.ts";
import type { Target } from "./target.ts";
import type { Program } from "./world.ts";

const neverAborted = new AbortController().signal;
/** From condemning to deleting; listings lag behind less than that. */
export const GRACE_MS = 8 * HOUR_MS;
/** After the trouble has ended: one sweep to condemn, one to delete, one to finish. */
const LAST_SWEEPS = 4;
const TRIES_MAX = 3;

/** Sweeps every few hours, and at the end often enough to leave nothing that nobody needs. */
export function sweeperOf(index: number, target: Target): Program {
  return async (process) => {
    const { world } = process;
    while (!world.ending) {
      await process.sleep(world.chance.below(2 * world.scenario.sweepEveryHours * HOUR_MS));
      await severalTries(process, async () => sweepOnce(process, index, target));
    }
    if (index > 0) return;
    // Alone, and when the sessions of writers that died are over, too.
    while (world.running.writer > 0) await process.sleep(HOUR_MS);
    for (let round = 0; round < LAST_SWEEPS; round += 1) {
      await process.sleep(8 * DAY_MS);
      await sweepOnce(process, index, target);
    }
  };
}

/** Comes again soon after a failure, as the scheduler of recurring work does; not for ever. */
export async function severalTries(process: Process, work: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (process.world.ending || (await work())) return;
    await process.sleep(20 * MINUTE_MS);
  }
}

async function sweepOnce(process: Process, index: number, target: Target): Promise<boolean> {
  const { world } = process;
  const store = sweepStore(process, portOf(process, target));
  const { handle } = world;
  return tolerating(process, "sweep", async () => {
    const report = await sweep({
      store,
      remover: store,
      handle: { ...handle, keys: structureOnlyKeys(handle.keys) },
      clock: process.clock,
      by: `sweeper-${index}-${target.name}-${process.name}`,
      signal: neverAborted,
      heldSnapshots: heldSnapshots(world),
      // Packs are small here, and so is what compacting them saves:
      limits: {
        graceMs: GRACE_MS,
        confirmShare: 1,
        // a new pack is worth compacting again, and something would be left for ever.
        compactBelowShare: world.ending ? 0 : world.scenario.compactBelowShare,
        compactSavesBytesMin: 1,
      },
      flaws: sweepFlaws(world.scenario.flaw),
    });
    world.happened("sweep");
    world.happened("compaction", report.compacted.length);
    world.happened("rescue", report.rescued.length);
    world.scheduler.note(`${process.name} swept: ${JSON.stringify(report.found)}`);
  });
}

function sweepFlaws(flaw: Flaw | undefined): SweepFlaws {
  switch (flaw) {
    case "hasty-sweeper":
      return { neverWaits: true };
    case "failed-listing-is-empty":
      return { trustsListings: true };
    case "commit-before-packs":
    case "timeout-is-success":
    case "dedup-on-condemned":
    case "locks-not-extended":
    case "lease-not-checked":
    case "removal-before-journal":
    case "mirror-commits-first":
    case undefined:
      return {};
  }
}

/** Maintenance that fails says why and comes again later; nobody loses anything by it. `false`: it failed. */
export async function tolerating(
  process: Process,
  what: string,
  work: () => Promise<void>,
): Promise<boolean> {
  // What was under way when the troubles ended may still have met one.
  const wasCalm = process.world.ending;
  try {
    await work();
    return true;
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    const { world } = process;
    world.scheduler.note(`${process.name} ${what} failed: ${cause.code}: ${world.shorten(cause.message)}`);
    const expected = world.scenario.rottenPacks > 0 || cause.code === "state-outrun";
    if (wasCalm && !expected)
      world.violate("calm-maintenance-succeeds", `${what}: ${cause.code}: ${cause.message}`);
    return false;
  }
}
