import { asError } from "@cairn/kernel";

/** A fixed number of places; who comes when all are taken waits in order of arrival. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a place if one is free. */
  takeNow(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Resolves when a place is ours; rejects with the signal's reason while waiting. */
  async take(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.takeNow()) return;
    const turn = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#waiting.delete(turn.resolve);
      turn.reject(asError(signal?.reason));
    };
    this.#waiting.add(turn.resolve);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await turn.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Gives a place back: to who waits longest, or to the free ones. */
  free(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#free += 1;
  }
}
