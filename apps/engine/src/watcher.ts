import { type WatchingWorld, watchTargetOnce } from "@cairn/flows";
import { asError } from "@cairn/kernel";
import type { Status } from "@cairn/service";

/** A target that is wanted is proved about so long after somebody asked. */
const PAUSE_MS = 1_000;
const FAILED_PAUSE_MS = 5_000;

/** Looks at targets, and proves those that are wanted, one at a time in each engine. */
export function startWatcher(
  world: Omit<WatchingWorld, "hanging" | "signal">,
  status: Status,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const watching = { ...world, signal, hanging: new Map() };
  const working = (async (): Promise<void> => {
    while (!signal.aborted) {
      const pauseMs = await watchTargetOnce(watching, signal).then(
        (didLook) => {
          status.succeeded("targets");
          return didLook ? 0 : PAUSE_MS;
        },
        (cause: unknown) => {
          if (signal.aborted) return 0;
          status.failed("targets", cause);
          world.log.warn("targets.fault", { fault: asError(cause) });
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
