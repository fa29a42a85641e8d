import type { ObjectLock, Store } from "@cairn/store";

/** What was asked of a store. */
export interface Meter {
  bytesRead: number;
  bytesWritten: number;
  reads: number;
  writes: number;
  lists: number;
}

export function newMeter(): Meter {
  return { bytesRead: 0, bytesWritten: 0, reads: 0, writes: 0, lists: 0 };
}

/** How many requests a meter counted. */
export function requestsOf(meter: Meter): number {
  return meter.reads + meter.writes + meter.lists;
}

type Before = (bytes: number) => Promise<void>;

/**
 * The same store, with its requests counted; a listing counts once for each thousand names, as S3 does.
 * `before` is awaited before each read and write with its bytes as far as they are known: the place for a
 * limit of speed.
 */
export function meteredStore(store: Store, meter: Meter, before: Before = async () => undefined): Store {
  return {
    ...meteredReads(store, meter, before),
    put: async (name, parts, signal) => {
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      meter.writes += 1;
      meter.bytesWritten += bytes;
      await before(bytes);
      await store.put(name, parts, signal);
    },
    remove: async (name, signal) => store.remove(name, signal),
    time: async (signal) => store.time(signal),
    ...(store.checkedPuts && { checkedPuts: true }),
    ...(store.lock !== undefined && { lock: meteredLock(store.lock, meter) }),
  };
}

function meteredReads(
  store: Store,
  meter: Meter,
  before: Before,
): Pick<Store, "get" | "getRange" | "size" | "list"> {
  return {
    get: async (name, signal) => {
      meter.reads += 1;
      await before(0);
      const bytes = await store.get(name, signal);
      meter.bytesRead += bytes.length;
      return bytes;
    },
    getRange: async (name, offset, length, signal) => {
      meter.reads += 1;
      await before(length);
      const bytes = await store.getRange(name, offset, length, signal);
      meter.bytesRead += length;
      return bytes;
    },
    size: async (name, signal) => {
      meter.reads += 1;
      await before(0);
      return store.size(name, signal);
    },
    async *list(prefix, signal) {
      meter.lists += 1;
      let names = 0;
      for await (const name of store.list(prefix, signal)) {
        names += 1;
        if (names % 1000 === 0) meter.lists += 1;
        yield name;
      }
    },
  };
}

function meteredLock(lock: ObjectLock, meter: Meter): ObjectLock {
  return {
    mode: lock.mode,
    windowMs: lock.windowMs,
    lockedUntil: async (name, signal) => {
      meter.reads += 1;
      return lock.lockedUntil(name, signal);
    },
    extend: async (name, untilMs, signal) => {
      meter.writes += 1;
      await lock.extend(name, untilMs, signal);
    },
  };
}
