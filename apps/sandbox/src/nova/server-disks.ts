import { Fault } from "@cairn/kernel";
import { completeAttachment, connectAttachment, dropAttachment, reserveVolume } from "../cinder/attaching.ts";
import { patchVolume } from "../cinder/volume-body.ts";
import { formatOf, volumeFile } from "../cinder/volume-files.ts";
import { beginRemoval, beginVolume } from "../cinder/volume-life.ts";
import { VOLUME_ZONE } from "../cinder/volumes.ts";
import type { Cloud } from "../cloud.ts";
import type { NewDisk } from "../hosts/hypervisors.ts";
import { sentence } from "../http/answer.ts";
import type { ServerDisk, ServerRow } from "../state/compute-rows.ts";
import type { AttachmentRow } from "../state/storage-rows.ts";
import type { WantedDisk } from "./boot-plan.ts";

const VOLUME_MS_MAX = 300_000;

/** Waits until a volume that was made for a server can be used. */
async function waitForVolume(cloud: Cloud, id: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = cloud.clock.now() + VOLUME_MS_MAX;
  for (;;) {
    const status = cloud.state.volumes.find(id)?.status;
    if (status === "available") return;
    const isUnderway = status === "creating" || status === "downloading";
    if (!isUnderway || cloud.clock.now() > deadlineMs)
      throw new Fault(
        "volume-not-created",
        sentence(
          `Volume ${id} did not finish being created even after we waited 0 seconds or 1`,
          `attempts. And its status is ${String(status)}.`,
        ),
        "never",
      );
    await cloud.clock.sleep(10, signal);
  }
}

/** Makes what is to be made and reserves the volume for the server. */
export async function prepareDisk(
  cloud: Cloud,
  server: ServerRow,
  wanted: WantedDisk,
  signal: AbortSignal,
): Promise<AttachmentRow> {
  const from = wanted.from;
  if (from.kind === "volume") {
    const reserved = cloud.state.attachments
      .where((row) => row.volume_id === from.volumeId && row.instance === server.id)
      .at(0);
    if (reserved !== undefined) return reserved;
  }
  if (from.kind !== "new-volume") throw new Error("bug: only volumes are prepared");
  const volume = beginVolume(cloud, {
    name: "",
    description: "",
    sizeGiB: from.sizeGiB,
    projectId: server.project_id,
    userId: server.user_id,
    zone: VOLUME_ZONE,
    typeId: from.typeId,
    metadata: {},
    source: from.source,
  });
  await waitForVolume(cloud, volume.id, signal);
  return reserveVolume(cloud, cloud.state.volumes.get(volume.id), {
    instance: server.id,
    projectId: server.project_id,
  });
}

/** What os-brick tells Cinder about the host. */
const connectorOf = (host: string, device: string): Readonly<Record<string, unknown>> => ({
  platform: "x86_64",
  os_type: "linux",
  ip: "127.0.0.1",
  host,
  multipath: false,
  do_local_attach: false,
  mountpoint: `/dev/${device}`,
});

export function connectVolume(
  cloud: Cloud,
  attachment: AttachmentRow,
  host: string,
  device: string,
): NewDisk {
  connectAttachment(cloud, attachment.id, connectorOf(host, device), "rw");
  const volume = cloud.state.volumes.get(attachment.volume_id);
  return { device, serial: volume.id, path: volumeFile(cloud, volume).path, format: formatOf(cloud, volume) };
}

export function volumeAttached(cloud: Cloud, attachmentId: string): void {
  completeAttachment(cloud, attachmentId);
}

/** Lets go of all volumes of a server; those made to die with it are removed. */
export function releaseVolumes(cloud: Cloud, server: ServerRow): void {
  for (const disk of server.disks) {
    if (disk.attachment_id !== null) dropAttachment(cloud, disk.attachment_id);
    if (
      disk.volume_id !== null &&
      disk.delete_on_termination &&
      cloud.state.volumes.find(disk.volume_id) !== undefined
    )
      beginRemoval(cloud, disk.volume_id);
  }
  // What was reserved for a disk that never came into the server's list.
  for (const row of cloud.state.attachments.where((each) => each.instance === server.id))
    dropAttachment(cloud, row.id);
}

export function markDetaching(cloud: Cloud, volumeId: string): void {
  patchVolume(cloud, volumeId, { status: "detaching" });
}

export function asServerDisk(
  wanted: WantedDisk,
  device: string,
  attachment: AttachmentRow | undefined,
): ServerDisk {
  return {
    device,
    volume_id: attachment?.volume_id ?? null,
    attachment_id: attachment?.id ?? null,
    boot_index: wanted.bootIndex,
    delete_on_termination: wanted.deleteOnTermination,
    tag: wanted.tag,
  };
}
