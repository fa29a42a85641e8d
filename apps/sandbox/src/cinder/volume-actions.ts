import { describeFault } from "@cairn/kernel";
import { type Answer, ApiError, accepted, type Call, type Route, route, sentence } from "../http/answer.ts";
import { booleanAt, isJson, type Json, jsonOf, numberAt, recordAt, textAt } from "../http/reading.ts";
import type { VolumeRow, VolumeStatus } from "../state/storage-rows.ts";
import { completeAttachment, connectAttachment, dropAttachment, reserveVolume } from "./attaching.ts";
import { demandCinder } from "./quota.ts";
import { uploadVolume } from "./upload.ts";
import { invalidInput, invalidVolume, patchVolume, volumeAt } from "./volume-body.ts";
import { connectionInfo, extendVolumeFile } from "./volume-files.ts";
import { beginRemoval } from "./volume-life.ts";

type Action = (call: Call, volume: VolumeRow, asked: Json) => Answer | Promise<Answer>;

const STATUSES: readonly VolumeStatus[] = [
  ...(["creating", "available", "deleting", "error", "error_deleting", "attaching"] as const),
  ...(["detaching", "reserved", "maintenance", "in-use", "extending", "error_extending"] as const),
];

function adminOnly(call: Call, rule: string): void {
  if (!call.actor.isAdmin) throw new ApiError(403, `Policy doesn't allow ${rule} to be performed.`);
}

const reserve: Action = (call, volume) => {
  reserveVolume(call.cloud, volume, { instance: null, projectId: call.actor.projectId });
  return accepted();
};

const unreserve: Action = (call, volume) => {
  if (volume.status === "reserved" || volume.status === "attaching") {
    for (const each of call.cloud.state.attachments.where((row) => row.volume_id === volume.id))
      dropAttachment(call.cloud, each.id);
    patchVolume(call.cloud, volume.id, { status: "available" });
  }
  return accepted();
};

/** The old way of attaching: a host or an instance and a mount point, in one call. */
const attach: Action = (call, volume, asked) => {
  const { cloud, actor } = call;
  const instance = textAt(asked, "instance_uuid") ?? null;
  const found = cloud.state.attachments
    .where((row) => row.volume_id === volume.id && row.status !== "attached")
    .at(0);
  const row = found ?? reserveVolume(cloud, volume, { instance, projectId: actor.projectId });
  const connector = { host: textAt(asked, "host_name") ?? "", mountpoint: textAt(asked, "mountpoint") ?? "" };
  connectAttachment(cloud, row.id, connector, textAt(asked, "mode") === "ro" ? "ro" : "rw");
  cloud.state.attachments.patch(row.id, { instance });
  completeAttachment(cloud, row.id);
  return accepted();
};

const detach: Action = (call, volume, asked) => {
  const { cloud } = call;
  const wanted = textAt(asked, "attachment_id");
  const rows = cloud.state.attachments
    .where((row) => row.volume_id === volume.id)
    .filter((row) => wanted === undefined || row.id === wanted);
  const used = cloud.state.servers
    .where((server) => server.disks.some((disk) => disk.volume_id === volume.id))
    .at(0);
  if (used !== undefined)
    throw new ApiError(409, `Detach volume from instance ${used.id} using the Compute API`);
  if (rows.length === 0 && volume.status !== "available")
    throw invalidVolume(
      sentence(
        "Unable to detach volume. Volume status must be 'in-use' and attach_status must",
        "be 'attached' to detach.",
      ),
    );
  for (const row of rows) dropAttachment(cloud, row.id);
  return accepted();
};

const initializeConnection: Action = (call, volume, asked) => {
  const { cloud } = call;
  const row = cloud.state.attachments.where((each) => each.volume_id === volume.id).at(0);
  if (row !== undefined) connectAttachment(cloud, row.id, jsonOf(asked["connector"]), "rw");
  // This older call gives os-brick's nested form.
  const { data } = connectionInfo(cloud, volume, row?.id ?? "") as { readonly data: object };
  const connection_info = { driver_volume_type: "nfs", data, mount_point_base: `${cloud.directory}/cinder` };
  return { status: 200, body: { connection_info } };
};

const extend: Action = (call, volume, asked) => {
  const { cloud } = call;
  const size = numberAt(asked, "new_size");
  if (size === undefined || size <= volume.size)
    throw invalidInput(
      sentence(
        `New size for extend must be greater than current size. (current: ${volume.size},`,
        `extended: ${String(size)}).`,
      ),
    );
  if (volume.status !== "available")
    throw invalidVolume(
      `Volume ${volume.id} status must be '{'available'}' to extend, currently ${volume.status}.`,
    );
  demandCinder(cloud, volume.project_id, { gigabytes: size - volume.size });
  patchVolume(cloud, volume.id, { status: "extending" });
  cloud.tasks.start(`volume ${volume.id} grows`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    try {
      await extendVolumeFile(cloud, volume, size);
      patchVolume(cloud, volume.id, { size, status: "available" });
    } catch (error) {
      cloud.log("volume.failed", { volume: volume.id, error: describeFault(error) });
      patchVolume(cloud, volume.id, { status: "error_extending" });
    }
  });
  return accepted();
};

