/*
 * Which backup target a workload gets. It names a type, or none; types are everybody's, or given to projects.
 */

/** A type as it is offered. */
export interface OfferedTargetType {
  readonly id: string;
  readonly name: string;
  readonly targetId: string;
  readonly isPublic: boolean;
  /** The projects that it was given to. */
  readonly projectIds: readonly string[];
  /** Its target was proven. */
  readonly isReady: boolean;
}

export interface TargetWanted {
  readonly projectId: string;
  /** Name or id; undefined: the default. */
  readonly wanted: string | undefined;
  /** Undefined while there is none. */
  readonly defaultTargetId: string | undefined;
}

export type TargetChoice =
  | { readonly kind: "chosen"; readonly typeId: string; readonly targetId: string }
  /** There is no target at all yet: the first snapshot takes the default of its day. */
  | { readonly kind: "later" }
  /** No such type, or it is another project's, which nobody can tell apart. */
  | { readonly kind: "unknown"; readonly names: readonly string[] }
  /** None was named, and the default is not for this project. */
  | { readonly kind: "default-hidden"; readonly names: readonly string[] }
  | { readonly kind: "unready"; readonly name: string };

/** Whether a project may see and choose a type. */
export function isTypeVisible(
  type: Pick<OfferedTargetType, "isPublic" | "projectIds">,
  projectId: string,
): boolean {
  return type.isPublic || type.projectIds.includes(projectId);
}

/**
 * The type that a workload gets: an id before a name, and of the default target's types the first that the
 * project sees.
 */
export function chooseTargetType(
  offered: readonly OfferedTargetType[],
  { projectId, wanted, defaultTargetId }: TargetWanted,
): TargetChoice {
  const visible = offered.filter((type) => isTypeVisible(type, projectId));
  const names = visible.filter(({ isReady }) => isReady).map(({ name }) => name);
  if (wanted === undefined) {
    if (defaultTargetId === undefined) return names.length === 0 ? { kind: "later" } : unnamed(names);
    const first = visible.find(({ targetId }) => targetId === defaultTargetId);
    return first === undefined ? unnamed(names) : chosen(first);
  }
  const found = visible.find(({ id }) => id === wanted) ?? visible.find(({ name }) => name === wanted);
  if (found === undefined) return { kind: "unknown", names };
  return found.isReady ? chosen(found) : { kind: "unready", name: found.name };
}

function unnamed(names: readonly string[]): TargetChoice {
  return { kind: "default-hidden", names };
}

function chosen({ id, targetId }: OfferedTargetType): TargetChoice {
  return { kind: "chosen", typeId: id, targetId };
}
