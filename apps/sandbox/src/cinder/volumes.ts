import type { Cloud } from "../cloud.ts";
import {
  type Answer,
  ApiError,
  accepted,
  type Call,
  ok,
  param,
  type Route,
  route,
  sentence,
} from "../http/answer.ts";
import { newestFirst, pageLinks, pageOf } from "../http/paging.ts";
import { enveloped, given, type Json, jsonOf, numberAt, recordAt, textAt } from "../http/reading.ts";
import type { VolumeRow } from "../state/storage-rows.ts";
import { knowsFilters } from "./filters.ts";
import { removeSnapshot } from "./snapshots.ts";
import {
  invalidInput,
  invalidVolume,
  patchVolume,
  visibleVolume,
  volumeAt,
  volumeBody,
  volumeLinks,
} from "./volume-body.ts";
import type { VolumeSource } from "./volume-files.ts";
import { beginRemoval, beginVolume } from "./volume-life.ts";

/** Cinder's one zone, its default name. */
export const VOLUME_ZONE = "nova";

/** The id of a volume type given by name or id; the default type for none. */
export function volumeTypeId(cloud: Cloud, nameOrId: string | undefined): string {
  const types = cloud.state.volumeTypes.all();
  const wanted =
    nameOrId === undefined ? types[0] : types.find((each) => each.id === nameOrId || each.name === nameOrId);
  if (wanted === undefined)
    throw new ApiError(404, `Volume type with name ${String(nameOrId)} could not be found.`);
  return wanted.id;
}

function sourceOf(call: Call, asked: Json): VolumeSource {
  const imageId = textAt(asked, "imageRef") ?? textAt(asked, "image_id");
  if (imageId !== undefined) {
    const image = call.cloud.state.images.find(imageId);
    const isOpen = image?.visibility === "public" || image?.visibility === "community";
    if (image === undefined || !(isOpen || call.actor.isAdmin || image.owner === call.actor.projectId))
      throw new ApiError(400, "Invalid image identifier or unable to access requested image.");
    return { kind: "image", imageId };
  }
  const snapshotId = textAt(asked, "snapshot_id");
  if (snapshotId !== undefined) {
    const snapshot = call.cloud.state.snapshots.find(snapshotId);
    if (snapshot === undefined || (snapshot.project_id !== call.actor.projectId && !call.actor.isAdmin))
      throw new ApiError(404, `Snapshot ${snapshotId} could not be found.`);
    if (snapshot.status !== "available")
      throw new ApiError(
        400,
        `Invalid snapshot: Originating snapshot status must be one of 'available' values`,
      );
    return { kind: "snapshot", snapshotId };
  }
  const volumeId = textAt(asked, "source_volid");
  if (volumeId === undefined) return { kind: "blank" };
  visibleVolume(call, volumeId);
  return { kind: "volume", volumeId };
}

function sizeOf(call: Call, asked: Json, source: VolumeSource): number {
  const size = numberAt(asked, "size") ?? sourceSize(call.cloud, source);
  if (size === undefined || size <= 0)
    throw invalidInput(
      `Volume size '${String(size ?? asked["size"])}' must be an integer and greater than 0`,
    );
  const least = sourceSize(call.cloud, source);
  if (least !== undefined && size < least)
    throw invalidInput(`Volume size '${size}'GB cannot be smaller than the ${source.kind} size ${least}GB.`);
  return size;
}

function sourceSize(cloud: Cloud, source: VolumeSource): number | undefined {
  if (source.kind === "snapshot") return cloud.state.snapshots.get(source.snapshotId).size;
  return source.kind === "volume" ? cloud.state.volumes.get(source.volumeId).size : undefined;
}

function create(call: Call): Answer {
  const { cloud, actor } = call;
  const asked = enveloped(call.body, "volume");
  const source = sourceOf(call, asked);
  const sizeGiB = sizeOf(call, asked, source);
  const zone = textAt(asked, "availability_zone") ?? VOLUME_ZONE;
  if (zone !== VOLUME_ZONE) throw invalidInput(`Availability zone '${zone}' is invalid.`);
  const name = textAt(asked, "name") ?? textAt(asked, "display_name") ?? null;
  if (name !== null && name.length > 255) throw invalidInput("Name has more than 255 characters.");
  const row = beginVolume(cloud, {
    name,
    description: textAt(asked, "description") ?? textAt(asked, "display_description") ?? null,
    sizeGiB,
    projectId: actor.projectId,
    userId: actor.userId,
    zone,
    typeId: volumeTypeId(cloud, textAt(asked, "volume_type")),
    metadata: recordAt(asked, "metadata") ?? {},
    source,
  });
  return accepted({ volume: volumeBody(call, row) });
}

function matches(row: VolumeRow, query: URLSearchParams): boolean {
  const name = query.get("name") ?? query.get("display_name");
  const status = query.get("status");
  const wantedMetadata = query.get("metadata");
  if (name !== null && row.name !== name) return false;
  if (status !== null && row.status !== status) return false;
  const bootable = query.get("bootable");
  if (bootable !== null && String(row.bootable) !== bootable.toLowerCase()) return false;
  return wantedMetadata === null || hasMetadata(row, wantedMetadata);
}

/** `metadata={"a":"b"}`, also in Python's spelling with single quotes, which clients send. */
function hasMetadata(row: VolumeRow, text: string): boolean {
  try {
    const wanted = jsonOf(JSON.parse(text.replaceAll("'", '"')));
    return Object.entries(wanted).every(([key, value]) => row.metadata[key] === value);
  } catch {
    throw invalidInput(`Metadata filter ${text} is not a dictionary.`);
  }
}

