import { describeFault, Fault, GiB, newId } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { zonelessTime } from "../state/moments.ts";
import type { ImageRow, VolumeRow } from "../state/storage-rows.ts";
import { hasStorage } from "./capacity.ts";
import { demandCinder } from "./quota.ts";
import { invalidInput, patchVolume } from "./volume-body.ts";
import { makeVolumeFile, removeVolumeFile, type VolumeSource } from "./volume-files.ts";

export interface NewVolume {
  readonly name: string | null;
  readonly description: string | null;
  readonly sizeGiB: number;
  readonly projectId: string;
  readonly userId: string;
  readonly zone: string;
  readonly typeId: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly source: VolumeSource;
}

/** What a bootable volume remembers of its image. */
export function imageMetadata(image: ImageRow): Record<string, string> {
  return {
    ...image.properties,
    image_id: image.id,
    image_name: image.name ?? "",
    checksum: image.checksum ?? "",
    container_format: image.container_format ?? "",
    disk_format: image.disk_format ?? "",
    min_disk: String(image.min_disk),
    min_ram: String(image.min_ram),
    size: String(image.size ?? 0),
  };
}

function checkImage(image: ImageRow, sizeGiB: number): void {
  if (image.status !== "active") throw invalidInput(`Image ${image.id} is not active.`);
  const imageGiB = Math.ceil(Math.max(image.virtual_size ?? 0, image.size ?? 0) / GiB);
  if (sizeGiB < imageGiB)
    throw invalidInput(`Size of specified image ${imageGiB}GB is larger than volume size ${sizeGiB}GB.`);
  if (sizeGiB < image.min_disk)
    throw invalidInput(
      `Volume size ${sizeGiB}GB cannot be smaller than the image minDisk size ${image.min_disk}GB.`,
    );
}

/** Takes a volume into the books, within the quota, and starts making it. */
export function beginVolume(cloud: Cloud, wanted: NewVolume): VolumeRow {
  const { source } = wanted;
  const image = source.kind === "image" ? cloud.state.images.get(source.imageId) : undefined;
  if (image !== undefined) checkImage(image, wanted.sizeGiB);
  demandCinder(cloud, wanted.projectId, { volumes: 1, gigabytes: wanted.sizeGiB });
  const parent = parentOf(cloud, source);
  const row = cloud.state.volumes.put({
    id: newId(),
    name: wanted.name,
    description: wanted.description,
    size: wanted.sizeGiB,
    status: "creating",
    project_id: wanted.projectId,
    user_id: wanted.userId,
    availability_zone: wanted.zone,
    volume_type_id: wanted.typeId,
    metadata: wanted.metadata,
    bootable: image !== undefined || (parent?.bootable ?? false),
    image_metadata: image === undefined ? (parent?.image_metadata ?? null) : imageMetadata(image),
    snapshot_id: source.kind === "snapshot" ? source.snapshotId : null,
    source_volid: source.kind === "volume" ? source.volumeId : null,
    readonly: false,
    created_at: zonelessTime(cloud.clock.now()),
    updated_at: null,
  });
  cloud.tasks.start(`volume ${row.id} is made`, (signal) => finishVolume(cloud, row, source, signal));
  return row;
}

function parentOf(cloud: Cloud, source: VolumeSource): VolumeRow | undefined {
  if (source.kind === "volume") return cloud.state.volumes.find(source.volumeId);
  if (source.kind !== "snapshot") return undefined;
  return cloud.state.volumes.find(cloud.state.snapshots.get(source.snapshotId).volume_id);
}

async function finishVolume(
  cloud: Cloud,
  volume: VolumeRow,
  source: VolumeSource,
  signal: AbortSignal,
): Promise<void> {
  await cloud.clock.sleep(cloud.settings.transitionMs, signal);
  try {
    if (source.kind === "image") patchVolume(cloud, volume.id, { status: "downloading" });
    // Cinder's scheduler finds no backend, and the volume is in error.
    if (!hasStorage(cloud)) throw new Fault("no-valid-backend", "No valid backend was found", "later");
    await makeVolumeFile(cloud, volume, source);
    patchVolume(cloud, volume.id, { status: "available" });
  } catch (error) {
    cloud.log("volume.failed", { volume: volume.id, error: describeFault(error) });
    patchVolume(cloud, volume.id, { status: "error" });
  }
}

/** Starts the volume's removal; its row goes with its file. */
export function beginRemoval(cloud: Cloud, volumeId: string): void {
  patchVolume(cloud, volumeId, { status: "deleting" });
  cloud.tasks.start(`volume ${volumeId} goes`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    finishRemoval(cloud, volumeId);
  });
}

function finishRemoval(cloud: Cloud, volumeId: string): void {
  const volume = cloud.state.volumes.find(volumeId);
  if (volume === undefined) return;
  removeVolumeFile(cloud, volume);
  for (const attachment of cloud.state.attachments.where((each) => each.volume_id === volumeId))
    cloud.state.attachments.remove(attachment.id);
  cloud.state.volumes.remove(volumeId);
}

/** What a restart of cinder-volume does with what it finds half done. */
export function resumeVolumes(cloud: Cloud): void {
  for (const volume of cloud.state.volumes.all()) {
    if (volume.status === "creating" || volume.status === "downloading")
      patchVolume(cloud, volume.id, { status: "error" });
    if (volume.status === "deleting") finishRemoval(cloud, volume.id);
    if (volume.status === "extending") patchVolume(cloud, volume.id, { status: "error_extending" });
    if (volume.status === "uploading") patchVolume(cloud, volume.id, { status: "available" });
  }
  for (const snapshot of cloud.state.snapshots.all()) {
    if (snapshot.status === "creating") cloud.state.snapshots.patch(snapshot.id, { status: "error" });
    if (snapshot.status === "deleting") cloud.state.snapshots.remove(snapshot.id);
  }
}
