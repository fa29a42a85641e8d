import type { Clock } from "@cairn/kernel";
import { type Scratch, socketPath } from "../host/scratch.ts";
import { thawGuest } from "../hypervisor/libvirt/agent.ts";
import {
  abortJob,
  type DomainHandle,
  findJob,
  jobGone,
  removeExports,
  resumeAfterIoError,
} from "../hypervisor/libvirt/job.ts";
import { domainMonitor, openLibvirt } from "../hypervisor/libvirt/link.ts";
import { pointPrefix } from "../hypervisor/names.ts";
import type { GuardedFreeze, GuardedPoint, GuardReach } from "./port.ts";
import { pointId } from "./state.ts";

/** A guest that shuts down during a job makes libvirt wait for about 32 s (nova-bitmaps.md, 4.1). */
const ABORT_TIMEOUT_MS = 60_000;
/** An agent has 5 s a command; more tries follow. */
const THAW_TIMEOUT_MS = 15_000;

/**
 * Ends the backup job of a domain if it is ours, which is one that serves the socket in the point's scratch
 * folder; any other is left alone. libvirt frees scratch when the job has gone, but resumes nobody: a guest
 * that QEMU paused meanwhile because a write failed runs on.
 */
export async function abortLibvirtPoint(
  { clock, scratch }: { readonly clock: Clock; readonly scratch: Scratch },
  point: GuardedPoint,
  reach: Extract<GuardReach, { kind: "libvirt" }> & { readonly mayResume: boolean },
): Promise<{ readonly resumed: boolean }> {
  const folder = pointId(point);
  const signal = AbortSignal.timeout(ABORT_TIMEOUT_MS);
  using client = await openLibvirt(reach.place, signal);
  const domain = await client.findDomain(point.instanceId, { signal });
  let resumed = false;
  if (domain !== undefined) {
    const handle = { client, domain };
    const job = await findJob(handle, signal);
    if (job?.socket === socketPath(scratch.folderOf(folder), "nbd.sock")) {
      await endJob(handle, point, signal);
      await jobGone(handle, clock, signal);
    }
    resumed = reach.mayResume && !reach.wasPaused && (await resumeAfterIoError(handle, signal));
  }
  await scratch.remove(folder);
  return { resumed };
}

/** Cuts off readers first where that can be done; the job ends in any case. */
async function endJob(handle: DomainHandle, point: GuardedPoint, signal: AbortSignal): Promise<void> {
  const monitor = domainMonitor(handle.client, handle.domain);
  try {
    await removeExports(monitor, pointPrefix(point.snapshotId), signal);
  } finally {
    await abortJob(handle, signal);
  }
}

/** Thaws a guest through its agent, and makes sure; a domain that has gone has no guest. */
export async function thawLibvirtGuest({ instanceId, place }: GuardedFreeze): Promise<void> {
  const signal = AbortSignal.timeout(THAW_TIMEOUT_MS);
  using client = await openLibvirt(place, signal);
  const domain = await client.findDomain(instanceId, { signal });
  if (domain === undefined || domain.id === -1) return;
  await thawGuest({ client, domain }, signal);
}
