import { GiB } from "@cairn/kernel";
import type { CapturedFlavor, CapturedInstance } from "./captured.ts";
import type { Problems } from "./problems.ts";
import type { FlavorFacts, RestoreObservation } from "./restore-observation.ts";
import type { FlavorChoice } from "./restore-request.ts";
import type { CreateFlavorStep } from "./restore-steps.ts";
import type { PlannedStep } from "./run.ts";

/** A flavor for an instance: one that exists, or one that a step makes. */
export type PlannedFlavor =
  | { readonly kind: "existing"; readonly id: string; readonly facts: CapturedFlavor }
  | { readonly kind: "created"; readonly flavorStep: string; readonly facts: CapturedFlavor };

/**
 * Finds flavors for instances. One like the captured is taken when there is one. Else an administrator gets
 * it made again, and everybody else the smallest one that is at least as large in everything, with a warning;
 * when a flavor was asked for by its properties, nothing else will do.
 */
export class FlavorPlanner {
  readonly #observed: RestoreObservation;
  readonly #problems: Problems;
  readonly #warn: (sentence: string) => void;
  readonly #made = new Map<string, PlannedStep>();

  constructor(observed: RestoreObservation, problems: Problems, warn: (sentence: string) => void) {
    this.#observed = observed;
    this.#problems = problems;
    this.#warn = warn;
  }

  get steps(): readonly PlannedStep[] {
    return [...this.#made.values()];
  }

  /** `undefined` when there is none that fits, which is then a problem. */
  choose(instance: CapturedInstance, choice: FlavorChoice | undefined): PlannedFlavor | undefined {
    const { flavors } = this.#observed;
    if (choice?.kind === "id") {
      const found = flavors.find((flavor) => flavor.id === choice.id);
      if (found !== undefined) return existing(found);
      this.#problems.add(`Flavor ${choice.id} for instance ${instance.name} does not exist in this project`);
      return undefined;
    }
    const wanted = choice === undefined ? instance.flavor : choice;
    const candidates = flavors.filter((flavor) => matches(flavor, wanted));
    const ranked = candidates.toSorted((a, b) => rank(a, instance.flavor) - rank(b, instance.flavor));
    const [best] = ranked;
    const isSame = best !== undefined && sameSpecs(best.extraSpecs, instance.flavor.extraSpecs);
    // What extra specs promise (pinned CPUs, huge pages, a device) is part of what the instance is.
    if (choice === undefined && !isSame && this.#observed.mayMakeFlavors) return this.#make(instance);
    if (best !== undefined) {
      if (choice === undefined && !isSame) this.#warn(otherSpecs(instance, best));
      return existing(best);
    }
    return choice === undefined ? this.#nearest(instance) : this.#refuse(instance, wanted);
  }

  #make({ flavor }: CapturedInstance): PlannedFlavor {
    const same = [...this.#made.values()].find(
      (step) => JSON.stringify((step.parameters as CreateFlavorStep).flavor) === JSON.stringify(flavor),
    );
    if (same !== undefined) return { kind: "created", flavorStep: same.key, facts: flavor };
    const key = `flavor-${this.#made.size + 1}`;
    const taken = [
      ...this.#observed.flavors.map((each) => each.name),
      ...[...this.#made.values()].map((step) => (step.parameters as CreateFlavorStep).name),
    ];
    const another = `${flavor.name}-${this.#observed.restoreId.slice(0, 8)}-${this.#made.size + 1}`;
    const name = taken.includes(flavor.name) ? another : flavor.name;
    const parameters: CreateFlavorStep = { name, flavor };
    this.#made.set(key, { key, kind: "create-flavor", parameters });
    this.#warn(`Flavor ${flavor.name} was gone and was made again as ${name}, for this project alone`);
    return { kind: "created", flavorStep: key, facts: flavor };
  }

  #nearest(instance: CapturedInstance): PlannedFlavor | undefined {
    const { flavor } = instance;
    const large = this.#observed.flavors.filter((each) => isAsLarge(each, flavor));
    const [nearest] = large.toSorted((a, b) => excess(a, flavor) - excess(b, flavor));
    if (nearest === undefined) return this.#refuse(instance, flavor);
    this.#warn(
      `Flavor ${flavor.name} of instance ${instance.name} (${describe(flavor)}) is gone, and only an ` +
        `administrator can make it again; the nearest one is used: ${nearest.name} (${describe(nearest)})`,
    );
    return existing(nearest);
  }

  #refuse(instance: CapturedInstance, wanted: Wanted): undefined {
    this.#problems.add(
      `No flavor in this project has ${describe(wanted)}, for instance ${instance.name}; name another one`,
    );
    return undefined;
  }
}

function existing({ id, ...facts }: FlavorFacts): PlannedFlavor {
  return { kind: "existing", id, facts };
}

function otherSpecs(instance: CapturedInstance, flavor: FlavorFacts): string {
  return (
    `Flavor ${flavor.name} for instance ${instance.name} has other extra specs than ` +
    `${instance.flavor.name} had in the snapshot`
  );
}

/** A disk of 0 GiB is as large as the image. */
function isAsLarge(flavor: FlavorFacts, wanted: CapturedFlavor): boolean {
  return (
    flavor.vcpus >= wanted.vcpus &&
    flavor.ramMiB >= wanted.ramMiB &&
    (flavor.diskGiB >= wanted.diskGiB || flavor.diskGiB === 0) &&
    flavor.ephemeralGiB >= wanted.ephemeralGiB &&
    flavor.swapMiB >= wanted.swapMiB
  );
}

/** How much more than wanted a flavor has, as parts of what is wanted; lower is nearer. */
function excess(flavor: FlavorFacts, wanted: CapturedFlavor): number {
  const more = (has: number, wants: number): number => (has - wants) / Math.max(1, wants);
  return (
    more(flavor.vcpus, wanted.vcpus) +
    more(flavor.ramMiB, wanted.ramMiB) +
    Math.max(0, more(flavor.diskGiB, wanted.diskGiB)) +
    (sameSpecs(flavor.extraSpecs, wanted.extraSpecs) ? 0 : 1e6)
  );
}

/** Whether a local root disk of this size fits; without a limit in the flavor it is as large as its image. */
export function fitsRootDisk(flavor: CapturedFlavor, rootBytes: number): boolean {
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

/** Lower is better: equal extra specs first, then the captured name, then less disk. */
function rank(flavor: FlavorFacts, captured: CapturedFlavor): number {
  const name = flavor.name === captured.name ? 0 : 1;
  const specs = sameSpecs(flavor.extraSpecs, captured.extraSpecs) ? 0 : 2;
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
