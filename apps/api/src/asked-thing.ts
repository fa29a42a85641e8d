import { findNamedThing, type Handle, NAMED_KINDS } from "@cairn/database";

/** What the path of a request names. */
export interface AskedThing {
  readonly kind: string;
  readonly id: string;
  /** Empty where the thing has none, or is not there. */
  readonly name: string;
  /** Absent where it belongs to nobody, or is not there: the handler will say so. */
  readonly ownerId?: string;
}

type Params = Readonly<Record<string, string>>;

/** What the last id in a path stands for, as the path has it: nothing is looked up. */
export function thingOfPath(params: Params): { readonly kind: string; readonly id: string } | undefined {
  const named = NAMED_KINDS.toReversed().find((kind) => params[`${kind}_id`] !== undefined);
  const [name, id] =
    named === undefined ? (Object.entries(params)[0] ?? []) : [`${named}_id`, params[`${named}_id`]];
  if (name === undefined || id === undefined) return undefined;
  // An id that cannot be one is no row's, and PostgreSQL's texts hold no U+0000.
  return { kind: name.replace(/_(?:id|name)$/, ""), id: id.replaceAll(/\p{Cc}/gu, "?") };
}

/** The same with its name and owner. A thing of another project is told nothing of. */
export async function askedThing(
  handle: Handle,
  params: Params,
  projectId: string,
): Promise<AskedThing | undefined> {
  const thing = thingOfPath(params);
  if (thing === undefined) return undefined;
  const kind = NAMED_KINDS.find((each) => each === thing.kind);
  const found = kind === undefined ? undefined : await findNamedThing(handle, { kind, id: thing.id });
  if (found === undefined || found.projectId !== projectId) return { ...thing, name: "" };
  return { ...thing, name: found.name, ownerId: found.userId };
}
