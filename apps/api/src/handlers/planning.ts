import {
  type RestoreCheckReport,
  type RestoreOptions,
  type RestorePlan,
  WORKLOAD_TYPES,
  type WorkloadType,
  wireTime,
} from "@cairn/contract";
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
import type { World } from "../world.ts";
import { previewRetention, previewSchedule } from "./schedule-previews.ts";
import { ownSnapshot } from "./snapshots.ts";

type PlanningHandlers = Pick<
  Handlers,
  | "planRestore"
  | "checkRestore"
  | "previewRetention"
  | "previewSchedule"
  | "listWorkloadTypes"
  | "showWorkloadType"
>;

/** What tells in advance what would happen, and changes nothing. */
export function planningHandlers(world: World): PlanningHandlers {
  return {
    planRestore: async (request) => planRestore(world, request),
    checkRestore: async (request) => checkRestore(world, request),
    previewRetention: async (request) => previewRetention(world, request),
    previewSchedule: async (request) => previewSchedule(world, request),
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
