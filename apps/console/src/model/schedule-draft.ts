import type { Workload } from "./api-types.ts";

/** A schedule as a form has it. Days and times as inputs of a browser write them. */
export interface ScheduleDraft {
  readonly timeZone: string;
  /** `21:00`. */
  readonly startTime: string;
  /** `2026-11-24`; empty: today, and of one that is there, as it is. */
  readonly startDay: string;
  /** The last day; empty: none. */
  readonly endDay: string;
  readonly everyHours: string;
  readonly fullRule: FullRule;
  /** After so many incremental ones a full one, by the rule `after`. */
  readonly fullAfter: string;
  readonly keepBy: KeepBy;
  /** So many snapshots, or those of so many days. */
  readonly keep: string;
}

export type FullRule = "first" | "always" | "after";
export type KeepBy = "snapshots" | "days";

/** The API's words for what is kept. */
const KEEP_WORDS: Readonly<Record<KeepBy, string>> = {
  snapshots: "Number of Snapshots to Keep",
  days: "Number of days to retain Snapshots",
};

/** What a form begins with: once a night, the last 30. */
export function newSchedule(timeZone: string): ScheduleDraft {
  return {
    timeZone,
    startTime: "21:00",
    startDay: "",
    endDay: "",
    everyHours: "24",
    fullRule: "first",
    fullAfter: "7",
    keepBy: "snapshots",
    keep: "30",
  };
}

/** A `jobschedule` of the draft, switched on; `isFollowing`: a policy decides rhythm and retention. */
export function jobscheduleOf(draft: ScheduleDraft, isFollowing: boolean): Record<string, unknown> {
  const span = {
    enabled: true,
    timezone: draft.timeZone,
    start_time: draft.startTime,
    ...(draft.startDay === "" ? {} : { start_date: wireDay(draft.startDay) }),
    end_date: draft.endDay === "" ? "No End" : wireDay(draft.endDay),
  };
  if (isFollowing) return span;
  return {
    ...span,
    interval: `${draft.everyHours}hrs`,
    fullbackup_interval: fullWord(draft),
    retention_policy_type: KEEP_WORDS[draft.keepBy],
    retention_policy_value: draft.keep,
  };
}

function fullWord({ fullRule, fullAfter }: ScheduleDraft): string {
  switch (fullRule) {
    case "first":
      return "-1";
    case "always":
      return "0";
    case "after":
      return fullAfter;
  }
}

/** What of a draft is wrong: the field's name, which every language has a sentence for. */
export type ScheduleProblem = "timeZone" | "startTime" | "endDay" | "everyHours" | "fullAfter" | "keep";

/** What is missing or wrong, in the order of the form. What only the API knows, it refuses. */
export function scheduleProblems(draft: ScheduleDraft, isFollowing: boolean): ScheduleProblem[] {
  const { startTime, startDay, endDay } = draft;
  const span: ScheduleProblem[] = [
    ...(draft.timeZone === "" ? ["timeZone" as const] : []),
    ...(/^\d{2}:\d{2}$/.test(startTime) ? [] : ["startTime" as const]),
    ...(endDay !== "" && startDay !== "" && endDay < startDay ? ["endDay" as const] : []),
  ];
  if (isFollowing) return span;
  return [
    ...span,
    ...(isWhole(draft.everyHours, 8760) ? [] : ["everyHours" as const]),
    ...(draft.fullRule !== "after" || isWhole(draft.fullAfter, 999) ? [] : ["fullAfter" as const]),
    ...(isWhole(draft.keep, 9999) ? [] : ["keep" as const]),
  ];
}

function isWhole(text: string, max: number): boolean {
  return /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= max;
}

/** The draft of a schedule that is there, in the classic form; what it does not say has its usual value. */
export function draftOfSchedule(given: Workload["jobschedule"], timeZone: string): ScheduleDraft {
  const usual = newSchedule(textOf(given["timezone"]) ?? timeZone);
  const full = textOf(given["fullbackup_interval"]);
  return {
    ...usual,
    startTime: clockOf(textOf(given["start_time"])) ?? usual.startTime,
    startDay: inputDay(textOf(given["start_date"])),
    endDay: inputDay(textOf(given["end_date"])),
    everyHours: /^\d+/.exec(textOf(given["interval"]) ?? "")?.[0] ?? usual.everyHours,
    fullRule: full === undefined || full === "-1" ? "first" : full === "0" ? "always" : "after",
    fullAfter: full !== undefined && /^[1-9]\d*$/.test(full) ? full : usual.fullAfter,
    keepBy: given["retention_policy_type"] === KEEP_WORDS.days ? "days" : "snapshots",
    keep: textOf(given["retention_policy_value"]) ?? usual.keep,
  };
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** `11/24/2026` of `2026-11-24`. */
function wireDay(day: string): string {
  const [year = "", month = "", date = ""] = day.split("-");
  return `${month}/${date}/${year}`;
}

/** `2026-11-24` of `11/24/2026` or `11/24/26`; empty of anything else, such as `No End`. */
function inputDay(text: string | undefined): string {
  const found = /^(\d{1,2})\/(\d{1,2})\/(?:20)?(\d{2})$/.exec(text ?? "");
  if (found === null) return "";
  const [month = "", date = "", year = ""] = found.slice(1);
  return `20${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
}

/** `21:30` of `09:30 PM` or `21:30:00`. */
function clockOf(text: string | undefined): string | undefined {
  const found = /^(\d{1,2}):(\d{2})(?::\d{2})?\s*([AP]M)?$/i.exec(text ?? "");
  if (found === null) return undefined;
  const half = found[3]?.toUpperCase();
  const hour = Number(found[1]);
  const inDay = half === undefined ? hour : (hour % 12) + (half === "PM" ? 12 : 0);
  return `${String(inDay).padStart(2, "0")}:${found[2] ?? "00"}`;
}
