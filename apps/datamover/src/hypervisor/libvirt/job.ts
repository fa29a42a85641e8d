import { type Clock, Fault } from "@cairn/kernel";
import { type DomainRef, isLibvirtRefusal, type LibvirtClient, PAUSED_FOR_IO_ERROR } from "@cairn/libvirt";
import { listOf, optionalText } from "../../host/json.ts";
import { tolerateAbsent } from "../bitmaps.ts";
import type { Monitor } from "../monitor.ts";
import { describeJob, type RunningJob } from "./backup-xml.ts";

const POLL_MS = 20;
/**
 * A guest that powers itself off during a job makes libvirt wait about 32 s, and the ends of other domains'
 * jobs wait with it (nova-bitmaps.md, 4.1).
 */
export const JOB_END_MS = 60_000;

/** A domain and the connection to its libvirt. */
export interface DomainHandle {
  readonly client: LibvirtClient;
  readonly domain: DomainRef;
}

/** The backup job that a domain has, whoever began it. */
export async function findJob(
  { client, domain }: DomainHandle,
  signal: AbortSignal,
): Promise<RunningJob | undefined> {
  const xml = await client.backupXml(domain, { signal });
  return xml === undefined ? undefined : describeJob(xml);
}

/** Refuses to go on when a job runs: libvirt allows one a domain, and it may hold or move the disks. */
export async function assertNoJob(
  handle: DomainHandle,
  monitor: Monitor,
  signal: AbortSignal,
): Promise<void> {
  const refuse = (what: string): never => {
    throw new Fault("foreign-block-job", `${what} runs on the instance`, "later");
  };
  if (await handle.client.hasJob(handle.domain, { signal })) refuse("a job of libvirt's");
  for (const job of listOf(await monitor.execute("query-jobs", {}, { signal })))
    refuse(`job ${optionalText(job, "id")} (${optionalText(job, "type")})`);
}

/** Asks libvirt to end the domain's job; one that has ended, or a domain that has, is no failure. */
export async function abortJob({ client, domain }: DomainHandle, signal: AbortSignal): Promise<void> {
  try {
    await client.abortJob(domain, { signal });
  } catch (cause) {
    if (!isLibvirtRefusal(cause, "operationInvalid", "noDomain")) throw cause;
  }
}

/** Waits until the domain has no job; libvirt takes one down after it has answered. */
export async function jobGone(handle: DomainHandle, clock: Clock, signal: AbortSignal): Promise<void> {
  const { client, domain } = handle;
  try {
    while (await client.hasJob(domain, { signal })) await clock.sleep(POLL_MS, signal);
  } catch (cause) {
    // With the domain's end its job has ended, too.
    if (!isLibvirtRefusal(cause, "operationInvalid", "noDomain")) throw cause;
  }
}

/**
 * Lets a guest run on that QEMU paused because a write failed, and only such a one: ending the job gives the
 * room back, but resumes nobody (nova-bitmaps.md, 5). Tells whether it did.
 */
export async function resumeAfterIoError(
  { client, domain }: DomainHandle,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await isPausedForIoError({ client, domain }, signal))) return false;
  await client.resumeDomain(domain, { signal });
  return true;
}

/** Whether QEMU paused the guest because a write failed. */
export async function isPausedForIoError(
  { client, domain }: DomainHandle,
  signal: AbortSignal,
): Promise<boolean> {
  const { state, reason } = await client.domainState(domain, { signal });
  return state === "paused" && reason === PAUSED_FOR_IO_ERROR;
}

/** Removes exports of ours, and cuts off whoever still reads them. */
export async function removeExports(monitor: Monitor, prefix: string, signal: AbortSignal): Promise<void> {
  for (const each of listOf(await monitor.execute("query-block-exports", {}, { signal }))) {
    const id = optionalText(each, "id") ?? "";
    if (!id.startsWith(prefix)) continue;
    await tolerateAbsent(monitor.execute("block-export-del", { id, mode: "hard" }, { signal }));
  }
}
