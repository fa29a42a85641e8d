import { AdmissionQueue, type AdmittedRun, isAged, type WaitingRun } from "./admission-queue.ts";
import {
  type AdmissionRule,
  type AdmissionScope,
  type CapRule,
  describeHours,
  type HoursRule,
  isWithinHours,
  rulesFor,
} from "./admission-rules.ts";

/** Why a snapshot waits, and for people. */
export interface WaitReason {
  readonly code: "cap" | "blackout" | "window" | "reserved";
  readonly text: string;
}

export interface AdmissionQuestion {
  readonly rules: readonly AdmissionRule[];
  readonly waiting: readonly WaitingRun[];
  readonly running: readonly AdmittedRun[];
  readonly nowMs: number;
}

export interface AdmissionPlan {
  /** In the order in which they begin. */
  readonly admitted: readonly string[];
  /** In the order in which they will be asked again; the first has place 1. */
  readonly waiting: readonly {
    readonly runId: string;
    readonly place: number;
    readonly reason: WaitReason;
  }[];
}

/**
 * Decides which of the waiting snapshots begin now. The order: those that have waited for an hour, the
 * oldest first; those that people asked for; those of schedules. Within the last two, the project comes first
 * that has the fewest snapshots running, and of one project the oldest. One that cannot begin does not hold
 * up those behind it, unless it has waited for an hour: then a place is kept for it wherever it needs one, so
 * that small ones do not pass a large one for ever. What waits for hours of the day, or for a limit of none,
 * keeps no place.
 */
export function planAdmission({ rules, waiting, running, nowMs }: AdmissionQuestion): AdmissionPlan {
  const places = new Places(rules.filter((rule) => rule.kind === "cap"));
  for (const run of running) places.take(run, "running");
  const hours = rules.filter((rule) => rule.kind !== "cap");
  const queue = new AdmissionQueue(waiting, nowMs);
  const admitted: string[] = [];
  const held: { runId: string; place: number; reason: WaitReason }[] = [];
  for (let run = queue.next(places); run !== undefined; run = queue.next(places)) {
    const closed = closedBy(hours, run, nowMs);
    const full = closed === undefined ? places.fullFor(run) : undefined;
    if (closed === undefined && full === undefined) {
      places.take(run, "running");
      admitted.push(run.runId);
      continue;
    }
    if (full !== undefined && isAged(run, nowMs) && !places.isNever(run)) places.take(run, "reserved");
    held.push({ runId: run.runId, place: held.length + 1, reason: closed ?? full ?? IMPOSSIBLE });
  }
  return { admitted, waiting: held };
}

const IMPOSSIBLE: WaitReason = { code: "cap", text: "waits for a place" };

/** Hours that let a run not begin: any blackout; for a scheduled one also that no window is open. */
function closedBy(hours: readonly HoursRule[], run: WaitingRun, nowMs: number): WaitReason | undefined {
  const subjects = [["cloud", undefined] as const, ...run.hosts.map((host) => ["host", host] as const)];
  for (const [scope, subject] of subjects) {
    const found = rulesFor(hours, scope, subject);
    const where = scope === "cloud" ? "the cloud" : `host ${subject}`;
    const blackout = found.find((rule) => rule.kind === "blackout" && isWithinHours(rule, nowMs));
    if (blackout !== undefined) {
      return { code: "blackout", text: `blackout of ${where} (${describeHours(blackout)})` };
    }
    const windows = found.filter((rule) => rule.kind === "window");
    const isOpen = windows.length === 0 || windows.some((rule) => isWithinHours(rule, nowMs));
    if (!isOpen && run.isScheduled) {
      const when = windows.map(describeHours).join("; ");
      return { code: "window", text: `outside of the backup window of ${where} (${when})` };
    }
  }
  return undefined;
}

type Holder = "running" | "reserved";

/** Counts what runs, and what is kept free, by everything that a limit may be for. */
class Places {
  readonly #caps: readonly CapRule[];
  readonly #counts = new Map<string, Record<Holder, number>>();

  constructor(caps: readonly CapRule[]) {
    this.#caps = caps;
  }

  take(run: AdmittedRun, as: Holder): void {
    for (const [scope, subject] of subjectsOf(run)) {
      const key = `${scope}/${subject ?? ""}`;
      const count = this.#counts.get(key) ?? { running: 0, reserved: 0 };
      this.#counts.set(key, { ...count, [as]: count[as] + 1 });
    }
  }

  /** How many snapshots of a project run. */
  ofProject(projectId: string): number {
    return this.#counts.get(`project/${projectId}`)?.running ?? 0;
  }

  /** The first limit that has no place for a run. */
  fullFor(run: AdmittedRun): WaitReason | undefined {
    for (const [scope, subject] of subjectsOf(run)) {
      const max = this.#maxOf(scope, subject);
      if (max === undefined) continue;
      const { running, reserved } = this.#counts.get(`${scope}/${subject ?? ""}`) ?? {
        running: 0,
        reserved: 0,
      };
      const where = scope === "cloud" ? "the cloud" : `${scope} ${subject}`;
      if (running >= max) return { code: "cap", text: `${running} of ${max} snapshots of ${where} run` };
      if (running + reserved < max) continue;
      return { code: "reserved", text: `a place of ${where} is kept for one that has waited longer` };
    }
    return undefined;
  }

  /** Whether some limit is none at all: then it waits for an operator, not for a place. */
  isNever(run: AdmittedRun): boolean {
    return subjectsOf(run).some(([scope, subject]) => this.#maxOf(scope, subject) === 0);
  }

  #maxOf(scope: AdmissionScope, subject: string | undefined): number | undefined {
    const maxima = rulesFor(this.#caps, scope, subject).map((rule) => rule.max);
    return maxima.length === 0 ? undefined : Math.min(...maxima);
  }
}

function subjectsOf(run: AdmittedRun): readonly (readonly [AdmissionScope, string | undefined])[] {
  return [
    ["cloud", undefined],
    ...(run.targetId === undefined ? [] : [["target", run.targetId] as const]),
    ["project", run.projectId],
    ...[...new Set(run.hosts)].map((host) => ["host", host] as const),
  ];
}
