import { newId } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { sentence } from "../http/answer.ts";
import { zonelessTime } from "../state/moments.ts";
import type { AttachmentRow, VolumeRow } from "../state/storage-rows.ts";
import { invalidVolume, patchVolume } from "./volume-body.ts";

/** Takes a free volume for an attachment; Cinder's words for one that is not free. */
export function reserveVolume(
  cloud: Cloud,
  volume: VolumeRow,
  wanted: { readonly instance: string | null; readonly projectId: string },
): AttachmentRow {
  if (volume.status !== "available" && volume.status !== "downloading")
    throw invalidVolume(
      sentence(
        `Volume ${volume.id} status must be available or downloading to reserve, but the`,
        `current status is ${volume.status}.`,
      ),
    );
  patchVolume(cloud, volume.id, { status: "reserved" });
  return cloud.state.attachments.put({
    id: newId(),
    volume_id: volume.id,
    project_id: wanted.projectId,
    instance: wanted.instance,
    status: "reserved",
    attach_mode: null,
    connector: null,
    mountpoint: null,
    attached_at: null,
  });
}

/** Gives the attachment a connector: from now on the host may open the volume. */
export function connectAttachment(
  cloud: Cloud,
  id: string,
  connector: Readonly<Record<string, unknown>>,
  mode: "rw" | "ro",
): AttachmentRow {
  const attachment = cloud.state.attachments.get(id);
  if (attachment.status === "reserved") patchVolume(cloud, attachment.volume_id, { status: "attaching" });
  const mountpoint =
    typeof connector["mountpoint"] === "string" ? connector["mountpoint"] : attachment.mountpoint;
  return cloud.state.attachments.patch(id, {
    connector,
    attach_mode: mode,
    mountpoint,
    status: attachment.status === "attached" ? "attached" : "attaching",
  });
}

export function completeAttachment(cloud: Cloud, id: string): AttachmentRow {
  const attachment = cloud.state.attachments.get(id);
  patchVolume(cloud, attachment.volume_id, { status: "in-use" });
  const attached_at = attachment.attached_at ?? zonelessTime(cloud.clock.now());
  return cloud.state.attachments.patch(id, { status: "attached", attached_at });
}

/** Removes an attachment; the volume is free when it was the last. Absent is removed. */
export function dropAttachment(cloud: Cloud, id: string): void {
  const attachment = cloud.state.attachments.find(id);
  if (attachment === undefined) return;
  cloud.state.attachments.remove(id);
  const volume = cloud.state.volumes.find(attachment.volume_id);
  if (volume === undefined) return;
  const others = cloud.state.attachments.where((each) => each.volume_id === volume.id);
  if (others.length > 0) return;
  const isHeld = ["reserved", "attaching", "in-use", "detaching"].includes(volume.status);
  if (isHeld) patchVolume(cloud, volume.id, { status: "available" });
}
