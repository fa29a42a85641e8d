import { type MaintenanceSettings, type MaintenanceWorld, maintainOnce } from "@cairn/flows";
import { asError } from "@cairn/kernel";
import type { ConfigOf, Status } from "@cairn/service";
import type { engineSpec } from "./config.ts";

const MINUTE_MS = 60 * 1000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MiB = 1024 * 1024;
const LEASE_MS = 60_000;

/** The settings of the section `maintenance`, in the units of the work. */
export function maintenanceSettings(
  section: ConfigOf<typeof engineSpec>["maintenance"],
): MaintenanceSettings {
  return {
    sweepEveryMs: section.sweepHours * HOUR_MS,
    scrubGoalMs: section.scrubDays * DAY_MS,
    scrubBytesPerSecond: section.scrubMibPerSecond * MiB,
    lockPromiseMs: section.lockDays * DAY_MS,
    // Twice within the promise: one time that fails does not break it.
    lockEveryMs: (section.lockDays * DAY_MS) / 2,
    mirrorEveryMs: section.mirrorMinutes * MINUTE_MS,
    mirrorBytesPerSecond: section.mirrorMibPerSecond * MiB,
    leaseMs: LEASE_MS,
  };
}

/** Keeps repositories sound beside the runs: one piece of work at a time in each engine. */
export function startMaintainer(
  world: MaintenanceWorld,
  status: Status,
  lookMs: number,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const working = (async (): Promise<void> => {
    while (!signal.aborted) {
      const didWork = await maintainOnce(world, signal).catch((cause: unknown) => {
        if (signal.aborted) return false;
        status.failed("maintenance", cause);
        world.log.warn("maintenance.fault", { fault: asError(cause) });
        return false;
      });
      if (didWork) status.succeeded("maintenance");
      else await world.clock.sleep(lookMs, signal).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await working;
    },
  };
}
