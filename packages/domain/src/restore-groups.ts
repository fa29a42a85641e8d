import type { CapturedSecurityGroup } from "./captured.ts";
import type { RestoreObservation } from "./restore-observation.ts";
import type { CreateSecurityGroupsStep, GroupReference } from "./restore-steps.ts";

/** The key of the step that makes groups. */
export const GROUPS_KEY = "security-groups";

/** Which security groups are there still, and which are to be made again. */
export interface PlannedGroups {
  /** Undefined when there is nothing to make. */
  readonly step: CreateSecurityGroupsStep | undefined;
  /** Null: the project's default group. A group that nobody captured is left out. */
  refer(groupIds: readonly string[] | null): readonly GroupReference[] | null;
}

/**
 * A group that exists under its old id is used as it is. The group `default` of a project cannot be made,
 * only found, so the captured one is replaced by today's. Any other group is made again by value, with the
 * groups that its rules refer to.
 */
export function planGroups(observed: RestoreObservation, neededIds: readonly string[]): PlannedGroups {
  const existing = new Map<string, string>();
  const missing = new Map<string, CapturedSecurityGroup>();
  const queue = [...neededIds];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (existing.has(id) || missing.has(id)) continue;
    const captured = observed.captured.securityGroups.find((group) => group.id === id);
    const today = findToday(observed, id, captured);
    if (today !== undefined) {
      existing.set(id, today);
    } else if (captured !== undefined) {
      missing.set(id, captured);
      queue.push(...captured.rules.flatMap((rule) => rule.remoteGroupId ?? []));
    }
  }
  return {
    step:
      missing.size === 0
        ? undefined
        : { groups: [...missing.values()], existing: Object.fromEntries(existing) },
    refer: (groupIds) =>
      groupIds === null ? null : groupIds.flatMap((id) => referenceTo(id, existing, missing)),
  };
}

function findToday(
  observed: RestoreObservation,
  id: string,
  captured: CapturedSecurityGroup | undefined,
): string | undefined {
  if (observed.securityGroups.some((group) => group.id === id)) return id;
  if (captured?.name !== "default") return undefined;
  return observed.securityGroups.find((group) => group.name === "default")?.id;
}

function referenceTo(
  id: string,
  existing: ReadonlyMap<string, string>,
  missing: ReadonlyMap<string, CapturedSecurityGroup>,
): GroupReference[] {
  const today = existing.get(id);
  if (today !== undefined) return [{ kind: "existing", id: today }];
  return missing.has(id) ? [{ kind: "created", groupsStep: GROUPS_KEY, capturedId: id }] : [];
}
