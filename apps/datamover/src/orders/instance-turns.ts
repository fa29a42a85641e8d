import { asError } from "@cairn/kernel";

/** Lets one order at a time work on an instance; the others wait in order of arrival. */
export class InstanceTurns {
  readonly #tails = new Map<string, Promise<void>>();

  /** Resolves when it is our turn; dispose it to let the next one in (more than once is harmless). */
  async take(name: string, signal: AbortSignal): Promise<Disposable> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const done = Promise.withResolvers<void>();
    const tail = waitForBoth(before, done.promise);
    this.#tails.set(name, tail);
    const turn = {
      [Symbol.dispose]: () => {
        done.resolve();
        if (this.#tails.get(name) === tail) this.#tails.delete(name);
      },
    };
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => {
      aborted.reject(asError(signal.reason));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await Promise.race([before, aborted.promise]);
      return turn;
    } catch (cause) {
      done.resolve();
      throw cause;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

async function waitForBoth(first: Promise<void>, second: Promise<void>): Promise<void> {
  await first;
  await second;
}
