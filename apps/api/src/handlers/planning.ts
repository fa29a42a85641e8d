import {
  type RestoreCheckReport,
  type RestoreOptions,
  type RestorePlan,
  WORKLOAD_TYPES,
  type WorkloadType,
  wireTime,
} from "@cairn/contract";
import { findWorkload, judgedSnapshot, listForRetention } from "@cairn/database";
import {
  type BackupSchedule,
  changedSchedule,
  describeReasons,
  formatZoned,
  planRetention,
  type RetentionVerdict,
  runsBetween,
  type ScheduledRun,
  zonedTime,
} from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import { linksOf } from "../links.ts";
import { refuseMounted } from "../mount-refusals.ts";
import { conflict, notFound } from "../refusals.ts";
import { rejectionDetail } from "../replies.ts";
import { refusalsOf, restoreProblems } from "../restore-checks.ts";
import { type DraftQuestion, inPlacePlan, selectivePlan } from "../restore-drafting.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assertOwnProject } from "../trusts.ts";
import { instanceRecords } from "../views/snapshot-view.ts";
import { APPLIANCE_ZONE } from "../views/workload-view.ts";
import type { World } from "../world.ts";
import { countingRule } from "./schedules.ts";
import { ownSnapshot } from "./snapshots.ts";

type PlanningHandlers = Pick<
  Handlers,
  "planRestore" | "checkRestore" | "previewRetention" | "listWorkloadTypes" | "showWorkloadType"
>;

/** What tells in advance what would happen, and changes nothing. */
export function planningHandlers(world: World): PlanningHandlers {
  return {
    planRestore: async (request) => planRestore(world, request),
    checkRestore: async (request) => checkRestore(world, request),
    previewRetention: async (request) => previewRetention(world, request),
    listWorkloadTypes: async (request) => ({ workload_types: workloadTypes(request) }),
    showWorkloadType: async (request) => {
      const id = request.params.workload_type_id;
      const found = workloadTypes(request).find((type) => type.id === id);
      if (found === undefined) throw notFound("workload_type", id);
      return { workload_type: found };
    },
  };
}

async function planRestore(world: World, request: ApiRequest<"planRestore">): Promise<RestorePlan> {
  const { caller, requestId, signal, body } = request;
  const snapshot = await ownSnapshot(world, request);
  if (snapshot.status !== "available") throw conflict("snapshot", snapshot.id, snapshot.status);
  // A plan is for the project of the token: only there can it be told what there is.
  assertOwnProject(caller);
  const records = instanceRecords(snapshot);
  const wanted = body.plan.instances ?? records.map((record): string => record.id);
  const unknown = wanted.find((id) => records.every((record) => record.id !== id));
  if (unknown !== undefined) {
    throw new Rejection(`The snapshot has no instance ${unknown}.`, {
      status: 400,
      field: "plan.instances",
      value: unknown,
      remedy: `It has ${records.map((record) => `${record.id} (${record.name})`).join(", ")}.`,
    });
  }
  const captured = records.filter((record) => wanted.includes(record.id));
  const cloud = world.cloudOf(caller.token, requestId);
  const question: DraftQuestion = { captured, projectId: caller.projectId, cloud, signal };
  const plan = body.plan.restore_type === "inplace" ? inPlacePlan : selectivePlan;
  return named(await plan(question), snapshot.name);
}

/** Asks all that creating the restore would ask, and gathers what it would refuse. */
async function checkRestore(world: World, request: ApiRequest<"checkRestore">): Promise<RestoreCheckReport> {
  const { caller, requestId, signal, body } = request;
  const snapshot = await ownSnapshot(world, request);
  assertOwnProject(caller);
  const captured = instanceRecords(snapshot);
  const cloud = world.cloudOf(caller.token, requestId);
  const refusals = await refusalsOf([
    async () => refuseMounted(world, snapshot),
    async () => {
      if (snapshot.status !== "available") throw conflict("snapshot", snapshot.id, snapshot.status);
    },
  ]);
  const check = { captured, projectId: caller.projectId, cloud, signal };
  refusals.push(...(await restoreProblems(body.restore.options, check)));
  return { problems: refusals.map(rejectionDetail) };
}

function named(
  plan: Omit<RestorePlan, "restore"> & { readonly options: RestoreOptions },
  snapshotName: string,
): RestorePlan {
  const { options, ...rest } = plan;
  const name = options.restore_type === "inplace" ? "In-place restore" : "Selective restore";
  return { restore: { name, description: `Planned of ${snapshotName}`, options }, ...rest };
}

const RUNS_SHOWN = 10;

async function previewRetention(world: World, request: ApiRequest<"previewRetention">) {
  const { body, caller, params } = request;
  const id = params.workload_id;
  const workload = await findWorkload(world.database.handle, { id, projectId: caller.projectId });
  if (workload === undefined) throw notFound("workload", id);
  const nowMs = world.clock.now();
  const given = body.preview.jobschedule;
  const jobschedule =
    given === undefined ? workload.jobschedule : changedSchedule(workload.jobschedule, given);
  const rule = countingRule(jobschedule, nowMs);
  const rows = await listForRetention(world.database.handle, workload.id);
  const judged = rows.map(judgedSnapshot);
  const verdicts =
    rule === undefined ? [] : planRetention({ policy: rule.retention, snapshots: judged, now: nowMs });
  const verdictOf = new Map(verdicts.map((verdict) => [verdict.snapshot.id, verdict]));
  const timezone = rule?.timeZone ?? APPLIANCE_ZONE;
  const runs = rule === undefined ? [] : nextRuns(rule, nowMs, body.preview.runs ?? RUNS_SHOWN);
  return {
    preview: {
      workload_id: workload.id,
      timezone,
      enabled: rule?.enabled ?? false,
      judged: rule !== undefined,
      snapshots: rows.map((row) => ({
        id: row.id,
        name: row.name,
        created_at: wireTime(row.created_at.getTime()),
        status: row.status,
        is_scheduled: row.is_scheduled,
        ...wordOf(verdictOf.get(row.id)),
      })),
      next_runs: runs.map(({ atMs, type, tiers }) => ({
        at: wireTime(atMs),
        local_time: formatZoned(zonedTime(timezone, atMs)),
        seconds: Math.max(0, Math.round((atMs - nowMs) / 1000)),
        snapshot_type: type,
        tiers: [...tiers],
      })),
    },
  };
}

function nextRuns(rule: BackupSchedule, nowMs: number, max: number): readonly ScheduledRun[] {
  return runsBetween(rule, { fromMs: nowMs + 1, toMs: Number.POSITIVE_INFINITY }, max);
}

function wordOf(verdict: RetentionVerdict | undefined) {
  if (verdict === undefined) {
    return { verdict: "keep" as const, reason: "the workload has no schedule: nothing is deleted" };
  }
  return { verdict: verdict.verdict, reason: describeReasons(verdict.reasons) };
}

const TYPES = [
  {
    id: WORKLOAD_TYPES.serial,
    name: "Serial",
    description: "The instances are read one after the other, in the order in which they were added",
  },
  {
    id: WORKLOAD_TYPES.parallel,
    name: "Parallel",
    description: "The instances are read side by side, at one common point in time",
  },
] as const;

function workloadTypes({
  caller,
  origin,
}: ApiRequest<"listWorkloadTypes" | "showWorkloadType">): WorkloadType[] {
  return TYPES.map((type) => ({
    ...type,
    is_public: true,
    status: "available",
    metadata: [],
    created_at: wireTime(0),
    updated_at: null,
    links: linksOf(origin, caller.projectId, `workload_types/${type.id}`),
  }));
}
