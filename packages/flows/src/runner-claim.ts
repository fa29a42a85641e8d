import {
  type Database,
  type Handle,
  isDatabaseAway,
  type RunClaim,
  type RunRow,
  renewRun,
  withClaimedRun,
} from "@cairn/database";
import { asError, type Clock } from "@cairn/kernel";
import { Interruption } from "./runner-ends.ts";
import type { RunnerSettings } from "./runner-settings.ts";
import type { Log } from "./step.ts";

/** A run that this engine holds: keeps the lease alive, hears of cancellation, and lets go when it must. */
export class HeldRun {
  readonly claim: RunClaim;
  readonly #database: Database;
  readonly #life = new AbortController();
  readonly #cancelled = new AbortController();

  constructor(database: Database, claim: RunClaim) {
    this.#database = database;
    this.claim = claim;
  }

  /** Aborted with an `Interruption` when this engine may not go on. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  /** Aborted when the run shall turn back. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  interrupt(reason: Interruption): void {
    this.#life.abort(reason);
  }

  noteCancellation(): void {
    this.#cancelled.abort();
  }

  /**
   * A transaction on the run that only the holder can make. Throws an `Interruption` when the run was lost or
   * the database is away, and then work on the run stops here.
   */
  async transact<Result>(work: (transaction: Handle, row: RunRow) => Promise<Result>): Promise<Result> {
    this.life.throwIfAborted();
    try {
      const done = await withClaimedRun(this.#database, this.claim, work);
      if (done.kind === "held") return done.result;
    } catch (cause) {
      if (isDatabaseAway(cause)) this.interrupt(new Interruption("database-away", cause));
      else throw cause;
    }
    this.interrupt(new Interruption("lost"));
    throw asError(this.life.reason);
  }

  /** Renews the lease until `signal` is aborted. Never throws: it ends the life of the run here instead. */
  async beat(options: HeartbeatOptions): Promise<void> {
    const { clock, settings, signal } = options;
    let renewedAt = clock.now();
    const isOver = (): boolean => signal.aborted || this.life.aborted;
    while (!isOver()) {
      try {
        await this.#database.waitFor("cairn_run_cancelled", {
          payload: this.claim.runId,
          ms: settings.renewMs,
          signal,
        });
        const startedAt = clock.now();
        await this.#renew(settings.leaseMs);
        renewedAt = startedAt;
      } catch (cause) {
        if (isOver()) return;
        options.log.warn("run.renewal-failed", { fault: asError(cause) });
        // The lease is over by now: another engine may hold the run, so this one must not act on it.
        if (clock.now() - renewedAt > settings.leaseMs) this.interrupt(new Interruption("lost", cause));
      }
    }
  }

  async #renew(leaseMs: number): Promise<void> {
    const renewed = await renewRun(this.#database.handle, this.claim, leaseMs);
    if (renewed.kind === "lost") this.interrupt(new Interruption("lost"));
    else if (renewed.cancelRequested) this.noteCancellation();
  }
}

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly settings: RunnerSettings;
  readonly log: Log;
  /** Ends the heartbeat. */
  readonly signal: AbortSignal;
}
