import { announceLapsedOrders, type Database } from "@cairn/database";
import { asError, type Clock } from "@cairn/kernel";
import type { Log, Status } from "@cairn/service";

/** A lease that is over is noticed within this time; one look serves all datamovers. */
const LOOK_MS = 2_000;

/** Wakes waiting claims whenever a lease of their host's has ended, until the signal is aborted. */
export async function watchLapsedOrders(
  world: { readonly database: Database; readonly clock: Clock; readonly log: Log; readonly status: Status },
  signal: AbortSignal,
): Promise<void> {
  const { database, clock, log, status } = world;
  while (!signal.aborted) {
    try {
      await announceLapsedOrders(database.handle);
      status.succeeded("leases");
    } catch (fault) {
      status.failed("leases", fault);
      log.warn("leases.fault", { fault: asError(fault) });
    }
    // Rejects when the program stops, and the loop ends.
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}
