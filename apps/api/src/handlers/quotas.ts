import { type AllowedQuota, QUOTA_TYPE_INFO, type QuotaTypeRow, wireTime } from "@cairn/contract";
import {
  changeQuota,
  countUsed,
  createQuota,
  findQuota,
  listQuotas,
  type QuotaRow,
  removeQuota,
} from "@cairn/database";
import { QUOTA_TYPES, type QuotaType } from "@cairn/domain";
import { asId, type ProjectId, Rejection } from "@cairn/kernel";
import type { Caller } from "../policy.ts";
import { notFound } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";

type QuotaHandlers = Pick<
  Handlers,
  | "listQuotaTypes"
  | "showQuotaType"
  | "listQuotas"
  | "createQuotas"
  | "showQuota"
  | "updateQuota"
  | "deleteQuota"
  | "showQuotaUsage"
>;

/** What is done with quotas. Members read those of their own project. */
export function quotaHandlers(world: World): QuotaHandlers {
  const { handle } = world.database;
  return {
    listQuotaTypes: async () => ({ quota_types: QUOTA_TYPES.map(typeView) }),
    showQuotaType: async ({ params }) => {
      const type = QUOTA_TYPES.find((each) => QUOTA_TYPE_INFO[each].id === params.quota_type_id);
      if (type === undefined) throw notFound("quota_type", params.quota_type_id);
      return { quota_types: [typeView(type)] };
    },
    listQuotas: async ({ caller, params }) => {
      const projectId = readable(caller, params.project_or_quota_id);
      return { allowed_quotas: (await listQuotas(handle, projectId)).map(quotaView) };
    },
    createQuotas: async (request) => create(world, request),
    showQuota: async ({ caller, params }) => {
      const row = await findQuota(handle, params.quota_id);
      if (row === undefined || !(caller.isAdmin || row.project_id === caller.projectId)) {
        throw notFound("quota", params.quota_id);
      }
      return { allowed_quotas: quotaView(row) };
    },
    updateQuota: async (request) => update(world, request),
    deleteQuota: async ({ params }) => {
      const row = await findQuota(handle, params.project_or_quota_id);
      if (row === undefined) throw notFound("quota", params.project_or_quota_id);
      await removeQuota(handle, row.id);
      return undefined;
    },
    showQuotaUsage: async (request) => usage(world, request),
  };
}

/** The project, for who may see its quotas; another one looks like one that does not exist. */
function readable(caller: Caller, projectId: string): ProjectId {
  if (caller.isAdmin || projectId === caller.projectId) return asId(projectId);
  throw notFound("project", projectId);
}

async function create(world: World, request: ApiRequest<"createQuotas">) {
  const { body, params, signal } = request;
  const projectId: ProjectId = asId(params.project_or_quota_id);
  const wanted = body.allowed_quotas.map((each, index) => {
    const at = `allowed_quotas[${index}]`;
    assertSameProject(`${at}.project_id`, each.project_id, projectId);
    return {
      projectId,
      type: typeOf(`${at}.quota_type_id`, each.quota_type_id),
      allowed: each.allowed_value,
      // Without a watermark nobody is warned before the limit.
      highWatermark: each.high_watermark ?? each.allowed_value,
    };
  });
  if ((await world.admin.keystone.projects.find(projectId, signal)) === undefined) {
    throw notFound("project", projectId);
  }
  const rows = await world.database.transaction(async (transaction) => {
    const made: QuotaRow[] = [];
    for (const each of wanted) {
      const row = await createQuota(transaction, each);
      if (row === undefined) throw limitedAlready(each.type, projectId);
      made.push(row);
    }
    return made;
  });
  return { allowed_quotas: rows.map(quotaView) };
}

function limitedAlready(type: QuotaType, projectId: ProjectId): Rejection {
  const { id, name } = QUOTA_TYPE_INFO[type];
  return new Rejection(`The project ${projectId} has a quota of ${name} already.`, {
    status: 409,
    field: "quota_type_id",
    value: id,
    remedy: "Change that one: PUT /update_allowed_quota/{quota_id}.",
  });
}

function typeOf(field: string, id: string): QuotaType {
  const type = QUOTA_TYPES.find((each) => QUOTA_TYPE_INFO[each].id === id);
  if (type !== undefined) return type;
  const known = QUOTA_TYPES.map((each) => `${QUOTA_TYPE_INFO[each].id} (${QUOTA_TYPE_INFO[each].name})`);
  throw new Rejection(`There is no quota type ${id}.`, {
    status: 400,
    field,
    value: id,
    remedy: `Use ${known.join(", ")}.`,
  });
}

function assertSameProject(field: string, given: string | undefined, projectId: string): void {
  if (given === undefined || given === projectId) return;
  throw new Rejection(`The quota is of project ${projectId}, not of ${given}.`, {
    status: 400,
    field,
    value: given,
    remedy: "Leave project_id out, or give the same project.",
  });
}

async function update(world: World, { body, params }: ApiRequest<"updateQuota">) {
  const asked = body.allowed_quotas;
  const id = params.quota_id;
  if (asked.allowed_value === undefined && asked.high_watermark === undefined) {
    throw new Rejection("Nothing is to be changed.", {
      status: 400,
      field: "allowed_quotas",
      value: asked,
      remedy: "Give allowed_value or high_watermark.",
    });
  }
  const changed = await world.database.transaction(async (transaction) => {
    const before = await findQuota(transaction, id);
    if (before === undefined) throw notFound("quota", id);
    assertSameProject("allowed_quotas.project_id", asked.project_id, before.project_id);
    const row = await changeQuota(transaction, id, {
      allowed: asked.allowed_value,
      highWatermark: asked.high_watermark,
    });
    if (row === undefined) throw notFound("quota", id);
    return row;
  });
  return { allowed_quotas: [quotaView(changed)] };
}

async function usage(world: World, { caller, params }: ApiRequest<"showQuotaUsage">) {
  const projectId = readable(caller, params.quota_project_id);
  const { handle } = world.database;
  const rows = await listQuotas(handle, projectId);
  const used = await countUsed(handle, projectId, QUOTA_TYPES);
  return {
    quota_usage: QUOTA_TYPES.map((type) => {
      const row = rows.find((each) => each.quota_type === type);
      return {
        quota_type_id: QUOTA_TYPE_INFO[type].id,
        quota_type_name: QUOTA_TYPE_INFO[type].name,
        used: used[type] ?? 0,
        allowed_value: row?.allowed_value ?? null,
        high_watermark: row?.high_watermark ?? null,
        is_above_watermark: row?.is_above ?? false,
        above_since: row?.is_above === true && row.crossed_at !== null ? timeOf(row.crossed_at) : null,
      };
    }),
  };
}

function timeOf(date: Date): string {
  return wireTime(date.getTime());
}

function quotaView(row: QuotaRow): AllowedQuota {
  return {
    id: row.id,
    project_id: row.project_id,
    quota_type_id: QUOTA_TYPE_INFO[row.quota_type].id,
    quota_type_name: QUOTA_TYPE_INFO[row.quota_type].name,
    allowed_value: row.allowed_value,
    high_watermark: row.high_watermark,
    version: "1",
  };
}

/** Types are no rows of ours: they have been there always. */
const SHIPPED_AT = wireTime(Date.UTC(2026, 0, 1));

function typeView(type: QuotaType): QuotaTypeRow {
  const { id, name, description } = QUOTA_TYPE_INFO[type];
  return {
    id,
    display_name: name,
    display_description: description,
    status: "available",
    created_at: SHIPPED_AT,
    updated_at: null,
    deleted_at: null,
    deleted: false,
    version: "1",
  };
}
