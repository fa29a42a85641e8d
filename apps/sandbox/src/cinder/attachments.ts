import type { Cloud } from "../cloud.ts";
import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { pageOf } from "../http/paging.ts";
import { enveloped, isJson, jsonOf, requiredText, textAt } from "../http/reading.ts";
import type { AttachmentRow } from "../state/storage-rows.ts";
import { completeAttachment, connectAttachment, dropAttachment, reserveVolume } from "./attaching.ts";
import { knowsFilters } from "./filters.ts";
import { invalidInput, visibleVolume } from "./volume-body.ts";
import { connectionInfo } from "./volume-files.ts";

const summaryOf = (row: AttachmentRow): object => ({
  id: row.id,
  status: row.status,
  instance: row.instance,
  volume_id: row.volume_id,
});

function bodyOf(cloud: Cloud, row: AttachmentRow): object {
  const volume = cloud.state.volumes.get(row.volume_id);
  return {
    ...summaryOf(row),
    attached_at: row.attached_at ?? "",
    detached_at: "",
    attach_mode: row.attach_mode,
    connection_info: row.connector === null ? {} : connectionInfo(cloud, volume, row.id),
  };
}

function needs(call: Call, minor: number): void {
  if (call.minor < minor) throw new ApiError(404, "The resource could not be found.");
}

function create(call: Call): Answer {
  needs(call, 27);
  const { cloud, actor } = call;
  const asked = enveloped(call.body, "attachment");
  const volume = visibleVolume(call, requiredText(asked, "volume_uuid"));
  const connector = asked["connector"];
  const mode = textAt(asked, "mode") ?? "rw";
  if (mode !== "rw" && mode !== "ro") throw invalidInput(`Invalid attach mode ${mode}.`);
  const instance = textAt(asked, "instance_uuid") ?? null;
  let row = reserveVolume(cloud, volume, { instance, projectId: actor.projectId });
  if (isJson(connector) && Object.keys(connector).length > 0)
    row = connectAttachment(cloud, row.id, connector, mode);
  return ok({ attachment: bodyOf(cloud, row) });
}

function attachmentAt(call: Call): AttachmentRow {
  needs(call, 27);
  const id = param(call, "id");
  const row = call.cloud.state.attachments.find(id);
  if (row === undefined || (row.project_id !== call.actor.projectId && !call.actor.isAdmin))
    throw new ApiError(404, `Volume attachment could not be found with filter: attachment_id = ${id}.`);
  return row;
}

function update(call: Call): Answer {
  const row = attachmentAt(call);
  const connector = jsonOf(enveloped(call.body, "attachment")["connector"]);
  if (Object.keys(connector).length === 0)
    throw new ApiError(400, "Invalid input for field/attribute connector. {} should be non-empty");
  const mode = connector["mode"] === "ro" ? "ro" : "rw";
  return ok({ attachment: bodyOf(call.cloud, connectAttachment(call.cloud, row.id, connector, mode)) });
}

/**
 * Removes an attachment, but not one that a server uses: then only Nova may (with its service token), since
 * the fix of CVE-2023-2088.
 */
function remove(call: Call): Answer {
  const row = attachmentAt(call);
  const user = call.cloud.state.servers
    .where((each) => each.disks.some((disk) => disk.attachment_id === row.id))
    .at(0);
  if (user !== undefined)
    throw new ApiError(409, `Detach volume from instance ${user.id} using the Compute API`);
  dropAttachment(call.cloud, row.id);
  const rest = call.cloud.state.attachments.where((each) => each.volume_id === row.volume_id);
  return ok({ attachments: rest.map((each) => summaryOf(each)) });
}

function act(call: Call): Answer {
  needs(call, 44);
  const row = attachmentAt(call);
  if (!("os-complete" in jsonOf(call.body)))
    throw new ApiError(400, "There is no such action: os-complete is the only one.");
  if (row.status === "reserved")
    throw new ApiError(400, `Invalid volume: Volume ${row.volume_id} attachment ${row.id} has no connector.`);
  completeAttachment(call.cloud, row.id);
  return noContent;
}

const ATTACHMENT_FILTERS = ["volume_id", "instance_id", "status", "attach_status"];

function list(detailed: boolean): (call: Call) => Answer {
  return (call) => {
    knowsFilters(call, ATTACHMENT_FILTERS);
    needs(call, 27);
    const everyone = call.actor.isAdmin && /^(1|true)$/i.test(call.query.get("all_tenants") ?? "");
    const volume = call.query.get("volume_id");
    const instance = call.query.get("instance_id");
    const rows = call.cloud.state.attachments
      .where((row) => everyone || row.project_id === call.actor.projectId)
      .filter((row) => volume === null || row.volume_id === volume)
      .filter((row) => instance === null || row.instance === instance);
    const { rows: page } = pageOf(rows, call.query);
    return ok({ attachments: page.map((row) => (detailed ? bodyOf(call.cloud, row) : summaryOf(row))) });
  };
}

/** The attachments API of microversion 3.27 and later. */
export const attachmentRoutes: readonly Route[] = [
  route("GET /attachments", "volume:attachment_get_all", "reader", list(false)),
  route("GET /attachments/detail", "volume:attachment_get_all", "reader", list(true)),
  route("POST /attachments", "volume:attachment_create", "member", create),
  route("GET /attachments/:id", "volume:attachment_get", "reader", (call) =>
    ok({ attachment: bodyOf(call.cloud, attachmentAt(call)) }),
  ),
  route("PUT /attachments/:id", "volume:attachment_update", "member", update),
  route("DELETE /attachments/:id", "volume:attachment_delete", "member", remove),
  route("POST /attachments/:id/action", "volume:attachment_complete", "member", act),
];
