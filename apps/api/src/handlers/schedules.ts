import type { JobSchedule } from "@cairn/contract";
import {
  findWorkload,
  type Handle,
  isSwitchedOn,
  lockWorkloadRow,
  modifyWorkload,
  removeSchedule,
  saveSchedule,
  turnSwitch,
  type WorkloadRow,
} from "@cairn/database";
import { type BackupSchedule, nextRun, parseSchedule } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import { settlePolicy } from "../policies.ts";
import { conflict, notFound } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assertOwnProject, ensureTrust } from "../trusts.ts";
import { APPLIANCE_ZONE } from "../views/workload-view.ts";
import type { World } from "../world.ts";

type ScheduleHandlers = Pick<
  Handlers,
  | "pauseWorkload"
  | "resumeWorkload"
  | "showGlobalJobScheduler"
  | "enableGlobalJobScheduler"
  | "disableGlobalJobScheduler"
>;

/** What is done with schedules, of one workload and of all. */
export function scheduleHandlers(world: World): ScheduleHandlers {
  return {
    pauseWorkload: async (request) => enable(world, request, false),
    resumeWorkload: async (request) => enable(world, request, true),
    showGlobalJobScheduler: async () => ({
      global_job_scheduler: await isSwitchedOn(world.database.handle, "global_job_scheduler"),
    }),
    enableGlobalJobScheduler: async (request) => turn(world, request, true),
    disableGlobalJobScheduler: async (request) => turn(world, request, false),
  };
}

async function turn(
  world: World,
  { caller }: ApiRequest<"enableGlobalJobScheduler">,
  isOn: boolean,
): Promise<{ global_job_scheduler: boolean }> {
  await turnSwitch(world.database.handle, { name: "global_job_scheduler", isOn, by: caller.userId });
  return { global_job_scheduler: isOn };
}

async function enable(
  world: World,
  request: ApiRequest<"pauseWorkload">,
  isEnabled: boolean,
): Promise<undefined> {
  const { caller, requestId, signal } = request;
  const id = request.params.workload_id;
  const before = await findWorkload(world.database.handle, { id, projectId: caller.projectId });
  if (before === undefined) throw notFound("workload", id);
  await assertChangeable(world, { enabled: isEnabled });
  if (isEnabled) {
    assertOwnProject(caller);
    const schedules = { before: before.jobschedule, after: { ...before.jobschedule, enabled: true } };
    await settlePolicy(world, caller, { asked: undefined, currentId: before.policy_id, ...schedules });
    await ensureTrust(world, caller, world.cloudOf(caller.token, requestId), signal);
  }
  await world.database.transaction(async (transaction) => {
    // As it is now: somebody may just have given it a policy.
    const locked = (await lockWorkloadRow(transaction, before.id)) ?? before;
    const modified = await modifyWorkload(transaction, before.id, {
      jobschedule: { ...locked.jobschedule, enabled: isEnabled },
    });
    if (modified.kind === "busy") throw conflict("workload", id, modified.workload.status);
    if (modified.kind !== "modified") throw notFound("workload", id);
    await keepSchedule(transaction, modified.workload, world.clock.now());
  });
  return undefined;
}

/**
 * What a schedule means; a Rejection names what in it is wrong. `undefined`: nothing is said of schedules.
 */
export function meaningOf(given: JobSchedule | undefined, nowMs: number): BackupSchedule | undefined {
  if (given === undefined || Object.keys(given).length === 0) return undefined;
  return parseSchedule(given, { timeZone: APPLIANCE_ZONE, nowMs });
}

const RETENTION_FIELDS = ["retention_policy_type", "retention_policy_value", "retention_days", "manual"];

/**
 * What of a schedule counts. Who neither switches it on nor says what to retain has none: the usual retention
 * must not delete what they keep by hand.
 */
export function countingRule(jobschedule: JobSchedule, nowMs: number): BackupSchedule | undefined {
  const rule = meaningOf(jobschedule, nowMs);
  const saysRetention = RETENTION_FIELDS.some((field) => jobschedule[field] !== undefined);
  return rule === undefined || !(rule.enabled || saysRetention) ? undefined : rule;
}

/** Writes what the schedule of a workload's row means, and when it is due first: from now on. */
export async function keepSchedule(transaction: Handle, workload: WorkloadRow, nowMs: number): Promise<void> {
  const rule = countingRule(workload.jobschedule, nowMs);
  if (rule === undefined) {
    await removeSchedule(transaction, workload.id);
    return;
  }
  const dueMs = rule.enabled ? nextRun(rule, nowMs)?.atMs : undefined;
  await saveSchedule(transaction, { workloadId: workload.id, rule, dueMs });
}

/** Schedules are not changed while none of them counts: who did would wait for snapshots in vain. */
export async function assertChangeable(world: World, given: JobSchedule | undefined): Promise<void> {
  if (given === undefined || Object.keys(given).length === 0) return;
  if (await isSwitchedOn(world.database.handle, "global_job_scheduler")) return;
  throw new Rejection("The schedule cannot be changed while the global job scheduler is disabled.", {
    status: 409,
    field: "workload.jobschedule",
    value: given,
    remedy: "Leave jobschedule out, or ask an administrator to enable the global job scheduler.",
  });
}
