import { type ProtectionRule, wireTime } from "@cairn/contract";
import {
  addProtectionRule,
  findWorkload,
  listProtectionRules,
  type ProtectionRuleRow,
  removeProtectionRule,
} from "@cairn/database";
import type { ProtectionMark } from "@cairn/domain";
import { newId } from "@cairn/kernel";
import { notFound } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import { assertOwnProject, ensureTrust } from "../trusts.ts";
import type { World } from "../world.ts";
import { pageAmong } from "./lists.ts";

type ProtectionHandlers = Pick<
  Handlers,
  "listProtectionRules" | "createProtectionRule" | "deleteProtectionRule"
>;

/** What is done with protection by tag. */
export function protectionHandlers(world: World): ProtectionHandlers {
  const { handle } = world.database;
  return {
    listProtectionRules: async ({ caller, query }) => {
      const rows = await listProtectionRules(handle, caller.projectId);
      return { protection_rules: pageAmong(rows, query, ({ id }) => id).map(ruleView) };
    },
    createProtectionRule: async (request) => create(world, request),
    deleteProtectionRule: async ({ caller, params }) => {
      const key = { id: params.rule_id, projectId: caller.projectId };
      if (!(await removeProtectionRule(handle, key))) throw notFound("protection rule", params.rule_id);
      return undefined;
    },
  };
}

/** The engine looks as whoever makes the rule, so a trust of theirs has to be there. */
async function create(world: World, request: ApiRequest<"createProtectionRule">) {
  const { body, caller, requestId, signal } = request;
  const asked = body.protection_rule;
  const { handle } = world.database;
  const workload = await findWorkload(handle, { id: asked.workload_id, projectId: caller.projectId });
  if (workload === undefined) throw notFound("workload", asked.workload_id);
  assertOwnProject(caller);
  await ensureTrust(world, caller, world.cloudOf(caller.token, requestId), signal);
  const mark: ProtectionMark =
    "tag" in asked
      ? { kind: "tag", tag: asked.tag }
      : { kind: "metadata", key: asked.metadata_key, ...valueOf(asked.metadata_value) };
  const row = await addProtectionRule(handle, {
    id: newId(),
    projectId: caller.projectId,
    userId: caller.userId,
    workloadId: workload.id,
    mark,
  });
  return { protection_rule: ruleView(row) };
}

function valueOf(value: string | null | undefined) {
  return value === null || value === undefined ? {} : { value };
}

function ruleView(row: ProtectionRuleRow): ProtectionRule {
  const { mark } = row;
  return {
    id: row.id,
    project_id: row.project_id,
    user_id: row.user_id,
    workload_id: row.workload_id,
    tag: mark.kind === "tag" ? mark.tag : null,
    metadata_key: mark.kind === "metadata" ? mark.key : null,
    metadata_value: mark.kind === "metadata" ? (mark.value ?? null) : null,
    created_at: wireTime(row.created_at.getTime()),
    looked_at: row.looked_at === null ? null : wireTime(row.looked_at.getTime()),
    note: row.note,
  };
}
