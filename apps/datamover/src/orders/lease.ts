import type { Order, OrderOutcome } from "@cairn/contract";
import { asError, type Clock, Fault } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import type { DatamoverApi } from "../api/client.ts";
import type { ProgressBoard } from "./context.ts";

/** Times of a lease; the API gives 30 s from each report. */
export const LEASE = {
  reportEveryMs: 1000,
  /** We stop before the API hands the order to somebody else: time to take things down. */
  giveUpAfterMs: 25_000,
  retryFinishMs: 500,
} as const;

/**
 * Our right to carry out one order, renewed by progress reports. `lost` is aborted when it ends before we do.
 */
export class Lease {
  readonly #order: Order;
  readonly #api: DatamoverApi;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lost = new AbortController();
  readonly #released = new AbortController();
  #renewedAtMs: number;

  constructor(order: Order, parts: { api: DatamoverApi; clock: Clock; log: Log }) {
    this.#order = order;
    this.#api = parts.api;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#renewedAtMs = parts.clock.now();
  }

  /** Aborted with a Fault: `order-fenced`, `order-cancelled` or `lease-lost`. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Reports progress until `release`; to be started once and awaited after it. */
  async keep(progress: ProgressBoard): Promise<void> {
    while (!this.#isOver()) {
      await this.#report(progress);
      await this.#pause(LEASE.reportEveryMs);
    }
  }

  /** Tells the outcome, again and again while the API is away and the lease holds. */
  async finish(outcome: OrderOutcome): Promise<"accepted" | "fenced" | "lost"> {
    while (!this.#isOver()) {
      try {
        const request = { generation: this.#order.generation, outcome };
        return await this.#api.finish(this.#order.id, request, this.lost);
      } catch (cause) {
        if (this.#isOver()) break;
        this.#log.warn("order.finish-delayed", { fault: cause });
        await this.#pause(LEASE.retryFinishMs);
      }
    }
    return "lost";
  }

  /** Ends the reports. */
  release(): void {
    this.#released.abort(new Fault("lease-released", "the order is done", "never"));
  }

  #isOver(): boolean {
    return this.#released.signal.aborted || this.lost.aborted;
  }

  async #report(progress: ProgressBoard): Promise<void> {
    // The lease counts from when we asked, not from when the answer came.
    const askedAtMs = this.#clock.now();
    try {
      const signal = AbortSignal.any([this.#released.signal, AbortSignal.timeout(LEASE.giveUpAfterMs / 4)]);
      const request = { generation: this.#order.generation, progress: progress.report() };
      const { verdict } = await this.#api.progress(this.#order.id, request, signal);
      if (verdict === "continue") this.#renewedAtMs = askedAtMs;
      else this.#lost.abort(new Fault(`order-${verdict}`, `order ${this.#order.id} is ${verdict}`, "never"));
    } catch (cause) {
      if (this.#isOver()) return;
      this.#log.warn("order.report-failed", { fault: asError(cause) });
      if (this.#clock.now() - this.#renewedAtMs < LEASE.giveUpAfterMs) return;
      this.#lost.abort(
        new Fault("lease-lost", `the lease of order ${this.#order.id} ran out`, "later", cause),
      );
    }
  }

  /** Waits, but not beyond the end of the lease. */
  async #pause(ms: number): Promise<void> {
    const over = AbortSignal.any([this.#released.signal, this.lost]);
    try {
      await this.#clock.sleep(ms, over);
    } catch (cause) {
      if (!over.aborted) throw cause;
    }
  }
}
