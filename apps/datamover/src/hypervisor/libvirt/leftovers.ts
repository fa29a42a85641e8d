import { removeBitmaps } from "../bitmaps.ts";
import { PREFIX, pointFoldersOf } from "../names.ts";
import { listNodes } from "../nodes.ts";
import type { DriverContext } from "./context.ts";
import { notedFreezes } from "./freeze-note.ts";
import { abortJob, type DomainHandle, findJob, jobGone, removeExports, resumeAfterIoError } from "./job.ts";
import { domainMonitor } from "./link.ts";
import { payThaw } from "./owed-thaws.ts";

/**
 * Removes what earlier attempts left on a running instance: nobody else of this host works on it now. A guest
 * that was left frozen is thawed first. A job is ours if it serves a socket in our scratch folder.
 */
export async function clearRunning(
  context: DriverContext,
  handle: DomainHandle,
  signal: AbortSignal,
): Promise<void> {
  const { clock, scratch } = context;
  const { uuid } = handle.domain;
  const monitor = domainMonitor(handle.client, handle.domain);
  if ((await notedFreezes(scratch.path)).includes(uuid)) await payThaw(handle, scratch.path, signal);
  const job = await findJob(handle, signal);
  if (job?.socket?.startsWith(`${scratch.path}/`) === true) {
    await removeExports(monitor, PREFIX, signal);
    await abortJob(handle, signal);
    await jobGone(handle, clock, signal);
    await resumeAfterIoError(handle, signal);
  }
  await forgetCheckpoints(handle, signal);
  const inconsistent = new Set<string>();
  for (const node of await listNodes(monitor, signal)) {
    for (const bitmap of node.bitmaps) if (bitmap.inconsistent) inconsistent.add(bitmap.name);
  }
  // They would keep Nova from resizing the instance, and are of no use any more (datamover.md, E11).
  if (inconsistent.size > 0) await removeBitmaps(monitor, (name) => inconsistent.has(name), signal);
  await clearFolders(context, uuid);
}

/** Removes scratch folders of an instance that nothing uses any more. */
export async function clearFolders(context: DriverContext, instanceId: string): Promise<void> {
  for (const folder of await context.scratch.list(pointFoldersOf(instanceId)))
    await context.scratch.remove(folder);
}

/** Makes libvirt forget checkpoints of ours; the bitmaps stay, whose they are is the engine's to settle. */
export async function forgetCheckpoints(
  { client, domain }: DomainHandle,
  signal: AbortSignal,
): Promise<void> {
  for (const checkpoint of await client.listCheckpoints(domain, { signal })) {
    if (checkpoint.name.startsWith(PREFIX)) await client.forgetCheckpoint(checkpoint, { signal });
  }
}
