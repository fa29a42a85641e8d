import type { BarrierReply, BarrierRequest, Order, OrderBarrierOutcome } from "@cairn/contract";
import { type Clock, describeFault, Fault } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import type { DatamoverApi } from "../api/client.ts";
import type { Barrier } from "../hypervisor/port.ts";

/** One question waits so long for its answer; it is asked again. */
const WAIT_MS = 20_000;
/** The control plane lets go after 60 s; should it be away, we do a little later. */
const GATHER_MS_MAX = 75_000;
/** It lets go of frozen guests after 2 s. We thaw ours after 4 s whatever happens; then nobody waits on. */
const HOLD_MS_MAX = 3_500;
const RETRY_MS = 500;
/** Words that nobody waits for: the guest is thawed, or has never been frozen. */
const TELL_MS_MAX = 5_000;
const TELLS_MAX = 3;

export interface OrderBarrierParts {
  readonly api: Pick<DatamoverApi, "barrier">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The barrier of one order, which the control plane keeps. Whatever goes wrong with it costs the common
 * point, never the snapshot: the instance then takes its point alone, and the outcome says why.
 */
export class OrderBarrier implements Barrier {
  readonly #order: Pick<Order, "id" | "generation">;
  readonly #parts: OrderBarrierParts;
  #apart: string | undefined;
  #takenMs: Promise<number | undefined> | undefined;
  #together: Extract<OrderBarrierOutcome, { kind: "together" }> | undefined;

  constructor(order: Pick<Order, "id" | "generation">, parts: OrderBarrierParts) {
    this.#order = order;
    this.#parts = parts;
  }

  /** What the order's outcome says of it. */
  get outcome(): OrderBarrierOutcome {
    if (this.#apart === undefined && this.#together !== undefined) return this.#together;
    return { kind: "apart", because: this.#apart ?? "the point was not taken" };
  }

  async gather(signal: AbortSignal): Promise<void> {
    const untilMs = this.#parts.clock.now() + GATHER_MS_MAX;
    while (this.#apart === undefined) {
      const leftMs = untilMs - this.#parts.clock.now();
      if (leftMs <= 0) {
        this.#goAlone("the control plane did not answer at the barrier");
        return;
      }
      if ((await this.#askToGather(Math.min(WAIT_MS, leftMs), signal)) === "freeze") return;
    }
  }

  async hold(signal: AbortSignal): Promise<void> {
    if (this.#apart !== undefined) return;
    const limit = AbortSignal.timeout(HOLD_MS_MAX);
    const stop = AbortSignal.any([signal, limit]);
    try {
      while ((await this.#ask({ at: "frozen", waitMs: HOLD_MS_MAX }, stop)).verdict !== "cut") {
        if (this.#becauseAlone() !== undefined) break;
      }
    } catch (cause) {
      signal.throwIfAborted();
      this.#goAlone(limit.aborted ? "the word to take the point did not come" : describeFault(cause));
    }
    const because = this.#becauseAlone();
    if (because !== undefined) throw new Fault("barrier-broken", because, "later");
  }

  taken(): void {
    if (this.#apart === undefined) this.#takenMs ??= this.#tell("taken");
  }

  async thawed(): Promise<void> {
    if (this.#apart !== undefined || this.#takenMs === undefined) return;
    const takenMs = await this.#takenMs;
    const thawedMs = await this.#tell("thawed");
    if (takenMs === undefined || thawedMs === undefined) {
      this.#goAlone("the control plane did not learn when the point was taken");
      return;
    }
    this.#together ??= { kind: "together", takenMs, thawedMs };
    this.#parts.log.info("barrier.together", { taken_ms: takenMs, thawed_ms: thawedMs });
  }

  /** The point at the barrier was lost: the next one is the instance's own. */
  again(because: string): void {
    this.#apart ??= `its point had to be taken again: ${because}`;
  }

  /** The order has failed: nobody shall wait for it. Says nothing once the point was taken. Never throws. */
  async leave(because: string): Promise<void> {
    if (this.#apart !== undefined || this.#takenMs !== undefined) return;
    this.#apart = because;
    try {
      await this.#call({ at: "left", because, waitMs: 0 }, AbortSignal.timeout(TELL_MS_MAX));
    } catch (cause) {
      // The others find out by their own limits.
      this.#parts.log.warn("barrier.leave-failed", { fault: cause });
    }
  }

  async #askToGather(waitMs: number, signal: AbortSignal): Promise<BarrierReply["verdict"]> {
    try {
      return (await this.#ask({ at: "prepared", waitMs }, signal)).verdict;
    } catch (cause) {
      signal.throwIfAborted();
      this.#parts.log.warn("barrier.unanswered", { fault: cause });
      await this.#parts.clock.sleep(RETRY_MS, signal);
      return "wait";
    }
  }

  async #ask(word: Pick<BarrierRequest, "at" | "waitMs">, signal: AbortSignal): Promise<BarrierReply> {
    const reply = await this.#call(word, signal);
    if (reply.verdict === "alone") this.#goAlone(reply.because);
    if (reply.verdict === "fenced") this.#goAlone("the order was handed out again");
    return reply;
  }

  /** How long after the common word that was, at most: a word that comes late says more. */
  async #tell(at: "taken" | "thawed"): Promise<number | undefined> {
    for (let attempt = 1; attempt <= TELLS_MAX; attempt += 1) {
      try {
        const reply = await this.#ask({ at, waitMs: 0 }, AbortSignal.timeout(TELL_MS_MAX));
        return reply.verdict === "noted" ? reply.afterMs : undefined;
      } catch (cause) {
        this.#parts.log.warn("barrier.unanswered", { fault: cause });
      }
    }
    return undefined;
  }

  async #call(
    word: Pick<BarrierRequest, "at" | "waitMs" | "because">,
    signal: AbortSignal,
  ): Promise<BarrierReply> {
    const { id, generation } = this.#order;
    return this.#parts.api.barrier(id, { generation, ...word }, signal);
  }

  /** As a call, because it changes while we wait. */
  #becauseAlone(): string | undefined {
    return this.#apart;
  }

  #goAlone(because: string): void {
    if (this.#apart !== undefined) return;
    this.#apart = because;
    this.#parts.log.warn("barrier.alone", { because });
  }
}
