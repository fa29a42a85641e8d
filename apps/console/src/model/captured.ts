import type { SnapshotInstance } from "./api-types.ts";

const MIB = 1024 * 1024;

/** A flavor as a snapshot has it. */
export interface ShownFlavor {
  readonly name: string;
  readonly vcpus: number;
  readonly ramBytes: number;
}

/** The flavor that an instance had, unless the snapshot does not say. */
export function flavorOf({ flavor }: SnapshotInstance): ShownFlavor | undefined {
  const { name, vcpus, ram } = flavor;
  if (typeof name !== "string" || typeof vcpus !== "number" || typeof ram !== "number") return undefined;
  return { name, vcpus, ramBytes: ram * MIB };
}

/** The names of the security groups that an instance had. */
export function groupNames({ security_group: groups }: SnapshotInstance): string[] {
  return groups.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
}
