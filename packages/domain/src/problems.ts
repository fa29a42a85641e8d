import type { PlanVerdict } from "./run.ts";

/**
 * Collects everything that speaks against a plan, so that the user hears all of it at once and not one thing
 * per attempt. Each problem is a sentence without its full stop.
 */
export class Problems {
  readonly #sentences: string[] = [];

  add(sentence: string): void {
    if (!this.#sentences.includes(sentence)) this.#sentences.push(sentence);
  }

  get isEmpty(): boolean {
    return this.#sentences.length === 0;
  }

  /** The refusal that names them all; call it only when there are some. */
  refusal(): PlanVerdict {
    return { kind: "refused", message: this.#sentences.map((each) => `${each}.`).join(" ") };
  }
}
