import { heal, recordDamage, type ScrubCursor, scrub, verifyTarget } from "@cairn/maintenance";
import { severalTries, tolerating } from "./maintainers.ts";
import { portOf } from "./port.ts";
import type { Process } from "./process.ts";
import { DAY_MS, HOUR_MS } from "./scenario.ts";
import { uuidOf } from "./stand-in.ts";
import type { Program } from "./world.ts";

const neverAborted = new AbortController().signal;
const RATE = { bytesPerSecond: 1_000_000_000 };

/** Reads packs again and again, writes down what is damaged, and mends what there is a copy of. */
export function scrubber(): Program {
  let cursor: ScrubCursor | undefined;
  const scrubOnce = async (process: Process): Promise<boolean> =>
    tolerating(process, "scrub", async () => {
      const scope = scopeOf(process);
      const report = await scrub({
        ...scope,
        ...(cursor === undefined ? {} : { cursor }),
        goalMs: DAY_MS,
        rate: RATE,
        budgetMs: 3 * HOUR_MS,
        onProgress: (at) => {
          cursor = at;
        },
      });
      ({ cursor } = report);
      if (report.damage.length === 0) return;
      process.world.scheduler.note(`${process.name} found ${report.damage.length} damages`);
      await recordDamage({ ...scope, damage: report.damage, by: process.name });
      await healOnce(process);
    });
  return async (process) => {
    const { world } = process;
    while (!world.ending) {
      await process.sleep(world.chance.between(8, 30) * HOUR_MS);
      await severalTries(process, async () => scrubOnce(process));
    }
    if (world.scenario.rottenPacks === 0) return;
    while (world.running.writer > 0) await process.sleep(HOUR_MS);
    await tolerating(process, "last heal", async () => lastHeal(process));
  };
}

function scopeOf(process: Process) {
  const { world } = process;
  return {
    store: portOf(process, world.main),
    handle: world.handle,
    clock: process.clock,
    signal: neverAborted,
  };
}

async function healOnce(process: Process): Promise<void> {
  const { world } = process;
  const mirror = world.mirror === undefined ? {} : { mirror: portOf(process, world.mirror) };
  const sessionId = uuidOf(world.chance.bytes(16));
  const { healed, unhealed } = await heal({ ...scopeOf(process), ...mirror, sessionId });
  world.happened("heal", healed.length);
  world.scheduler.note(`${process.name} healed ${healed.length}, not ${unhealed.length}`);
}

/** When all is quiet: everything is verified, what is found is written down and mended. */
async function lastHeal(process: Process): Promise<void> {
  const scope = scopeOf(process);
  const { damage } = await verifyTarget({ ...scope, level: "data" });
  if (damage.length > 0) await recordDamage({ ...scope, damage, by: process.name });
  await healOnce(process);
}
