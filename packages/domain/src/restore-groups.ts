import type { CapturedRule, CapturedSecurityGroup } from "./captured.ts";
import type { RestoreObservation, SecurityGroupFacts } from "./restore-observation.ts";
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
 * How groups are judged that exist and have lost rules since: `keep` uses them as they are, `remake` makes
 * the captured ones beside them. Rules are never added to a group that is in use: they would open instances
 * that nobody named.
 */
export type GroupMode = "keep" | "remake";

/**
 * A group that exists under its old id is used as it is, and so is another one of the same name and rules
 * (an earlier restore made it). The group `default` of a project cannot be made, only found, so the captured
 * one is replaced by today's. Any other group is made again by value, with the groups that its rules refer
 * to.
 */
export function planGroups(
  observed: RestoreObservation,
  neededIds: readonly string[],
  { mode, warn }: { readonly mode: GroupMode; readonly warn: (sentence: string) => void },
): PlannedGroups {
  const existing = new Map<string, string>();
  const missing = new Map<string, CapturedSecurityGroup>();
  const queue = [...neededIds];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (existing.has(id) || missing.has(id)) continue;
    const captured = observed.captured.securityGroups.find((group) => group.id === id);
    const today = findToday(observed, id, captured);
    const isWhole = today === undefined || captured === undefined || hasAllRules(observed, today, captured);
    const remake = !isWhole && mode === "remake" && captured.name !== "default";
    if (!isWhole) warn(lostRules(captured, remake));
    if (today !== undefined && !remake) {
      existing.set(id, today.id);
    } else if (captured !== undefined) {
      missing.set(id, captured);
      if (captured.rules.some((rule) => rule.remoteAddressGroupId !== undefined)) {
        warn(`Security group ${captured.name} comes back without its rules for address groups`);
      }
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

function lostRules({ name }: CapturedSecurityGroup, remake: boolean): string {
  const what = remake
    ? "a group of the same name with the rules of the snapshot was made beside it"
    : "it is used as it is";
  return `Security group ${name} lacks rules that it had in the snapshot; ${what}`;
}

function findToday(
  observed: RestoreObservation,
  id: string,
  captured: CapturedSecurityGroup | undefined,
): SecurityGroupFacts | undefined {
  const same = observed.securityGroups.find((group) => group.id === id);
  if (same !== undefined || captured === undefined) return same;
  if (captured.name === "default") return observed.securityGroups.find((group) => group.name === "default");
  const wanted = rulesOf(captured.rules, observed.captured.securityGroups).toSorted();
  return observed.securityGroups.find((group) => {
    if (group.name !== captured.name) return false;
    const rules = rulesOf(group.rules, observed.securityGroups).toSorted();
    return JSON.stringify(rules) === JSON.stringify(wanted);
  });
}

function hasAllRules(
  observed: RestoreObservation,
  today: SecurityGroupFacts,
  captured: CapturedSecurityGroup,
): boolean {
  const present = rulesOf(today.rules, observed.securityGroups);
  return rulesOf(captured.rules, observed.captured.securityGroups).every((rule) => present.includes(rule));
}

/** Rules as texts that compare across restores: another group is known by its name, not by its id. */
function rulesOf(
  rules: readonly CapturedRule[],
  groups: readonly { readonly id: string; readonly name: string }[],
): string[] {
  return rules.map((rule) => {
    const { remoteGroupId: id } = rule;
    const remote = id === null ? null : (groups.find((group) => group.id === id)?.name ?? id);
    const { direction, ethertype, protocol, portRangeMin, portRangeMax, remoteIpPrefix } = rule;
    const others = rule.remoteAddressGroupId ?? null;
    const range = [portRangeMin, portRangeMax];
    return JSON.stringify([direction, ethertype, protocol, range, remoteIpPrefix, remote, others]);
  });
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
