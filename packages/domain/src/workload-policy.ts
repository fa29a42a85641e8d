import { Rejection } from "@cairn/kernel";
import { asKnownFields, type GivenFields, isGiven, refusal } from "./schedule-fields.ts";
import { showSchedule } from "./schedule-reply.ts";
import { changedSchedule, parseSchedule, scheduleFormOf } from "./schedule-request.ts";

/** What a policy decides in the classic form, in the order in which clients list it. */
const CLASSIC_FIELDS = [
  "fullbackup_interval",
  "interval",
  "retention_policy_type",
  "retention_policy_value",
] as const;
const TIER_FIELDS = ["hourly", "daily", "weekly", "monthly", "yearly", "manual"] as const;
const FIELDS: readonly string[] = [...CLASSIC_FIELDS, ...TIER_FIELDS];
/** In a workload's `jobschedule` there is one more way to say the same. */
const DECIDED_FIELDS: ReadonlySet<string> = new Set([...FIELDS, "retention_days"]);

/** Any: what a policy decides does not depend on when or where its workloads start. */
const NOWHERE = { timeZone: "UTC", nowMs: 0 } as const;

/**
 * The field values of a policy, complete: rhythm and retention, in the classic or the tiered form. Throws a
 * Rejection that names field, value and remedy. Enabling, start, end and time zone are not a policy's.
 */
export function parsePolicyFields(given: GivenFields): GivenFields {
  const fields = asKnownFields({ field: "field_values", value: given }, FIELDS);
  const said = Object.fromEntries(FIELDS.flatMap((name) => entryOf(fields, name)));
  if (Object.keys(said).length === 0) {
    const remedy = `Give some of ${CLASSIC_FIELDS.join(", ")}, or tiers such as hourly and daily.`;
    throw refusal({ field: "field_values", value: given }, "The policy decides nothing.", remedy);
  }
  return inPolicyWords(() => {
    const schedule = parseSchedule({ enabled: true, ...said }, NOWHERE);
    if (scheduleFormOf(said) === "tiered") return said;
    const shown = showSchedule({
      given: said,
      schedule,
      nowMs: NOWHERE.nowMs,
      isSwitchedOn: false,
      applianceTimeZone: NOWHERE.timeZone,
    });
    return Object.fromEntries(CLASSIC_FIELDS.map((name) => [name, shown[name]]));
  });
}

function entryOf(fields: GivenFields, name: string): [string, unknown][] {
  return isGiven(fields[name]) ? [[name, fields[name]]] : [];
}

/** A policy's field values after a change: what is absent stays, unless the form changes. */
export function changedPolicyFields(before: GivenFields, given: GivenFields): GivenFields {
  return parsePolicyFields(changedSchedule(before, given));
}

/** The rules are read as a schedule's; whoever made a policy knows its fields by another path. */
function inPolicyWords<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Rejection)) throw cause;
    const reworded = (text: string): string => text.replaceAll("jobschedule.", "field_values.");
    throw new Rejection(reworded(cause.message), {
      status: cause.status,
      value: cause.value,
      ...(cause.field === undefined ? {} : { field: reworded(cause.field) }),
      remedy: reworded(cause.remedy),
    });
  }
}

/** A `jobschedule` whose rhythm and retention are the policy's, and all else is the workload's own. */
export function followPolicy(jobschedule: GivenFields, fields: GivenFields): GivenFields {
  const own = Object.entries(jobschedule).filter(([name]) => !DECIDED_FIELDS.has(name));
  return { ...Object.fromEntries(own), ...fields };
}

/**
 * Whether a change gives a workload a schedule of its own making: one that is switched on, or says another
 * rhythm or retention than before. Clients that send back what they were shown change nothing.
 */
export function addsOwnSchedule(before: GivenFields, after: GivenFields): boolean {
  const [earlier, later] = [parseSchedule(before, NOWHERE), parseSchedule(after, NOWHERE)];
  if (later.enabled && !earlier.enabled) return true;
  if (!decides(after)) return false;
  return !decides(before) || decisionOf(earlier) !== decisionOf(later);
}

function decides(jobschedule: GivenFields): boolean {
  return Object.entries(jobschedule).some(([name, value]) => DECIDED_FIELDS.has(name) && isGiven(value));
}

function decisionOf({ rhythm, fullRule, retention }: ReturnType<typeof parseSchedule>): string {
  return JSON.stringify([rhythm, fullRule, { ...retention, timeZone: undefined }]);
}
