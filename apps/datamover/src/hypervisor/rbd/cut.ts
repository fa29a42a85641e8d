import { type Clock, Fault, hasCode } from "@cairn/kernel";
import type { FreezeGuard } from "../../guard/port.ts";
import { type Consistency, cutConsistently, type GuestAgent, wakeAgent } from "../libvirt/agent.ts";
import type { DriverContext } from "../libvirt/context.ts";
import type { DescribedDomain } from "../libvirt/domain-xml.ts";
import { GUARD_THAWS_MS, noteFreeze, removeFreezeNote } from "../libvirt/freeze-note.ts";
import type { DomainHandle } from "../libvirt/job.ts";
import { stoppedConsistency } from "../libvirt/stopped.ts";
import type { Barrier } from "../port.ts";
import { holdUnfrozen } from "../stopped-point.ts";

/** Ceph's monitors write each snapshot down, which takes them up to a second or two. */
const CUT_TIMEOUT_MS = 20_000;

/** An instance whose images get snapshots. */
export interface CutInstance {
  readonly handle: DomainHandle;
  readonly described: DescribedDomain;
  readonly activity: Activity;
  readonly barrier: Barrier;
}

/** What it does. A guest that was paused before is nobody's to freeze. */
export type Activity = "running" | "paused" | "stopped";

/** Makes one snapshot. Without the order's signal: one that comes late would be nobody's. */
export type MakeOne = (limit: AbortSignal) => Promise<void>;

/** The moment of the snapshots. */
export interface Cut {
  readonly takenAtMs: number;
  readonly consistency: Consistency;
}

/** Why the guest cannot be frozen; a stopped one needs not be. */
export async function reasonAgainstFreeze({
  activity,
  described,
  handle,
}: Pick<CutInstance, "activity" | "described" | "handle">): Promise<string | undefined> {
  if (activity === "stopped") return undefined;
  return wakeAgent({ ...handle, state: described.agent, isPaused: activity === "paused" });
}

/**
 * Makes all snapshots, side by side, while the guest is frozen or stopped. Those of several disks are of one
 * moment only if nothing wrote meanwhile: otherwise a Fault `point-lost`.
 */
export async function cutAll(
  context: DriverContext,
  instance: CutInstance,
  makers: readonly MakeOne[],
  signal: AbortSignal,
): Promise<Cut> {
  const { barrier, handle } = instance;
  const span = { takenAtMs: 0, skewMs: 0 };
  const makeAll = async (): Promise<void> => {
    Object.assign(span, await sideBySide(makers, context.clock));
    barrier.taken();
  };
  await barrier.gather(signal);
  let consistency: Consistency;
  if (instance.activity === "stopped") {
    await holdUnfrozen(barrier, signal);
    await makeAll();
    consistency = await stoppedConsistency(handle, signal);
  } else {
    const cut = async (): Promise<void> => {
      await barrier.hold(signal);
      await makeAll();
    };
    consistency = await frozen(context, instance, cut, signal);
  }
  await barrier.thawed();
  const { skewMs, takenAtMs } = span;
  const { freezeMs, quality } = consistency;
  context.log.info("point.taken", {
    instance: handle.domain.uuid,
    disks: makers.length,
    quality,
    cut_ms: skewMs,
    ...(freezeMs === undefined ? {} : { freeze_ms: freezeMs }),
  });
  if (makers.length === 1) return { takenAtMs, consistency };
  if (consistency.quality === "crash" && instance.activity !== "stopped")
    throw new Fault("point-lost", `RBD snapshots of several disks: ${consistency.reason}`, "later");
  const reason = `${consistency.reason}; the snapshots of its disks were made within ${skewMs} ms`;
  return { takenAtMs, consistency: { ...consistency, reason } };
}

/** Waits for all of them, failed or not: what is still being made cannot be removed. */
async function sideBySide(
  makers: readonly MakeOne[],
  clock: Clock,
): Promise<{ readonly takenAtMs: number; readonly skewMs: number }> {
  const startedAtMs = clock.now();
  const limit = AbortSignal.timeout(CUT_TIMEOUT_MS);
  const made = await Promise.allSettled(makers.map(async (make) => make(limit)));
  for (const each of made) if (each.status === "rejected") throw each.reason;
  const takenAtMs = clock.now();
  return { takenAtMs, skewMs: takenAtMs - startedAtMs };
}

async function frozen(
  context: DriverContext,
  instance: CutInstance,
  cut: () => Promise<void>,
  signal: AbortSignal,
): Promise<Consistency> {
  const agent = (): GuestAgent => guestAgent(context, instance, signal);
  try {
    return await cutConsistently(agent(), cut);
  } catch (cause) {
    if (!hasCode(cause, "barrier-broken")) throw cause;
    // The guest has been thawed, and the barrier holds up nobody any more.
    return cutConsistently(agent(), cut);
  }
}

function guestAgent(
  { clock, guard, place, scratch }: DriverContext,
  { activity, described, handle }: CutInstance,
  signal: AbortSignal,
): GuestAgent {
  const instanceId = handle.domain.uuid;
  let freeze: FreezeGuard | undefined;
  return {
    ...handle,
    clock,
    state: described.agent,
    isPaused: activity === "paused",
    oweThaw: async () => {
      freeze = await guard.watchFreeze({ instanceId, place, withinMs: GUARD_THAWS_MS }, signal);
      await noteFreeze(scratch.path, instanceId);
    },
    thawed: async () => {
      await removeFreezeNote(scratch.path, instanceId);
      return (await freeze?.thawed()) ?? "datamover";
    },
  };
}
