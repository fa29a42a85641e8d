import { asError } from "@cairn/kernel";

interface Queue {
  taken: number;
  /** In order of arrival. */
  readonly waiting: Set<() => void>;
}

/** Lets so many at a time work on the thing of one name; the others wait in order of arrival. */
export class Turns {
  readonly #atOnce: number;
  readonly #queues = new Map<string, Queue>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Resolves when it is our turn; dispose it (once) to let the next one in. Rejects with the signal's reason.
   */
  async take(name: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const queue = this.#queues.get(name) ?? { taken: 0, waiting: new Set() };
    this.#queues.set(name, queue);
    if (queue.taken < this.#atOnce) queue.taken += 1;
    else await waitIn(queue, signal);
    return {
      [Symbol.dispose]: () => {
        this.#leave(name, queue);
      },
    };
  }

  /** Hands the place to who waits longest, or gives it up. */
  #leave(name: string, queue: Queue): void {
    for (const next of queue.waiting) {
      queue.waiting.delete(next);
      next();
      return;
    }
    queue.taken -= 1;
    if (queue.taken === 0) this.#queues.delete(name);
  }
}

async function waitIn(queue: Queue, signal: AbortSignal): Promise<void> {
  const turn = Promise.withResolvers<void>();
  const onAbort = (): void => {
    queue.waiting.delete(turn.resolve);
    turn.reject(asError(signal.reason));
  };
  queue.waiting.add(turn.resolve);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await turn.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
