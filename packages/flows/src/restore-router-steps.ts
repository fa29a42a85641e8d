import type { CreateRoutersStep } from "@cairn/domain";
import { hasCode } from "@cairn/kernel";
import type { Router } from "@cairn/openstack";
import { removed } from "./absent.ts";
import { listRouterInterfaces } from "./capture-network.ts";
import { defineStep } from "./define-step.ts";
import { idsNow, markOfPart, type NetworksOutput } from "./restore-topology-steps.ts";
import type { StepContext } from "./step.ts";

/** What `create-routers` gives: captured id → id now, of those that were made. */
export interface RoutersOutput {
  readonly routerIds: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

type RouterToMake = CreateRoutersStep["routers"][number];
type LegToMake = RouterToMake["interfaces"][number];

/**
 * Makes routers with their way out, then legs, then static routes: Neutron takes a route only when a leg
 * leads to its next hop. To routers that exist only legs are added.
 */
export const createRoutersStep = defineStep<CreateRoutersStep, RoutersOutput>({
  perform: async (context, { networksStep, routers }) => {
    const routerIds: Record<string, string> = {};
    const warnings: string[] = [];
    const ids = idsNow(context, networksStep);
    for (const router of routers) {
      const id = router.existingId ?? (await ensureRouter(context, router, warnings));
      if (router.existingId === null) routerIds[router.capturedId] = id;
      const present = await listRouterInterfaces(context, id);
      for (const leg of router.interfaces) {
        const subnetId = ids.subnetIds[leg.subnetId] ?? leg.subnetId;
        if (present.some((each) => each.subnetId === subnetId)) continue;
        await addLeg(context, { routerId: id, leg, ids });
      }
      await setRoutes(context, { id, router, warnings });
    }
    return { routerIds, warnings };
  },
  undo: async (context, { networksStep, routers }, output) => {
    const { neutron } = context.cloud;
    const ids = idsNow(context, networksStep);
    for (const router of routers) {
      const made = output?.routerIds[router.capturedId] ?? (await findRouter(context, router))?.id;
      const id = router.existingId ?? made;
      if (id !== undefined) {
        // A route keeps the leg that leads to its next hop.
        if (router.existingId === null && router.routes.length > 0) {
          await removed(neutron.routers.update(id, { routes: [] }, context.signal).then(() => undefined));
        }
        for (const leg of router.interfaces) await removeLeg(context, { routerId: id, leg, ids });
      }
      for (const leg of router.interfaces) await removeLonelyPort(context, leg);
      if (router.existingId === null && id !== undefined)
        await removed(neutron.routers.delete(id, context.signal));
    }
  },
});

async function findRouter(context: StepContext, router: RouterToMake): Promise<Router | undefined> {
  const mark = markOfPart(context, router.capturedId);
  const found = await context.cloud.neutron.routers.list({ name: router.name }, context.signal);
  return found.find((each) => each.description === mark);
}

async function ensureRouter(context: StepContext, router: RouterToMake, warnings: string[]): Promise<string> {
  const found = await findRouter(context, router);
  const { gateway, name } = router;
  const made =
    found ??
    (await context.cloud.neutron.routers.create(
      {
        name,
        description: markOfPart(context, router.capturedId),
        ...(router.isAdminStateUp ? {} : { isAdminStateUp: false }),
        ...(gateway === null ? {} : { externalGateway: { networkId: gateway.networkId } }),
      },
      context.signal,
    ));
  if (gateway !== null) await restoreGateway(context, made, { name, gateway, warnings });
  return made.id;
}

interface GatewayToRestore {
  readonly name: string;
  readonly gateway: NonNullable<RouterToMake["gateway"]>;
  readonly warnings: string[];
}

/**
 * Which address a router has outside, and whether it translates, is for administrators to choose by Neutron's
 * default policy (`update_router:external_gateway_info:external_fixed_ips`, `…:enable_snat`): so the service
 * asks, for exactly what was captured. When the address is taken, the router keeps the one that it got.
 */
async function restoreGateway(
  context: StepContext,
  router: Router,
  { name, gateway, warnings }: GatewayToRestore,
): Promise<void> {
  const today = router.externalGateway;
  const got = (today?.externalFixedIps ?? []).map((fixed) => fixed.ipAddress);
  const wanted = gateway.ipAddresses;
  const isSnatEnabled = gateway.isSnatEnabled ?? true;
  const isSame = wanted.every((address) => got.includes(address));
  if (isSame && (today?.isSnatEnabled ?? true) === isSnatEnabled) return;
  try {
    const externalGateway = {
      networkId: gateway.networkId,
      isSnatEnabled,
      ...(isSame ? {} : { externalFixedIps: wanted.map((ipAddress) => ({ ipAddress })) }),
    };
    await context.admin.neutron.routers.update(router.id, { externalGateway }, context.signal);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    warnings.push(`Router ${name} has the outer address ${got.join(", ")} instead of ${wanted.join(", ")}`);
  }
}

/** What the cloud will say again whenever it is asked. */
export function isRefusal(cause: unknown): boolean {
  return (["forbidden", "conflict", "bad-request", "not-found", "quota"] as const).some((code) =>
    hasCode(cause, `openstack-${code}`),
  );
}

interface LegPlace {
  readonly routerId: string;
  readonly leg: LegToMake;
  readonly ids: NetworksOutput;
}

async function addLeg(context: StepContext, { routerId, leg, ids }: LegPlace): Promise<void> {
  const { routers, ports } = context.cloud.neutron;
  const subnetId = ids.subnetIds[leg.subnetId] ?? leg.subnetId;
  if (leg.isGateway) {
    await routers.addInterface(routerId, { subnetId }, context.signal);
    return;
  }
  // Any other address needs a port of its own, which is the router's from then on.
  const name = markOfPart(context, leg.subnetId);
  const [found] = await ports.list({ name }, context.signal);
  const networkId = ids.networkIds[leg.networkId] ?? leg.networkId;
  const fixedIps = [{ subnetId, ipAddress: leg.ipAddress }];
  // A router's port filters nothing; the project's default group would be put on it otherwise.
  const wanted = { name, networkId, fixedIps, securityGroupIds: [] };
  const port = found ?? (await ports.create(wanted, context.signal));
  await routers.addInterface(routerId, { portId: port.id }, context.signal);
  await ports.update(port.id, { name: "" }, context.signal);
}

/** Neutron removes the port together with the leg. */
async function removeLeg(context: StepContext, { routerId, leg, ids }: LegPlace): Promise<void> {
  const subnetId = ids.subnetIds[leg.subnetId] ?? leg.subnetId;
  await removed(context.cloud.neutron.routers.removeInterface(routerId, { subnetId }, context.signal));
}

/** The port of a leg that a crash left before it became the router's. */
async function removeLonelyPort(context: StepContext, leg: LegToMake): Promise<void> {
  if (leg.isGateway) return;
  const { ports } = context.cloud.neutron;
  for (const port of await ports.list({ name: markOfPart(context, leg.subnetId) }, context.signal)) {
    await removed(ports.delete(port.id, context.signal));
  }
}

interface Routing {
  readonly id: string;
  readonly router: RouterToMake;
  readonly warnings: string[];
}

async function setRoutes(context: StepContext, { id, router, warnings }: Routing): Promise<void> {
  const { name, routes, existingId } = router;
  if (existingId !== null || routes.length === 0) return;
  try {
    await context.cloud.neutron.routers.update(id, { routes }, context.signal);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    const lost = routes.map(({ destination, nexthop }) => `${destination} by ${nexthop}`).join(", ");
    warnings.push(`Router ${name} lacks its static routes (${lost}): no leg leads to their next hops`);
  }
}
