import { type RetentionPreview, type SchedulePreview, wireTime } from "@cairn/contract";
import { findWorkload, judgedSnapshot, listForRetention } from "@cairn/database";
import {
  type BackupSchedule,
  changedSchedule,
  formatZoned,
  planRetention,
  runsBetween,
  type ScheduledRun,
  simulateRetention,
  zonedTime,
} from "@cairn/domain";
import { settlePolicy } from "../policies.ts";
import { notFound } from "../refusals.ts";
import type { ApiRequest } from "../server.ts";
import { simulationOf, wordOf } from "../views/retention-view.ts";
import { APPLIANCE_ZONE } from "../views/workload-view.ts";
import type { World } from "../world.ts";
import { countingRule } from "./schedules.ts";

const RUNS_SHOWN = 10;
/** Runs that are carried out in thought: with one a day almost three years. */
const RUNS_AHEAD = 1000;

/** Tells of each snapshot of a workload whether its schedule keeps it, or one that is changed. */
export async function previewRetention(
  world: World,
  { body, caller, params }: ApiRequest<"previewRetention">,
): Promise<{ preview: RetentionPreview }> {
  const id = params.workload_id;
  const workload = await findWorkload(world.database.handle, { id, projectId: caller.projectId });
  if (workload === undefined) throw notFound("workload", id);
  const nowMs = world.clock.now();
  const { jobschedule: before, policy_id: currentId } = workload;
  const given = body.preview.jobschedule;
  const after = given === undefined ? undefined : changedSchedule(before, given);
  const asked = body.preview.policy_id;
  const following = await settlePolicy(world, caller, { asked, currentId, before, after });
  const rule = countingRule(following.jobschedule ?? before, nowMs);
  const rows = await listForRetention(world.database.handle, workload.id);
  const judged = rows.map(judgedSnapshot);
  const verdicts =
    rule === undefined ? [] : planRetention({ policy: rule.retention, snapshots: judged, now: nowMs });
  const verdictOf = new Map(verdicts.map((verdict) => [verdict.snapshot.id, verdict]));
  return {
    preview: {
      workload_id: workload.id,
      judged: rule !== undefined,
      snapshots: rows.map((row) => ({
        id: row.id,
        name: row.name,
        created_at: wireTime(row.created_at.getTime()),
        status: row.status,
        is_scheduled: row.is_scheduled,
        ...wordOf(verdictOf.get(row.id)),
      })),
      ...coming(rule, nowMs, body.preview),
    },
  };
}

/** Tells when a schedule would run that a workload may get, and what it would keep. */
export async function previewSchedule(
  world: World,
  { body, caller }: ApiRequest<"previewSchedule">,
): Promise<{ preview: SchedulePreview }> {
  const nowMs = world.clock.now();
  const { jobschedule: after, policy_id: asked } = body.preview;
  const following = await settlePolicy(world, caller, { asked, currentId: null, before: {}, after });
  return { preview: coming(countingRule(following.jobschedule ?? {}, nowMs), nowMs, body.preview) };
}

function coming(
  rule: BackupSchedule | undefined,
  nowMs: number,
  asked: ApiRequest<"previewSchedule">["body"]["preview"],
): SchedulePreview {
  const timezone = rule?.timeZone ?? APPLIANCE_ZONE;
  const runs =
    rule === undefined
      ? []
      : runsBetween(rule, { fromMs: nowMs + 1, toMs: Number.POSITIVE_INFINITY }, RUNS_AHEAD);
  return {
    timezone,
    enabled: rule?.enabled ?? false,
    next_runs: runs.slice(0, asked.runs ?? RUNS_SHOWN).map(({ atMs, type, tiers }) => ({
      at: wireTime(atMs),
      local_time: formatZoned(zonedTime(timezone, atMs)),
      seconds: Math.max(0, Math.round((atMs - nowMs) / 1000)),
      snapshot_type: type,
      tiers: [...tiers],
    })),
    later: rule === undefined ? null : laterOf(rule, runs),
    simulation:
      rule === undefined || asked.simulate_days === undefined
        ? null
        : simulationOf(rule, nowMs, asked.simulate_days),
  };
}

/** What a schedule has kept when all these runs were good, and nothing else was taken. */
function laterOf({ retention }: BackupSchedule, runs: readonly ScheduledRun[]): SchedulePreview["later"] {
  const until = runs.at(-1)?.atMs;
  if (until === undefined) return null;
  const { verdicts } = simulateRetention({
    policy: retention,
    times: runs.map(({ atMs }) => atMs),
    until,
  });
  const kept = verdicts.filter(({ verdict }) => verdict === "keep");
  const oldest = kept.at(-1)?.snapshot.takenAt;
  return {
    runs: runs.length,
    at: wireTime(until),
    snapshots: kept.length,
    oldest_at: oldest === undefined ? null : wireTime(oldest),
  };
}
