import type {
  CapturedImage,
  CapturedInstance,
  CapturedKeyPair,
  CapturedNic,
  CapturedRule,
  CapturedSecurityGroup,
  CapturedServerGroup,
} from "@cairn/domain";
import { mapLimited } from "@cairn/kernel";
import type { KeyPair, Port, SecurityGroup, SecurityGroupRule, Server } from "@cairn/openstack";
import { captureDisks } from "./capture-disks.ts";
import { captureDhcpOptions, captureFloatingIps, type NetworkSurroundings } from "./capture-network.ts";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import type { FlowContext } from "./step.ts";

/** What is the same for all instances of one observation, asked once. */
export interface Surroundings extends NetworkSurroundings {
  readonly groups: ReadonlyMap<string, SecurityGroup>;
  readonly keyPairs: ReadonlyMap<string, KeyPair>;
}

/** Asks for what instances refer to, as the tenant sees it. */
export async function observeSurroundings(context: FlowContext): Promise<Surroundings> {
  const { cloud, run, signal } = context;
  const [networks, subnets, groups, keyPairs, floatingIps] = await Promise.all([
    cloud.neutron.networks.list({}, signal),
    cloud.neutron.subnets.list({}, signal),
    cloud.neutron.securityGroups.list({}, signal),
    cloud.nova.keyPairs.list(signal),
    cloud.neutron.floatingIps.list({ projectId: run.projectId }, signal),
  ]);
  return {
    networks: new Map(networks.map((network) => [network.id, network])),
    subnets: new Map(subnets.map((subnet) => [subnet.id, subnet])),
    groups: new Map(groups.map((group) => [group.id, group])),
    keyPairs: new Map(keyPairs.map((keyPair) => [keyPair.name, keyPair])),
    floatingIps,
  };
}

/** Captures an instance by value. The server is given as an admin sees it: with its user data. */
export async function captureInstance(
  context: FlowContext,
  server: Server,
  around: Surroundings,
): Promise<CapturedInstance> {
  const { cloud, signal } = context;
  const image = server.imageId === undefined ? null : await captureImage(context, server.imageId);
  const ports = await cloud.neutron.ports.list({ deviceId: server.id }, signal);
  const { rootDevice, disks, omitted } = await captureDisks(context, server);
  return {
    id: server.id,
    name: server.name,
    description: server.description ?? null,
    status: server.status,
    availabilityZone: server.availabilityZone ?? null,
    flavor: server.flavor,
    image,
    rootDevice,
    keyPair: await captureKeyPair(context, server, around),
    userData: server.userData ?? null,
    hasConfigDrive: server.hasConfigDrive,
    metadata: server.metadata,
    tags: server.tags,
    serverGroupIds: server.serverGroupIds,
    nics: ports.toSorted(byAge).map((port) => captureNic(port, around)),
    disks,
    omitted,
  };
}

/**
 * The groups of these ids by value, and those that their rules refer to, and so on; cycles are no
 * obstacle.
 */
export function captureGroups(ids: readonly string[], around: Surroundings): CapturedSecurityGroup[] {
  const captured = new Map<string, CapturedSecurityGroup>();
  const queue = [...ids];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    const group = around.groups.get(id);
    if (group === undefined || captured.has(id)) continue;
    captured.set(id, captureGroup(group));
    queue.push(...group.rules.flatMap((rule) => rule.remoteGroupId ?? []));
  }
  return [...captured.values()];
}

/** The server groups of these ids; one that is gone meanwhile is known by its id alone. */
export async function captureServerGroups(
  context: FlowContext,
  ids: readonly string[],
): Promise<CapturedServerGroup[]> {
  const { cloud, signal } = context;
  const found = await mapLimited([...new Set(ids)], OBSERVATIONS_AT_ONCE, async (id) =>
    cloud.nova.serverGroups.find(id, signal),
  );
  return found.flatMap((group) =>
    group === undefined
      ? []
      : [
          {
            id: group.id,
            name: group.name,
            policy: group.policy,
            maxServersPerHost: group.maxServersPerHost ?? null,
          },
        ],
  );
}

/** Since Wallaby a rule may name a set of addresses; older Neutrons do not have the field. */
function addressGroupOf({ raw }: SecurityGroupRule): Pick<CapturedRule, "remoteAddressGroupId"> {
  const id = raw["remote_address_group_id"];
  return typeof id === "string" ? { remoteAddressGroupId: id } : {};
}

