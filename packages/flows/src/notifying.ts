import { claimDelivery, forgetDeliveries } from "@cairn/database";
import { asError } from "@cairn/kernel";
import { expandOnce } from "./notice-expanding.ts";
import { Lanes } from "./notice-lanes.ts";
import { attemptDelivery, DELIVERY_LEASE_MS, type NotifyingWorld } from "./notice-sending.ts";

/** Deliveries of one engine on their way at once. */
const AT_ONCE_MAX = 8;
const DAY_MS = 24 * 60 * 60 * 1000;
/** For so long the log of deliveries goes back. */
const LOG_MS = 14 * DAY_MS;
const FORGOTTEN_AT_ONCE = 1_000;
const FORGET_EVERY_MS = 10 * 60 * 1000;
/** What fails, such as for want of a database, does so again at once. */
const FAILED_PAUSE_MS = 5_000;

/** How a notifier looks for work, and whom it tells of its own trouble. */
export interface NotifierOptions {
  readonly lookMs: number;
  readonly onFault: (what: string, fault: Error) => void;
}

/** Tells people what happened until the signal is aborted. Any number of engines do so side by side. */
export class Notifier {
  readonly #world: NotifyingWorld;
  readonly #options: NotifierOptions;
  readonly #lanes = new Lanes();
  readonly #going = new Set<Promise<void>>();

  constructor(world: NotifyingWorld, options: NotifierOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** How many deliveries are on their way. */
  get count(): number {
    return this.#lanes.count;
  }

  /** Never rejects; resolves when everything that was begun has ended. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#repeat("notices", signal, async () => this.#expand(signal)),
      this.#repeat("deliveries", signal, async () => this.#send(signal)),
      this.#repeat("delivery-log", signal, async () => this.#forget(signal)),
    ]);
    await Promise.all(this.#going);
  }

  async #repeat(what: string, signal: AbortSignal, once: () => Promise<void>): Promise<void> {
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      try {
        await once();
      } catch (cause) {
        if (isOver()) return;
        this.#options.onFault(what, asError(cause));
        await this.#world.clock.sleep(FAILED_PAUSE_MS, signal).catch(() => undefined);
      }
    }
  }

  async #expand(signal: AbortSignal): Promise<void> {
    const { database } = this.#world;
    const written = this.#woken(signal);
    while (!signal.aborted && (await expandOnce(database))) this.#wake();
    await written;
  }

  #wake: () => void = () => undefined;

  /** The next notice that is written, or the next look. */
  async #woken(signal: AbortSignal): Promise<void> {
    const { lookMs } = this.#options;
    await this.#world.database.waitFor("cairn_notice_written", { ms: lookMs, signal }).catch(() => undefined);
  }

  /** Begins what may begin, then waits until there may be more. */
  async #send(signal: AbortSignal): Promise<void> {
    const { promise: expanded, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const woken = this.#woken(signal);
    while (!signal.aborted && this.#going.size < AT_ONCE_MAX && (await this.#begin(signal)));
    await Promise.race([...this.#going, ...(this.#going.size < AT_ONCE_MAX ? [woken, expanded] : [])]);
  }

  async #begin(signal: AbortSignal): Promise<boolean> {
    const world = this.#world;
    const claimed = await world.database.transaction((transaction) =>
      claimDelivery(transaction, {
        leaseMs: DELIVERY_LEASE_MS,
        withoutLanes: this.#lanes.closed(world.clock.now()),
        withoutProjects: this.#lanes.busyProjects(),
      }),
    );
    if (claimed === undefined) return false;
    const { lane, project_id: projectId } = claimed.delivery;
    this.#lanes.begin(lane, projectId);
    const work = attemptDelivery(world, claimed, signal)
      .then(
        (kind) => kind !== "again",
        (cause: unknown) => {
          this.#options.onFault("delivery", asError(cause));
          return false;
        },
      )
      .then((answered) => {
        this.#lanes.end(lane, answered, world.clock.now());
        this.#going.delete(work);
      });
    this.#going.add(work);
    return true;
  }

  async #forget(signal: AbortSignal): Promise<void> {
    const { database, clock } = this.#world;
    while (!signal.aborted && (await forgetDeliveries(database.handle, LOG_MS, FORGOTTEN_AT_ONCE)) > 0);
    await clock.sleep(FORGET_EVERY_MS, signal).catch(() => undefined);
  }
}
