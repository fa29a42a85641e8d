import {
  type Asker,
  claimDueSchedule,
  concludeDue,
  countIncrementals,
  type Database,
  type DueResult,
  type DueSchedule,
  type Handle,
  isSwitchedOn,
  openSnapshot,
} from "@cairn/database";
import {
  type BackupSchedule,
  describeExceeded,
  isFullDue,
  judgeDue,
  type SkipReason,
  snapshotKind,
} from "@cairn/domain";
import type { Clock } from "@cairn/kernel";
import { asObject, noteDeed } from "./auditing.ts";
import type { Log } from "./step.ts";

/** What starts the runs of schedules. */
export interface SchedulingWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** A run that could not start for so long is skipped. */
  readonly graceMs: number;
}

/** The name that existing clients know scheduled snapshots by. */
export const SCHEDULED_NAME = "jobscheduler";
/** A workload that is busy is looked at again after this. */
const LOOK_AGAIN_MS = 15_000;

/**
 * Starts or skips the run that is due longest; false when none is. The snapshot, its run and the schedule's
 * next time are one transaction: a crash before its end leaves the run due, one after it leaves it started.
 */
export async function startDueOnce(world: SchedulingWorld): Promise<boolean> {
  return world.database.transaction(async (transaction) => {
    const nowMs = world.clock.now();
    const due = await claimDueSchedule(transaction, nowMs);
    if (due === undefined) return false;
    const result = await settle(transaction, { world, due, nowMs });
    await concludeDue(transaction, due.schedule, result);
    const { kind, ...facts } = result;
    world.log.info(`schedule.${kind}`, { workload: due.workload.id, due: due.schedule.due_at, ...facts });
    return true;
  });
}

/** Why a run does not come, for people. */
const SKIPPED: Readonly<Record<SkipReason, string>> = {
  "schedule-off": "the schedule was switched off",
  "all-schedules-off": "the global job scheduler is disabled",
  rescheduled: "the schedule was changed",
  "too-late": "it could not begin within the grace period",
  "workload-unavailable": "the workload was busy",
};

interface Settling {
  readonly world: SchedulingWorld;
  readonly due: DueSchedule;
  readonly nowMs: number;
}

async function settle(transaction: Handle, { world, due, nowMs }: Settling): Promise<DueResult> {
  const { schedule, workload } = due;
  const rule = schedule.rule as BackupSchedule;
  const verdict = judgeDue({
    schedule: rule,
    dueMs: schedule.due_at.getTime(),
    nowMs,
    graceMs: world.graceMs,
    isSwitchedOn: await isSwitchedOn(transaction, "global_job_scheduler"),
    isWorkloadAvailable: workload.status === "available",
  });
  if (verdict.kind === "wait")
    return { kind: "waiting", because: "the clock was set back", lookMs: verdict.nextDueMs };
  const nextMs = verdict.nextDueMs;
  if (verdict.kind === "skip") {
    // It may be free in time; then the run is late, not lost.
    if (verdict.reason === "workload-unavailable")
      return {
        kind: "waiting",
        because: `the workload is ${workload.status}`,
        lookMs: nowMs + LOOK_AGAIN_MS,
      };
    return { kind: "skipped", because: SKIPPED[verdict.reason], nextMs };
  }
  const incrementals = await countIncrementals(transaction, workload.id);
  const { type } = verdict.run;
  const isFull = type === "by-rule" ? isFullDue(rule.fullRule, incrementals) : type === "full";
  const asker: Asker = { projectId: workload.project_id, userId: workload.user_id };
  const opened = await openSnapshot(transaction, asker, {
    workloadId: workload.id,
    name: SCHEDULED_NAME,
    description: "",
    isScheduled: true,
    snapshotType: snapshotKind({
      requested: isFull ? "full" : "incremental",
      nextFull: workload.next_full,
      hasCommittedSnapshot: incrementals !== undefined,
    }),
  });
  if (opened.kind === "over-quota") {
    return {
      kind: "skipped",
      because: `the quota is exceeded: ${describeExceeded(opened.exceeded)}`,
      nextMs,
    };
  }
  // The workload's row is locked since it was looked at.
  if (opened.kind !== "opened") throw new Error(`bug: workload ${workload.id} is ${JSON.stringify(opened)}`);
  await noteDeed(transaction, {
    action: "engine:snapshot_scheduled",
    projectId: workload.project_id,
    object: asObject(opened.snapshot),
    detail: `workload ${workload.name}, due ${schedule.due_at.toISOString()}`,
  });
  return { kind: "started", nextMs };
}
