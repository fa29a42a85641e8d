import type { NeededFlavor, RecoveryNeeds } from "./recovery-needs.ts";

/**
 * What takes the place of what in another cloud, as a person writes it. Left sides are of the snapshots
 * (networks and projects by id, the rest by name); right sides are ids or names here. Text that is empty is
 * not decided yet.
 */
export interface RecoveryMapping {
  readonly version: 1;
  readonly projects: readonly {
    readonly from: string;
    readonly project: string;
    readonly user: string;
  }[];
  readonly networks: readonly {
    readonly from: string;
    readonly network: string;
    /** Of that network; any of its own unless given. */
    readonly subnet?: string | undefined;
  }[];
  readonly flavors: Readonly<Record<string, string>>;
  readonly volumeTypes: Readonly<Record<string, string>>;
  readonly zones: Readonly<Record<string, string>>;
  readonly volumeZones: Readonly<Record<string, string>>;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** What a cloud has, as far as whoever asks can see. */
export interface CloudFacts {
  /** Absent: who asks may not list them. */
  readonly projects?: readonly Named[] | undefined;
  readonly users?: readonly Named[] | undefined;
  readonly networks: readonly (Named & {
    readonly subnets: readonly (Named & { readonly cidr: string })[];
  })[];
  readonly flavors: readonly (NeededFlavor & { readonly id: string })[];
  readonly volumeTypes: readonly string[];
  readonly zones: readonly string[];
}

/** Something in a mapping that does not hold. */
export interface MappingProblem {
  readonly field: string;
  readonly value: string;
  readonly message: string;
  readonly remedy: string;
}

/** A mapping whose right sides are ids, where the cloud has ids. */
export type ResolvedMapping = RecoveryMapping;

/**
 * Looks each right side up, and whether all that is needed has one. Names that several things have are
 * problems; so is what is not there. Projects are looked at only where `facts` has any.
 */
export function checkMapping(
  mapping: RecoveryMapping,
  needs: RecoveryNeeds,
  facts: CloudFacts,
): { readonly resolved: ResolvedMapping; readonly problems: readonly MappingProblem[] } {
  const problems: MappingProblem[] = [];
  const find = finderOf(problems);
  const networks = mapping.networks.map(({ from, network, subnet }) => {
    const field = `networks[${from}]`;
    const id = find(`${field}.network`, network, facts.networks);
    const subnets = facts.networks.find((each) => each.id === id)?.subnets ?? [];
    const wanted = subnet === undefined || subnet === "" || id === "" ? undefined : subnet;
    const found = wanted === undefined ? undefined : find(`${field}.subnet`, wanted, subnets);
    return { from, network: id, ...(found === undefined ? {} : { subnet: found }) };
  });
  const named = (field: string, table: Readonly<Record<string, string>>, there: readonly string[]) =>
    mapValues(table, (value, key) => find(`${field}.${key}`, value, there.map(asNamed)));
  const resolved: ResolvedMapping = {
    ...mapping,
    networks,
    projects: resolveProjects(mapping, facts, find),
    // Empty: of the same size, made when there is none.
    flavors: mapValues(mapping.flavors, (value, key) =>
      value === "" ? "" : find(`flavors.${key}`, value, facts.flavors),
    ),
    volumeTypes: named("volume_types", mapping.volumeTypes, facts.volumeTypes),
    zones: named("availability_zones", mapping.zones, facts.zones),
  };
  problems.push(...missingIn(mapping, needs));
  return { resolved, problems };
}

type Find = (field: string, value: string, there: readonly Named[]) => string;

function finderOf(problems: MappingProblem[]): Find {
  return (field, value, there) => {
    const problem = (message: string): string => {
      const list = there.map(({ id, name }) => (id === name ? name : `${name} (${id})`)).slice(0, 20);
      const remedy = list.length === 0 ? "There is none to choose from." : `Choose of ${list.join(", ")}.`;
      problems.push({ field, value, message, remedy });
      return "";
    };
    if (value === "") return problem("Nothing was chosen yet.");
    const byId = there.find(({ id }) => id === value);
    if (byId !== undefined) return byId.id;
    const byName = there.filter(({ name }) => name === value);
    if (byName.length > 1) return problem(`Several are called ${value}: use an id.`);
    return byName[0]?.id ?? problem(`This cloud has no ${value}.`);
  };
}

function resolveProjects(
  { projects }: RecoveryMapping,
  facts: CloudFacts,
  find: Find,
): RecoveryMapping["projects"] {
  const { projects: known, users } = facts;
  if (known === undefined || users === undefined) return projects;
  return projects.map(({ from, project, user }) => ({
    from,
    project: find(`projects[${from}].project`, project, known),
    user: find(`projects[${from}].user`, user, users),
  }));
}

function missingIn(mapping: RecoveryMapping, needs: RecoveryNeeds): MappingProblem[] {
  const lacks = (field: string, value: string): MappingProblem => ({
    field,
    value,
    message: `The snapshots need it, and the mapping does not name it.`,
    remedy: "Add it, or generate the mapping again.",
  });
  const mapped = new Set(mapping.networks.map(({ from }) => from));
  const absent = (field: string, wanted: readonly string[], table: Readonly<Record<string, string>>) =>
    wanted.filter((each) => !Object.hasOwn(table, each)).map((each) => lacks(field, each));
  return [
    ...needs.networks.filter(({ id }) => !mapped.has(id)).map(({ id }) => lacks("networks", id)),
    ...absent("volume_types", needs.volumeTypes, mapping.volumeTypes),
    ...absent("availability_zones", needs.zones, mapping.zones),
  ];
}

function asNamed(name: string): Named {
  return { id: name, name };
}

function mapValues(
  table: Readonly<Record<string, string>>,
  form: (value: string, key: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, form(value, key)]));
}
