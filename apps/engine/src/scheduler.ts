import { watchQuotas } from "@cairn/database";
import {
  type AdmittingWorld,
  admitOnce,
  type ProtectingWorld,
  protectOnce,
  type RetainingWorld,
  retainOnce,
  type SchedulingWorld,
  startDueOnce,
  tellWatermarksOnce,
} from "@cairn/flows";
import { asError } from "@cairn/kernel";
import type { Log, Status } from "@cairn/service";
import { auditSealer, auditTrimmer } from "./sealer.ts";

/** What fails, such as for want of a database, does so again at once. */
const FAILED_PAUSE_MS = 5_000;

/** Quotas count all that there is: they are looked at so much more rarely than schedules. */
const LOOKS_A_QUOTA = 30;
/** There is something to remove from the audit log once a day. */
const LOOKS_AN_AUDIT_TRIM = 60;

type World = SchedulingWorld & RetainingWorld & AdmittingWorld & ProtectingWorld & { readonly log: Log };

/**
 * Starts what schedules have due, lets waiting snapshots begin, lets go of what retention does not keep,
 * seals and trims the audit log, and notices crossed watermarks of quotas. Every engine does this: each piece
 * of it is one transaction that locks what it works on, so two engines share the work and double none of it.
 */
export function startScheduler(world: World, status: Status, lookMs: number): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const trimMs = LOOKS_AN_AUDIT_TRIM * lookMs;
  const loops = [
    repeat("schedule", { world, status, lookMs, once: startDueOnce }, stopping.signal),
    repeat("retention", { world, status, lookMs, once: retainOnce }, stopping.signal),
    repeat("audit", { world, status, lookMs, once: auditSealer(world) }, stopping.signal),
    repeat("audit-trim", { world, status, lookMs: trimMs, once: auditTrimmer(world) }, stopping.signal),
    repeat("admission", { world, status, lookMs, once: admitOnce }, stopping.signal),
    repeat("quota", { world, status, lookMs: LOOKS_A_QUOTA * lookMs, once: watchOnce }, stopping.signal),
    repeat("protection", { world, status, lookMs, once: protectOnce }, stopping.signal),
  ];
  return {
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await Promise.all(loops);
    },
  };
}

async function watchOnce(world: World): Promise<boolean> {
  await watchQuotas(world.database.handle);
  return tellWatermarksOnce(world);
}

interface Repeated {
  readonly world: World;
  readonly status: Status;
  readonly lookMs: number;
  readonly once: (world: World) => Promise<boolean>;
}

/** Does a thing as long as there is something to do, then looks again after a while. */
async function repeat(
  what: string,
  { world, status, lookMs, once }: Repeated,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const pauseMs = await once(world).then(
      (didWork) => {
        status.succeeded(what);
        return didWork ? 0 : lookMs;
      },
      (cause: unknown) => {
        status.failed(what, cause);
        world.log.warn(`${what}.fault`, { fault: asError(cause) });
        return FAILED_PAUSE_MS;
      },
    );
    if (pauseMs > 0) await world.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
