import type { CapturedNetwork, CapturedNetworkSubnet, CapturedRouter } from "./captured-network.ts";
import type { NetworkFacts, RestoreObservation, RouterFacts } from "./restore-observation.ts";
import type { CreateNetworksStep, CreateRoutersStep, FinishTopologyStep } from "./restore-steps.ts";
import type { PlannedStep } from "./run.ts";

/** The keys of the steps that make networks and routers. */
export const NETWORKS_KEY = "networks";
export const ROUTERS_KEY = "routers";

/** Which part of a project's topology is to be there after the restore. */
export type TopologyScope =
  | { readonly kind: "nothing" }
  | { readonly kind: "everything" }
  /** These networks, and the routers that have a leg in them. */
  | { readonly kind: "networks"; readonly ids: ReadonlySet<string> };

/** Where a captured network is: it exists (perhaps under another id), or a step makes it. */
export type NetworkPlace = { readonly kind: "existing"; readonly id: string } | { readonly kind: "made" };

/** What is missing of the topology, and where everything is once that is made. */
export interface PlannedTopology {
  readonly networks: PlannedStep | undefined;
  readonly routers: PlannedStep | undefined;
  readonly finish: PlannedStep | undefined;
  readonly needs: {
    readonly networks: number;
    readonly subnets: number;
    readonly routers: number;
    readonly ports: number;
  };
  placeOf(networkId: string): NetworkPlace;
  /**
   * The id of a subnet now; of one that is made, its captured id, which the step of the networks resolves.
   */
  subnetNow(subnetId: string): string;
  isMadeSubnet(subnetId: string): boolean;
  /** Whether the subnet will have a leg of a router that reaches this external network. */
  reaches(subnetId: string, externalNetworkId: string): boolean;
}

/**
 * A network or router that exists under its old id is used as it is. One of the project's own that has the
 * same name and the same subnets is taken for the captured one, so that restoring twice makes nothing twice.
 * All others are made again by value.
 */
export function planTopology(
  observed: RestoreObservation,
  scope: TopologyScope,
  warn: (sentence: string) => void,
): PlannedTopology {
  const captured = observed.captured.topology ?? { networks: [], routers: [] };
  const networks = new NetworkPlaces(observed, warn);
  for (const network of captured.networks) if (isInScope(scope, network.id)) networks.place(network);
  const routers = new RouterPlaces(observed, networks, warn);
  for (const router of captured.routers) {
    const isConcerned = router.interfaces.some((leg) => isInScope(scope, leg.networkId));
    if (isConcerned || scope.kind === "everything") routers.place(router);
  }
  return {
    networks: networks.step(),
    routers: routers.step(),
    finish: finishStep(networks, routers),
    needs: {
      networks: networks.made.length,
      subnets: networks.subnets.length,
      routers: routers.planned.filter((router) => router.existingId === null).length,
      ports: routers.planned.flatMap((router) => router.interfaces).length,
    },
    placeOf: (id) => networks.placeOf(id),
    subnetNow: (id) => networks.subnetNow(id),
    isMadeSubnet: (id) => networks.isMadeSubnet(id),
    reaches: (subnetId, externalId) => routers.reaches(subnetId, externalId),
  };
}

function isInScope(scope: TopologyScope, networkId: string): boolean {
  switch (scope.kind) {
    case "nothing":
      return false;
    case "everything":
      return true;
    case "networks":
      return scope.ids.has(networkId);
    default:
      return scope satisfies never;
  }
}

class NetworkPlaces {
  readonly made: CapturedNetwork[] = [];
  readonly subnets: { networkId: string; subnet: CapturedNetworkSubnet }[] = [];
  readonly #observed: RestoreObservation;
  readonly #warn: (sentence: string) => void;
  readonly #networksNow = new Map<string, string>();
  readonly #subnetsNow = new Map<string, string>();

  constructor(observed: RestoreObservation, warn: (sentence: string) => void) {
    this.#observed = observed;
    this.#warn = warn;
  }

