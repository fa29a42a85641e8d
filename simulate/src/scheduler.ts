import { createHash } from "node:crypto";
import { microtasksDone } from "./stand-in.ts";

/** When simulated time begins: some day in 2027. */
export const START_MS = Date.UTC(2027, 0, 4, 8);

interface Event {
  readonly at: number;
  readonly order: number;
  readonly happen: () => void;
}

/**
 * Owns time. Everything that waits waits for one of its events; between two events only promises settle, in
 * the order that the language fixes. So one order of events is one run, and a seed gives that order.
 */
export class Scheduler {
  #now = START_MS;
  #order = 0;
  #steps = 0;
  readonly #heap: Event[] = [];
  readonly #hash = createHash("sha256");
  readonly #lines: string[] | undefined;

  /** Lines of the trace are kept only when asked for; its hash always is. */
  constructor(options: { readonly keepTrace: boolean }) {
    this.#lines = options.keepTrace ? [] : undefined;
  }

  get now(): number {
    return this.#now;
  }

  get steps(): number {
    return this.#steps;
  }

  get trace(): readonly string[] {
    return this.#lines ?? [];
  }

  traceHash(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Adds a line to the trace, with the time before it. */
  note(line: string): void {
    const full = `${formatTime(this.#now - START_MS)} ${line}`;
    this.#hash.update(`${full}\n`);
    this.#lines?.push(full);
  }

  /** Has something happen in `ms` from now. Events of one moment happen in the order in which they came. */
  after(ms: number, happen: () => void): void {
    this.#order += 1;
    push(this.#heap, { at: this.#now + Math.max(0, Math.floor(ms)), order: this.#order, happen });
  }

  /**
   * Lets events happen until none is left, or until the time is reached. `false`: there were more than
   * `stepsMax` since the beginning, so this would not end.
   */
  async runUntil(atMs: number, stepsMax: number): Promise<boolean> {
    await microtasksDone();
    for (;;) {
      const [next] = this.#heap;
      if (next === undefined || next.at > atMs) break;
      pop(this.#heap);
      this.#now = Math.max(this.#now, next.at);
      this.#steps += 1;
      if (this.#steps > stepsMax) return false;
      next.happen();
      await microtasksDone();
    }
    this.#now = Math.max(this.#now, Number.isFinite(atMs) ? atMs : this.#now);
    return true;
  }
}

function formatTime(ms: number): string {
  const part = (value: number, digits: number): string => String(Math.floor(value)).padStart(digits, "0");
  const day = part(ms / 86_400_000, 2);
  const clock = [part((ms / 3_600_000) % 24, 2), part((ms / 60_000) % 60, 2), part((ms / 1000) % 60, 2)];
  return `${day}d ${clock.join(":")}.${part(ms % 1000, 3)}`;
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Event[], event: Event): void {
  heap.push(event);
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(event, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [first, second] = [heap[left], heap[left + 1]];
    if (first === undefined) break;
    const child = second !== undefined && before(second, first) ? left + 1 : left;
    const smaller = heap[child];
    if (smaller === undefined || !before(smaller, last)) break;
    heap[at] = smaller;
    at = child;
  }
  heap[at] = last;
}
