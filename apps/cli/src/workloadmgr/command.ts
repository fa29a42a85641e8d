import type { RouteId } from "@cairn/contract";

/** How the text of an argument becomes a value. */
export type Value =
  | "text"
  | "integer"
  /** `True` or `False`, as the reference spells them, in any spelling. */
  | "boolean"
  /** True when the option is there. */
  | "flag"
  /** `KEY=VALUE`; all of them make one object. */
  | "pairs"
  /** As `pairs`, for a part of a tiered schedule: lists are written with commas. */
  | "tier"
  /** An instance: `instance-id=ID`, or the id alone. */
  | "member"
  /** Several texts, with commas or by repeating the option. */
  | "list"
  /** The name of a file with JSON or a literal of Python. */
  | "document"
  /** The name of a file with YAML, which JSON is, too. */
  | "yaml"
  /** The name of a file whose text is sent as it is. */
  | "contents";

/** Lists in which a thing is looked for that was given by name. */
export type Findable = "workload" | "snapshot" | "restore";

/** One argument of a command: `workload_id` is positional, `--display-name` an option. */
export interface Parameter {
  readonly name: string;
  readonly help: string;
  /** `text` unless told. */
  readonly value?: Value;
  /**
   * Where it goes in the request: `path.workload_id`, `query.full`, `body.workload.name`; `filter.host` keeps
   * the rows of the reply in which this field is equal; `out.…` is for the command itself.
   */
  readonly to: string;
  /** What stands for the value in the help; its name unless told. */
  readonly metavar?: string;
  /** An option that must be given, unless one that stands alone is. */
  readonly required?: true;
  /** No other parameter of the command can be given beside it. */
  readonly alone?: true;
  /** May be given several times; a positional one also not at all. */
  readonly repeated?: true;
  readonly choices?: readonly string[];
  /** Its value when it is not given. */
  readonly otherwise?: string;
  /** May be given by name, too. */
  readonly find?: Findable;
}

/**
 * A column: its head, and the field of the reply (`metadata.0.value`), or the first of several that there is
 * (`a|b`); as JSON where scripts parse it so.
 */
export type Column = readonly [head: string, field: string, as?: "json"];

/** A further table of `--output`: rows along a path (`instances.*.nics.*`), fields by its stars (`1.mac`). */
export interface Section {
  readonly rows: string;
  readonly columns: readonly Column[];
}

/** What a command prints of the reply. */
export type Result =
  | {
      readonly kind: "list";
      readonly at: string;
      readonly columns: readonly Column[];
      /** The file to which `out.map` writes a map of the rows' owners, to be filled in. */
      readonly map?: string;
      /** The field by which one asks for the next page; `id` unless told. */
      readonly marker?: string;
    }
  | {
      readonly kind: "item";
      /** Where in the reply the thing is; empty for the whole reply. */
      readonly at: string;
      /** The fields in their order; `all` for those of the reply. */
      readonly fields: readonly (string | Column)[] | "all";
      readonly sections?: Readonly<Record<string, Section>>;
      /** A record whose values are fields, too, as JSON, each by the name that it has in `head`. */
      readonly spread?: { readonly at: string; readonly head: string };
    }
  | { readonly kind: "nothing" }
  /** A line in which `{body.node_name}` stands for what was given, `{reply.message}` for the answer. */
  | { readonly kind: "line"; readonly text: string }
  /** The reply as a literal of Python. */
  | { readonly kind: "literal"; readonly fields: readonly string[] };

/**
 * One command of workloadmgr as data: what it takes, which operation of the contract it is, and what it
 * prints. Help, manual page, completion and the plug-in of the `openstack` client are made from it, too.
 */
export interface Command {
  readonly name: string;
  /** Its name as `openstack …`, where splitting at dashes does not give a good one. */
  readonly openstack?: string;
  readonly summary: string;
  /** What stands behind the command's name in the examples of its help. */
  readonly examples: readonly string[];
  readonly operation: RouteId;
  readonly parameters: readonly Parameter[];
  /** Parts of the request that are always the same. */
  readonly fixed?: Readonly<Record<string, string | number | boolean>>;
  readonly result: Result;
}

/** Whether a parameter is an option. */
export function isOption({ name }: Parameter): boolean {
  return name.startsWith("-");
}

/** `openstack workload snapshot list` for `snapshot-list`. */
export function openstackName({ name, openstack }: Command): string {
  if (openstack !== undefined) return openstack;
  const [resource = "", ...verb] = name.split("-");
  return resource === "workload" ? `workload ${verb.join("-")}` : `workload ${resource} ${verb.join("-")}`;
}

export const nothing: Result = { kind: "nothing" };

/** The positional id (or name) of a workload, a snapshot or a restore. */
export function idOf(kind: Findable): Parameter {
  return { name: `${kind}_id`, help: `id or name of the ${kind}`, to: `path.${kind}_id`, find: kind };
}
