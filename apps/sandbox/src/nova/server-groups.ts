import { newId } from "@cairn/kernel";
import {
  type Answer,
  ApiError,
  type Call,
  noContent,
  ok,
  param,
  type Route,
  route,
  sentence,
} from "../http/answer.ts";
import { pageOf } from "../http/paging.ts";
import { enveloped, jsonOf, requiredText, textAt, textsAt } from "../http/reading.ts";
import type { ServerGroupRow } from "../state/compute-rows.ts";
import { limitOf } from "../state/quota.ts";
import { knowsQuery } from "./query.ts";

function groupBody(call: Call, row: ServerGroupRow): object {
  const members = call.cloud.state.servers.where((server) => server.server_group_id === row.id);
  return {
    id: row.id,
    name: row.name,
    members: members.map((server) => server.id),
    ...(call.minor >= 64
      ? { policy: row.policy, rules: row.rules }
      : { policies: [row.policy], metadata: {} }),
    ...(call.minor >= 13 ? { project_id: row.project_id, user_id: row.user_id } : {}),
  };
}

const POLICIES = ["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"];

function create(call: Call): Answer {
  const { cloud, actor } = call;
  const asked = enveloped(call.body, "server_group");
  const policy = (call.minor >= 64 ? textAt(asked, "policy") : textsAt(asked, "policies")?.[0]) ?? "";
  if (!POLICIES.includes(policy))
    throw new ApiError(
      400,
      sentence(
        `Invalid input for field/attribute policy. Value: ${policy}. '${policy}' is not`,
        "one of ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity']",
      ),
    );
  const own = cloud.state.serverGroups.where((row) => row.project_id === actor.projectId);
  const most = limitOf(cloud, actor.projectId, "server_groups");
  if (most >= 0 && own.length >= most) throw new ApiError(403, "Quota exceeded, too many server groups.");
  const spread = jsonOf(asked["rules"])["max_server_per_host"];
  const row = cloud.state.serverGroups.put({
    id: newId(),
    name: requiredText(asked, "name"),
    project_id: actor.projectId,
    user_id: actor.userId,
    policy,
    rules: typeof spread === "number" ? { max_server_per_host: spread } : {},
  });
  return ok({ server_group: groupBody(call, row) });
}

function groupAt(call: Call): ServerGroupRow {
  const id = param(call, "id");
  const row = call.cloud.state.serverGroups.find(id);
  if (row === undefined || (row.project_id !== call.actor.projectId && !call.actor.isAdmin))
    throw new ApiError(404, `Instance group ${id} could not be found.`);
  return row;
}

function list(call: Call): Answer {
  knowsQuery(call, ["all_projects", "limit", "offset"]);
  const everyone = call.actor.isAdmin && call.query.has("all_projects");
  const rows = call.cloud.state.serverGroups.where(
    (row) => everyone || row.project_id === call.actor.projectId,
  );
  // Nova has no markers here: `offset` leaves out so many, and there are no links.
  const rest = rows.slice(Number(call.query.get("offset") ?? 0));
  return ok({ server_groups: pageOf(rest, call.query).rows.map((row) => groupBody(call, row)) });
}

function remove(call: Call): Answer {
  call.cloud.state.serverGroups.remove(groupAt(call).id);
  return noContent;
}

export const serverGroupRoutes: readonly Route[] = [
  route("GET /os-server-groups", "os_compute_api:os-server-groups:index", "reader", list),
  route("POST /os-server-groups", "os_compute_api:os-server-groups:create", "member", create),
  route("GET /os-server-groups/:id", "os_compute_api:os-server-groups:show", "reader", (call) =>
    ok({ server_group: groupBody(call, groupAt(call)) }),
  ),
  route("DELETE /os-server-groups/:id", "os_compute_api:os-server-groups:delete", "member", remove),
];
