import type { BodyOf, Policy } from "@cairn/contract";
import {
  assignPolicy,
  changePolicy,
  createPolicy,
  findPolicy,
  listPolicies,
  listPolicyAssignments,
  lockPolicy,
  type PolicyRow,
  type PolicyUse,
  removePolicy,
} from "@cairn/database";
import { changedPolicyFields, parsePolicyFields } from "@cairn/domain";
import { asId, mapLimited, newId, type ProjectId, Rejection } from "@cairn/kernel";
import type { Caller } from "../policy.ts";
import { notFound } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assignmentView, policyView } from "../views/policy-view.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

type PolicyHandlers = Pick<
  Handlers,
  | "listPolicies"
  | "createPolicy"
  | "listAssignedPolicies"
  | "showPolicy"
  | "updatePolicy"
  | "deletePolicy"
  | "assignPolicy"
>;

/** Projects looked up in Keystone at the same time. */
const LOOKUPS_IN_FLIGHT_MAX = 8;

/** What is done with policies. Who is no administrator sees those that their project may choose. */
export function policyHandlers(world: World): PolicyHandlers {
  return {
    listPolicies: async ({ caller, query }) => {
      const filter = caller.isAdmin ? {} : { assignedTo: caller.projectId };
      const rows = await listPolicies(world.database.handle, filter, pageOf(query));
      return { policy_list: await views(world, caller, rows) };
    },
    createPolicy: async (request) => create(world, request),
    listAssignedPolicies: async (request) => listAssigned(world, request),
    showPolicy: async ({ caller, params }) => {
      const row = await findPolicy(world.database.handle, params.policy_id);
      const [policy] = row === undefined ? [] : await views(world, caller, [row]);
      const isVisible = caller.isAdmin || policy?.policy_assignments.length !== 0;
      if (policy === undefined || !isVisible) throw notFound("policy", params.policy_id);
      return { policy };
    },
    updatePolicy: async (request) => update(world, request),
    deletePolicy: async (request) => deletion(world, request),
    assignPolicy: async (request) => assign(world, request),
  };
}

/** Other projects are none of a member's business. */
async function views(world: World, caller: Caller, rows: readonly PolicyRow[]): Promise<Policy[]> {
  const all = await listPolicyAssignments(
    world.database.handle,
    rows.map((row) => row.id),
  );
  const shown = caller.isAdmin ? all : all.filter((each) => each.project_id === caller.projectId);
  return rows.map((row) => policyView(row, shown));
}

async function create(world: World, { body, caller }: ApiRequest<"createPolicy">) {
  const asked = body.workload_policy;
  const row = await createPolicy(world.database.handle, {
    id: newId<"policy">(),
    name: asked.display_name,
    description: asked.display_description ?? "",
    fieldValues: parsePolicyFields(asked.field_values),
    metadata: asked.metadata ?? {},
    userId: caller.userId,
    projectId: caller.projectId,
  });
  return { policy: policyView(row, []) };
}

async function listAssigned(world: World, { caller, params, query }: ApiRequest<"listAssignedPolicies">) {
  const projectId: ProjectId = asId(params.assigned_project_id);
  if (!caller.isAdmin && projectId !== caller.projectId) throw notFound("project", projectId);
  const { handle } = world.database;
  const rows = await listPolicies(handle, { assignedTo: projectId }, pageOf(query));
  const assignments = await listPolicyAssignments(
    handle,
    rows.map((row) => row.id),
  );
  return {
    policies: rows.flatMap((row) =>
      assignments
        .filter((each) => each.policy_id === row.id && each.project_id === projectId)
        .map((each) => assignmentView(row, each)),
    ),
  };
}

