import { Fault, hasCode } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import type { Process } from "./process.ts";

/** The process's store with the mistake that the scenario plants in its program; as it is, without one. */
export function flawedStore(process: Process, store: Store): Store {
  switch (process.world.scenario.flaw) {
    case "commit-before-packs":
      return believingStore(store, (name) => /\/[pm]\//.test(name), "before-answer");
    case "timeout-is-success":
      return believingStore(store, () => true, "after-timeout");
    case "failed-listing-is-empty":
      return { ...store, list: (prefix, signal) => untilFailure(store.list(prefix, signal)) };
    case "removal-before-journal":
    case "lease-not-checked":
    case "dedup-on-condemned":
    case undefined:
    case "hasty-sweeper":
    case "locks-not-extended":
    case "mirror-commits-first":
      return store;
  }
}

/**
 * Takes puts for done that may not be, and answers reads of them from memory, as a cache does that was never
 * told to sync.
 */
function believingStore(
  store: Store,
  concerned: (name: string) => boolean,
  when: "before-answer" | "after-timeout",
): Store {
  const believed = new Map<string, Buffer>();
  return {
    ...store,
    put: async (name, parts, signal) => {
      if (!concerned(name)) return store.put(name, parts, signal);
      const bytes = Buffer.concat(parts);
      const putting = store.put(name, [bytes], signal);
      if (when === "before-answer") {
        believed.set(name, bytes);
        putting.catch(() => undefined);
        return;
      }
      try {
        await putting;
      } catch (cause) {
        if (!hasCode(cause, "store-timeout")) throw cause;
        believed.set(name, bytes);
      }
    },
    get: async (name, signal) => believed.get(name) ?? store.get(name, signal),
    getRange: async (name, offset, length, signal) =>
      believed.get(name)?.subarray(offset, offset + length) ?? store.getRange(name, offset, length, signal),
    size: async (name, signal) => believed.get(name)?.length ?? store.size(name, signal),
  };
}

/** The store that a sweep gets: with the mistake planted, it does not wait for its journal to be durable. */
export function sweepStore(process: Process, store: Store): Store {
  if (process.world.scenario.flaw !== "removal-before-journal") return store;
  return believingStore(store, (name) => name.includes("/g/"), "before-answer");
}

/** The store that a writer's transfer gets: with the mistake planted, it never hears what is condemned. */
export function transferStore(process: Process, store: Store): Store {
  return process.world.scenario.flaw === "dedup-on-condemned" ? blindToState(store) : store;
}

function blindToState(store: Store): Store {
  const isState = (name: string): boolean => name.includes("/g/");
  return {
    ...store,
    get: async (name, signal) => {
      if (isState(name)) throw new Fault("object-missing", `reading ${name}`, "never");
      return store.get(name, signal);
    },
    size: async (name, signal) => (isState(name) ? undefined : store.size(name, signal)),
    list: (prefix, signal) => (isState(prefix) ? nothing() : store.list(prefix, signal)),
  };
}

async function* nothing(): AsyncGenerator<string> {
  yield* [];
}

async function* untilFailure(names: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* names;
  } catch (cause) {
    // The planted mistake: what could not be listed is taken for not being there.
    if (!(cause instanceof Error)) throw cause;
  }
}
