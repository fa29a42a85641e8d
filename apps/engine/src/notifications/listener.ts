import { asError, type Clock } from "@cairn/kernel";
import type { BusHost } from "@cairn/openstack";
import type { Log, Status } from "@cairn/service";
import { nameOf, type Subscription } from "./bus.ts";

export interface ListenerOptions {
  readonly hosts: readonly BusHost[];
  readonly subscribe: (host: BusHost) => Promise<Subscription>;
  /** Done after each subscribing: what was announced before it was not heard. */
  readonly catchUp: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly status: Status;
}

const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 30_000;

/**
 * Listens to the bus until the signal is aborted, and never fails: backups go on without notifications, only
 * less kindly. Its brokers are tried one after the other, with growing pauses after each round.
 */
export async function listenToBus(options: ListenerOptions, signal: AbortSignal): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  let failures = 0;
  for (let turn = 0; !isOver(); turn += 1) {
    const host = options.hosts[turn % options.hosts.length];
    if (host === undefined) return;
    try {
      await listenOnce(options, host, signal);
      failures = 0;
    } catch (cause) {
      failures += 1;
      options.status.failed("notifications", cause);
      // Said once; `GET /status` counts the others.
      if (failures === options.hosts.length) {
        options.log.warn("notifications.away", { fault: asError(cause) });
      }
    }
    const rounds = Math.floor(failures / options.hosts.length);
    const pauseMs = rounds === 0 ? PAUSE_MS : Math.min(PAUSE_MS * 2 ** Math.min(rounds, 10), PAUSE_MAX_MS);
    await options.clock.sleep(pauseMs, signal).catch((cause: unknown) => asError(cause));
  }
}

/** Resolves when a subscription that stood is over. */
async function listenOnce(options: ListenerOptions, host: BusHost, signal: AbortSignal): Promise<void> {
  const { log, status } = options;
  const over = Promise.withResolvers<undefined>();
  const stop = (): void => {
    over.resolve(undefined);
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const opening = options.subscribe(host);
  // Who is told to stop does not wait for a broker that does not answer.
  const subscription = await Promise.race([opening, over.promise]).catch((cause: unknown) => {
    signal.removeEventListener("abort", stop);
    throw cause;
  });
  if (subscription === undefined) {
    void opening.then(
      async (late) => late.close(),
      (cause: unknown) => asError(cause),
    );
    return;
  }
  try {
    status.succeeded("notifications");
    log.info("notifications.heard", { bus: nameOf(host) });
    await options.catchUp(signal).catch((cause: unknown) => {
      log.warn("notifications.catch-up-failed", { fault: asError(cause) });
    });
    const reason = await Promise.race([subscription.gone, over.promise]);
    if (reason === undefined) return;
    status.failed("notifications", reason);
    log.warn("notifications.gone", { bus: nameOf(host), fault: reason });
  } finally {
    signal.removeEventListener("abort", stop);
    await subscription.close();
  }
}
