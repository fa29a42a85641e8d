import { asError, describeFault } from "@cairn/kernel";

/** What goes on after an answer has left: statuses that take time. Ends with the sandbox. */
export class Tasks {
  readonly #running = new Set<Promise<void>>();
  readonly #queues = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #report: (name: string, message: string) => void;

  constructor(report: (name: string, message: string) => void) {
    this.#report = report;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Starts the work; its failure is reported, for nobody waits for it. */
  start(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    const run = async (): Promise<void> => {
      try {
        await work(this.#stop.signal);
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#report(name, describeFault(error));
      }
    };
    const promise = run();
    this.#running.add(promise);
    void promise.then(() => this.#running.delete(promise));
  }

  /** The same, after everything of this key that was started before: a server's operations never overlap. */
  startInOrder(key: string, name: string, work: (signal: AbortSignal) => Promise<void>): void {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const done = Promise.withResolvers<void>();
    this.#queues.set(key, done.promise);
    this.start(name, async (signal) => {
      try {
        await before;
        signal.throwIfAborted();
        await work(signal);
      } finally {
        done.resolve();
        if (this.#queues.get(key) === done.promise) this.#queues.delete(key);
      }
    });
  }

  /** Stops all work at its next waiting point and waits until it has ended. */
  async close(): Promise<void> {
    this.#stop.abort(asError(new Error("the sandbox stops")));
    await Promise.all(this.#running);
  }
}