  place(network: CapturedNetwork): void {
    const today = this.#find(network);
    if (today === undefined) {
      this.made.push(network);
      if (network.isShared) this.#warn(`Network ${network.name} was shared; the new one is not`);
      for (const subnet of network.subnets) this.subnets.push({ networkId: network.id, subnet });
      return;
    }
    this.#networksNow.set(network.id, today.id);
    const present = this.#observed.subnets.filter((subnet) => subnet.networkId === today.id);
    for (const subnet of network.subnets) {
      const found =
        present.find((each) => each.id === subnet.id) ?? present.find((each) => each.cidr === subnet.cidr);
      if (found !== undefined) this.#subnetsNow.set(subnet.id, found.id);
      else this.subnets.push({ networkId: today.id, subnet });
    }
  }

  #find(network: CapturedNetwork): NetworkFacts | undefined {
    const { networks, subnets } = this.#observed;
    const same = networks.find((each) => each.id === network.id);
    if (same !== undefined) return same;
    const taken = new Set(this.#networksNow.values());
    const cidrs = cidrsOf(network.subnets);
    const alike = networks.filter(
      (each) =>
        each.isOwn === true &&
        each.name === network.name &&
        !taken.has(each.id) &&
        !this.#isCaptured(each.id) &&
        cidrsOf(subnets.filter((subnet) => subnet.networkId === each.id)) === cidrs,
    );
    return alike.length === 1 ? alike[0] : undefined;
  }

  #isCaptured(id: string): boolean {
    return this.#observed.captured.topology?.networks.some((network) => network.id === id) === true;
  }

  placeOf(id: string): NetworkPlace {
    if (this.made.some((network) => network.id === id)) return { kind: "made" };
    return { kind: "existing", id: this.#networksNow.get(id) ?? id };
  }

  subnetNow(id: string): string {
    return this.#subnetsNow.get(id) ?? id;
  }

  isMadeSubnet(id: string): boolean {
    return this.subnets.some(({ subnet }) => subnet.id === id);
  }

  step(): PlannedStep | undefined {
    if (this.subnets.length === 0 && this.made.length === 0) return undefined;
    const networks = this.made.map(({ subnets: _subnets, ...network }) => network);
    const parameters: CreateNetworksStep = { networks, subnets: this.subnets };
    return { key: NETWORKS_KEY, kind: "create-networks", parameters };
  }
}

function cidrsOf(subnets: readonly { readonly cidr: string }[]): string {
  return subnets
    .map((subnet) => subnet.cidr)
    .toSorted()
    .join(" ");
}

type PlannedRouter = CreateRoutersStep["routers"][number];

class RouterPlaces {
  readonly planned: PlannedRouter[] = [];
  readonly #all: { readonly captured: CapturedRouter; readonly gatewayId: string | null }[] = [];
  readonly #observed: RestoreObservation;
  readonly #networks: NetworkPlaces;
  readonly #warn: (sentence: string) => void;

  constructor(observed: RestoreObservation, networks: NetworkPlaces, warn: (sentence: string) => void) {
    this.#observed = observed;
    this.#networks = networks;
    this.#warn = warn;
  }

  place(router: CapturedRouter): void {
    const today = this.#find(router);
    const gateway = today === undefined ? this.#gatewayOf(router) : null;
    const gatewayId = today === undefined ? (gateway?.networkId ?? null) : today.externalNetworkId;
    this.#all.push({ captured: router, gatewayId });
    const interfaces = router.interfaces.flatMap((leg) => this.#missingLeg(router, leg, today));
    const lost = today === undefined ? [] : router.routes.filter((route) => !hasRoute(today, route));
    for (const route of lost) {
      this.#warn(
        `Router ${router.name} lacks its route to ${route.destination}; routers that exist are kept`,
      );
    }
    if (today !== undefined && interfaces.length === 0) return;
    const { name, description, isAdminStateUp } = router;
    this.planned.push({
      capturedId: router.id,
      existingId: today?.id ?? null,
      name,
      description,
      isAdminStateUp,
      gateway,
      interfaces,
      routes: today === undefined ? router.routes : [],
    });
  }

