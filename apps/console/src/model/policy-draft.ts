import type { ReplyOf } from "./api-types.ts";

export type Policy = ReplyOf<"GET /workload_policy">["policy_list"][number];

/** A policy as a form has it: what is typed in, before it is known to be right. */
export interface PolicyDraft {
  readonly name: string;
  readonly description: string;
  readonly everyHours: number;
  /** Which snapshots read everything: the first one, all, or one after `fullAfter` incremental ones. */
  readonly full: "first" | "always" | "after";
  readonly fullAfter: number;
  /** What `keep` counts. */
  readonly keepBy: "snapshots" | "days";
  readonly keep: number;
}

/** What the service takes where nothing is said. */
export const NEW_POLICY: PolicyDraft = {
  name: "",
  description: "",
  everyHours: 24,
  full: "first",
  fullAfter: 7,
  keepBy: "snapshots",
  keep: 30,
};

/** The API's words, which are those of the clients that it is compatible with. */
const KEEP_TYPES = {
  snapshots: "Number of Snapshots to Keep",
  days: "Number of days to retain Snapshots",
} as const;

/** A policy as a form has it; undefined: it has tiers, for which the form has no fields. */
export function draftOf({ name, description, field_values }: Policy): PolicyDraft | undefined {
  const values = new Map(field_values.map((field) => [field.policy_field_name, field.value]));
  const every = /^(\d+)/.exec(String(values.get("interval")))?.[1];
  if (every === undefined) return undefined;
  const full = Number(values.get("fullbackup_interval"));
  return {
    name,
    description,
    everyHours: Number(every),
    full: full < 0 ? "first" : full === 0 ? "always" : "after",
    fullAfter: full > 0 ? full : NEW_POLICY.fullAfter,
    keepBy: values.get("retention_policy_type") === KEEP_TYPES.days ? "days" : "snapshots",
    keep: Number(values.get("retention_policy_value")),
  };
}

/** What a draft decides, as the API takes it. */
export function fieldValuesOf({ everyHours, full, fullAfter, keepBy, keep }: PolicyDraft) {
  const fulls = { first: -1, always: 0, after: fullAfter };
  return {
    interval: `${String(everyHours)}hrs`,
    fullbackup_interval: String(fulls[full]),
    retention_policy_type: KEEP_TYPES[keepBy],
    retention_policy_value: String(keep),
  };
}

/** The first field of a draft that is not right yet. */
export function problemOf(draft: PolicyDraft): "name" | "everyHours" | "fullAfter" | "keep" | undefined {
  if (draft.name.trim() === "") return "name";
  if (!isWhole(draft.everyHours)) return "everyHours";
  if (draft.full === "after" && !isWhole(draft.fullAfter)) return "fullAfter";
  return isWhole(draft.keep) ? undefined : "keep";
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}

/** Who a policy is given to and taken from, so that those who may choose it become the `wanted` ones. */
export function assignmentChange(
  current: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): { readonly add_projects: readonly string[]; readonly remove_projects: readonly string[] } {
  return {
    add_projects: [...wanted.difference(current)],
    remove_projects: [...current.difference(wanted)],
  };
}
