import { rmSync } from "node:fs";
import { join } from "node:path";
import { isUuid, newId } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { newestFirst, pageOf } from "../http/paging.ts";
import { booleanAt, isJson, type Json, numberAt, requiredText, textAt, textsAt } from "../http/reading.ts";
import { plainTime } from "../state/moments.ts";
import type { ImageRow } from "../state/storage-rows.ts";

/** Where an image's data lies. */
export function imagePath(cloud: Cloud, imageId: string): string {
  return join(cloud.directory, "glance", imageId);
}

/** What a tenant may not set, and what Glance works out by itself. */
const READ_ONLY = new Set([
  "status",
  "size",
  "virtual_size",
  "checksum",
  "os_hash_algo",
  "os_hash_value",
  "created_at",
  "updated_at",
  "self",
  "file",
  "schema",
  "direct_url",
  "locations",
  "id",
]);

const FIELDS = new Set([
  "name",
  "visibility",
  "owner",
  "disk_format",
  "container_format",
  "min_disk",
  "min_ram",
  "os_hidden",
  "protected",
  "tags",
]);

const DISK_FORMATS = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"];
const CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];

export function imageBody(row: ImageRow): object {
  const { properties, ...shown } = row;
  return {
    ...properties,
    ...shown,
    os_hash_algo: row.os_hash_value === null ? null : "sha512",
    self: `/v2/images/${row.id}`,
    file: `/v2/images/${row.id}/file`,
    schema: "/v2/schemas/image",
  };
}

const missing = (id: string): ApiError => new ApiError(404, `No image found with ID ${id}`);

/** The image as this caller may see it by its id; foreign private ones do not exist. */
export function visibleImage(call: Call, id: string): ImageRow {
  const row = call.cloud.state.images.find(id);
  const isOpen = row?.visibility === "public" || row?.visibility === "community";
  if (row === undefined || !(isOpen || call.actor.isAdmin || row.owner === call.actor.projectId))
    throw missing(id);
  return row;
}

/** The image, when the caller may change it. */
export function ownImage(call: Call, rule: string): ImageRow {
  const row = visibleImage(call, param(call, "id"));
  if (row.owner !== call.actor.projectId && !call.actor.isAdmin)
    throw new ApiError(403, `You are not authorized to complete ${rule} action.`);
  return row;
}

function checkFormats(asked: Json): void {
  const disk = textAt(asked, "disk_format");
  if (disk !== undefined && !DISK_FORMATS.includes(disk))
    throw new ApiError(400, `Invalid disk format '${disk}' for image.`);
  const container = textAt(asked, "container_format");
  if (container !== undefined && !CONTAINER_FORMATS.includes(container))
    throw new ApiError(400, `Invalid container format '${container}' for image.`);
}

function propertiesOf(asked: Json): Record<string, string> {
  const extra = Object.entries(asked).filter(([key]) => !FIELDS.has(key) && key !== "id");
  for (const [key, value] of extra) {
    if (READ_ONLY.has(key)) throw new ApiError(403, `Attribute '${key}' is read-only.`);
    if (typeof value !== "string")
      throw new ApiError(
        400,
        `Provided object does not match schema 'image': ${JSON.stringify(value)} is not of type 'string'`,
      );
  }
  return Object.fromEntries(extra) as Record<string, string>;
}

function visibilityOf(call: Call, asked: Json): ImageRow["visibility"] | undefined {
  const wanted = textAt(asked, "visibility");
  switch (wanted) {
    case undefined:
    case "private":
    case "shared":
    case "community":
      return wanted;
    case "public":
      if (call.actor.isAdmin) return wanted;
      throw new ApiError(403, "You are not authorized to complete publicize_image action.");
    default:
      throw new ApiError(400, `Invalid value '${wanted}' for visibility.`);
  }
}

