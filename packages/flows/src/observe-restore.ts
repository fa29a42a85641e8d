import {
  bareDevice,
  type CapturedInstance,
  type OriginalInstance,
  type RestoreObservation,
} from "@cairn/domain";
import { asId, assert, mapLimited } from "@cairn/kernel";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import { findInstance, listLiveHosts } from "./observe-members.ts";
import { observeNetworks, observePlace } from "./observe-place.ts";
import { parseRestoreRequest } from "./restore-options.ts";
import { readSnapshotSource } from "./restore-source.ts";
import type { FlowContext } from "./step.ts";

/** Reads everything that a restore's plan depends on. */
export async function observeRestore(context: FlowContext): Promise<RestoreObservation> {
  const { restoreId } = context.run.subject;
  assert(restoreId !== undefined, "a restore run names its restore");
  const request = parseRestoreRequest(context.run.request);
  const { commit, captured } = await readSnapshotSource(context);
  const originals = await mapLimited(captured.instances, OBSERVATIONS_AT_ONCE, async (instance) =>
    observeOriginal(context, instance),
  );
  return {
    restoreId,
    userId: context.run.userId,
    request,
    captured,
    committed: commit.disks,
    originals: originals.flatMap((original) => original ?? []),
    ...(await observePlace(context)),
    ...(await observeNetworks(context, captured, request)),
    allowances: await observeAllowances(context),
    liveHosts: await listLiveHosts(context),
  };
}

async function observeOriginal(
  context: FlowContext,
  captured: CapturedInstance,
): Promise<OriginalInstance | undefined> {
  const { cloud, signal } = context;
  const server = await findInstance(context, captured.id);
  if (server === undefined) return undefined;
  const attachments = await cloud.nova.volumeAttachments.list(server.id, signal);
  const volumes = await mapLimited(attachments, OBSERVATIONS_AT_ONCE, async ({ volumeId, device }) => {
    const volume = await cloud.cinder.volumes.get(asId(volumeId), signal);
    const bare = device === undefined ? undefined : bareDevice(device);
    return { volumeId, device: bare, sizeGiB: volume.sizeGiB };
  });
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    taskState: server.taskState,
    host: server.host,
    flavorDiskGiB: server.flavor.diskGiB,
    volumes,
  };
}

async function observeAllowances({
  cloud,
  run,
  signal,
}: FlowContext): Promise<RestoreObservation["allowances"]> {
  const [compute, volume, network] = await Promise.all([
    cloud.nova.limits.get(signal),
    cloud.cinder.quotas.get(run.projectId, signal),
    cloud.neutron.quotas.get(run.projectId, signal),
  ]);
  const { byType, volumes, gigabytes } = volume;
  return { ...compute, ...network, volumes, gigabytes, volumeTypes: byType };
}
