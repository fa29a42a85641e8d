import { type Clock, Fault, systemClock } from "@cairn/kernel";
import { assertName, assertPrefix } from "./names.ts";
import type { Store } from "./store.ts";

/**
 * A store in memory, for tests. It keeps copies, so that what a caller does to its buffers later cannot be
 * seen. Its time is the given clock's.
 */
export function memoryStore(clock: Pick<Clock, "now"> = systemClock): Store {
  const objects = new Map<string, Buffer>();
  const find = (name: string): Buffer => {
    const bytes = objects.get(name);
    if (bytes === undefined) throw new Fault("object-missing", `reading ${name}`, "never");
    return bytes;
  };
  return {
    async put(name, parts, signal) {
      assertName(name);
      signal?.throwIfAborted();
      const bytes = Buffer.concat(parts);
      const there = objects.get(name);
      if (there === undefined) objects.set(name, bytes);
      else if (!there.equals(bytes)) {
        throw new Fault("object-exists", `storing ${name}: the name is taken by other bytes`, "never");
      }
    },
    async get(name, signal) {
      assertName(name);
      signal?.throwIfAborted();
      return Buffer.from(find(name));
    },
    async getRange(name, offset, length, signal) {
      assertName(name);
      signal?.throwIfAborted();
      const bytes = find(name);
      if (offset + length > bytes.length) {
        throw new Fault("object-short", `reading ${length} bytes at ${offset} of ${name}`, "never");
      }
      return Buffer.from(bytes.subarray(offset, offset + length));
    },
    async size(name, signal) {
      assertName(name);
      signal?.throwIfAborted();
      return objects.get(name)?.length;
    },
    async remove(name, signal) {
      assertName(name);
      signal?.throwIfAborted();
      objects.delete(name);
    },
    async *list(prefix, signal) {
      assertPrefix(prefix);
      for (const name of Array.from(objects.keys())) {
        signal?.throwIfAborted();
        if (name.startsWith(prefix)) yield name;
      }
    },
    async time(signal) {
      signal?.throwIfAborted();
      return clock.now();
    },
  };
}