function create(call: Call): Answer {
  const { cloud, actor } = call;
  if (!isJson(call.body)) throw new ApiError(400, "Malformed JSON in request body.");
  const asked = call.body;
  const id = textAt(asked, "id") ?? newId();
  if (!isUuid(id)) throw new ApiError(400, `Image ID ${id} is not a UUID.`);
  if (cloud.state.images.find(id) !== undefined) throw new ApiError(409, `Image ID ${id} already exists!`);
  checkFormats(asked);
  const now = plainTime(cloud.clock.now());
  const row = cloud.state.images.put({
    id,
    name: textAt(asked, "name") ?? null,
    status: "queued",
    visibility: visibilityOf(call, asked) ?? "shared",
    owner: (actor.isAdmin ? textAt(asked, "owner") : undefined) ?? actor.projectId,
    disk_format: textAt(asked, "disk_format") ?? null,
    container_format: textAt(asked, "container_format") ?? null,
    min_disk: numberAt(asked, "min_disk") ?? 0,
    min_ram: numberAt(asked, "min_ram") ?? 0,
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_value: null,
    os_hidden: booleanAt(asked, "os_hidden") ?? false,
    protected: booleanAt(asked, "protected") ?? false,
    tags: textsAt(asked, "tags") ?? [],
    properties: propertiesOf(asked),
    created_at: now,
    updated_at: now,
  });
  const headers = { Location: `${cloud.baseUrl()}/image/v2/images/${id}` };
  return { status: 201, body: imageBody(row), headers };
}

/** Keys of a list's query that choose no property. */
const NOT_FILTERS =
  /^(?:limit|marker|sort.*|member_status|os_hidden|visibility|size_m..|(?:created|updated)_at)$/;

/** Whether an image answers a list's filters; an unknown key means one of its properties. */
function answersTo(row: ImageRow, query: URLSearchParams): boolean {
  const shown = imageBody(row) as Json;
  for (const [key, wanted] of query) {
    if (NOT_FILTERS.test(key)) continue;
    if (key === "tag") {
      if (!row.tags.includes(wanted)) return false;
    } else if (wanted.startsWith("in:")) {
      if (!wanted.slice(3).split(",").includes(String(shown[key]))) return false;
    } else if (String(shown[key]) !== wanted) return false;
  }
  return true;
}

function listed(call: Call, row: ImageRow): boolean {
  const wanted = call.query.get("visibility");
  const isOwn = row.owner === call.actor.projectId;
  const hidden = /^true$/i.test(call.query.get("os_hidden") ?? "false");
  if (row.os_hidden !== hidden) return false;
  if (wanted !== null && wanted !== "all" && row.visibility !== wanted) return false;
  if (row.visibility === "public" || call.actor.isAdmin || isOwn) return true;
  return row.visibility === "community" && (wanted === "community" || wanted === "all");
}

function list(call: Call): Answer {
  const rows = newestFirst(
    call.cloud.state.images.where((row) => listed(call, row) && answersTo(row, call.query)),
  );
  const { rows: page, next } = pageOf(rows, call.query, (marker) => missing(marker));
  const query = call.url.includes("?") ? `?${call.url.split("?")[1] ?? ""}` : "";
  return ok({
    images: page.map((row) => imageBody(row)),
    first: `/v2/images${query}`,
    schema: "/v2/schemas/images",
    ...(next === undefined ? {} : { next: `/v2/images?${next.toString()}` }),
  });
}

