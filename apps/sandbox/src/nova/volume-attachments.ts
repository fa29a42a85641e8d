import { completeAttachment, dropAttachment, reserveVolume } from "../cinder/attaching.ts";
import { patchVolume } from "../cinder/volume-body.ts";
import type { Cloud } from "../cloud.ts";
import { nextDevice } from "../hosts/domain-file.ts";
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
import { booleanAt, enveloped, requiredText, textAt } from "../http/reading.ts";
import type { ServerDisk, ServerRow } from "../state/compute-rows.ts";
import type { VolumeRow } from "../state/storage-rows.ts";
import { serverAt } from "./server-body.ts";
import { connectVolume, markDetaching } from "./server-disks.ts";
import {
  demandState,
  hostIsBack,
  hostOf,
  messageOf,
  patchServer,
  replaceDisk,
  stillWanted,
} from "./server-state.ts";

const ATTACHABLE = ["active", "paused", "stopped", "suspended", "resized"] as const;

function attachmentBody(call: Call, server: ServerRow, disk: ServerDisk): object {
  return {
    ...(call.minor < 89
      ? { id: disk.volume_id }
      : { attachment_id: disk.attachment_id, bdm_uuid: disk.attachment_id }),
    device: `/dev/${disk.device}`,
    serverId: server.id,
    volumeId: disk.volume_id,
    ...(call.minor >= 70 ? { tag: disk.tag } : {}),
    ...(call.minor >= 79 ? { delete_on_termination: disk.delete_on_termination } : {}),
  };
}

function list(call: Call): Answer {
  const server = serverAt(call);
  const disks = server.disks.filter((disk) => disk.volume_id !== null);
  return ok({ volumeAttachments: disks.map((disk) => attachmentBody(call, server, disk)) });
}

function diskAt(call: Call, server: ServerRow): ServerDisk {
  const id = param(call, "volume");
  const disk = server.disks.find((each) => each.volume_id === id);
  if (disk === undefined) throw new ApiError(404, `Instance ${server.id} is not attached to volume ${id}`);
  return disk;
}

function show(call: Call): Answer {
  const server = serverAt(call);
  return ok({ volumeAttachment: attachmentBody(call, server, diskAt(call, server)) });
}

function volumeOf(call: Call, id: string): VolumeRow {
  const row = call.cloud.state.volumes.find(id);
  if (row === undefined || (row.project_id !== call.actor.projectId && !call.actor.isAdmin))
    throw new ApiError(404, `Volume ${id} could not be found.`);
  return row;
}

function create(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "volumeAttachment");
  const server = serverAt(call);
  const volume = volumeOf(call, requiredText(asked, "volumeId"));
  demandState(server, "attach_volume", ATTACHABLE);
  if (server.disks.some((disk) => disk.volume_id === volume.id))
    throw new ApiError(400, `Invalid volume: volume ${volume.id} already attached`);
  const attachment = reserveVolume(cloud, volume, { instance: server.id, projectId: server.project_id });
  // A reservation that is under way has its device already, so that two at once get two.
  const disk: ServerDisk = {
    device: nextDevice(server.disks.map((each) => each.device)),
    volume_id: volume.id,
    attachment_id: attachment.id,
    boot_index: null,
    delete_on_termination: call.minor >= 79 && (booleanAt(asked, "delete_on_termination") ?? false),
    tag: call.minor >= 49 ? (textAt(asked, "tag") ?? null) : null,
  };
  patchServer(cloud, server.id, { disks: [...server.disks, disk] });
  cloud.tasks.startInOrder(server.id, `volume ${volume.id} is attached`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    await hostIsBack(cloud, server.host, signal);
    await attach(cloud, server.id, disk, attachment.id);
  });
  return ok({ volumeAttachment: attachmentBody(call, server, disk) });
}

/** On the host. A failure lets go of the volume again, as Nova does, and leaves the server as it was. */
async function attach(cloud: Cloud, serverId: string, disk: ServerDisk, attachmentId: string): Promise<void> {
  const server = stillWanted(cloud, serverId);
  const attachment = cloud.state.attachments.find(attachmentId);
  if (server === undefined || attachment === undefined) return;
  const host = hostOf(server);
  try {
    const wanted = connectVolume(cloud, attachment, host, disk.device);
    await cloud.hypervisors.attachDisk(host, serverId, wanted);
    completeAttachment(cloud, attachmentId);
  } catch (error) {
    cloud.log("attach.failed", { server: serverId, volume: disk.volume_id, error: messageOf(error) });
    dropAttachment(cloud, attachmentId);
    const row = cloud.state.servers.get(serverId);
    patchServer(cloud, serverId, { disks: replaceDisk(row, disk.device, undefined) });
  }
}

function update(call: Call): Answer {
  const server = serverAt(call);
  const disk = diskAt(call, server);
  const asked = enveloped(call.body, "volumeAttachment");
  if (requiredText(asked, "volumeId") !== disk.volume_id)
    throw new ApiError(
      403,
      "Policy doesn't allow os_compute_api:os-volumes-attachments:swap to be performed.",
    );
  const wanted = booleanAt(asked, "delete_on_termination") ?? disk.delete_on_termination;
  const disks = server.disks.map((each) =>
    each.device === disk.device ? { ...each, delete_on_termination: wanted } : each,
  );
  patchServer(call.cloud, server.id, { disks });
  return accepted();
}

function remove(call: Call): Answer {
  const { cloud } = call;
  const server = serverAt(call);
  const disk = diskAt(call, server);
  demandState(server, "detach_volume", ATTACHABLE);
  if (disk.boot_index === 0) throw new ApiError(400, "Cannot detach a root device volume");
  const volumeId = disk.volume_id ?? "";
  const { status } = volumeOf(call, volumeId);
  if (status !== "in-use")
    throw new ApiError(
      400,
      sentence(
        "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume.",
        "Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
        `Currently: status: '${status}'.`,
      ),
    );
  markDetaching(cloud, volumeId);
  cloud.tasks.startInOrder(server.id, `volume ${volumeId} is detached`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    await hostIsBack(cloud, server.host, signal);
    await detach(cloud, server.id, disk);
  });
  return accepted();
}

/** On the host. When the disk is held, such as by a job, the volume is in use as before. */
async function detach(cloud: Cloud, serverId: string, disk: ServerDisk): Promise<void> {
  const server = stillWanted(cloud, serverId);
  if (server === undefined) return;
  try {
    await cloud.hypervisors.detachDisk(hostOf(server), serverId, disk.device);
  } catch (error) {
    cloud.log("detach.failed", { server: serverId, volume: disk.volume_id, error: messageOf(error) });
    patchVolume(cloud, disk.volume_id ?? "", { status: "in-use" });
    return;
  }
  patchServer(cloud, serverId, {
    disks: replaceDisk(cloud.state.servers.get(serverId), disk.device, undefined),
  });
  if (disk.attachment_id !== null) dropAttachment(cloud, disk.attachment_id);
}

const at = "/servers/:id/os-volume_attachments";

export const volumeAttachmentRoutes: readonly Route[] = [
  route(`GET ${at}`, "os_compute_api:os-volumes-attachments:index", "reader", list),
  route(`POST ${at}`, "os_compute_api:os-volumes-attachments:create", "member", create),
  route(`GET ${at}/:volume`, "os_compute_api:os-volumes-attachments:show", "reader", show),
  route(`PUT ${at}/:volume`, "os_compute_api:os-volumes-attachments:update", "member", update),
  route(`DELETE ${at}/:volume`, "os_compute_api:os-volumes-attachments:delete", "member", remove),
];
