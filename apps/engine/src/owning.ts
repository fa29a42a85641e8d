import { doOwnershipJob, type OwnershipWorld } from "@cairn/flows";
import { asError } from "@cairn/kernel";
import type { Status } from "@cairn/service";

/** What fails for want of a database does so again at once. */
const FAILED_PAUSE_MS = 5_000;
/** An administrator waits for the answer. */
const LOOK_MS = 500;

/** Does what administrators want looked at, imported or reassigned: one job at a time in each engine. */
export function startOwning(
  world: OwnershipWorld,
  status: Status,
  lookMs = LOOK_MS,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const working = (async (): Promise<void> => {
    while (!signal.aborted) {
      const pauseMs = await doOwnershipJob(world, signal).then(
        (didWork) => {
          if (didWork) status.succeeded("ownership");
          return didWork ? 0 : lookMs;
        },
        (cause: unknown) => {
          status.failed("ownership", cause);
          world.log.warn("ownership.fault", { fault: asError(cause) });
          return FAILED_PAUSE_MS;
        },
      );
      if (pauseMs > 0) await world.clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await working;
    },
  };
}