  #find(router: CapturedRouter): RouterFacts | undefined {
    const { routers, captured } = this.#observed;
    const same = routers.find((each) => each.id === router.id);
    if (same !== undefined) return same;
    const alike = routers.filter(
      (each) =>
        each.name === router.name &&
        each.externalNetworkId === (router.gateway?.networkId ?? null) &&
        captured.topology?.routers.some(({ id }) => id === each.id) !== true &&
        this.planned.every(({ existingId }) => existingId !== each.id),
    );
    return alike.length === 1 ? alike[0] : undefined;
  }

  #gatewayOf({ name, gateway }: CapturedRouter): CapturedRouter["gateway"] {
    if (gateway === null) return null;
    if (this.#observed.networks.some((network) => network.id === gateway.networkId)) return gateway;
    const outside = gateway.networkName === "" ? gateway.networkId : gateway.networkName;
    this.#warn(`Router ${name} gets no way out: its external network ${outside} does not exist any more`);
    return null;
  }

  #missingLeg(
    router: CapturedRouter,
    leg: CapturedRouter["interfaces"][number],
    today: RouterFacts | undefined,
  ): PlannedRouter["interfaces"] {
    const subnetId = this.#networks.subnetNow(leg.subnetId);
    if (today?.interfaces.some((each) => each.subnetId === subnetId) === true) return [];
    const made = this.#networks.isMadeSubnet(leg.subnetId);
    const exists = this.#observed.subnets.some((subnet) => subnet.id === subnetId);
    if (!made && !exists) return [];
    const place = this.#networks.placeOf(leg.networkId);
    const networkId = place.kind === "existing" ? place.id : leg.networkId;
    const taken = this.#observed.ports.some(
      (port) => port.networkId === networkId && port.ipAddresses.includes(leg.ipAddress),
    );
    if (taken) {
      this.#warn(`Router ${router.name} gets no leg at ${leg.ipAddress}: something else has this address`);
      return [];
    }
    return [{ networkId, subnetId, ipAddress: leg.ipAddress, isGateway: this.#isGateway(leg) }];
  }

  /** Whether Neutron would take this address by itself when it is asked for a leg in the subnet. */
  #isGateway({ subnetId, ipAddress }: CapturedRouter["interfaces"][number]): boolean {
    const subnets = (this.#observed.captured.topology?.networks ?? []).flatMap((network) => network.subnets);
    return subnets.find((subnet) => subnet.id === subnetId)?.gatewayIp === ipAddress;
  }

  reaches(subnetId: string, externalId: string): boolean {
    const now = this.#networks.subnetNow(subnetId);
    const today = this.#observed.routers.some(
      (router) =>
        router.externalNetworkId === externalId && router.interfaces.some((leg) => leg.subnetId === now),
    );
    if (today) return true;
    return this.planned.some(
      ({ capturedId, interfaces }) =>
        interfaces.some((leg) => leg.subnetId === now) &&
        this.#all.some((each) => each.captured.id === capturedId && each.gatewayId === externalId),
    );
  }

  step(): PlannedStep | undefined {
    if (this.planned.length === 0) return undefined;
    const networksStep = this.#networks.step() === undefined ? null : NETWORKS_KEY;
    const parameters: CreateRoutersStep = { networksStep, routers: this.planned };
    return { key: ROUTERS_KEY, kind: "create-routers", parameters };
  }
}

function hasRoute(router: RouterFacts, route: { readonly destination: string; readonly nexthop: string }) {
  return router.routes.some(
    ({ destination, nexthop }) => destination === route.destination && nexthop === route.nexthop,
  );
}

function finishStep(networks: NetworkPlaces, routers: RouterPlaces): PlannedStep | undefined {
  const made = routers.planned.filter((router) => router.existingId === null);
  if (networks.step() === undefined && made.length === 0) return undefined;
  const parameters: FinishTopologyStep = {
    networksStep: networks.step() === undefined ? null : NETWORKS_KEY,
    routersStep: routers.step() === undefined ? null : ROUTERS_KEY,
    networks: networks.made.map(({ id, description }) => ({ capturedId: id, description })),
    subnets: networks.subnets.map(({ subnet }) => ({
      capturedId: subnet.id,
      description: subnet.description,
    })),
    routers: made.map(({ capturedId, description }) => ({ capturedId, description })),
  };
  return { key: "finish-topology", kind: "finish-topology", parameters };
}
