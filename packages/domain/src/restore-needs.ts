import type { PlannedFloatingIp } from "./restore-floating-ips.ts";
import type { PlannedGroups } from "./restore-groups.ts";
import type { NewInstance } from "./restore-new-instance.ts";
import type { Needs } from "./restore-quota.ts";
import type { PlannedTopology } from "./restore-topology.ts";
import type { PlannedStep } from "./run.ts";

/** Neutron gives a new group two rules that let everything out, whether they are wanted or not. */
const RULES_OF_NEW_GROUP = 2;

/** What a restore will take of each quota. */
export function needsOf(restore: {
  readonly instances: readonly NewInstance[];
  readonly groups: PlannedGroups;
  readonly topology: PlannedTopology;
  readonly serverGroups: readonly PlannedStep[];
  readonly keyPairs: readonly PlannedStep[];
  readonly floatingIps: readonly PlannedFloatingIp[];
}): Needs {
  const { instances, groups, topology } = restore;
  const volumes = instances.flatMap((instance) =>
    instance.disks.filter((disk) => disk.captured.source.kind === "volume"),
  );
  const made = groups.step?.groups ?? [];
  const nics = instances.flatMap((instance) => instance.nics.filter((nic) => nic.kind === "created"));
  return {
    instances: instances.length,
    cores: sum(instances.map(({ flavor }) => flavor.facts.vcpus)),
    ramMiB: sum(instances.map(({ flavor }) => flavor.facts.ramMiB)),
    volumes: volumes.length,
    gigabytes: sum(volumes.map((disk) => disk.sizeGiB)),
    networks: topology.needs.networks,
    subnets: topology.needs.subnets,
    routers: topology.needs.routers,
    ports: nics.length + topology.needs.ports,
    floatingIps: restore.floatingIps.filter(({ assign }) => assign.existingId === null).length,
    securityGroups: made.length,
    securityGroupRules: sum(made.map(({ rules }) => rules.length + RULES_OF_NEW_GROUP)),
    serverGroups: restore.serverGroups.length,
    keyPairs: restore.keyPairs.length,
    volumeTypes: volumes.flatMap(({ volumeType, sizeGiB }) =>
      volumeType === null ? [] : [{ type: volumeType, sizeGiB }],
    ),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
