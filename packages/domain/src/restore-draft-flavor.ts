import { GiB } from "@cairn/kernel";
import type { CapturedFlavor, CapturedInstance } from "./captured.ts";
import type { Warn } from "./restore-draft-warning.ts";
import { fitsRootDisk } from "./restore-flavors.ts";
import type { FlavorFacts } from "./restore-observation.ts";

/**
 * The flavor to propose for an instance: one that is the same, else the first by ascending disk that is as
 * large in disk, memory and CPUs; else the largest one, with a warning. `undefined` when not even that one
 * can hold the instance's root disk or its image's memory: naming it would only be refused.
 */
export function draftFlavor(
  instance: CapturedInstance,
  flavors: readonly FlavorFacts[],
  warn: Warn,
): FlavorFacts | undefined {
  const wanted = instance.flavor;
  const about = { field: "flavor", id: instance.id } as const;
  const ordered = flavors.toSorted(bySize);
  const usable = ordered.filter((flavor) => canHold(flavor, instance));
  const same = usable.filter((flavor) => isSame(flavor, wanted));
  const exact = same.find((flavor) => flavor.name === wanted.name) ?? same[0];
  if (exact !== undefined) return exact;
  const enough = usable.find((flavor) => isEnough(flavor, wanted));
  if (enough !== undefined) {
    const gone = `Flavor ${wanted.name} of instance ${instance.name} is not there`;
    warn({ ...about, sentence: `${gone}; ${enough.name} is the nearest` });
    return enough;
  }
  const last = usable.at(-1);
  const sentence =
    last === undefined
      ? `No flavor can hold instance ${instance.name} (${wanted.name}); the plan names none, so choose one`
      : `No flavor is as large as ${wanted.name} of instance ${instance.name}; ${last.name} is taken`;
  warn({ ...about, sentence });
  return last;
}

function bySize(left: FlavorFacts, right: FlavorFacts): number {
  if (left.diskGiB !== right.diskGiB) return left.diskGiB - right.diskGiB;
  if (left.ramMiB !== right.ramMiB) return left.ramMiB - right.ramMiB;
  if (left.vcpus !== right.vcpus) return left.vcpus - right.vcpus;
  return left.name < right.name ? -1 : 1;
}

function isSame(flavor: FlavorFacts, wanted: CapturedFlavor): boolean {
  return (
    flavor.diskGiB === wanted.diskGiB &&
    flavor.ramMiB === wanted.ramMiB &&
    flavor.vcpus === wanted.vcpus &&
    flavor.ephemeralGiB === wanted.ephemeralGiB &&
    flavor.swapMiB === wanted.swapMiB
  );
}

function isEnough(flavor: FlavorFacts, wanted: CapturedFlavor): boolean {
  return (
    flavor.diskGiB >= wanted.diskGiB &&
    flavor.ramMiB >= wanted.ramMiB &&
    flavor.vcpus >= wanted.vcpus &&
    flavor.ephemeralGiB >= wanted.ephemeralGiB
  );
}

function canHold(flavor: FlavorFacts, { disks, image }: CapturedInstance): boolean {
  const root = disks.find((disk) => disk.isRoot);
  const isLocal = root?.source.kind === "local";
  // A whole number of GiB, as Nova makes root disks.
  const rootBytes = isLocal ? Math.ceil(root.sizeBytes / GiB) * GiB : 0;
  return fitsRootDisk(flavor, rootBytes) && flavor.ramMiB >= (image?.minRamMiB ?? 0);
}