/** One operation of the JSON patch that Glance takes (`application/openstack-images-v2.1-json-patch`). */
function patched(call: Call, row: ImageRow, operation: Json): ImageRow {
  const op = requiredText(operation, "op");
  const key = requiredText(operation, "path").replace(/^\//, "").replaceAll("~1", "/").replaceAll("~0", "~");
  if (READ_ONLY.has(key) || (key === "owner" && !call.actor.isAdmin))
    throw new ApiError(403, `Attribute '${key}' is read-only.`);
  if (op === "remove") {
    if (FIELDS.has(key)) throw new ApiError(403, `Property ${key} may not be removed.`);
    if (!(key in row.properties)) throw new ApiError(409, `Property ${key} does not exist.`);
    const { [key]: _removed, ...properties } = row.properties;
    return { ...row, properties };
  }
  if (op !== "add" && op !== "replace")
    throw new ApiError(400, `Operations must be one of add, replace, remove: ${op}`);
  const asked: Json = { [key]: operation["value"] };
  if (!FIELDS.has(key)) {
    if (op === "replace" && !(key in row.properties))
      throw new ApiError(409, `Property ${key} does not exist.`);
    return { ...row, properties: { ...row.properties, ...propertiesOf(asked) } };
  }
  return { ...row, ...fieldChange(call, row, key, asked) };
}

function fieldChange(call: Call, row: ImageRow, key: string, asked: Json): Partial<ImageRow> {
  switch (key) {
    case "visibility":
      return { visibility: visibilityOf(call, asked) ?? row.visibility };
    case "tags":
      return { tags: textsAt(asked, "tags") ?? [] };
    case "min_disk":
    case "min_ram":
      return { [key]: numberAt(asked, key) ?? 0 };
    case "os_hidden":
    case "protected":
      return { [key]: booleanAt(asked, key) ?? false };
    case "disk_format":
    case "container_format":
      if (row.status !== "queued")
        throw new ApiError(403, `Attribute ${key} can be only replaced for a queued image.`);
      checkFormats(asked);
      return { [key]: textAt(asked, key) ?? null };
    default:
      return { [key]: textAt(asked, key) ?? null };
  }
}

function update(call: Call): Answer {
  const type = call.headers["content-type"] ?? "";
  if (!type.startsWith("application/openstack-images-v2."))
    throw new ApiError(415, `Unsupported Media Type ${type}`);
  if (!Array.isArray(call.body))
    throw new ApiError(400, "Request body must be a JSON array of operation objects.");
  let row = ownImage(call, "modify_image");
  for (const operation of call.body) {
    if (!isJson(operation)) throw new ApiError(400, "Operations must be JSON objects.");
    row = patched(call, row, operation);
  }
  const updated = { ...row, updated_at: plainTime(call.cloud.clock.now()) };
  return ok(imageBody(call.cloud.state.images.put(updated)));
}

function remove(call: Call): Answer {
  const row = ownImage(call, "delete_image");
  if (row.protected) throw new ApiError(403, `Image ${row.id} is protected and cannot be deleted.`);
  call.cloud.state.images.remove(row.id);
  rmSync(imagePath(call.cloud, row.id), { force: true });
  return noContent;
}

function tag(call: Call): Answer {
  const row = ownImage(call, "modify_image");
  call.cloud.state.images.patch(row.id, { tags: [...new Set([...row.tags, param(call, "tag")])] });
  return noContent;
}

function untag(call: Call): Answer {
  const row = ownImage(call, "modify_image");
  const wanted = param(call, "tag");
  if (!row.tags.includes(wanted)) throw new ApiError(404, "The resource could not be found.");
  call.cloud.state.images.patch(row.id, { tags: row.tags.filter((each) => each !== wanted) });
  return noContent;
}

/** Images as records; their data are in `data.ts`. */
export const imageRoutes: readonly Route[] = [
  route("GET /v2/images", "get_images", "reader", list),
  route("POST /v2/images", "add_image", "member", create),
  route("GET /v2/images/:id", "get_image", "reader", (call) =>
    ok(imageBody(visibleImage(call, param(call, "id")))),
  ),
  route("PATCH /v2/images/:id", "modify_image", "member", update),
  route("DELETE /v2/images/:id", "delete_image", "member", remove),
  route("PUT /v2/images/:id/tags/:tag", "modify_image", "member", tag),
  route("DELETE /v2/images/:id/tags/:tag", "modify_image", "member", untag),
  // Limits of Glance's are kept by Keystone, and this one keeps none.
  route("GET /v2/info/usage", "get_usage", "reader", () => ok({ usage: {} })),
  route("GET /v2/images/:id/members", "get_members", "reader", (call) => {
    visibleImage(call, param(call, "id"));
    return ok({ members: [], schema: "/v2/schemas/members" });
  }),
];
