import type { Order, OrderOutcome } from "@cairn/contract";
import { asError, type Clock, Fault, hasCode } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import type { DatamoverApi } from "../api/client.ts";
import type { ProgressBoard } from "./context.ts";

const REPORT_EVERY_MS = 1000;
const RETRY_FINISH_MS = 500;
/** As long as the API waits for the holder of a cancelled order. */
const LET_GO_MS = 10_000;

/** What follows from the lease that the API gives from each report. */
export interface LeaseTimes {
  readonly reportEveryMs: number;
  /** How long the API may keep a report, to say at once that the order is cancelled. */
  readonly reportWaitMs: number;
  /** A report that is not answered by then is made again. */
  readonly reportTimeoutMs: number;
  /** We stop before the API hands the order to somebody else: time to take things down. */
  readonly giveUpAfterMs: number;
}

export function leaseTimes(leaseMs: number): LeaseTimes {
  const giveUpAfterMs = Math.floor((leaseMs * 5) / 6);
  const reportEveryMs = Math.min(REPORT_EVERY_MS, Math.floor(leaseMs / 3));
  const reportTimeoutMs = Math.ceil(giveUpAfterMs / 3);
  const reportWaitMs = Math.min(reportEveryMs, Math.floor(reportTimeoutMs / 2));
  return { reportEveryMs, reportWaitMs, reportTimeoutMs, giveUpAfterMs };
}

/**
 * Our right to carry out one order, renewed by progress reports. `lost` is aborted when it ends before we do.
 */
export class Lease {
  readonly #order: Order;
  readonly #times: LeaseTimes;
  readonly #api: DatamoverApi;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lost = new AbortController();
  readonly #released = new AbortController();
  readonly #over = AbortSignal.any([this.#lost.signal, this.#released.signal]);
  #renewedAtMs: number;
  #isFinishing = false;
  #lastFault: Error | undefined;

  constructor(order: Order, leaseMs: number, parts: { api: DatamoverApi; clock: Clock; log: Log }) {
    this.#order = order;
    this.#times = leaseTimes(leaseMs);
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
      const leftMs = this.#leftMs();
      if (leftMs <= 0) {
        const what = `the lease of order ${this.#order.id} ran out`;
        this.#lost.abort(new Fault("lease-lost", what, "later", this.#lastFault));
        return;
      }
      const askedAtMs = this.#clock.now();
      await this.#report(progress, Math.min(this.#times.reportTimeoutMs, leftMs));
      const restMs = this.#times.reportEveryMs - (this.#clock.now() - askedAtMs);
      await this.#pause(Math.max(0, Math.min(restMs, this.#leftMs())));
    }
  }

  /** Tells the outcome, again and again while the API is away and the lease holds. */
  async finish(outcome: OrderOutcome): Promise<"accepted" | "fenced" | "lost"> {
    this.#isFinishing = true;
    while (!this.#isOver()) {
      try {
        return await this.#tell(outcome, this.lost);
      } catch (cause) {
        if (this.#isOver()) break;
        this.#log.warn("order.finish-delayed", { fault: cause });
        await this.#pause(RETRY_FINISH_MS);
      }
    }
    return "lost";
  }

  /**
   * Ends a cancelled order, so that whoever cancelled it need not wait for the lease; any other is left as it
   * is. To be called when everything of the order has been taken down.
   */
  async letGo(stop: AbortSignal): Promise<void> {
    const reason: unknown = this.lost.reason;
    if (!hasCode(reason, "order-cancelled")) return;
    const outcome = {
      kind: "failed",
      code: "order-cancelled",
      message: asError(reason).message,
      retry: "never",
    } as const;
    const untilMs = this.#clock.now() + LET_GO_MS;
    while (!stop.aborted && this.#clock.now() < untilMs) {
      try {
        const leftMs = Math.max(1, untilMs - this.#clock.now());
        const signal = AbortSignal.any([stop, AbortSignal.timeout(leftMs)]);
        this.#log.info("order.let-go", { told: await this.#tell(outcome, signal) });
        return;
      } catch (cause) {
        this.#log.warn("order.finish-delayed", { fault: cause });
        await sleepUnless(stop, this.#clock, RETRY_FINISH_MS);
      }
    }
  }

  /** Ends the reports. */
  release(): void {
    this.#released.abort(new Fault("lease-released", "the order is done", "never"));
  }

  #isOver(): boolean {
    return this.#over.aborted;
  }

  #leftMs(): number {
    return this.#renewedAtMs + this.#times.giveUpAfterMs - this.#clock.now();
  }

  async #tell(outcome: OrderOutcome, signal: AbortSignal): Promise<"accepted" | "fenced"> {
    const { id, generation } = this.#order;
    return this.#api.finish(id, { generation, outcome }, signal);
  }

  async #report(progress: ProgressBoard, timeoutMs: number): Promise<void> {
    const { id, generation } = this.#order;
    // The lease counts from when we asked, not from when the answer came.
    const askedAtMs = this.#clock.now();
    try {
      const signal = AbortSignal.any([this.#released.signal, AbortSignal.timeout(timeoutMs)]);
      const report = { generation, progress: progress.report(), waitMs: this.#times.reportWaitMs };
      const { verdict } = await this.#api.progress(id, report, signal);
      if (verdict === "continue") this.#renewedAtMs = askedAtMs;
      // An outcome that has just been taken makes the order somebody else's too: the answer to it counts.
      else if (!this.#isFinishing)
        this.#lost.abort(new Fault(`order-${verdict}`, `order ${id} is ${verdict}`, "never"));
    } catch (cause) {
      if (this.#isOver()) return;
      this.#lastFault = asError(cause);
      this.#log.warn("order.report-failed", { fault: cause });
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleepUnless(this.#over, this.#clock, ms);
  }
}

/** Sleeps, or wakes up early when the signal is aborted. */
async function sleepUnless(signal: AbortSignal, clock: Clock, ms: number): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
}
