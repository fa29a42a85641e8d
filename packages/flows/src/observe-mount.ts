import { findMount, type SnapshotMountRow } from "@cairn/database";
import {
  type DismountObservation,
  type MountInstance,
  type MountObservation,
  mountQuestions,
  UNKNOWN_CAPACITY,
} from "@cairn/domain";
import { assert } from "@cairn/kernel";
import { observeCapacity } from "./observe-capacity.ts";
import { findInstance, listLiveDatamovers, listLiveHosts } from "./observe-members.ts";
import { observeAllowances } from "./observe-restore.ts";
import { readSnapshotSource, repositoryOfSnapshot } from "./restore-source.ts";
import type { FlowContext } from "./step.ts";
import { tenantKeys } from "./workload-secret.ts";

/** What a datamover says of itself that knows the order of this name. */
const MOUNTS = "mount-in-guest";

/** Reads everything that the plan of a mount depends on. */
export async function observeMount(context: FlowContext): Promise<MountObservation> {
  const { cloud, signal } = context;
  const { snapshot_id: snapshotId, instance_id: instanceId } = await mountOf(context);
  const { commit, captured } = await readSnapshotSource(context);
  // Of an encrypted workload: refused before anything is made, not when its disks are to be written.
  await tenantKeys(context, await repositoryOfSnapshot(context));
  const [volumeTypes, { allowances, volumeMaxGiB }] = await Promise.all([
    cloud.cinder.volumeTypes.list(signal),
    observeAllowances(context, 0),
  ]);
  const live = await listLiveDatamovers(context);
  const observed: MountObservation = {
    snapshotId,
    captured,
    committed: commit.disks,
    instanceId,
    instance: await observeInstance(context, instanceId),
    volumeTypeNames: volumeTypes.map((type) => type.name),
    allowances,
    capacity: UNKNOWN_CAPACITY,
    liveHosts: live.map(({ host }) => host),
    mountingHosts: live.flatMap((each) => (each.capabilities.includes(MOUNTS) ? [each.host] : [])),
  };
  const capacity = await observeCapacity(context, mountQuestions(observed));
  return { ...observed, capacity: { ...capacity, volumeMaxGiB } };
}

/** Reads everything that the plan of a dismount depends on. */
export async function observeDismount(context: FlowContext): Promise<DismountObservation> {
  const row = await mountOf(context);
  return {
    snapshotId: row.snapshot_id,
    instanceId: row.instance_id,
    instanceName: row.instance_name,
    copies: row.copies,
    instance: await observeInstance(context, row.instance_id),
    liveHosts: await listLiveHosts(context),
  };
}

async function mountOf({ database, run }: FlowContext): Promise<SnapshotMountRow> {
  const { snapshotId } = run.subject;
  assert(snapshotId !== undefined, "a mount names its snapshot");
  const row = await findMount(database.handle, snapshotId);
  assert(row !== undefined, `the mount of snapshot ${snapshotId} has a row`);
  return row;
}

async function observeInstance(context: FlowContext, id: string): Promise<MountInstance | undefined> {
  const server = await findInstance(context, id);
  if (server === undefined) return undefined;
  const { name, status, host, addresses } = server;
  return {
    id: server.id,
    name,
    status,
    host,
    addresses: addresses.map(({ address, version, kind }) => ({ address, version, kind })),
  };
}
