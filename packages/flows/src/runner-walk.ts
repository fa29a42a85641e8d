import { countAttempt, listSteps, type RunRow, runStateOf, storeRunEvent } from "@cairn/database";
import { advance, type PlannedStep, type RunEvent, type RunState } from "@cairn/domain";
import { assert, type RunId } from "@cairn/kernel";
import type { HeldRun } from "./runner-claim.ts";

/**
 * The state of a held run in memory, always equal to its rows: an event is stored first and taken over then.
 * Steps that go on side by side report here one after the other.
 */
export class Walk {
  readonly held: HeldRun;
  #state: RunState;
  readonly #attempts: Map<string, Attempts>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(held: HeldRun, state: RunState, attempts: Map<string, Attempts>) {
    this.held = held;
    this.#state = state;
    this.#attempts = attempts;
  }

  /** Reads where a run is. */
  static async load(held: HeldRun): Promise<Walk> {
    return held.transact(async (transaction, row: RunRow) => {
      const steps = await listSteps(transaction, row.id);
      const attempts = new Map(
        steps.map((step) => [step.key, { perform: step.attempt, undo: step.undo_attempt }]),
      );
      return new Walk(held, runStateOf(row, steps), attempts);
    });
  }

  get state(): RunState {
    return this.#state;
  }

  get runId(): RunId {
    return this.held.claim.runId;
  }

  /** How often a step was attempted before; a redelivery goes on with the same number. */
  attempts(key: string): Attempts {
    return this.#attempts.get(key) ?? { perform: 1, undo: 0 };
  }

  /** Stores what `decide` says of the state as it is when its turn comes; undefined changes nothing. */
  async record(decide: (state: RunState) => RunEvent | undefined): Promise<void> {
    await this.#inTurn(async () => {
      const event = decide(this.#state);
      if (event === undefined) return;
      const next = advance(this.#state, event);
      await this.held.transact((transaction) => storeRunEvent(transaction, this.runId, event, next));
      this.#state = next;
    });
  }

  /**
   * Ends the run together with what its end means; a cancellation that came in time turns it back instead.
   */
  async conclude(write: Parameters<HeldRun["transact"]>[0]): Promise<void> {
    await this.#inTurn(async () => {
      const next = await this.held.transact(async (transaction, row) => {
        const late = row.cancel_requested_at !== null && this.#state.state === "forward";
        const event: RunEvent = { kind: late ? "cancel-requested" : "concluded" };
        const next = advance(this.#state, event);
        if (!late) await write(transaction, row);
        await storeRunEvent(transaction, this.runId, event, next);
        return next;
      });
      this.#state = next;
    });
  }

  /** Notes that an attempt failed and another one follows. */
  async countAttempt(step: PlannedStep, what: keyof Attempts): Promise<number> {
    return this.#inTurn(async () => {
      const count = await this.held.transact((transaction) =>
        countAttempt(transaction, this.runId, step.key, what),
      );
      this.#attempts.set(step.key, { ...this.attempts(step.key), [what]: count });
      return count;
    });
  }

  /** What a step that is done gave. */
  output(key: string): unknown {
    const state = this.#state;
    assert(
      state.state === "forward" || state.state === "undoing",
      `output of ${key} in a run ${state.state}`,
    );
    const progress = state.steps.get(key);
    assert(progress?.state === "done", `step ${key} has no output: it is ${progress?.state ?? "waiting"}`);
    return progress.output;
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

interface Attempts {
  readonly perform: number;
  readonly undo: number;
}
