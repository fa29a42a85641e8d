import { type AdmissionRuleBody, wireTime } from "@cairn/contract";
import {
  type AdmissionRuleRow,
  addAdmissionRule,
  listAdmissionRules,
  listAdmissionSubjects,
  removeAdmissionRule,
} from "@cairn/database";
import { type AdmissionRule, describeHours, isTimeZone } from "@cairn/domain";
import { newId, Rejection } from "@cairn/kernel";
import { notFound } from "../refusals.ts";
import type { Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageAmong } from "./lists.ts";

type AdmissionHandlers = Pick<
  Handlers,
  "showAdmissionQueue" | "listAdmissionRules" | "createAdmissionRule" | "deleteAdmissionRule"
>;

const QUEUE_SHOWN = 100;

/** What operators do about how much runs at once. */
export function admissionHandlers(world: World): AdmissionHandlers {
  const { database, clock } = world;
  return {
    showAdmissionQueue: async ({ query }) => {
      const subjects = await listAdmissionSubjects(database.handle);
      const waiting = subjects.filter((each) => each.admittedAt === null);
      const inOrder = waiting.toSorted((one, other) => (one.place ?? LAST) - (other.place ?? LAST));
      return {
        queue: pageAmong(inOrder, { limit: QUEUE_SHOWN, ...query }, ({ runId }) => runId).map((each) => ({
          run_id: each.runId,
          snapshot_id: each.snapshotId,
          workload_id: each.workloadId,
          project_id: each.projectId,
          is_scheduled: each.isScheduled,
          asked_at: wireTime(each.askedAt.getTime()),
          waited_seconds: Math.max(0, Math.round((clock.now() - each.askedAt.getTime()) / 1000)),
          place: each.place,
          reason: each.reason,
          hosts: [...(each.hosts ?? [])],
          target_id: each.targetId,
        })),
        waiting: waiting.length,
        running: subjects.length - waiting.length,
      };
    },
    listAdmissionRules: async ({ query }) => {
      const rows = await listAdmissionRules(database.handle);
      return { rules: pageAmong(rows, query, ({ id }) => id).map(ruleView) };
    },
    createAdmissionRule: async ({ body, caller }) => {
      const rule = ruleOf(body.rule);
      const row = await database.transaction(async (transaction) =>
        addAdmissionRule(transaction, { id: newId(), rule, by: caller.userId }),
      );
      return { rule: ruleView(row) };
    },
    deleteAdmissionRule: async ({ params }) => {
      if (!(await removeAdmissionRule(database.handle, params.rule_id))) {
        throw notFound("admission rule", params.rule_id);
      }
      return undefined;
    },
  };
}

/** Nobody has decided about these yet: they were asked for a moment ago. */
const LAST = Number.MAX_SAFE_INTEGER;

const DAYS: Readonly<Record<string, readonly number[]>> = {
  mon: [0],
  tue: [1],
  wed: [2],
  thu: [3],
  fri: [4],
  sat: [5],
  sun: [6],
  weekday: [0, 1, 2, 3, 4],
  weekend: [5, 6],
  every: [0, 1, 2, 3, 4, 5, 6],
};
const DAY_NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function ruleOf(body: AdmissionRuleBody): AdmissionRule {
  const subject = body.subject ?? undefined;
  if (body.scope === "cloud" && subject !== undefined) {
    throw new Rejection("A rule of the whole cloud is about nothing less.", {
      status: 400,
      field: "rule.subject",
      value: subject,
      remedy: "Leave it out, or choose another scope.",
    });
  }
  if (body.kind === "cap") return { kind: "cap", scope: body.scope, max: body.max, ...named(subject) };
  if (!isTimeZone(body.timezone)) {
    throw new Rejection(`There is no time zone ${body.timezone}.`, {
      status: 400,
      field: "rule.timezone",
      value: body.timezone,
      remedy: "Use a name such as Europe/Rome or UTC.",
    });
  }
  const weekdays = [...new Set(body.days.flatMap((name) => DAYS[name] ?? []))].toSorted((a, b) => a - b);
  return {
    kind: body.kind,
    scope: body.scope,
    ...named(subject),
    timeZone: body.timezone,
    weekdays,
    fromMinute: minuteOf(body.from),
    toMinute: minuteOf(body.to),
  };
}

function named(subject: string | undefined) {
  return subject === undefined ? {} : { subject };
}

function minuteOf(clockTime: string): number {
  const [hour, minute] = clockTime.split(":").map(Number);
  return (hour ?? 0) * 60 + (minute ?? 0);
}

function ruleView(row: AdmissionRuleRow) {
  const { id, rule, changed_by, created_at } = row;
  return {
    id,
    description: describe(rule),
    rule: bodyOf(rule),
    changed_by,
    created_at: wireTime(created_at.getTime()),
  };
}

function describe(rule: AdmissionRule): string {
  const each = rule.subject ?? "each";
  const where = rule.scope === "cloud" ? "the cloud" : `${rule.scope} ${each}`;
  if (rule.kind === "cap") return `at most ${rule.max} snapshots at once: ${where}`;
  const what = rule.kind === "window" ? "scheduled snapshots begin only" : "no snapshot begins";
  return `${what} ${describeHours(rule)}: ${where}`;
}

function bodyOf(rule: AdmissionRule): AdmissionRuleBody {
  const subject = rule.subject ?? null;
  if (rule.kind === "cap") return { kind: "cap", scope: rule.scope, subject, max: rule.max };
  return {
    kind: rule.kind,
    scope: rule.scope,
    subject,
    timezone: rule.timeZone,
    days: rule.weekdays.map((index) => DAY_NAMES[index] ?? ""),
    from: clockOf(rule.fromMinute),
    to: clockOf(rule.toMinute),
  };
}

function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
