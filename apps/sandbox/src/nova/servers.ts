import { randomBytes } from "node:crypto";
import { isUuid, newId } from "@cairn/kernel";
import { reserveVolume } from "../cinder/attaching.ts";
import type { Cloud } from "../cloud.ts";
import {
  type Answer,
  ApiError,
  type Call,
  noContent,
  ok,
  type Route,
  route,
  sentence,
} from "../http/answer.ts";
import { newestFirst, pageLinks, pageOf } from "../http/paging.ts";
import {
  booleanAt,
  enveloped,
  given,
  type Json,
  jsonOf,
  listAt,
  numberAt,
  recordAt,
  requiredText,
  textAt,
  textsAt,
} from "../http/reading.ts";
import { isOwn } from "../neutron/lists.ts";
import { ensureDefaultGroup } from "../neutron/security-groups.ts";
import type { FlavorRow, ServerGroupRow, ServerRow } from "../state/compute-rows.ts";
import { plainTime } from "../state/moments.ts";
import { limitOf } from "../state/quota.ts";
import { checkImage, flavorFor } from "./boot-checks.ts";
import { wantedDisks } from "./boot-plan.ts";
import { wantedNics } from "./network-plan.ts";
import { knowsServerQuery } from "./query.ts";
import { demandServer } from "./quota.ts";
import { noServer, novaLinks, serverAt, serverBody, statusOf } from "./server-body.ts";
import { startBuild } from "./server-build.ts";
import { beginDelete } from "./server-life.ts";
import { patchServer } from "./server-state.ts";

interface Place {
  readonly zone: string | undefined;
  readonly host: string | undefined;
}

/** `zone`, or `zone:host` or, from 2.74 on, a `host` of its own for an admin. */
function placeOf(call: Call, asked: Json): Place {
  const [zone, forced] = (textAt(asked, "availability_zone") ?? "").split(":");
  const requested = call.minor >= 74 ? textAt(asked, "host") : undefined;
  const host = requested ?? (forced === "" ? undefined : forced);
  if (host !== undefined) {
    const rule =
      requested === undefined
        ? "os_compute_api:servers:create:forced_host"
        : "compute:servers:create:requested_destination";
    if (!call.actor.isAdmin) throw new ApiError(403, `Policy doesn't allow ${rule} to be performed.`);
    if (call.cloud.state.hosts.find(host) === undefined)
      throw new ApiError(400, `Compute host ${host} could not be found.`);
  }
  const known = call.cloud.state.hosts.all().map((each) => each.zone);
  if (zone !== undefined && zone !== "" && !known.includes(zone))
    throw new ApiError(400, "The requested availability zone is not available");
  return { zone: zone === "" ? undefined : zone, host };
}

function groupsOf(call: Call, asked: Json): string[] {
  const { cloud, actor } = call;
  const fallback = ensureDefaultGroup(cloud, actor.projectId);
  const wanted = listAt(asked, "security_groups")?.map((each) => requiredText(jsonOf(each), "name"));
  if (wanted === undefined || wanted.length === 0) return [fallback.id];
  return [...new Set(wanted)].map((name) => {
    const found = cloud.state.securityGroups.where(
      (row) =>
        isOwn(actor, row) && (row.id === name || (row.name === name && row.project_id === actor.projectId)),
    );
    const [group] = found;
    if (group === undefined)
      throw new ApiError(400, `Security group ${name} not found for project ${actor.projectId}.`);
    if (found.length > 1)
      throw new ApiError(
        409,
        `Multiple security groups found matching '${name}'. Use an ID to be more specific.`,
      );
    return group.id;
  });
}

function keyOf(call: Call, asked: Json): string | null {
  const name = textAt(asked, "key_name");
  if (name === undefined) return null;
  if (call.cloud.state.keypairs.find(`${call.actor.userId}:${name}`) === undefined)
    throw new ApiError(400, "Invalid key_name provided.");
  return name;
}

function serverGroupOf(call: Call): ServerGroupRow | undefined {
  const body = jsonOf(call.body);
  const hints = jsonOf(body["os:scheduler_hints"] ?? body["OS-SCH-HNT:scheduler_hints"]);
  const id = textAt(hints, "group");
  if (id === undefined) return undefined;
  const group = call.cloud.state.serverGroups.find(id);
  if (group === undefined) throw new ApiError(400, `Instance group ${id} could not be found.`);
  return group;
}

