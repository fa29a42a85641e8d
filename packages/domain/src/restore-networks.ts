import type { CapturedInstance, CapturedNic } from "./captured.ts";
import type { Problems } from "./problems.ts";
import type { PortFacts, RestoreObservation } from "./restore-observation.ts";
import type { NetworkMapping, NicChoice } from "./restore-request.ts";
import type { CreatePortStep } from "./restore-steps.ts";
import { NETWORKS_KEY, type PlannedTopology } from "./restore-topology.ts";
import { isAddress, isInCidr } from "./subnets.ts";

/**
 * Where one network interface of a restored instance comes from; its security groups are resolved
 * elsewhere.
 */
export type PlannedNic =
  | { readonly kind: "existing"; readonly portId: string; readonly model: CapturedNic }
  | {
      readonly kind: "created";
      /** The captured interface that it takes the place of; undefined: none. */
      readonly model: CapturedNic | undefined;
      /** Whether it is in the captured one's network, with the captured addresses. */
      readonly isInPlace: boolean;
      readonly port: Omit<CreatePortStep, "securityGroups">;
      /** Captured ids of its groups; null: the project's default group. */
      readonly groupIds: readonly string[] | null;
    };

type FixedIp = { readonly subnetId: string; readonly ipAddress: string | null };

/**
 * Plans interfaces one after the other, and remembers what it gave away: two interfaces of one restore may
 * ask for the same address as well as an interface and a port that exists.
 */
export class NicPlanner {
  readonly #observed: RestoreObservation;
  readonly #problems: Problems;
  readonly #topology: PlannedTopology;
  readonly #claimed = new Set<string>();
  readonly #reused = new Set<string>();

  constructor(observed: RestoreObservation, problems: Problems, topology: PlannedTopology) {
    this.#observed = observed;
    this.#problems = problems;
    this.#topology = topology;
  }

  /**
   * The interfaces as they were: same network, address and MAC; a port that the original left free is used
   * again.
   */
  keep(instance: CapturedInstance): PlannedNic[] {
    return instance.nics.map((nic) => {
      const left = this.#observed.ports.find((port) => isLeftBy(nic, port));
      if (left !== undefined && !this.#reused.has(left.id)) {
        this.#reused.add(left.id);
        return { kind: "existing", portId: left.id, model: nic };
      }
      return this.#inPlace(nic, `instance ${instance.name}`);
    });
  }

  /** The captured addresses in the captured network, which may be one that is made for it. */
  #inPlace(nic: CapturedNic, owner: string): PlannedNic {
    const place = this.#topology.placeOf(nic.network.id);
    const networkId = place.kind === "existing" ? place.id : nic.network.id;
    const fixedIps = nic.fixedIps.map(({ ipAddress, subnet }) => ({
      subnetId: this.#topology.subnetNow(subnet.id),
      ipAddress,
    }));
    if (place.kind === "existing") this.#checkNetwork(networkId, owner);
    for (const fixed of fixedIps) {
      if (this.#topology.isMadeSubnet(fixed.subnetId)) this.#claimAddress(networkId, fixed.ipAddress, owner);
      else this.#checkFixedIp(networkId, fixed, owner);
    }
    this.#claimMac(networkId, nic.macAddress, owner);
    return this.#created(nic, { networkId, fixedIps, macAddress: nic.macAddress }, true);
  }

  /** The interfaces in other networks, with the next free addresses. */
  map(instance: CapturedInstance, mappings: readonly NetworkMapping[]): PlannedNic[] {
    return instance.nics.map((nic) => {
      const owner = `instance ${instance.name}`;
      const mapping = mappings.find((each) => isMappingOf(each, nic));
      // In a network that is made anew every address is free: the captured ones make the copy most like it.
      if (mapping === undefined && this.#topology.placeOf(nic.network.id).kind === "made") {
        return this.#inPlace(nic, owner);
      }
      const networkId = mapping?.to.networkId ?? nic.network.id;
      const subnetId = mapping?.to.subnetId;
      this.#checkNetwork(networkId, owner);
      const fixed = subnetId === undefined ? null : { subnetId, ipAddress: null };
      if (fixed !== null) this.#checkFixedIp(networkId, fixed, owner);
      const place = { networkId, fixedIps: fixed === null ? null : [fixed], macAddress: null };
      return this.#created(nic, place, false);
    });
  }

  /** Exactly the interfaces that were asked for. */
  choose(instance: CapturedInstance, choices: readonly NicChoice[]): PlannedNic[] {
    return choices.map((choice, index) => {
      const owner = `instance ${instance.name}`;
      const model =
        instance.nics.find((nic) => nic.network.id === choice.snapshotNetworkId) ?? instance.nics[index];
      this.#checkNetwork(choice.networkId, owner);
      const fixed = this.#fixedIpOf(choice, owner);
      if (fixed !== null) this.#checkFixedIp(choice.networkId, fixed, owner);
      const macAddress = choice.macAddress ?? null;
      if (macAddress !== null) this.#claimMac(choice.networkId, macAddress, owner);
      const place = { networkId: choice.networkId, fixedIps: fixed === null ? null : [fixed], macAddress };
      return this.#created(model, place, false);
    });
  }

