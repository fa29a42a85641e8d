import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { InstanceId, VolumeId } from "@cairn/kernel";
import type { Cloud, Flavor, Image, Network, Subnet } from "@cairn/openstack";
import { IMAGE_BYTES, PREFIX, WAIT } from "./suite.ts";

interface Net {
  readonly network: Network;
  readonly subnet: Subnet;
}

/** A network with one subnet, 10.77.0.0/24, whose pool is small. */
export async function makeNetwork(tenant: Cloud, name: string, made: AsyncDisposableStack): Promise<Net> {
  const network = await tenant.neutron.networks.create({ name: `${PREFIX}-${name}` });
  made.defer(async () => tenant.neutron.networks.delete(network.id));
  const subnet = await tenant.neutron.subnets.create({
    networkId: network.id,
    name: `${PREFIX}-${name}`,
    cidr: "10.77.0.0/24",
    ipVersion: 4,
    allocationPools: [{ start: "10.77.0.50", end: "10.77.0.99" }],
    dnsNameservers: ["10.77.0.2"],
  });
  made.defer(async () => tenant.neutron.subnets.delete(subnet.id));
  return { network, subnet };
}

/** The bytes as an upload sends them. */
export async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

/** An active raw image of these bytes, with properties. */
export async function makeImage(tenant: Cloud, made: AsyncDisposableStack, bytes: Buffer): Promise<Image> {
  const { images } = tenant.glance;
  const image = await images.create({
    name: `${PREFIX}-image`,
    diskFormat: "raw",
    containerFormat: "bare",
    properties: { hw_disk_bus: "scsi", cairn_contract: PREFIX },
  });
  made.defer(async () => images.delete(image.id));
  assert.equal(image.status, "queued");
  await images.upload(image.id, piecesOf(bytes));
  const active = await images.waitFor(image.id, "active", WAIT);
  assert.ok(active !== undefined);
  return active;
}

/** An available volume of 1 GiB, empty or made of an image. */
export async function makeVolume(
  tenant: Cloud,
  made: AsyncDisposableStack,
  name: string,
  imageId?: string,
): Promise<VolumeId> {
  const { volumes } = tenant.cinder;
  const volume = await volumes.create({
    name: `${PREFIX}-${name}`,
    description: "contract",
    sizeGiB: 1,
    metadata: { made: "by cairn" },
    ...(imageId === undefined ? {} : { imageId }),
  });
  made.defer(async () => {
    await volumes.delete(volume.id);
    await volumes.waitFor(volume.id, "absent", WAIT);
  });
  await volumes.waitFor(volume.id, "available", WAIT);
  return volume.id;
}

/**
 * The smallest flavor with a disk: by Nova's own policy a tenant may boot from an image only with one
 * (`os_compute_api:servers:create:zero_disk_flavor`).
 */
export async function smallestFlavor(tenant: Cloud): Promise<Flavor> {
  const flavors = (await tenant.nova.flavors.list()).filter((each) => each.diskGiB > 0);
  const [smallest] = flavors.toSorted((one, other) => weightOf(one) - weightOf(other));
  assert.ok(smallest !== undefined, "the suite needs a flavor with a disk");
  return smallest;
}

const weightOf = (flavor: Flavor): number => flavor.diskGiB * 1024 + flavor.ramMiB;

interface Booted {
  readonly id: InstanceId;
  readonly portId: string;
}

/** An active instance of a new image, on a new network at 10.77.0.55. */
export async function boot(tenant: Cloud, made: AsyncDisposableStack, name: string): Promise<Booted> {
  const { network, subnet } = await makeNetwork(tenant, name, made);
  const image = await makeImage(tenant, made, randomBytes(IMAGE_BYTES));
  const flavor = await smallestFlavor(tenant);
  const fixedIps = [{ subnetId: subnet.id, ipAddress: "10.77.0.55" }];
  const port = await tenant.neutron.ports.create({ networkId: network.id, fixedIps });
  made.defer(async () => tenant.neutron.ports.delete(port.id));
  const id = await tenant.nova.servers.create({
    name: `${PREFIX}-${name}`,
    flavorId: flavor.id,
    imageId: image.id,
    networks: [{ portId: port.id }],
    metadata: { made: "by cairn" },
    tags: ["contract"],
    userData: Buffer.from("#!/bin/sh\n").toString("base64"),
  });
  made.defer(async () => {
    await tenant.nova.servers.delete(id);
    await tenant.nova.servers.waitFor(id, "absent", WAIT);
  });
  await tenant.nova.servers.waitFor(id, "ACTIVE", WAIT);
  return { id, portId: port.id };
}