function metadataOf(call: Call, asked: Json): Record<string, string> {
  const metadata = recordAt(asked, "metadata") ?? {};
  const most = limitOf(call.cloud, call.actor.projectId, "metadata_items");
  if (most >= 0 && Object.keys(metadata).length > most)
    throw new ApiError(403, `Maximum number of metadata items exceeds ${most}`);
  return metadata;
}

function userDataOf(asked: Json): string | null {
  const text = textAt(asked, "user_data") ?? null;
  if (
    text !== null &&
    (text.length > 65_535 ||
      Buffer.from(text, "base64").toString("base64").replace(/=+$/, "") !== text.replace(/\s|=+$/g, ""))
  )
    throw new ApiError(
      400,
      sentence(
        `Invalid input for field/attribute user_data. Value: ${text.slice(0, 50)}.`,
        `'${text.slice(0, 50)}' is not a 'base64'`,
      ),
    );
  return text;
}

/** The name as a host name, as Nova's `sanitize_hostname` makes it. */
function hostnameOf(name: string, id: string): string {
  const text = name
    .toLowerCase()
    .replace(/[ _.]/g, "-")
    .replace(/[^a-z0-9-]/g, "")
    .replace(/^-+|-+$/g, "");
  return text === "" ? `server-${id}` : text.slice(0, 63);
}

function nextNumber(cloud: Cloud): number {
  return Math.max(0, ...cloud.state.servers.all().map((each) => each.number)) + 1;
}

interface Basics {
  readonly name: string;
  readonly flavor: FlavorRow;
  readonly imageId: string | null;
}

function basicsOf(call: Call, asked: Json): Basics {
  const name = requiredText(asked, "name");
  if (name.trim() === "" || name.length > 255)
    throw new ApiError(
      400,
      sentence(
        `Invalid input for field/attribute name. Value: ${name}. '${name}' is too`,
        name.length > 255 ? "long" : "short",
      ),
    );
  if ((numberAt(asked, "max_count") ?? numberAt(asked, "min_count") ?? 1) > 1)
    throw new ApiError(400, "Several servers in one request are not part of this cloud.");
  const flavor = flavorFor(call, requiredText(asked, "flavorRef"));
  const imageRef = textAt(asked, "imageRef") ?? "";
  if (imageRef !== "") checkImage(call, imageRef, flavor);
  return { name, flavor, imageId: imageRef === "" ? null : imageRef };
}

function create(call: Call): Answer {
  const { cloud, actor } = call;
  const asked = enveloped(call.body, "server");
  const { name, flavor, imageId } = basicsOf(call, asked);
  const place = placeOf(call, asked);
  const disks = wantedDisks(call, asked);
  const nics = wantedNics(call, asked);
  const groupIds = groupsOf(call, asked);
  const group = serverGroupOf(call);
  const metadata = metadataOf(call, asked);
  demandServer(cloud, actor.projectId, flavor);
  const id = newId<"instance">();
  const now = plainTime(cloud.clock.now());
  const isLocal = disks.some((disk) => disk.from.kind === "local-image");
  cloud.state.servers.put({
    id,
    number: nextNumber(cloud),
    name,
    hostname: (call.minor >= 90 ? textAt(asked, "hostname") : undefined) ?? hostnameOf(name, id),
    description: call.minor >= 19 ? (textAt(asked, "description") ?? null) : name,
    project_id: actor.projectId,
    user_id: actor.userId,
    flavor,
    old_flavor: null,
    image_id: isLocal ? imageId : null,
    key_name: keyOf(call, asked),
    user_data: userDataOf(asked),
    config_drive: booleanAt(asked, "config_drive") ?? false,
    requested_zone: place.zone ?? null,
    host: null,
    metadata,
    tags: call.minor >= 52 ? (textsAt(asked, "tags") ?? []) : [],
    server_group_id: group?.id ?? null,
    reservation_id: `r-${randomBytes(4).toString("hex")}`,
    locked: false,
    vm_state: "building",
    task_state: "scheduling",
    power_state: 0,
    fault: null,
    disks: [],
    own_port_ids: [],
    created: now,
    updated: now,
    launched_at: null,
  });
  for (const disk of disks) {
    if (disk.from.kind !== "volume") continue;
    const volume = cloud.state.volumes.get(disk.from.volumeId);
    reserveVolume(cloud, volume, { instance: id, projectId: actor.projectId });
  }
  startBuild(cloud, id, { nics, disks, groupIds, placement: { ...place, group } });
  return created(call, id, groupIds);
}