const VOLUME_FILTERS = [
  "name",
  "status",
  "metadata",
  "bootable",
  "migration_status",
  "availability_zone",
  "group_id",
  "size",
  "created_at",
  "updated_at",
];

function list(body: (call: Call, row: VolumeRow) => object): (call: Call) => Answer {
  return (call) => {
    knowsFilters(call, VOLUME_FILTERS);
    const everyone = call.actor.isAdmin && /^(1|true)$/i.test(call.query.get("all_tenants") ?? "");
    const project = call.query.get("project_id");
    const rows = call.cloud.state.volumes
      .where((row) => everyone || row.project_id === call.actor.projectId)
      .filter((row) => !everyone || project === null || row.project_id === project)
      .filter((row) => matches(row, call.query));
    const { rows: page, next } = pageOf(newestFirst(rows), call.query);
    const address = `${call.cloud.baseUrl()}${call.url.split("?")[0] ?? ""}`;
    return ok({ volumes: page.map((row) => body(call, row)), ...pageLinks("volumes", address, next) });
  };
}

const summary = (call: Call, row: VolumeRow): object => ({
  id: row.id,
  name: row.name,
  links: volumeLinks(call, `volumes/${row.id}`),
});

function update(call: Call): Answer {
  const asked = enveloped(call.body, "volume");
  const row = volumeAt(call);
  const fields = {
    name: textAt(asked, "name") ?? textAt(asked, "display_name"),
    description: textAt(asked, "description") ?? textAt(asked, "display_description"),
    metadata: recordAt(asked, "metadata"),
  };
  return ok({ volume: volumeBody(call, patchVolume(call.cloud, row.id, given(fields))) });
}

/** Statuses from which Cinder deletes, in the words of its refusal: not again after it has failed. */
const REMOVABLE = new Set(["available", "error", "error_extending"]);

function remove(call: Call): Answer {
  const { cloud } = call;
  const row = volumeAt(call);
  if (row.status === "deleting") return accepted();
  const snapshots = cloud.state.snapshots.where((each) => each.volume_id === row.id);
  const cascade = /^true$/i.test(call.query.get("cascade") ?? "");
  if (!REMOVABLE.has(row.status) || (snapshots.length > 0 && !cascade))
    throw invalidVolume(
      sentence(
        "Volume status must be available or error or error_restoring or error_extending",
        "or error_managing and must not be migrating, attached, belong to a group, have",
        "snapshots or be disassociated from snapshots after volume transfer.",
      ),
    );
  for (const snapshot of snapshots) removeSnapshot(cloud, snapshot.id);
  beginRemoval(cloud, row.id);
  return accepted();
}

function setMetadata(call: Call, replace: boolean): Answer {
  const row = volumeAt(call);
  const asked = recordAt(jsonOf(call.body), "metadata") ?? {};
  const metadata = replace ? asked : { ...row.metadata, ...asked };
  return ok({ metadata: patchVolume(call.cloud, row.id, { metadata }).metadata });
}

function metadataItem(call: Call): readonly [string, string] {
  const key = param(call, "key");
  const value = volumeAt(call).metadata[key];
  if (value === undefined)
    throw new ApiError(404, `Volume ${param(call, "id")} has no metadata with key ${key}.`);
  return [key, value];
}

function removeMetadataItem(call: Call): Answer {
  const row = volumeAt(call);
  const [key] = metadataItem(call);
  const { [key]: _removed, ...metadata } = row.metadata;
  patchVolume(call.cloud, row.id, { metadata });
  return { status: 200 };
}

function setMetadataItem(call: Call): Answer {
  const row = volumeAt(call);
  const meta = recordAt(jsonOf(call.body), "meta") ?? {};
  patchVolume(call.cloud, row.id, { metadata: { ...row.metadata, ...meta } });
  return ok({ meta });
}

/** Volumes and their metadata. */
export const volumeRoutes: readonly Route[] = [
  route("GET /volumes", "volume:get_all", "reader", list(summary)),
  route("GET /volumes/detail", "volume:get_all", "reader", list(volumeBody)),
  route("POST /volumes", "volume:create", "member", create),
  route("GET /volumes/:id", "volume:get", "reader", (call) =>
    ok({ volume: volumeBody(call, volumeAt(call)) }),
  ),
  route("PUT /volumes/:id", "volume:update", "member", update),
  route("DELETE /volumes/:id", "volume:delete", "member", remove),
  route("GET /volumes/:id/metadata", "volume:get_volume_metadata", "reader", (call) =>
    ok({ metadata: volumeAt(call).metadata }),
  ),
  route("POST /volumes/:id/metadata", "volume:create_volume_metadata", "member", (call) =>
    setMetadata(call, false),
  ),
  route("PUT /volumes/:id/metadata", "volume:update_volume_metadata", "member", (call) =>
    setMetadata(call, true),
  ),
  route("GET /volumes/:id/metadata/:key", "volume:get_volume_metadata", "reader", (call) =>
    ok({ meta: Object.fromEntries([metadataItem(call)]) }),
  ),
  route("PUT /volumes/:id/metadata/:key", "volume:update_volume_metadata", "member", setMetadataItem),
  route("DELETE /volumes/:id/metadata/:key", "volume:delete_volume_metadata", "member", removeMetadataItem),
];
