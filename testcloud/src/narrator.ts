import type { Writable } from "node:stream";
import { type Clock, formatDuration } from "@cairn/kernel";

/** Tells a person what happens and when: each line begins with the time since the start. */
export class Narrator {
  readonly #out: Writable;
  readonly #clock: Clock;
  readonly #begunMs: number;

  constructor(out: Writable, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
    this.#begunMs = clock.now();
  }

  elapsedMs(): number {
    return this.#clock.now() - this.#begunMs;
  }

  /** A line with its time, and how long it took when that is known. */
  tell(text: string, tookMs?: number): void {
    const at = (this.elapsedMs() / 1000).toFixed(1).padStart(6);
    const took = tookMs === undefined ? "" : ` (${formatDuration(tookMs)})`;
    this.plain(`${at} s  ${text}${took}`);
  }

  plain(text: string): void {
    this.#out.write(`${text}\n`);
  }
}