async function update(world: World, { body, caller, params }: ApiRequest<"updatePolicy">) {
  const { policy: asked } = body;
  const id = params.policy_id;
  const changed = await world.database.transaction(async (transaction) => {
    const found = await lockPolicy(transaction, id);
    if (found === undefined) throw notFound("policy", id);
    assertUnused(found.policy, found.use, "changed");
    const { field_values: given } = asked;
    return changePolicy(transaction, found.policy.id, {
      name: asked.display_name === "" ? undefined : asked.display_name,
      description: asked.display_description,
      fieldValues: given === undefined ? undefined : changedPolicyFields(found.policy.field_values, given),
      metadata: asked.metadata,
    });
  });
  const [policy] = await views(world, caller, [changed]);
  if (policy === undefined) throw new Error("bug: a policy without its view");
  return { policy };
}

/** What a policy decides was copied into its workloads: they would no longer be what it says. */
function assertUnused(policy: PolicyRow, { workloads }: PolicyUse, verb: string): void {
  if (workloads === 0) return;
  const users = workloads === 1 ? "1 workload follows it" : `${workloads} workloads follow it`;
  throw new Rejection(`The policy ${policy.name} cannot be ${verb}: ${users}.`, {
    status: 409,
    field: "policy_id",
    value: policy.id,
    remedy: "Have them follow another policy first, by their policy_id; or make a new policy.",
  });
}

async function deletion(world: World, { params }: ApiRequest<"deletePolicy">): Promise<undefined> {
  const id = params.policy_id;
  await world.database.transaction(async (transaction) => {
    const found = await lockPolicy(transaction, id);
    if (found === undefined) throw notFound("policy", id);
    const { policy, use } = found;
    assertUnused(policy, use, "deleted");
    // A project whose only policy vanished would be free all at once: that shall be somebody's decision.
    if (use.projects > 0) {
      const projects = use.projects === 1 ? "1 project" : `${use.projects} projects`;
      throw new Rejection(`The policy ${policy.name} cannot be deleted: it is assigned to ${projects}.`, {
        status: 409,
        field: "policy_id",
        value: policy.id,
        remedy: "Take it from them first, with remove_projects.",
      });
    }
    await removePolicy(transaction, policy.id);
  });
  return undefined;
}

async function assign(world: World, { body, caller, params, signal }: ApiRequest<"assignPolicy">) {
  const { add_projects: add = [], remove_projects: remove = [] } = body.policy;
  assertOneWay(body, add, remove);
  const found = await mapLimited([...new Set(add)], LOOKUPS_IN_FLIGHT_MAX, async (project) => ({
    project,
    isKnown: (await world.admin.keystone.projects.find(asId(project), signal)) !== undefined,
  }));
  const known = found.flatMap(({ project, isKnown }) => (isKnown ? [asId<"project">(project)] : []));
  const row = await world.database.transaction(async (transaction) => {
    const locked = await lockPolicy(transaction, params.policy_id);
    if (locked === undefined) throw notFound("policy", params.policy_id);
    const change = { add: known, remove: remove.map((project) => asId<"project">(project)) };
    await assignPolicy(transaction, locked.policy.id, change);
    return locked.policy;
  });
  const [policy] = await views(world, caller, [row]);
  if (policy === undefined) throw new Error("bug: a policy without its view");
  return { policy, failed_ids: found.flatMap(({ project, isKnown }) => (isKnown ? [] : [project])) };
}

function assertOneWay(body: BodyOf<"assignPolicy">, add: readonly string[], remove: readonly string[]): void {
  const both = add.find((project) => remove.includes(project));
  if (both !== undefined) {
    throw new Rejection(`The project ${both} is both to be added and to be removed.`, {
      status: 400,
      field: "policy.remove_projects",
      value: both,
      remedy: "Name it once.",
    });
  }
  if (add.length > 0 || remove.length > 0) return;
  throw new Rejection("No project is named.", {
    status: 400,
    field: "policy.add_projects",
    value: body.policy.add_projects ?? null,
    remedy: "Give the ids of projects in add_projects or remove_projects.",
  });
}
