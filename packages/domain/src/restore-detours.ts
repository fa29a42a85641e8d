import type { Problems } from "./problems.ts";
import type { NewInstance } from "./restore-new-instance.ts";
import type { CapacityFacts, RestoreObservation } from "./restore-observation.ts";
import { checkQuota } from "./restore-quota.ts";

/** What a datamover attaches by itself, in the words of Cinder's drivers (cinder/common/constants.py). */
const OWN_PROTOCOLS = ["ceph", "rbd", "nfs"];
/** Steps of one stage that are performed at once (`stepsMax`): so many images there are at most at a time. */
const IMAGES_AT_ONCE = 8;

/** A volume that no host can attach, as far as Cinder tells: its disk takes the way through Glance. */
export interface Detour {
  readonly what: string;
  readonly protocol: string;
  readonly sizeGiB: number;
}

/**
 * The detours that are known beforehand. Where Cinder does not tell, because only administrators are shown
 * its pools, the first try finds out.
 */
export function detoursOf(
  { capacity, hasOsBrick }: Pick<RestoreObservation, "capacity" | "hasOsBrick">,
  instances: readonly NewInstance[],
): Detour[] {
  if (hasOsBrick) return [];
  return instances.flatMap(({ name, disks }) =>
    disks.flatMap(({ captured, volumeType, sizeGiB }) => {
      const protocol = foreignProtocol(capacity.pools[volumeType ?? ""] ?? []);
      if (captured.source.kind !== "volume" || protocol === undefined) return [];
      return [{ what: `Disk ${captured.device} of instance ${name}`, protocol, sizeGiB }];
    }),
  );
}

/** What the user should know of a detour. */
export function detourWarning({ what, protocol, sizeGiB }: Detour): string {
  return (
    `${what} is restored through an image in Glance, as its volume is reached by ${protocol} and no ` +
    `compute node with a datamover has os-brick: that takes longer, and ${sizeGiB} GiB of room and image ` +
    "quota in Glance meanwhile"
  );
}

/** One problem for each limit of Glance that the images of these detours would exceed. */
export function checkDetours(capacity: CapacityFacts, detours: readonly Detour[], problems: Problems): void {
  const { images, imageMiB } = capacity;
  const largest = detours.map(({ sizeGiB }) => sizeGiB).toSorted((a, b) => b - a);
  const atOnce = largest.slice(0, IMAGES_AT_ONCE);
  const neededMiB = atOnce.reduce((sum, sizeGiB) => sum + sizeGiB, 0) * 1024;
  if (images !== undefined) checkQuota(images, atOnce.length, { words: "images", problems });
  if (imageMiB !== undefined) checkQuota(imageMiB, neededMiB, { words: "MiB of images", problems });
}

/** How volumes of these pools are reached, if no datamover knows that by itself of any of them. */
function foreignProtocol(pools: readonly { readonly protocol?: string | undefined }[]): string | undefined {
  const isForeign = pools.every(
    ({ protocol }) => protocol !== undefined && !OWN_PROTOCOLS.includes(protocol.toLowerCase()),
  );
  return isForeign ? pools[0]?.protocol : undefined;
}
