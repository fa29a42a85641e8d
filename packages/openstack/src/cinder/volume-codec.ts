import { asId } from "@cairn/kernel";
import type { Fields } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { Volume, VolumeCreation } from "./volumes.ts";

/** The inside of the body of `POST /volumes`. */
export function encodeCreation(volume: VolumeCreation): JsonObject {
  return {
    name: volume.name,
    size: volume.sizeGiB,
    ...(volume.description === undefined ? {} : { description: volume.description }),
    ...(volume.volumeType === undefined ? {} : { volume_type: volume.volumeType }),
    ...(volume.availabilityZone === undefined ? {} : { availability_zone: volume.availabilityZone }),
    ...(volume.metadata === undefined ? {} : { metadata: { ...volume.metadata } }),
    ...(volume.imageId === undefined ? {} : { imageRef: volume.imageId }),
    ...(volume.snapshotId === undefined ? {} : { snapshot_id: volume.snapshotId }),
  };
}

/** A volume as Cinder shows it (cinder/api/v3/views/volumes.py). */
export function readVolume(fields: Fields): Volume {
  const source = fields.optionalString("source_volid");
  const projectId = fields.optionalString("os-vol-tenant-attr:tenant_id");
  return {
    id: asId<"volume">(fields.string("id")),
    name: fields.text("name"),
    description: fields.optionalString("description"),
    status: fields.string("status"),
    sizeGiB: fields.integer("size"),
    volumeType: fields.optionalString("volume_type"),
    availabilityZone: fields.optionalString("availability_zone"),
    isBootable: fields.optionalBoolean("bootable") ?? false,
    isEncrypted: fields.optionalBoolean("encrypted") ?? false,
    isMultiattach: fields.optionalBoolean("multiattach") ?? false,
    metadata: fields.texts("metadata"),
    imageMetadata: fields.texts("volume_image_metadata"),
    attachments: fields.list("attachments", readVolumeAttachment),
    snapshotId: fields.optionalString("snapshot_id"),
    sourceVolumeId: source === undefined ? undefined : asId<"volume">(source),
    host: fields.optionalString("os-vol-host-attr:host"),
    projectId: projectId === undefined ? undefined : asId<"project">(projectId),
    createdAt: fields.text("created_at"),
    raw: fields.raw,
  };
}

function readVolumeAttachment(fields: Fields): Volume["attachments"][number] {
  const instanceId = fields.optionalString("server_id");
  return {
    attachmentId: fields.string("attachment_id"),
    instanceId: instanceId === undefined ? undefined : asId<"instance">(instanceId),
    device: fields.optionalString("device"),
    hostName: fields.optionalString("host_name"),
  };
}
