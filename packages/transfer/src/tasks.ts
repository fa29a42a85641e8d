import { asError } from "@cairn/kernel";

/** Lets at most so many go on at once; the others wait in order. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  /** Waits for room; call `leave` once for each `enter` that resolved. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#room > 0) {
      this.#room -= 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const onAbort = (): void => {
      const index = this.#waiting.indexOf(resolve);
      // Called already: the room is ours and is given back by whoever entered.
      if (index === -1) return;
      this.#waiting.splice(index, 1);
      reject(asError(signal.reason));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#room += 1;
    else next();
  }
}

/**
 * Work that goes on beside its starter. The first failure aborts the signal that all of it gets, and is
 * thrown by `done`, which waits for everything that was started: nothing goes on after it.
 */
export class Tasks {
  readonly signal: AbortSignal;
  readonly #failure = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#failure.signal]);
  }

  /** Starts work through a gate: waits for room, not for the result, which comes wrapped. */
  async startWithin<Result>(
    gate: Gate,
    work: () => Promise<Result>,
  ): Promise<{ readonly result: Promise<Result> }> {
    await gate.enter(this.signal);
    return { result: this.start(async () => leaveAfter(gate, work)) };
  }

  /** Starts work. Its failure is known to `done` even if nobody looks at the promise. */
  start<Result>(work: () => Promise<Result>): Promise<Result> {
    const running = work();
    const settled = running.then(
      () => undefined,
      (cause: unknown) => {
        this.#failure.abort(asError(cause));
      },
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return running;
  }

  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.signal.throwIfAborted();
  }

  /** Stops everything for this reason, unless something stopped it before; `done` then throws. */
  fail(cause: unknown): void {
    this.#failure.abort(asError(cause));
  }
}

async function leaveAfter<Result>(gate: Gate, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } finally {
    gate.leave();
  }
}
