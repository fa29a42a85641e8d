import type { CapturedFloatingIp } from "./captured-network.ts";
import type { PlannedNic } from "./restore-networks.ts";
import type { NewInstance } from "./restore-new-instance.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import type { AssignFloatingIpStep } from "./restore-steps.ts";
import type { PlannedTopology } from "./restore-topology.ts";

/** A floating address to assign, all but the port, which has no step key yet. */
export interface PlannedFloatingIp {
  readonly nic: PlannedNic;
  readonly captured: CapturedFloatingIp;
  readonly assign: Omit<AssignFloatingIpStep, "port">;
}

/**
 * A captured floating address goes back to the interface that takes the captured one's place. One-click takes
 * another address when it is not to be had; a copy gets only the captured one, and only when that is free: a
 * second instance in the open without being asked for is nothing to wish for.
 */
export class FloatingIpPlanner {
  readonly #observed: RestoreObservation;
  readonly #topology: PlannedTopology;
  readonly #warn: (sentence: string) => void;
  readonly #given = new Set<string>();

  constructor(observed: RestoreObservation, topology: PlannedTopology, warn: (sentence: string) => void) {
    this.#observed = observed;
    this.#topology = topology;
    this.#warn = warn;
  }

  plan(instance: Pick<NewInstance, "name" | "nics">, isCopy: boolean): PlannedFloatingIp[] {
    return instance.nics.flatMap((nic) =>
      (nic.model?.floatingIps ?? []).flatMap((captured) => {
        const assign = this.#assign({ nic, captured, instanceName: instance.name }, isCopy);
        return assign === undefined ? [] : [{ nic, captured, assign }];
      }),
    );
  }

  #assign(
    wanted: {
      readonly nic: PlannedNic;
      readonly captured: CapturedFloatingIp;
      readonly instanceName: string;
    },
    isCopy: boolean,
  ): PlannedFloatingIp["assign"] | undefined {
    const { nic, captured, instanceName } = wanted;
    const isInPlace = nic.kind === "existing" || nic.isInPlace;
    if (!this.#isReachable(nic, captured)) {
      this.#warn(
        `Instance ${instanceName} gets no floating address in place of ${captured.address}: ` +
          "no router leads from its network to the external one",
      );
      return undefined;
    }
    const fixedIpAddress = isInPlace && hasSeveral(nic) ? captured.fixedIpAddress : null;
    const common = {
      instanceName,
      fixedIpAddress,
      networkId: captured.networkId,
      capturedAddress: captured.address,
      mayTakeAnother: !isCopy,
    };
    const today = this.#observed.floatingIps.find((each) => each.address === captured.address);
    if (today === undefined && !this.#given.has(captured.address)) {
      this.#given.add(captured.address);
      return { ...common, existingId: null, address: captured.address };
    }
    const isFree = today?.isOwn === true && today.portId === undefined && !this.#given.has(captured.address);
    if (today !== undefined && isFree) {
      this.#given.add(captured.address);
      return { ...common, existingId: today.id, address: captured.address };
    }
    if (today?.portId !== undefined && nic.kind === "existing" && today.portId === nic.portId) {
      return undefined;
    }
    if (!isCopy) return { ...common, existingId: null, address: null };
    this.#warn(`Instance ${instanceName} gets no floating address: ${captured.address} is in use`);
    return undefined;
  }

  /** Neutron assigns only what a router of the project can translate. */
  #isReachable(nic: PlannedNic, captured: CapturedFloatingIp): boolean {
    const subnetIds =
      nic.kind === "existing"
        ? nic.model.fixedIps.map((fixed) => fixed.subnet.id)
        : (nic.port.fixedIps?.map((fixed) => fixed.subnetId) ??
          this.#observed.subnets
            .filter((subnet) => subnet.networkId === nic.port.networkId)
            .map((subnet) => subnet.id));
    return subnetIds.some((id) => this.#topology.reaches(id, captured.networkId));
  }
}

function hasSeveral(nic: PlannedNic): boolean {
  return (nic.model?.fixedIps ?? []).length > 1;
}
