import {
  bareDevice,
  type CapturedInstance,
  type CapturedWorkload,
  type OriginalInstance,
  type PortFacts,
  type RestoreObservation,
  type RestoreRequest,
} from "@cairn/domain";
import { asId, assert, mapLimited } from "@cairn/kernel";
import type { Port } from "@cairn/openstack";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import { findInstance, listLiveHosts } from "./observe-members.ts";
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

type Place = Pick<RestoreObservation, "flavors" | "keyPairNames" | "volumeTypeNames" | "computeZones">;

async function observePlace({ cloud, signal }: FlowContext): Promise<Place> {
  const [flavors, keyPairs, volumeTypes, computeZones] = await Promise.all([
    cloud.nova.flavors.list(signal),
    cloud.nova.keyPairs.list(signal),
    cloud.cinder.volumeTypes.list(signal),
    cloud.nova.availabilityZones.list(signal),
  ]);
  return {
    flavors: flavors.filter((flavor) => !flavor.isDisabled),
    keyPairNames: keyPairs.map((keyPair) => keyPair.name),
    volumeTypeNames: volumeTypes.map((type) => type.name),
    computeZones,
  };
}

type Networking = Pick<RestoreObservation, "networks" | "subnets" | "ports" | "securityGroups">;

/** Ports are asked for as an admin: on a shared network a tenant does not see who took an address. */
async function observeNetworks(
  context: FlowContext,
  captured: CapturedWorkload,
  request: RestoreRequest,
): Promise<Networking> {
  const { cloud, admin, signal, run } = context;
  const [networks, subnets, groups] = await Promise.all([
    cloud.neutron.networks.list({}, signal),
    cloud.neutron.subnets.list({}, signal),
    cloud.neutron.securityGroups.list({}, signal),
  ]);
  const concerned = concernedNetworks(captured, request);
  const visible = networks.filter((network) => concerned.has(network.id));
  const ports = await mapLimited(visible, OBSERVATIONS_AT_ONCE, async (network) =>
    admin.neutron.ports.list({ networkId: network.id }, signal),
  );
  return {
    networks,
    subnets,
    ports: ports.flat().map((port) => portFacts(port, run.projectId)),
    securityGroups: groups.filter((group) => group.projectId === run.projectId || group.name !== "default"),
  };
}

function concernedNetworks(captured: CapturedWorkload, request: RestoreRequest): Set<string> {
  const before = captured.instances.flatMap(({ nics }) => nics.map((nic) => nic.network.id));
  switch (request.kind) {
    case "oneclick":
      return new Set(before);
    case "inplace":
      return new Set();
    case "selective":
      return new Set([
        ...before,
        ...request.networkMappings.map((mapping) => mapping.to.networkId),
        ...request.instances.flatMap(({ nics }) => (nics ?? []).map((nic) => nic.networkId)),
      ]);
    default:
      return request satisfies never;
  }
}

function portFacts(port: Port, projectId: string): PortFacts {
  return {
    id: port.id,
    networkId: port.networkId,
    macAddress: port.macAddress,
    ipAddresses: port.fixedIps.map((fixed) => fixed.ipAddress),
    isFree: (port.deviceId ?? "") === "" && port.deviceOwner === "",
    isOwn: port.projectId === projectId,
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
  return {
    instances: compute.instances,
    cores: compute.cores,
    ramMiB: compute.ramMiB,
    volumes: volume.volumes,
    gigabytes: volume.gigabytes,
    ports: network.ports,
    securityGroups: network.securityGroups,
  };
}
