import type { Store } from "../store.ts";

/** As often as anything fails in a test. */
const ATTEMPTS = 5;

/**
 * A store that calls again after an error that `isInjected`: what the owner of a retry rule does. The
 * contract holds on it only if every call may be repeated, also one that took effect before it failed.
 */
export function insistentStore(store: Store, isInjected: (thrown: unknown) => boolean): Store {
  const insist = async <Result>(perform: () => Promise<Result>): Promise<Result> => {
    for (let done = 1; ; done += 1) {
      try {
        return await perform();
      } catch (thrown) {
        if (!isInjected(thrown) || done >= ATTEMPTS) throw thrown;
      }
    }
  };
  return {
    ...store,
    put: async (name, parts, signal) => insist(async () => store.put(name, parts, signal)),
    get: async (name, signal) => insist(async () => store.get(name, signal)),
    getRange: async (name, offset, length, signal) =>
      insist(async () => store.getRange(name, offset, length, signal)),
    size: async (name, signal) => insist(async () => store.size(name, signal)),
    remove: async (name, signal) => insist(async () => store.remove(name, signal)),
    time: async (signal) => insist(async () => store.time(signal)),
    async *list(prefix, signal) {
      yield* await insist(async () => Array.fromAsync(store.list(prefix, signal)));
    },
  };
}
