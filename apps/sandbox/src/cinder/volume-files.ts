import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { GiB } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { imagePath } from "../glance/images.ts";
import { guestFlush } from "../hosts/contents.ts";
import { convertImage, createImage, growImage, type ImageFile } from "../hosts/qemu-img.ts";
import type { VolumeRow } from "../state/storage-rows.ts";

const EXPORT = "127.0.0.1:/cinder";

/**
 * The folder where a client of the NFS driver mounts the export: named by the export's MD5, as
 * os-brick does.
 */
function mountFolder(cloud: Cloud): string {
  return join(cloud.directory, "cinder", createHash("md5").update(EXPORT).digest("hex"));
}

export function formatOf(cloud: Cloud, volume: VolumeRow): "qcow2" | "raw" {
  return cloud.state.volumeTypes.find(volume.volume_type_id)?.format ?? "qcow2";
}

export function volumeFile(
  cloud: Cloud,
  volume: VolumeRow,
): ImageFile & { readonly format: "qcow2" | "raw" } {
  return { path: join(mountFolder(cloud), `volume-${volume.id}`), format: formatOf(cloud, volume) };
}

function snapshotFile(cloud: Cloud, volume: VolumeRow, snapshotId: string): ImageFile {
  return { path: join(mountFolder(cloud), `volume-${volume.id}.${snapshotId}`), format: "qcow2" };
}

/**
 * What an attachment tells the client. Cinder hands the driver's `data` out flat beside `driver_volume_type`
 * (`VolumeManager._connection_create`).
 */
export function connectionInfo(cloud: Cloud, volume: VolumeRow, attachmentId: string): object {
  return {
    ...driverData(cloud, volume),
    qos_specs: null,
    access_mode: volume.readonly ? "ro" : "rw",
    encrypted: cloud.state.volumeTypes.find(volume.volume_type_id)?.encrypted ?? false,
    cacheable: false,
    attachment_id: attachmentId,
  };
}

function driverData(cloud: Cloud, volume: VolumeRow): object {
  if (cloud.state.volumeTypes.find(volume.volume_type_id)?.backend === "local") {
    return { driver_volume_type: "local", device_path: volumeFile(cloud, volume).path };
  }
  return {
    export: EXPORT,
    name: `volume-${volume.id}`,
    format: formatOf(cloud, volume),
    options: null,
    driver_volume_type: "nfs",
    mount_point_base: join(cloud.directory, "cinder"),
  };
}

export type VolumeSource =
  | { readonly kind: "blank" }
  | { readonly kind: "image"; readonly imageId: string }
  | { readonly kind: "snapshot"; readonly snapshotId: string }
  | { readonly kind: "volume"; readonly volumeId: string };

/** Makes the volume's file from what it is made of, at its size. */
export async function makeVolumeFile(cloud: Cloud, volume: VolumeRow, source: VolumeSource): Promise<void> {
  const file = volumeFile(cloud, volume);
  mkdirSync(dirname(file.path), { recursive: true });
  const from = sourceFile(cloud, source);
  if (from === undefined) {
    await createImage(file, volume.size * GiB);
    return;
  }
  if (source.kind === "volume") await flushVolume(cloud, source.volumeId);
  await convertImage(from, file, cloud.tasks.signal);
  await growImage(file, volume.size * GiB);
}

function sourceFile(cloud: Cloud, source: VolumeSource): ImageFile | undefined {
  const { state } = cloud;
  switch (source.kind) {
    case "blank":
      return undefined;
    case "image":
      return {
        path: imagePath(cloud, source.imageId),
        format: state.images.get(source.imageId).disk_format ?? "raw",
      };
    case "snapshot": {
      const snapshot = state.snapshots.get(source.snapshotId);
      return snapshotFile(cloud, state.volumes.get(snapshot.volume_id), snapshot.id);
    }
    case "volume":
      return volumeFile(cloud, state.volumes.get(source.volumeId));
  }
}

/** Brings what a running QEMU has cached of the volume to its file. */
export async function flushVolume(cloud: Cloud, volumeId: string): Promise<void> {
  for (const server of cloud.state.servers.all()) {
    const disk = server.disks.find((each) => each.volume_id === volumeId);
    const client = cloud.hypervisors.monitor(server.id);
    if (disk === undefined || client === undefined || server.host === null) continue;
    const folder = cloud.hypervisors.folder(server.host, server.id);
    await guestFlush({ client, folder, qdevId: `disk-${disk.device}` });
  }
}

export async function makeSnapshotFile(cloud: Cloud, volume: VolumeRow, snapshotId: string): Promise<void> {
  await flushVolume(cloud, volume.id);
  await convertImage(volumeFile(cloud, volume), snapshotFile(cloud, volume, snapshotId), cloud.tasks.signal);
}

export function removeSnapshotFile(cloud: Cloud, volume: VolumeRow, snapshotId: string): void {
  rmSync(snapshotFile(cloud, volume, snapshotId).path, { force: true });
}

export function removeVolumeFile(cloud: Cloud, volume: VolumeRow): void {
  rmSync(volumeFile(cloud, volume).path, { force: true });
}

export async function extendVolumeFile(cloud: Cloud, volume: VolumeRow, sizeGiB: number): Promise<void> {
  await growImage(volumeFile(cloud, volume), sizeGiB * GiB);
}
