import type { NewInstance } from "./restore-new-instance.ts";
import type { RestoreObservation } from "./restore-observation.ts";

/** What a datamover attaches by itself, in the words of Cinder's drivers (cinder/common/constants.py). */
const OWN_PROTOCOLS = ["ceph", "rbd", "nfs"];

/**
 * What is known beforehand of volumes that no host can attach: they take the way through Glance. Where Cinder
 * does not tell, because only administrators are shown its pools, the first try finds out.
 */
export function detourWarnings(
  { capacity, hasOsBrick }: Pick<RestoreObservation, "capacity" | "hasOsBrick">,
  instances: readonly NewInstance[],
): string[] {
  if (hasOsBrick) return [];
  return instances.flatMap(({ name, disks }) =>
    disks.flatMap(({ captured, volumeType, sizeGiB }) => {
      const protocol = foreignProtocol(capacity.pools[volumeType ?? ""] ?? []);
      if (captured.source.kind !== "volume" || protocol === undefined) return [];
      return [
        `Disk ${captured.device} of instance ${name} is restored through an image in Glance, as its ` +
          `volume is reached by ${protocol} and no compute node with a datamover has os-brick: that takes ` +
          `longer, and ${sizeGiB} GiB of room and image quota in Glance meanwhile`,
      ];
    }),
  );
}

/** How volumes of these pools are reached, if no datamover knows that by itself of any of them. */
function foreignProtocol(pools: readonly { readonly protocol?: string | undefined }[]): string | undefined {
  const isForeign = pools.every(
    ({ protocol }) => protocol !== undefined && !OWN_PROTOCOLS.includes(protocol.toLowerCase()),
  );
  return isForeign ? pools[0]?.protocol : undefined;
}
