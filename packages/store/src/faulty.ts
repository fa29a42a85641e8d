import type { Store } from "./store.ts";

/** One call of the port, as a plan of faults sees it. */
export interface StoreCall {
  readonly operation:
    | "put"
    | "get"
    | "getRange"
    | "size"
    | "remove"
    | "list"
    | "time"
    | "lockedUntil"
    | "extend";
  /** The object's name, the prefix of a listing, or "" for the time. */
  readonly name: string;
  /** How many calls came before this one, of any operation. */
  readonly index: number;
}

/**
 * Decides for each call what goes wrong with it: nothing (`undefined`), an error before it has any effect, or
 * an error after it took effect (a timed-out write that arrived).
 */
export type FaultPlan = (
  call: StoreCall,
) => { readonly when: "before" | "after"; readonly error: Error } | undefined;

/** A store that fails as the plan says, for tests of everything that must survive a bad target. */
export function faultyStore(store: Store, plan: FaultPlan): Store {
  let calls = 0;
  const around = async <Result>(
    operation: StoreCall["operation"],
    name: string,
    perform: () => Promise<Result>,
  ): Promise<Result> => {
    const fault = plan({ operation, name, index: calls });
    calls += 1;
    if (fault?.when === "before") throw fault.error;
    const result = await perform();
    if (fault !== undefined) throw fault.error;
    return result;
  };
  const lock = store.lock;
  return {
    put: async (name, parts, signal) => around("put", name, async () => store.put(name, parts, signal)),
    get: async (name, signal) => around("get", name, async () => store.get(name, signal)),
    getRange: async (name, offset, length, signal) =>
      around("getRange", name, async () => store.getRange(name, offset, length, signal)),
    size: async (name, signal) => around("size", name, async () => store.size(name, signal)),
    remove: async (name, signal) => around("remove", name, async () => store.remove(name, signal)),
    async *list(prefix, signal) {
      const fault = plan({ operation: "list", name: prefix, index: calls });
      calls += 1;
      if (fault?.when === "before") throw fault.error;
      let given = 0;
      for await (const name of store.list(prefix, signal)) {
        // "after" for a listing is the worst case: it breaks when part of it has been given.
        if (fault !== undefined && given > 0) throw fault.error;
        yield name;
        given += 1;
      }
      if (fault !== undefined) throw fault.error;
    },
    ...(store.checkedPuts && { checkedPuts: true }),
    ...(store.largeObjectBytes !== undefined && { largeObjectBytes: store.largeObjectBytes }),
    time: async (signal) => around("time", "", async () => store.time(signal)),
    ...(lock !== undefined && {
      lock: {
        mode: lock.mode,
        windowMs: lock.windowMs,
        lockedUntil: async (name, signal) =>
          around("lockedUntil", name, async () => lock.lockedUntil(name, signal)),
        extend: async (name, untilMs, signal) =>
          around("extend", name, async () => lock.extend(name, untilMs, signal)),
      },
    }),
  };
}
