import { hasCode } from "@cairn/kernel";
import { mirror } from "@cairn/maintenance";
import {
  listCommits,
  removeCommit,
  repositoryNames,
  structureOnlyKeys,
  writeTombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { flawedStore } from "./flaws.ts";
import { severalTries, tolerating } from "./maintainers.ts";
import { portOf } from "./port.ts";
import type { Process } from "./process.ts";
import { HOUR_MS } from "./scenario.ts";
import { uuidOf } from "./stand-in.ts";
import type { Target } from "./target.ts";
import type { Program } from "./world.ts";

const neverAborted = new AbortController().signal;

/** Copies what is new to the second target, and ends there what retention has ended here. */
export function mirrorer(second: Target): Program {
  return async (process) => {
    const { world } = process;
    while (!world.ending) {
      await process.sleep(world.chance.between(2, 24) * HOUR_MS);
      await severalTries(process, async () =>
        tolerating(process, "mirror", async () => mirrorOnce(process, second)),
      );
    }
    while (world.running.writer > 0) await process.sleep(HOUR_MS);
    await tolerating(process, "last mirror", async () => mirrorOnce(process, second));
  };
}

async function mirrorOnce(process: Process, second: Target): Promise<void> {
  const { world } = process;
  const source = flawedStore(process, portOf(process, world.main));
  const target = portOf(process, second);
  const { handle } = world;
  if (world.scenario.flaw === "mirror-commits-first") await copyCommits(process, source, target);
  const report = await mirror({
    source,
    target,
    handle: { ...handle, keys: structureOnlyKeys(handle.keys) },
    clock: process.clock,
    signal: neverAborted,
    sessionId: uuidOf(world.chance.bytes(16)),
  });
  world.happened("mirror", report.mirrored.length);
  const held = report.heldBack.map(({ because }) => because).join();
  world.scheduler.note(`${process.name} mirrored ${report.mirrored.length}, held back: ${held}`);
  await forgetThere(process, target);
}

/** The planted mistake: what makes a snapshot visible comes before what it needs. */
async function copyCommits(process: Process, source: Store, target: Store): Promise<void> {
  const names = repositoryNames(process.world.handle.repositoryId);
  for await (const name of source.list(names.commits())) await target.put(name, [await source.get(name)]);
}

/** Retention of the second target: snapshots that are gone at the first one go there, too. */
async function forgetThere(process: Process, target: Store): Promise<void> {
  const { world } = process;
  const rows = new Map(
    world.workloads.flatMap(({ rows }) => rows).map((row) => [row.snapshotId, row] as const),
  );
  for (const ids of await Array.fromAsync(listCommits(target, world.handle))) {
    const state = rows.get(ids.snapshotId)?.state;
    if (state !== "deleted" && state !== "failed") continue;
    const at = new Date(process.clock.now()).toISOString();
    const tombstone = { ...ids, requestedAt: at, requestedBy: "retention", notBefore: at };
    await writeTombstone(target, { ...world.handle, tombstone });
    await endCommit(process, target, ids);
  }
}

/**
 * A locked commit goes with a sweep, when its time has come; until then the tombstone says that it counts no
 * more.
 */
async function endCommit(
  process: Process,
  target: Store,
  ids: { workloadId: string; snapshotId: string },
): Promise<void> {
  try {
    await removeCommit(target, { ...process.world.handle, ...ids });
  } catch (cause) {
    if (!hasCode(cause, "object-locked")) throw cause;
  }
}
