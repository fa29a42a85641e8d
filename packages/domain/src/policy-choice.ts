import { Rejection } from "@cairn/kernel";
import type { GivenFields } from "./schedule-fields.ts";
import { addsOwnSchedule } from "./workload-policy.ts";

/** A policy that can be chosen. */
export interface NamedPolicy {
  readonly id: string;
  readonly name: string;
}

/** What a request says about the policy of a workload. `none`: it shall follow none any more. */
export type PolicyWish =
  | { readonly kind: "silent" }
  | { readonly kind: "none" }
  | { readonly kind: "named"; readonly id: string };

/** What a choice depends on. */
export interface PolicyQuestion<Policy extends NamedPolicy> {
  readonly wish: PolicyWish;
  /** The policy that the workload follows so far. */
  readonly current: Policy | undefined;
  /** The policy that the wish names, where there is one of that id. */
  readonly named: Policy | undefined;
  /** Those of the workload's project: if there are some, its members choose among them. */
  readonly assigned: readonly Policy[];
  readonly isAdmin: boolean;
  /** The workload's `jobschedule`, as it was and as the request would have it. */
  readonly jobschedule: { readonly before: GivenFields; readonly after: GivenFields };
}

/**
 * The policy that a workload follows after a request; `undefined`: none. Administrators choose any policy or
 * none. Throws a Rejection that says which policies there are.
 */
export function choosePolicy<Policy extends NamedPolicy>(
  question: PolicyQuestion<Policy>,
): Policy | undefined {
  const { wish, current, assigned, isAdmin, jobschedule } = question;
  const isBound = assigned.length > 0 && !isAdmin;
  switch (wish.kind) {
    case "named":
      return chosen(question, wish.id);
    case "none":
      if (isBound && current !== undefined) throw bound("workload.policy_id", "none", assigned);
      return undefined;
    case "silent": {
      if (current !== undefined) return current;
      const { before, after } = jobschedule;
      if (isBound && addsOwnSchedule(before, after)) throw bound("workload.jobschedule", after, assigned);
      return undefined;
    }
  }
}

/** To keep a policy is no choice: it may have been taken from the project since. */
function chosen<Policy extends NamedPolicy>(question: PolicyQuestion<Policy>, id: string): Policy {
  const { current, assigned, isAdmin, named } = question;
  const open = [...(current === undefined ? [] : [current]), ...assigned];
  const found = open.find((policy) => policy.id === id) ?? (isAdmin ? named : undefined);
  if (found !== undefined) return found;
  throw new Rejection(`Policy ${id} could not be found.`, {
    status: 400,
    field: "workload.policy_id",
    value: id,
    remedy:
      assigned.length === 0
        ? "No policies are assigned to this project: leave policy_id out, or ask an administrator for one."
        : `Choose ${words(assigned)}.`,
  });
}

function bound(field: string, value: unknown, assigned: readonly NamedPolicy[]): Rejection {
  return new Rejection("Workloads of this project follow a policy; they have no schedules of their own.", {
    status: 400,
    field,
    value,
    remedy: `Give as policy_id ${words(assigned)}.`,
  });
}

const SHOWN_MAX = 10;

function words(policies: readonly NamedPolicy[]): string {
  const shown = policies.slice(0, SHOWN_MAX).map(({ id, name }) => `${id} (${name})`);
  const more = policies.length > shown.length ? [`${policies.length - shown.length} more`] : [];
  return [...shown, ...more].join(" or ");
}
