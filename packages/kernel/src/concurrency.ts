/**
 * Calls `work` for each item, at most `limit` at once. The first failure stops the rest (through the signal
 * that `work` gets), all that were started are awaited, and that failure is thrown. Results keep the order.
 */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  const failure = new AbortController();
  const stop = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  const results: Result[] = Array.from({ length: items.length });
  const queue = items.entries();
  const runner = async (): Promise<void> => {
    try {
      for (const [index, item] of queue) {
        stop.throwIfAborted();
        results[index] = await work(item, stop);
      }
    } catch (cause) {
      failure.abort(cause);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  stop.throwIfAborted();
  return results;
}

/** A signal that is aborted after `ms`, or with the given one, whichever comes first. */
export function withDeadline(ms: number, signal?: AbortSignal): AbortSignal {
  const deadline = AbortSignal.timeout(ms);
  return signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
}
