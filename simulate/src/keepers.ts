import { extendLocks } from "@cairn/maintenance";
import { changeKeySet, readKeySet, structureOnlyKeys } from "@cairn/repository";
import { GRACE_MS, severalTries, tolerating } from "./maintainers.ts";
import { portOf } from "./port.ts";
import type { Process } from "./process.ts";
import { HOUR_MS } from "./scenario.ts";
import type { Program } from "./world.ts";

const neverAborted = new AbortController().signal;
const EPOCHS_MAX = 20;
const EXTEND_EVERY_MS = 4 * HOUR_MS;

/** Keeps everything that is in use locked. */
export function lockExtender(windowMs: number): Program {
  const extendOnce = async (process: Process): Promise<boolean> =>
    tolerating(process, "extending locks", async () => {
      const { handle, main, scheduler } = process.world;
      const rule = { intervalMs: EXTEND_EVERY_MS, promiseMs: windowMs / 2 };
      const locks = { beganAt: scheduler.now, ...rule };
      if (process.world.scenario.flaw === "locks-not-extended") {
        process.world.locks = locks;
        return;
      }
      const { objects, extended } = await extendLocks({
        store: portOf(process, main),
        handle: { ...handle, keys: structureOnlyKeys(handle.keys) },
        clock: process.clock,
        signal: neverAborted,
        graceMs: GRACE_MS,
        ...rule,
      });
      process.world.locks = locks;
      process.world.happened("lock", extended);
      scheduler.note(`${process.name} extended ${extended} of ${objects} locks`);
    });
  return async (process) => {
    const { world } = process;
    while (!world.ending) {
      await severalTries(process, async () => extendOnce(process));
      await process.sleep(EXTEND_EVERY_MS);
    }
  };
}

/** Begins a new key epoch now and then. What is under way goes on with the keys that it was given. */
export function keyRotator(): Program {
  return async (process) => {
    const { world } = process;
    while (!world.ending) {
      await process.sleep(world.chance.between(6, 40) * HOUR_MS);
      await tolerating(process, "rotating keys", async () => rotateOnce(process));
    }
  };
}

async function rotateOnce(process: Process): Promise<void> {
  const { world } = process;
  const store = portOf(process, world.main);
  const { repositoryId } = world.handle;
  const credentials = [{ kind: "key-file", key: world.masterKey }] as const;
  const newest = await readKeySet(store, { repositoryId, credentials });
  const at = process.clock.now();
  const change = { rotate: true, withoutEscrow: true, at, random: world.random, signal: neverAborted };
  // Whatever a rotation that died had stored is the newest already, and is what is read here.
  world.keySet = newest.epochs.length > EPOCHS_MAX ? newest : await changeKeySet(store, newest, change);
  world.scheduler.note(`${process.name} keys of epoch ${world.keySet.keys.epochs.length - 1}`);
}
