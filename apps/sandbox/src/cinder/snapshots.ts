import { describeFault, newId } from "@cairn/kernel";
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
import { booleanAt, enveloped, given, jsonOf, recordAt, requiredText, textAt } from "../http/reading.ts";
import { zonelessTime } from "../state/moments.ts";
import type { SnapshotRow, VolumeRow } from "../state/storage-rows.ts";
import { knowsFilters } from "./filters.ts";
import { demandCinder } from "./quota.ts";
import { invalidVolume, visibleVolume } from "./volume-body.ts";
import { makeSnapshotFile, removeSnapshotFile } from "./volume-files.ts";

function snapshotBody(call: Call, row: SnapshotRow, detailed: boolean): object {
  const base = {
    id: row.id,
    created_at: row.created_at,
    updated_at: row.updated_at,
    name: row.name,
    description: row.description,
    volume_id: row.volume_id,
    status: row.status,
    size: row.size,
    metadata: row.metadata,
    ...(call.minor >= 41 ? { user_id: row.user_id } : {}),
    ...(call.minor >= 65 ? { consumes_quota: true } : {}),
  };
  if (!detailed) return base;
  return {
    ...base,
    "os-extended-snapshot-attributes:progress": row.status === "available" ? "100%" : "0%",
    "os-extended-snapshot-attributes:project_id": row.project_id,
    ...(call.minor >= 14 ? { group_snapshot_id: null } : {}),
  };
}

/** From 3.66 on `force` means nothing: snapshots of volumes in use are allowed, and false is refused. */
function isForced(call: Call, asked: boolean | undefined): boolean {
  if (call.minor < 66) return asked ?? false;
  if (asked === false) throw new ApiError(400, "Invalid value for 'force'. Value must be True.");
  return true;
}

function create(call: Call): Answer {
  const { cloud, actor } = call;
  const asked = enveloped(call.body, "snapshot");
  const volume = visibleVolume(call, requiredText(asked, "volume_id"));
  const force = isForced(call, booleanAt(asked, "force"));
  const isFit = volume.status === "available" || (force && volume.status === "in-use");
  if (!isFit)
    throw invalidVolume(
      `Volume ${volume.id} status must be available, but current status is: ${volume.status}.`,
    );
  demandCinder(cloud, actor.projectId, { snapshots: 1, gigabytes: volume.size });
  const row = cloud.state.snapshots.put({
    id: newId(),
    name: textAt(asked, "name") ?? null,
    description: textAt(asked, "description") ?? null,
    volume_id: volume.id,
    size: volume.size,
    status: "creating",
    project_id: volume.project_id,
    user_id: actor.userId,
    metadata: recordAt(asked, "metadata") ?? {},
    created_at: zonelessTime(cloud.clock.now()),
    updated_at: null,
  });
  cloud.tasks.start(`snapshot ${row.id} is made`, (signal) => finish(cloud, volume, row.id, signal));
  return accepted({ snapshot: snapshotBody(call, row, false) });
}

async function finish(cloud: Cloud, volume: VolumeRow, id: string, signal: AbortSignal): Promise<void> {
  await cloud.clock.sleep(cloud.settings.transitionMs, signal);
  const updated_at = zonelessTime(cloud.clock.now());
  try {
    await makeSnapshotFile(cloud, volume, id);
    cloud.state.snapshots.patch(id, { status: "available", updated_at });
  } catch (error) {
    cloud.log("snapshot.failed", { snapshot: id, error: describeFault(error) });
    cloud.state.snapshots.patch(id, { status: "error", updated_at });
  }
}

function snapshotAt(call: Call): SnapshotRow {
  const id = param(call, "id");
  const row = call.cloud.state.snapshots.find(id);
  if (row === undefined || (row.project_id !== call.actor.projectId && !call.actor.isAdmin))
    throw new ApiError(404, `Snapshot ${id} could not be found.`);
  return row;
}

/** Removes a snapshot's row and file at once. */
export function removeSnapshot(cloud: Cloud, id: string): void {
  const row = cloud.state.snapshots.find(id);
  const volume = row === undefined ? undefined : cloud.state.volumes.find(row.volume_id);
  if (volume !== undefined) removeSnapshotFile(cloud, volume, id);
  cloud.state.snapshots.remove(id);
}

function remove(call: Call): Answer {
  const { cloud } = call;
  const row = snapshotAt(call);
  if (row.status !== "available" && row.status !== "error")
    throw new ApiError(
      400,
      sentence(
        "Invalid snapshot: Snapshot status must be available or error, snapshot must not",
        "be part of a group and there must be no creation in progress.",
      ),
    );
  cloud.state.snapshots.patch(row.id, { status: "deleting" });
  cloud.tasks.start(`snapshot ${row.id} goes`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    removeSnapshot(cloud, row.id);
  });
  return accepted();
}

const SNAPSHOT_FILTERS = ["name", "status", "volume_id", "metadata", "availability_zone"];

function list(detailed: boolean): (call: Call) => Answer {
  return (call) => {
    knowsFilters(call, SNAPSHOT_FILTERS);
    const everyone = call.actor.isAdmin && /^(1|true)$/i.test(call.query.get("all_tenants") ?? "");
    const wanted = {
      name: call.query.get("name"),
      status: call.query.get("status"),
      volume: call.query.get("volume_id"),
    };
    const rows = call.cloud.state.snapshots
      .where((row) => everyone || row.project_id === call.actor.projectId)
      .filter((row) => wanted.name === null || row.name === wanted.name)
      .filter((row) => wanted.status === null || row.status === wanted.status)
      .filter((row) => wanted.volume === null || row.volume_id === wanted.volume);
    const { rows: page, next } = pageOf(newestFirst(rows), call.query);
    const address = `${call.cloud.baseUrl()}${call.url.split("?")[0] ?? ""}`;
    const snapshots = page.map((row) => snapshotBody(call, row, detailed));
    return ok({ snapshots, ...pageLinks("snapshots", address, next) });
  };
}

function update(call: Call): Answer {
  const asked = enveloped(call.body, "snapshot");
  const fields = { name: textAt(asked, "name"), description: textAt(asked, "description") };
  const row = call.cloud.state.snapshots.patch(snapshotAt(call).id, given(fields));
  return ok({ snapshot: snapshotBody(call, row, false) });
}

function setMetadata(call: Call, replace: boolean): Answer {
  const row = snapshotAt(call);
  const asked = recordAt(jsonOf(call.body), "metadata") ?? {};
  const metadata = replace ? asked : { ...row.metadata, ...asked };
  return ok({ metadata: call.cloud.state.snapshots.patch(row.id, { metadata }).metadata });
}

/** Cinder's own snapshots of volumes. */
export const snapshotRoutes: readonly Route[] = [
  route("GET /snapshots", "volume:get_all_snapshots", "reader", list(false)),
  route("GET /snapshots/detail", "volume:get_all_snapshots", "reader", list(true)),
  route("POST /snapshots", "volume:create_snapshot", "member", create),
  route("GET /snapshots/:id", "volume:get_snapshot", "reader", (call) =>
    ok({ snapshot: snapshotBody(call, snapshotAt(call), true) }),
  ),
  route("PUT /snapshots/:id", "volume:update_snapshot", "member", update),
  route("DELETE /snapshots/:id", "volume:delete_snapshot", "member", remove),
  route("POST /snapshots/:id/metadata", "volume:update_snapshot_metadata", "member", (call) =>
    setMetadata(call, false),
  ),
  route("PUT /snapshots/:id/metadata", "volume:update_snapshot_metadata", "member", (call) =>
    setMetadata(call, true),
  ),
];
