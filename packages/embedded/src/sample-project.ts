import { createReadStream } from "node:fs";
import type { InstanceId, VolumeId } from "@cairn/kernel";
import type { BlockDevice, Cloud } from "@cairn/openstack";

/** An instance that a demo or a test asks for. */
export interface SampleInstance {
  readonly name: string;
  readonly flavor: string;
  readonly network: string;
  readonly zone: string;
  readonly boot:
    | { readonly kind: "image"; readonly imageId: string }
    | {
        readonly kind: "volume";
        readonly imageId: string;
        readonly sizeGiB: number;
        readonly volumeType: string;
      };
  readonly volumes: readonly {
    readonly name: string;
    readonly sizeGiB: number;
    readonly volumeType: string;
  }[];
}

export interface BootedInstance {
  readonly id: InstanceId;
  readonly name: string;
  readonly volumeIds: readonly VolumeId[];
}

const WAIT = { withinMs: 300_000 } as const;

/** Uploads a file as an image and waits until it can be booted from. */
export async function uploadImage(
  cloud: Cloud,
  image: { readonly name: string; readonly file: string; readonly diskFormat: "qcow2" | "raw" },
  signal: AbortSignal,
): Promise<string> {
  const created = await cloud.glance.images.create(
    { name: image.name, diskFormat: image.diskFormat, containerFormat: "bare" },
    signal,
  );
  await cloud.glance.images.upload(created.id, createReadStream(image.file), signal);
  await cloud.glance.images.waitFor(created.id, "active", { ...WAIT, signal });
  return created.id;
}

/** Creates an instance with its volumes and waits until it runs. */
export async function bootInstance(
  cloud: Cloud,
  instance: SampleInstance,
  signal: AbortSignal,
): Promise<BootedInstance> {
  const volumeIds: VolumeId[] = [];
  const blockDevices: BlockDevice[] = [];
  if (instance.boot.kind === "volume") {
    const { imageId, sizeGiB, volumeType } = instance.boot;
    const id = await createVolume(
      cloud,
      { name: `${instance.name}-root`, sizeGiB, volumeType, imageId },
      signal,
    );
    await cloud.cinder.volumes.setBootable(id, true, signal);
    volumeIds.push(id);
    blockDevices.push(volumeDevice(id, 0));
  } else {
    const root = { source: "image", id: instance.boot.imageId, destination: "local" } as const;
    blockDevices.push({ ...root, bootIndex: 0, deleteOnTermination: true });
  }
  for (const volume of instance.volumes) {
    const id = await createVolume(cloud, volume, signal);
    volumeIds.push(id);
    blockDevices.push(volumeDevice(id, -1));
  }
  const id = await cloud.nova.servers.create(
    {
      name: instance.name,
      flavorId: await flavorId(cloud, instance.flavor, signal),
      networks: [{ networkId: await networkId(cloud, instance.network, signal) }],
      availabilityZone: instance.zone,
      blockDevices,
      ...(instance.boot.kind === "image" ? { imageId: instance.boot.imageId } : {}),
    },
    signal,
  );
  await cloud.nova.servers.waitFor(id, "ACTIVE", { ...WAIT, signal });
  return { id, name: instance.name, volumeIds };
}

function volumeDevice(id: VolumeId, bootIndex: number): BlockDevice {
  return { source: "volume", id, destination: "volume", bootIndex, deleteOnTermination: false };
}

async function createVolume(
  cloud: Cloud,
  volume: { name: string; sizeGiB: number; volumeType: string; imageId?: string },
  signal: AbortSignal,
): Promise<VolumeId> {
  const created = await cloud.cinder.volumes.create(volume, signal);
  await cloud.cinder.volumes.waitFor(created.id, "available", { ...WAIT, signal });
  return created.id;
}

/** Deletes an instance and its volumes, and waits until they are gone: a loss. */
export async function loseInstance(
  cloud: Cloud,
  instance: BootedInstance,
  signal: AbortSignal,
): Promise<void> {
  await cloud.nova.servers.delete(instance.id, signal);
  await cloud.nova.servers.waitFor(instance.id, "absent", { ...WAIT, signal });
  for (const volumeId of instance.volumeIds) {
    await cloud.cinder.volumes.delete(volumeId, signal);
    await cloud.cinder.volumes.waitFor(volumeId, "absent", { ...WAIT, signal });
  }
}

/** The id of the flavor with this name. */
export async function flavorId(cloud: Cloud, name: string, signal: AbortSignal): Promise<string> {
  return named(await cloud.nova.flavors.list(signal), "flavor", name);
}

/** The id of the network with this name. */
export async function networkId(cloud: Cloud, name: string, signal: AbortSignal): Promise<string> {
  return named(await cloud.neutron.networks.list({ name }, signal), "network", name);
}

function named(rows: readonly { id: string; name: string }[], kind: string, name: string): string {
  const found = rows.find((row) => row.name === name);
  if (found === undefined) throw new Error(`the cloud has no ${kind} called ${name}`);
  return found.id;
}