  /** An address without a subnet belongs to the one subnet of the network that contains it. */
  #fixedIpOf(choice: NicChoice, owner: string): FixedIp | null {
    const { subnetId, ipAddress, networkId } = choice;
    if (subnetId !== undefined) return { subnetId, ipAddress: ipAddress ?? null };
    if (ipAddress === undefined) return null;
    const subnet = this.#observed.subnets.find(
      (each) => each.networkId === networkId && isInCidr(ipAddress, each.cidr),
    );
    if (subnet === undefined) {
      this.#problems.add(
        `Address ${ipAddress} for ${owner} is in no subnet of network ${this.#networkName(networkId)}`,
      );
      return null;
    }
    return { subnetId: subnet.id, ipAddress };
  }

  #checkNetwork(networkId: string, owner: string): void {
    if (this.#observed.networks.some((network) => network.id === networkId)) return;
    const captured = this.#observed.captured.topology?.networks.some((network) => network.id === networkId);
    const remedy = captured === true ? "; map it to another one, or restore the topology too" : "";
    this.#problems.add(`Network ${networkId} for ${owner} does not exist${remedy}`);
  }

  #checkFixedIp(networkId: string, fixed: FixedIp, owner: string): void {
    const network = this.#observed.networks.find((each) => each.id === networkId);
    if (network === undefined) return;
    const subnet = this.#observed.subnets.find((each) => each.id === fixed.subnetId);
    if (subnet === undefined || subnet.networkId !== networkId) {
      this.#problems.add(`Subnet ${fixed.subnetId} for ${owner} is not in network ${network.name}`);
      return;
    }
    const { ipAddress } = fixed;
    if (ipAddress === null) return;
    if (!isAddress(ipAddress) || !isInCidr(ipAddress, subnet.cidr)) {
      this.#problems.add(
        `Address ${ipAddress} for ${owner} is not in subnet ${subnet.cidr} of network ${network.name}`,
      );
      return;
    }
    this.#claimAddress(networkId, ipAddress, owner);
  }

  #claimAddress(networkId: string, ipAddress: string, owner: string): void {
    const taken = this.#observed.ports.some(
      (port) => port.networkId === networkId && port.ipAddresses.includes(ipAddress),
    );
    if (taken || this.#claimed.has(`${networkId} ${ipAddress}`)) {
      this.#problems.add(
        `Address ${ipAddress} for ${owner} is taken on network ${this.#networkName(networkId)}`,
      );
    }
    this.#claimed.add(`${networkId} ${ipAddress}`);
  }

  #claimMac(networkId: string, macAddress: string, owner: string): void {
    const mac = macAddress.toLowerCase();
    const taken = this.#observed.ports.some(
      (port) => port.networkId === networkId && port.macAddress.toLowerCase() === mac,
    );
    if (taken || this.#claimed.has(`${networkId} ${mac}`)) {
      this.#problems.add(
        `MAC address ${mac} for ${owner} is taken on network ${this.#networkName(networkId)}`,
      );
    }
    this.#claimed.add(`${networkId} ${mac}`);
  }

  #created(
    model: CapturedNic | undefined,
    place: Pick<CreatePortStep, "networkId" | "fixedIps" | "macAddress">,
    isInPlace: boolean,
  ): PlannedNic {
    return {
      kind: "created",
      model,
      isInPlace,
      port: {
        ...place,
        networksStep: this.#topology.networks === undefined ? null : NETWORKS_KEY,
        name: model?.portName ?? "",
        description: model?.description ?? "",
        isAdminStateUp: model?.isAdminStateUp ?? true,
        extraDhcpOptions: model?.extraDhcpOptions ?? [],
        isPortSecurityEnabled: model?.isPortSecurityEnabled ?? null,
        allowedAddressPairs: model?.allowedAddressPairs ?? [],
        vnicType: model?.vnicType ?? null,
      },
      groupIds: model === undefined ? null : model.securityGroups.map((group) => group.id),
    };
  }

  #networkName(id: string): string {
    return this.#observed.networks.find((network) => network.id === id)?.name ?? id;
  }
}

function isLeftBy(nic: CapturedNic, port: PortFacts): boolean {
  return port.id === nic.portId && port.isFree && port.isOwn && port.networkId === nic.network.id;
}

function isMappingOf(mapping: NetworkMapping, nic: CapturedNic): boolean {
  const { networkId, subnetId } = mapping.from;
  if (networkId !== nic.network.id) return false;
  return subnetId === undefined || nic.fixedIps.some((fixed) => fixed.subnet.id === subnetId);
}