/** A group by value. */
export function captureGroup(group: SecurityGroup): CapturedSecurityGroup {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    isStateful: group.isStateful,
    rules: group.rules.map((rule) => ({
      direction: rule.direction,
      ethertype: rule.ethertype,
      description: rule.description,
      protocol: rule.protocol ?? null,
      portRangeMin: rule.portRangeMin ?? null,
      portRangeMax: rule.portRangeMax ?? null,
      remoteIpPrefix: rule.remoteIpPrefix ?? null,
      remoteGroupId: rule.remoteGroupId ?? null,
      ...addressGroupOf(rule),
    })),
  };
}

/** Neutron lists ports in no order; Nova makes them in the order in which the guest gets them. */
function byAge(left: Port, right: Port): number {
  return createdAt(left).localeCompare(createdAt(right));
}

function createdAt({ raw }: Port): string {
  const text = raw["created_at"];
  return typeof text === "string" ? text : "";
}

function captureNic(port: Port, around: Surroundings): CapturedNic {
  return {
    portId: port.id,
    portName: port.name,
    macAddress: port.macAddress,
    network: { id: port.networkId, name: around.networks.get(port.networkId)?.name ?? "" },
    fixedIps: port.fixedIps.map(({ ipAddress, subnetId }) => {
      const subnet = around.subnets.get(subnetId);
      return {
        ipAddress,
        subnet: {
          id: subnetId,
          name: subnet?.name ?? "",
          cidr: subnet?.cidr ?? "",
          ipVersion: subnet?.ipVersion ?? 4,
          gatewayIp: subnet?.gatewayIp ?? null,
        },
      };
    }),
    securityGroups: port.securityGroupIds.map((id) => ({ id, name: around.groups.get(id)?.name ?? "" })),
    isPortSecurityEnabled: port.isPortSecurityEnabled ?? null,
    allowedAddressPairs: port.allowedAddressPairs.map(({ ipAddress, macAddress }) => ({
      ipAddress,
      macAddress: macAddress ?? null,
    })),
    vnicType: port.vnicType ?? null,
    floatingIps: captureFloatingIps(port.id, around),
    description: port.description,
    isAdminStateUp: port.isAdminStateUp,
    extraDhcpOptions: captureDhcpOptions(port),
  };
}

/**
 * Key pairs belong to users: that of another user than the one who trusts us is for an administrator to see.
 */
async function captureKeyPair(
  context: FlowContext,
  server: Server,
  around: Surroundings,
): Promise<CapturedKeyPair | null> {
  const { keyName, userId } = server;
  if (keyName === undefined) return null;
  const known =
    userId === context.run.userId
      ? around.keyPairs.get(keyName)
      : await context.admin.nova.keyPairs.findOf(userId, keyName, context.signal);
  return {
    userId,
    name: keyName,
    publicKey: known?.publicKey ?? null,
    type: known?.type ?? "ssh",
    fingerprint: known?.fingerprint ?? null,
  };
}

/** Properties that say where an image was first, on the placeholder of a restored instance. */
export const ORIGINAL_IMAGE_ID = "cairn_image_id";
export const ORIGINAL_IMAGE_NAME = "cairn_image_name";

/** An image that Glance has lost is captured by its id alone. */
async function captureImage(context: FlowContext, id: string): Promise<CapturedImage> {
  const image = await context.cloud.glance.images.find(id, context.signal);
  if (image === undefined) return { id, name: null, minRamMiB: 0, minDiskGiB: 0, properties: {} };
  const { properties } = image;
  return {
    id: properties[ORIGINAL_IMAGE_ID] ?? image.id,
    name: properties[ORIGINAL_IMAGE_NAME] ?? image.name,
    minRamMiB: image.minRamMiB,
    minDiskGiB: image.minDiskGiB,
    properties: Object.fromEntries(Object.entries(properties).filter(([key]) => isCarriedOver(key))),
  };
}

/**
 * What describes the image's own bytes or Glance's book-keeping would be wrong on another image: signatures
 * fail to verify, `os_glance_*` and locations are refused (glance/api/v2/images.py).
 */
function isCarriedOver(property: string): boolean {
  const foreign = ["cairn_", "img_signature", "os_glance_", "os_hash_"];
  const exact = ["direct_url", "locations", "stores", "self", "file", "schema"];
  return !foreign.some((prefix) => property.startsWith(prefix)) && !exact.includes(property);
}
