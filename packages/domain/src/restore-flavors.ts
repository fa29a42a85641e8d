import { GiB } from "@cairn/kernel";
import type { CapturedFlavor, CapturedInstance } from "./captured.ts";
import type { Problems } from "./problems.ts";
import type { FlavorFacts } from "./restore-observation.ts";
import type { FlavorChoice } from "./restore-request.ts";

/** The flavor of a restored instance; `undefined` when there is none that fits, which is then a problem. */
export function chooseFlavor(
  instance: CapturedInstance,
  choice: FlavorChoice | undefined,
  flavors: readonly FlavorFacts[],
  problems: Problems,
): FlavorFacts | undefined {
  if (choice?.kind === "id") {
    const found = flavors.find((flavor) => flavor.id === choice.id);
    if (found === undefined) {
      problems.add(`Flavor ${choice.id} for instance ${instance.name} does not exist in this project`);
    }
    return found;
  }
  const wanted = choice === undefined ? instance.flavor : choice;
  const candidates = flavors.filter((flavor) => matches(flavor, wanted));
  const ranked = candidates.toSorted((a, b) => rank(a, instance.flavor) - rank(b, instance.flavor));
  const [best] = ranked;
  if (best === undefined) {
    problems.add(
      `No flavor in this project has ${describe(wanted)}, for instance ${instance.name}; name another one`,
    );
  }
  return best;
}

/** Whether a local root disk of this size fits; without a limit in the flavor it is as large as its image. */
export function fitsRootDisk(flavor: FlavorFacts, rootBytes: number): boolean {
  return flavor.diskGiB === 0 || flavor.diskGiB * GiB >= rootBytes;
}

type Wanted = Partial<
  Record<"vcpus" | "ramMiB" | "diskGiB" | "ephemeralGiB" | "swapMiB", number | undefined>
>;

function matches(flavor: FlavorFacts, wanted: Wanted): boolean {
  return (
    (wanted.vcpus ?? flavor.vcpus) === flavor.vcpus &&
    (wanted.ramMiB ?? flavor.ramMiB) === flavor.ramMiB &&
    (wanted.diskGiB ?? flavor.diskGiB) === flavor.diskGiB &&
    (wanted.ephemeralGiB ?? flavor.ephemeralGiB) === flavor.ephemeralGiB &&
    (wanted.swapMiB ?? flavor.swapMiB) === flavor.swapMiB
  );
}

/** Lower is better: the captured name first, then equal extra specs, then less disk. */
function rank(flavor: FlavorFacts, captured: CapturedFlavor): number {
  const name = flavor.name === captured.name ? 0 : 2;
  const specs = sameSpecs(flavor.extraSpecs, captured.extraSpecs) ? 0 : 1;
  return (name + specs) * 1e9 + flavor.diskGiB;
}

function sameSpecs(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => left[key] === right[key]);
}

function describe(wanted: Wanted): string {
  const parts = [
    wanted.vcpus === undefined ? [] : [`${wanted.vcpus} vCPUs`],
    wanted.ramMiB === undefined ? [] : [`${wanted.ramMiB} MiB of memory`],
    wanted.diskGiB === undefined ? [] : [`${wanted.diskGiB} GiB of disk`],
    wanted.ephemeralGiB === undefined || wanted.ephemeralGiB === 0
      ? []
      : [`${wanted.ephemeralGiB} GiB of ephemeral disk`],
    wanted.swapMiB === undefined || wanted.swapMiB === 0 ? [] : [`${wanted.swapMiB} MiB of swap`],
  ].flat();
  return parts.length === 0 ? "these properties" : parts.join(", ");
}