const setBootable: Action = (call, volume, asked) => {
  const bootable = booleanAt(asked, "bootable");
  if (bootable === undefined) throw new ApiError(400, "Must specify bootable in request.");
  patchVolume(call.cloud, volume.id, { bootable });
  return { status: 200 };
};

const setReadonly: Action = (call, volume, asked) => {
  const readonly = booleanAt(asked, "readonly");
  if (readonly === undefined) throw new ApiError(400, "Must specify readonly in request.");
  if (volume.status !== "available")
    throw invalidVolume(
      sentence(
        `Volume ${volume.id} status must be available to update readonly flag, but`,
        `current status is: ${volume.status}.`,
      ),
    );
  patchVolume(call.cloud, volume.id, { readonly });
  return accepted();
};

const resetStatus: Action = (call, volume, asked) => {
  adminOnly(call, "volume_extension:volume_admin_actions:reset_status");
  const wanted = textAt(asked, "status")?.toLowerCase();
  const status = STATUSES.find((each) => each === wanted);
  if (wanted !== undefined && status === undefined)
    throw new ApiError(400, `Must specify a valid status: ${wanted}`);
  if (status !== undefined) patchVolume(call.cloud, volume.id, { status });
  if (asked["attach_status"] === "detached") {
    for (const row of call.cloud.state.attachments.where((each) => each.volume_id === volume.id))
      call.cloud.state.attachments.remove(row.id);
  }
  return accepted();
};

const forceDelete: Action = (call, volume) => {
  adminOnly(call, "volume_extension:volume_admin_actions:force_delete");
  beginRemoval(call.cloud, volume.id);
  return accepted();
};

const setImageMetadata: Action = (call, volume, asked) => {
  const image_metadata = { ...volume.image_metadata, ...recordAt(asked, "metadata") };
  patchVolume(call.cloud, volume.id, { image_metadata });
  return { status: 200, body: { metadata: image_metadata } };
};

const unsetImageMetadata: Action = (call, volume, asked) => {
  const key = textAt(asked, "key") ?? "";
  const known = volume.image_metadata ?? {};
  if (!(key in known)) throw new ApiError(404, "Metadata item was not found");
  const { [key]: _removed, ...image_metadata } = known;
  patchVolume(call.cloud, volume.id, { image_metadata });
  return { status: 200 };
};

const showImageMetadata: Action = (_call, volume) => ({
  status: 200,
  body: { metadata: volume.image_metadata ?? {} },
});

const move =
  (from: VolumeStatus, to: VolumeStatus): Action =>
  (call, volume) => {
    if (volume.status !== from)
      throw invalidVolume(
        `Volume ${volume.id} status must be ${from}, but current status is: ${volume.status}.`,
      );
    patchVolume(call.cloud, volume.id, { status: to });
    return accepted();
  };

const ACTIONS: Readonly<Record<string, Action>> = {
  "os-reserve": reserve,
  "os-unreserve": unreserve,
  "os-attach": attach,
  "os-detach": detach,
  "os-force_detach": detach,
  "os-begin_detaching": move("in-use", "detaching"),
  "os-roll_detaching": move("detaching", "in-use"),
  "os-initialize_connection": initializeConnection,
  "os-terminate_connection": () => accepted(),
  "os-extend": extend,
  "os-set_bootable": setBootable,
  "os-update_readonly_flag": setReadonly,
  "os-reset_status": resetStatus,
  "os-force_delete": forceDelete,
  "os-set_image_metadata": setImageMetadata,
  "os-unset_image_metadata": unsetImageMetadata,
  "os-show_image_metadata": showImageMetadata,
  "os-volume_upload_image": uploadVolume,
};

async function act(call: Call): Promise<Answer> {
  const [name, asked] = Object.entries(jsonOf(call.body))[0] ?? [""];
  const action = ACTIONS[name];
  if (action === undefined) throw new ApiError(400, `There is no such action: ${name}`);
  return action(call, volumeAt(call), isJson(asked) ? asked : {});
}

/** `POST /volumes/{id}/action`. */
export const volumeActionRoutes: readonly Route[] = [
  route("POST /volumes/:id/action", "volume:update", "member", act),
];
