import { type Clock, Fault } from "@cairn/kernel";
import type { Store } from "./store.ts";

export interface SimulatedDelays {
  readonly clock: Pick<Clock, "now">;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /**
   * How far in the past a listing may be: names that were stored since are not in it, names that were removed
   * since still are. Each listing is of a moment of its own, so that a later one may be older.
   */
  readonly listMs: number;
  /** How long after its `put` an object may be missing for readers. */
  readonly readMs: number;
}

interface Life {
  storedAt: number;
  readableAt: number;
  removedAt: number | undefined;
}

/**
 * A store as a target without strong consistency shows it: the listing lags behind, and so may reading. Only
 * what goes through this store is delayed; what was there before is old.
 */
export function delayedStore(store: Store, delays: SimulatedDelays): Store {
  const lives = new Map<string, Life>();
  const { clock, random } = delays;
  const assertReadable = (name: string): void => {
    if (isReadable(lives.get(name), clock.now())) return;
    throw new Fault("object-missing", `reading ${name}: not visible yet`, "never");
  };
  return {
    ...store,
    async put(name, parts, signal) {
      await store.put(name, parts, signal);
      const known = lives.get(name);
      if (known !== undefined && known.removedAt === undefined) return;
      const now = clock.now();
      lives.set(name, { storedAt: now, readableAt: now + random() * delays.readMs, removedAt: undefined });
    },
    async get(name, signal) {
      assertReadable(name);
      return store.get(name, signal);
    },
    async getRange(name, offset, length, signal) {
      assertReadable(name);
      return store.getRange(name, offset, length, signal);
    },
    async size(name, signal) {
      const found = await store.size(name, signal);
      return isReadable(lives.get(name), clock.now()) ? found : undefined;
    },
    async remove(name, signal) {
      const isThere = (await store.size(name, signal)) !== undefined;
      await store.remove(name, signal);
      if (!isThere) return;
      const life = lives.get(name) ?? { storedAt: 0, readableAt: 0 };
      lives.set(name, { ...life, removedAt: clock.now() });
    },
    async *list(prefix, signal) {
      const asOf = clock.now() - random() * delays.listMs;
      for await (const name of store.list(prefix, signal)) {
        const life = lives.get(name);
        if (life === undefined || life.storedAt <= asOf) yield name;
      }
      for (const [name, life] of Array.from(lives)) {
        if (life.removedAt === undefined || !name.startsWith(prefix)) continue;
        if (life.storedAt <= asOf && asOf < life.removedAt) yield name;
      }
    },
  };
}

function isReadable(life: Life | undefined, now: number): boolean {
  return life === undefined || life.removedAt !== undefined || now >= life.readableAt;
}
