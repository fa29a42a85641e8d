import type {
  CapturedNetworkSubnet,
  CreateNetworksStep,
  DescribedThing,
  FinishTopologyStep,
} from "@cairn/domain";
import { hasCode } from "@cairn/kernel";
import type { NetworkFields, SubnetCreation } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { defineStep } from "./define-step.ts";
import type { RoutersOutput } from "./restore-router-steps.ts";
import type { StepContext } from "./step.ts";
import { markOf } from "./volume-making.ts";

/** What `create-networks` gives: captured id → id now. */
export interface NetworksOutput {
  readonly networkIds: Readonly<Record<string, string>>;
  readonly subnetIds: Readonly<Record<string, string>>;
}

/** Ids as they are now, of things that a step of networks may have made. */
export function idsNow(context: StepContext, networksStep: string | null | undefined): NetworksOutput {
  if (networksStep === null || networksStep === undefined) return { networkIds: {}, subnetIds: {} };
  return context.output(networksStep) as NetworksOutput;
}

/**
 * Makes networks and their subnets. Their names are the originals' from the start; until the restore is
 * finished their descriptions hold the run's mark.
 */
export const createNetworksStep = defineStep<CreateNetworksStep, NetworksOutput>({
  perform: async (context, { networks, subnets }) => {
    const networkIds: Record<string, string> = {};
    for (const network of networks) networkIds[network.id] = await ensureNetwork(context, network);
    const subnetIds: Record<string, string> = {};
    for (const { networkId, subnet } of subnets) {
      subnetIds[subnet.id] = await ensureSubnet(context, networkIds[networkId] ?? networkId, subnet);
    }
    return { networkIds, subnetIds };
  },
  undo: async (context, { networks, subnets }, output) => {
    const { neutron } = context.cloud;
    for (const { networkId, subnet } of subnets) {
      // A subnet of a network that is made goes away with it.
      if (networks.some((network) => network.id === networkId)) continue;
      const id = output?.subnetIds[subnet.id] ?? (await findSubnet(context, subnet));
      if (id !== undefined) await removed(neutron.subnets.delete(id, context.signal));
    }
    for (const network of networks) {
      const id = output?.networkIds[network.id] ?? (await findNetwork(context, network));
      if (id !== undefined) await removed(neutron.networks.delete(id, context.signal));
    }
  },
});

/** The mark of one of the several things that a step makes. */
export function markOfPart(context: StepContext, capturedId: string): string {
  return `${markOf(context)}-${capturedId}`;
}

type NetworkToMake = CreateNetworksStep["networks"][number];

async function findNetwork(context: StepContext, { id, name }: NetworkToMake): Promise<string | undefined> {
  const mark = markOfPart(context, id);
  const found = await context.cloud.neutron.networks.list({ name }, context.signal);
  return found.find((each) => each.description === mark)?.id;
}

async function ensureNetwork(context: StepContext, network: NetworkToMake): Promise<string> {
  const found = await findNetwork(context, network);
  if (found !== undefined) return found;
  const { networks } = context.cloud.neutron;
  const { mtu, availabilityZoneHints: hints } = network;
  // What is Neutron's default is not said: extensions that would have to know it may be missing.
  const plain: NetworkFields = {
    name: network.name,
    description: markOfPart(context, network.id),
    ...(network.isAdminStateUp ? {} : { isAdminStateUp: false }),
    ...(network.isPortSecurityEnabled === false ? { isPortSecurityEnabled: false } : {}),
    ...(hints.length === 0 ? {} : { availabilityZoneHints: hints }),
  };
  if (mtu === null) return (await networks.create(plain, context.signal)).id;
  try {
    return (await networks.create({ ...plain, mtu }, context.signal)).id;
  } catch (cause) {
    // Another kind of tenant network carries less than the captured one did; then Neutron's own size is
    // right.
    if (!hasCode(cause, "openstack-bad-request")) throw cause;
    return (await networks.create(plain, context.signal)).id;
  }
}

async function findSubnet(
  context: StepContext,
  { id, name }: Pick<CapturedNetworkSubnet, "id" | "name">,
): Promise<string | undefined> {
  const mark = markOfPart(context, id);
  const filter = name === "" ? {} : { name };
  const found = await context.cloud.neutron.subnets.list(filter, context.signal);
  return found.find((each) => each.description === mark)?.id;
}

async function ensureSubnet(
  context: StepContext,
  networkId: string,
  subnet: CapturedNetworkSubnet,
): Promise<string> {
  const found = await findSubnet(context, subnet);
  if (found !== undefined) return found;
  const { ipv6AddressMode, ipv6RaMode } = subnet;
  const creation: SubnetCreation = {
    networkId,
    name: subnet.name,
    description: markOfPart(context, subnet.id),
    cidr: subnet.cidr,
    ipVersion: subnet.ipVersion,
    gatewayIp: subnet.gatewayIp,
    isDhcpEnabled: subnet.isDhcpEnabled,
    ...(subnet.allocationPools.length === 0 ? {} : { allocationPools: subnet.allocationPools }),
    ...(subnet.dnsNameservers.length === 0 ? {} : { dnsNameservers: subnet.dnsNameservers }),
    ...(subnet.hostRoutes.length === 0 ? {} : { hostRoutes: subnet.hostRoutes }),
    ...(ipv6AddressMode === null ? {} : { ipv6AddressMode }),
    ...(ipv6RaMode === null ? {} : { ipv6RaMode }),
  };
  return (await context.cloud.neutron.subnets.create(creation, context.signal)).id;
}

/** Gives what was made its own description. Undone together with the things themselves. */
export const finishTopologyStep = defineStep<FinishTopologyStep, null>({
  perform: async (context, { networksStep, routersStep, networks, subnets, routers }) => {
    const { neutron } = context.cloud;
    const { networkIds, subnetIds } = idsNow(context, networksStep);
    const routerIds = routersStep === null ? {} : (context.output(routersStep) as RoutersOutput).routerIds;
    await describe(networks, networkIds, async (id, description) =>
      neutron.networks.update(id, { description }, context.signal),
    );
    await describe(subnets, subnetIds, async (id, description) =>
      neutron.subnets.update(id, { description }, context.signal),
    );
    await describe(routers, routerIds, async (id, description) =>
      neutron.routers.update(id, { description }, context.signal),
    );
    return null;
  },
});

async function describe(
  things: readonly DescribedThing[],
  ids: Readonly<Record<string, string>>,
  update: (id: string, description: string) => Promise<unknown>,
): Promise<void> {
  for (const { capturedId, description } of things) {
    const id = ids[capturedId];
    if (id !== undefined) await update(id, description);
  }
}