function created(call: Call, id: string, groupIds: readonly string[]): Answer {
  const names = groupIds.map((each) => ({ name: call.cloud.state.securityGroups.get(each).name }));
  const body = {
    id,
    links: novaLinks(call, `servers/${id}`),
    "OS-DCF:diskConfig": "MANUAL",
    security_groups: names,
    adminPass: randomBytes(9).toString("base64url"),
  };
  const headers = { Location: `${call.cloud.baseUrl()}/compute/v2.1/servers/${id}` };
  return { status: 202, body: { server: body }, headers };
}

function answersTo(server: ServerRow, query: URLSearchParams): boolean {
  const name = query.get("name");
  const status = query.getAll("status").map((each) => each.toUpperCase());
  const exact = [
    ["host", server.host],
    ["flavor", server.flavor.id],
    ["image", server.image_id],
    ["user_id", server.user_id],
    ["uuid", server.id],
    ["vm_state", server.vm_state],
    ["key_name", server.key_name],
    ["reservation_id", server.reservation_id],
  ] as const;
  // Nova's name filter is a regular expression that may match anywhere.
  if (name !== null && !new RegExp(name).test(server.name)) return false;
  if (status.length > 0 && !status.includes(statusOf(server))) return false;
  const tags = query.get("tags");
  if (tags !== null && !tags.split(",").every((tag) => server.tags.includes(tag))) return false;
  const since = query.get("changes-since");
  if (since !== null && Date.parse(server.updated) < Date.parse(since)) return false;
  return exact.every(([key, value]) => query.get(key) === null || query.get(key) === value);
}

function list(body: (call: Call, server: ServerRow) => object): (call: Call) => Answer {
  return (call) => {
    knowsServerQuery(call);
    const { actor, query } = call;
    const everyone = actor.isAdmin && /^(1|true|)$/i.test(query.get("all_tenants") ?? "0");
    const project = query.get("project_id") ?? query.get("tenant_id");
    const rows = call.cloud.state.servers
      .where((row) =>
        everyone ? project === null || row.project_id === project : row.project_id === actor.projectId,
      )
      .filter((row) => answersTo(row, query));
    const { rows: page, next } = pageOf(newestFirst(rows), query);
    const address = `${call.cloud.baseUrl()}${call.url.split("?")[0] ?? ""}`;
    return ok({ servers: page.map((row) => body(call, row)), ...pageLinks("servers", address, next) });
  };
}

const summary = (call: Call, server: ServerRow): object => ({
  id: server.id,
  name: server.name,
  links: novaLinks(call, `servers/${server.id}`),
});

function update(call: Call): Answer {
  const asked = enveloped(call.body, "server");
  const server = serverAt(call);
  const fields = given({
    name: textAt(asked, "name"),
    description: call.minor >= 19 ? textAt(asked, "description") : undefined,
  });
  return ok({ server: serverBody(call, patchServer(call.cloud, server.id, fields)) });
}

function remove(call: Call): Answer {
  const server = serverAt(call);
  if (server.locked && !call.actor.isAdmin) throw new ApiError(409, `Instance ${server.id} is locked`);
  if (server.task_state !== "deleting") beginDelete(call.cloud, server.id);
  return noContent;
}

function show(call: Call): Answer {
  const id = call.params["id"] ?? "";
  if (!isUuid(id)) throw noServer(id);
  return ok({ server: serverBody(call, serverAt(call)) });
}

export const serverRoutes: readonly Route[] = [
  route("GET /servers", "os_compute_api:servers:index", "reader", list(summary)),
  route("GET /servers/detail", "os_compute_api:servers:detail", "reader", list(serverBody)),
  route("POST /servers", "os_compute_api:servers:create", "member", create),
  route("GET /servers/:id", "os_compute_api:servers:show", "reader", show),
  route("PUT /servers/:id", "os_compute_api:servers:update", "member", update),
  route("DELETE /servers/:id", "os_compute_api:servers:delete", "member", remove),
];
