import { bareDevice, type CapturedDisk, type CapturedInstance, localDiskId, MOUNT_KEY } from "@cairn/domain";
import { GiB } from "@cairn/kernel";
import type { Server, Volume, VolumeAttachment } from "@cairn/openstack";
import type { FlowContext } from "./step.ts";

/** Metadata with which a user leaves disks out, as the reference reads it. */
const EXCLUDE_BOOT_DISK = "exclude_boot_disk_from_backup";
const EXCLUDE_VOLUME = "exclude_from_backup";

interface CapturedDisks {
  readonly rootDevice: string;
  readonly disks: readonly CapturedDisk[];
  readonly omitted: CapturedInstance["omitted"];
}

/**
 * The disks of an instance: those to protect, boot disk first, and those that are left out, with the
 * reason.
 */
export async function captureDisks(context: FlowContext, server: Server): Promise<CapturedDisks> {
  const rootDevice = bareDevice(server.rootDevice ?? "/dev/vda");
  const found: CapturedDisk[] = [];
  const omitted: { device: string; because: string }[] = [];
  if (server.imageId !== undefined) found.push(await localRoot(context, server, rootDevice));
  for (const attachment of await context.cloud.nova.volumeAttachments.list(server.id, context.signal)) {
    const volume = await context.cloud.cinder.volumes.get(attachment.volumeId, context.signal);
    const disk = volumeDisk(attachment, volume, rootDevice);
    const mountedId = volume.metadata[MOUNT_KEY];
    if (mountedId !== undefined) omitted.push({ device: disk.device, because: copyOf(mountedId) });
    else if (isYes(volume.metadata[EXCLUDE_VOLUME])) omitted.push(excluded(disk, "volume", EXCLUDE_VOLUME));
    else found.push(disk);
  }
  const excludesBoot = isYes(server.metadata[EXCLUDE_BOOT_DISK]);
  for (const disk of found) {
    if (excludesBoot && disk.isRoot) omitted.push(excluded(disk, "instance", EXCLUDE_BOOT_DISK));
  }
  return {
    rootDevice,
    disks: found.filter((disk) => !(excludesBoot && disk.isRoot)).toSorted(bootOrder),
    omitted: [...omitted, ...volatileDisks(server)],
  };
}

/** It goes away at the dismount; a bitmap or a base of it would be of no use. */
function copyOf(snapshotId: string): string {
  return `it is a copy of a disk of snapshot ${snapshotId}, which is mounted here`;
}

function excluded(disk: CapturedDisk, where: string, key: string): { device: string; because: string } {
  return { device: disk.device, because: `metadata ${key} of the ${where}` };
}

/**
 * What the flavor gives beside the root disk is volatile by Nova's own words, and no volume says where it
 * is.
 */
function volatileDisks(server: Server): { device: string; because: string }[] {
  const because = "it is volatile by its flavor";
  return [
    ...(server.flavor.ephemeralGiB > 0 ? [{ device: "ephemeral", because }] : []),
    ...(server.flavor.swapMiB > 0 ? [{ device: "swap", because }] : []),
  ];
}

function isYes(value: string | undefined): boolean {
  return value !== undefined && ["true", "1", "yes"].includes(value.trim().toLowerCase());
}

/** Boot disk first, then `vdb` before `vdz` before `vdaa`. */
function bootOrder(left: CapturedDisk, right: CapturedDisk): number {
  if (left.isRoot !== right.isRoot) return left.isRoot ? -1 : 1;
  const byLength = left.device.length - right.device.length;
  return byLength === 0 ? left.device.localeCompare(right.device) : byLength;
}

/**
 * Nova makes the root disk as large as the flavor says; a flavor that says nothing takes the image's size.
 */
async function localRoot(context: FlowContext, server: Server, device: string): Promise<CapturedDisk> {
  const { diskGiB } = server.flavor;
  const image =
    diskGiB > 0 || server.imageId === undefined
      ? undefined
      : await context.cloud.glance.images.find(server.imageId, context.signal);
  const sizeBytes = diskGiB > 0 ? diskGiB * GiB : (image?.virtualSizeBytes ?? image?.sizeBytes ?? 0);
  return {
    diskId: localDiskId(server.id, device),
    device,
    isRoot: true,
    sizeBytes,
    source: { kind: "local" },
  };
}

function volumeDisk(attachment: VolumeAttachment, volume: Volume, rootDevice: string): CapturedDisk {
  const device = bareDevice(attachment.device ?? volume.attachments[0]?.device ?? volume.id);
  return {
    diskId: volume.id,
    device,
    isRoot: device === rootDevice,
    sizeBytes: volume.sizeGiB * GiB,
    source: {
      kind: "volume",
      volumeId: volume.id,
      name: volume.name,
      description: volume.description ?? null,
      sizeGiB: volume.sizeGiB,
      volumeType: volume.volumeType ?? null,
      availabilityZone: volume.availabilityZone ?? null,
      metadata: lasting(volume.metadata),
      imageMetadata: volume.imageMetadata,
      isBootable: volume.isBootable,
      isEncrypted: volume.isEncrypted,
      isMultiattach: volume.isMultiattach,
      deleteOnTermination: attachment.deleteOnTermination,
    },
  };
}

/**
 * Cinder shows some of its own keys among the user's (cinder/api/views/volumes.py,
 * `_get_volume_metadata`).
 */
function lasting(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const own = ["readonly", "attached_mode", "cairn_run"];
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !own.includes(key)));
}
