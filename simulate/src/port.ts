import { Fault, MiB } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import type { Process } from "./process.ts";
import type { Target } from "./target.ts";

const LARGE_OBJECT_BYTES = 2 * MiB;

/** A process's way to a target: every call waits for the scheduler, and may go wrong on its way. */
export function portOf(process: Process, target: Target): Store {
  const { world } = process;
  const who = () => ({ at: world.scheduler.now, by: process.name, lagMs: world.listLagMs(target) });
  return {
    put: async (name, parts, signal) => {
      const bytes = Buffer.concat(parts);
      await process.call({ target, operation: "put", name, signal }, () => {
        if (target.fullUntil > world.scheduler.now) throw full(name);
        target.put(name, bytes, who());
        world.lockNew(target, name);
      });
    },
    get: async (name, signal) =>
      process.call({ target, operation: "get", name, signal }, () =>
        onItsWay(process, target.find(name).bytes),
      ),
    getRange: async (name, offset, length, signal) =>
      process.call({ target, operation: "getRange", name, signal }, () =>
        onItsWay(process, target.range(name, offset, length)),
      ),
    size: async (name, signal) =>
      process.call({ target, operation: "size", name, signal }, () => target.objects.get(name)?.bytes.length),
    remove: async (name, signal) =>
      process.call({ target, operation: "remove", name, signal }, () => target.remove(name, who())),
    async *list(prefix, signal) {
      const call = { target, operation: "list", name: prefix, signal } as const;
      const names = await process.call(call, () => target.list(prefix, world.scheduler.now));
      const given = world.chance.often(world.faults.partialListing)
        ? world.chance.below(world.chance.pick([1, names.length + 1]))
        : names.length + 1;
      yield* names.slice(0, given);
      if (given <= names.length)
        throw new Fault("store-io", `listing ${prefix}: the next page failed`, "later");
    },
    // Small buffers: a simulation makes thousands of them.
    largeObjectBytes: LARGE_OBJECT_BYTES,
    ...world.lockAndTime(process, target),
  };
}

function full(name: string): Fault {
  return new Fault("store-full", `storing ${name}`, "after-operator");
}

/** A copy; once in a while with a bit that another computer in the middle has turned, or without its end. */
function onItsWay(process: Process, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const { chance, faults } = process.world;
  if (copy.length > 0 && chance.often(faults.garbled)) {
    const at = chance.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << chance.below(8));
  }
  return copy.length > 0 && chance.often(faults.short) ? copy.subarray(0, chance.below(copy.length)) : copy;
}
