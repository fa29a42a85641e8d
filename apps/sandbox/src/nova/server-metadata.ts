import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { jsonOf, recordAt, textsAt } from "../http/reading.ts";
import type { ServerRow } from "../state/compute-rows.ts";
import { limitOf } from "../state/quota.ts";
import { serverAt } from "./server-body.ts";
import { patchServer } from "./server-state.ts";

function store(
  call: Call,
  server: ServerRow,
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  const most = limitOf(call.cloud, server.project_id, "metadata_items");
  if (most >= 0 && Object.keys(metadata).length > most)
    throw new ApiError(403, `Maximum number of metadata items exceeds ${most}`);
  if (Object.entries(metadata).some(([key, value]) => key === "" || key.length > 255 || value.length > 255))
    throw new ApiError(400, "Metadata property key or value is too long or empty.");
  return { ...patchServer(call.cloud, server.id, { metadata }).metadata };
}

function asked(call: Call, key: string): Record<string, string> {
  const values = recordAt(jsonOf(call.body), key);
  if (values === undefined)
    throw new ApiError(400, `Invalid input for field/attribute ${key}. '${key}' is a required property`);
  return values;
}

function merge(call: Call): Answer {
  const server = serverAt(call);
  return ok({ metadata: store(call, server, { ...server.metadata, ...asked(call, "metadata") }) });
}

function replace(call: Call): Answer {
  return ok({ metadata: store(call, serverAt(call), asked(call, "metadata")) });
}

function itemOf(call: Call, server: ServerRow): string {
  const value = server.metadata[param(call, "key")];
  if (value === undefined) throw new ApiError(404, "Metadata item was not found");
  return value;
}

function showItem(call: Call): Answer {
  return ok({ meta: { [param(call, "key")]: itemOf(call, serverAt(call)) } });
}

function setItem(call: Call): Answer {
  const server = serverAt(call);
  const meta = asked(call, "meta");
  const key = param(call, "key");
  if (!(key in meta)) throw new ApiError(400, "Request body and URI mismatch");
  store(call, server, { ...server.metadata, ...meta });
  return ok({ meta });
}

function removeItem(call: Call): Answer {
  const server = serverAt(call);
  itemOf(call, server);
  const { [param(call, "key")]: _removed, ...metadata } = server.metadata;
  patchServer(call.cloud, server.id, { metadata });
  return noContent;
}

function setTags(call: Call): Answer {
  const tags = [...new Set(textsAt(jsonOf(call.body), "tags") ?? [])];
  return ok({ tags: patchServer(call.cloud, serverAt(call).id, { tags }).tags });
}

function addTag(call: Call): Answer {
  const server = serverAt(call);
  const tag = param(call, "tag");
  if (server.tags.includes(tag)) return noContent;
  patchServer(call.cloud, server.id, { tags: [...server.tags, tag] });
  return { status: 201 };
}

function removeTag(call: Call): Answer {
  const server = serverAt(call);
  const tag = param(call, "tag");
  if (!server.tags.includes(tag)) throw new ApiError(404, `Instance ${server.id} has no tag '${tag}'`);
  patchServer(call.cloud, server.id, { tags: server.tags.filter((each) => each !== tag) });
  return noContent;
}

const at = "/servers/:id/metadata";

/** Metadata and tags of servers. */
export const serverMetadataRoutes: readonly Route[] = [
  route(`GET ${at}`, "os_compute_api:server-metadata:index", "reader", (call) =>
    ok({ metadata: serverAt(call).metadata }),
  ),
  route(`POST ${at}`, "os_compute_api:server-metadata:create", "member", merge),
  route(`PUT ${at}`, "os_compute_api:server-metadata:update_all", "member", replace),
  route(`GET ${at}/:key`, "os_compute_api:server-metadata:show", "reader", showItem),
  route(`PUT ${at}/:key`, "os_compute_api:server-metadata:update", "member", setItem),
  route(`DELETE ${at}/:key`, "os_compute_api:server-metadata:delete", "member", removeItem),
  route("GET /servers/:id/tags", "os_compute_api:os-server-tags:index", "reader", (call) =>
    ok({ tags: serverAt(call).tags }),
  ),
  route("PUT /servers/:id/tags", "os_compute_api:os-server-tags:update_all", "member", setTags),
  route("PUT /servers/:id/tags/:tag", "os_compute_api:os-server-tags:update", "member", addTag),
  route("DELETE /servers/:id/tags/:tag", "os_compute_api:os-server-tags:delete", "member", removeTag),
];
