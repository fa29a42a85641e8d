import { type Trust, wireTime } from "@cairn/contract";
import {
  findTrust,
  findWorkload,
  listSchedules,
  listTrusts,
  removeTrust,
  type TrustRow,
} from "@cairn/database";
import type { BackupSchedule } from "@cairn/domain";
import { hasCode, Rejection } from "@cairn/kernel";
import type { Caller } from "../policy.ts";
import { notFound } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assertOwnProject, delegate, isUsable } from "../trusts.ts";
import type { World } from "../world.ts";
import { pageAmong } from "./lists.ts";

type TrustHandlers = Pick<
  Handlers,
  "listTrusts" | "createTrust" | "showTrust" | "deleteTrust" | "validateTrust"
>;

/** What is done with trusts. Those of a cloud's administrator are not needed: the service has an account. */
export function trustHandlers(world: World): TrustHandlers {
  return {
    listTrusts: async ({ caller, query }) => {
      if (query.is_cloud_admin === true) return { trust: [] };
      const rows = await listTrusts(world.database.handle, caller.projectId);
      return { trust: pageAmong(rows, query, nameOf).map(trustView) };
    },
    createTrust: async (request) => create(world, request),
    showTrust: async (request) => ({ trust: trustView(await named(world, request)) }),
    deleteTrust: async (request) => deletion(world, request),
    validateTrust: async (request) => validate(world, request),
  };
}

async function create(world: World, request: ApiRequest<"createTrust">): Promise<{ trust: Trust[] }> {
  const { body, caller, requestId, signal } = request;
  assertOwnProject(caller);
  const roles = rolesOf(body.trusts.role_name, caller);
  const cloud = world.cloudOf(caller.token, requestId);
  await delegate({ world, caller: { ...caller, roles }, cloud, signal });
  const row = await findTrust(world.database.handle, caller);
  return { trust: row === undefined ? [] : [trustView(row)] };
}

function rolesOf(given: string | undefined, caller: Caller): readonly string[] {
  const wanted = (given ?? "").split(",").flatMap((role) => (role.trim() === "" ? [] : [role.trim()]));
  const missing = wanted.find((role) => !caller.roles.includes(role));
  if (missing === undefined) return wanted.length === 0 ? caller.roles : wanted;
  throw new Rejection(`The token has no role ${missing} in this project.`, {
    status: 400,
    field: "trusts.role_name",
    value: missing,
    remedy: `Choose of ${caller.roles.join(", ")}.`,
  });
}

async function deletion(world: World, request: ApiRequest<"deleteTrust">): Promise<undefined> {
  const { caller, requestId, signal } = request;
  const row = await named(world, request);
  if (row.user_id !== caller.userId && !caller.isAdmin) {
    throw new Rejection("Policy doesn't allow workload:trust_delete to be performed.", {
      status: 403,
      field: "trust_name",
      value: nameOf(row),
      remedy: "Ask the user whose trust it is.",
    });
  }
  await removeTrust(world.database.handle, { userId: row.user_id, projectId: row.project_id });
  // Only the user may take back what they gave; of others' trusts Keystone is told nothing.
  if (row.user_id === caller.userId && row.trust_id !== null) {
    const { trusts } = world.cloudOf(caller.token, requestId).keystone;
    try {
      await trusts.delete(row.trust_id, signal);
    } catch (cause) {
      if (!hasCode(cause, "openstack-not-found") && !hasCode(cause, "openstack-forbidden")) throw cause;
    }
  }
  return undefined;
}

async function validate(world: World, request: ApiRequest<"validateTrust">) {
  const { handle } = world.database;
  const id = request.params.workload_id;
  const workload = await findWorkload(handle, { id, projectId: request.caller.projectId });
  if (workload === undefined) throw notFound("workload", id);
  const [schedule] = await listSchedules(handle, [workload.id]);
  const rule = schedule?.rule as BackupSchedule | undefined;
  const owner = { userId: workload.user_id, projectId: workload.project_id };
  const row = await findTrust(handle, owner);
  const isEnabled = rule?.enabled ?? false;
  return {
    scheduler_enabled: isEnabled,
    trust: row === undefined ? null : trustView(row),
    is_valid: isEnabled && row !== undefined && (await isUsable(world, owner, request.signal)),
    scheduler_obj: workload.jobschedule,
  };
}

async function named(
  world: World,
  { caller, params }: { readonly caller: Caller; readonly params: { readonly trust_name: string } },
): Promise<TrustRow> {
  const rows = await listTrusts(world.database.handle, caller.projectId);
  const row = rows.find((each) => nameOf(each) === params.trust_name);
  if (row === undefined) throw notFound("trust", params.trust_name);
  return row;
}

function nameOf(row: TrustRow): string {
  return `trust-${row.trust_id ?? row.credential_id ?? ""}`;
}

function trustView(row: TrustRow): Trust {
  return {
    name: nameOf(row),
    value: row.trust_id ?? row.credential_id ?? "",
    category: "identity",
    type: row.trust_id === null ? "application_credential_id" : "trust_id",
    description: "",
    status: "available",
    user_id: row.user_id,
    project_id: row.project_id,
    is_public: false,
    is_hidden: false,
    version: "1",
    created_at: wireTime(row.created_at.getTime()),
    updated_at: null,
    deleted_at: null,
    deleted: false,
    metadata: row.roles.map((value) => ({ key: "role_name", value })),
  };
}
