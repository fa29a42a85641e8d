import {
  bareDevice,
  type CapturedInstance,
  type OriginalInstance,
  type RestoreObservation,
  restoreQuestions,
  UNKNOWN_CAPACITY,
} from "@cairn/domain";
import { asId, assert, mapLimited } from "@cairn/kernel";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import { observeCapacity } from "./observe-capacity.ts";
import { findInstance, listLiveDatamovers } from "./observe-members.ts";
import { observeNetworks, observePlace } from "./observe-place.ts";
import { parseRestoreRequest } from "./restore-options.ts";
import { readSnapshotSource, repositoryOfSnapshot } from "./restore-source.ts";
import type { FlowContext } from "./step.ts";
import { tenantKeys } from "./workload-secret.ts";

/** Reads everything that a restore's plan depends on. */
export async function observeRestore(context: FlowContext): Promise<RestoreObservation> {
  const { restoreId } = context.run.subject;
  assert(restoreId !== undefined, "a restore run names its restore");
  const request = parseRestoreRequest(context.run.request);
  const { commit, captured } = await readSnapshotSource(context);
  // Of an encrypted workload: refused before anything is made, not when its disks are to be written.
  await tenantKeys(context, await repositoryOfSnapshot(context));
  const originals = await mapLimited(captured.instances, OBSERVATIONS_AT_ONCE, async (instance) =>
    observeOriginal(context, instance),
  );
  const { keyPairs, ...place } = await observePlace(context);
  const datamovers = await listLiveDatamovers(context);
  const { allowances, volumeMaxGiB } = await observeAllowances(context, keyPairs.length);
  const observed: RestoreObservation = {
    restoreId,
    userId: context.run.userId,
    request,
    captured,
    committed: commit.disks,
    originals: originals.flatMap((original) => original ?? []),
    ...place,
    keyPairs,
    ...(await observeNetworks(context, captured, request)),
    allowances,
    capacity: UNKNOWN_CAPACITY,
    liveHosts: datamovers.map(({ host }) => host),
    hasOsBrick: datamovers.some(({ connector }) => connector !== null),
  };
  const capacity = await observeCapacity(context, restoreQuestions(observed));
  return { ...observed, capacity: { ...capacity, volumeMaxGiB } };
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

interface ObservedAllowances {
  readonly allowances: RestoreObservation["allowances"];
  readonly volumeMaxGiB: number | undefined;
}

/** What the project may still make. */
export async function observeAllowances(
  { cloud, run, signal }: FlowContext,
  keyPairsUsed: number,
): Promise<ObservedAllowances> {
  const [compute, volume, network] = await Promise.all([
    cloud.nova.limits.get(signal),
    cloud.cinder.quotas.get(run.projectId, signal),
    cloud.neutron.quotas.get(run.projectId, signal),
  ]);
  const { byType, volumes, gigabytes, volumeMaxGiB } = volume;
  const { keyPairsMax, ...counted } = compute;
  const keyPairs = { max: keyPairsMax, used: keyPairsUsed };
  return {
    allowances: { ...counted, ...network, volumes, gigabytes, keyPairs, volumeTypes: byType },
    volumeMaxGiB,
  };
}
