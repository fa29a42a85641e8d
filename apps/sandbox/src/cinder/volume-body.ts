import type { Cloud } from "../cloud.ts";
import { ApiError, type Call, param } from "../http/answer.ts";
import { zonelessTime } from "../state/moments.ts";
import type { VolumeRow } from "../state/storage-rows.ts";

/** An attachment as a volume's body lists it; only what is really attached. */
function attachmentEntries(call: Call, volume: VolumeRow): object[] {
  return call.cloud.state.attachments
    .where((each) => each.volume_id === volume.id && each.status === "attached")
    .map((each) => ({
      id: volume.id,
      attachment_id: each.id,
      volume_id: volume.id,
      server_id: each.instance,
      host_name: call.actor.isAdmin ? (each.connector?.["host"] ?? null) : null,
      device: each.mountpoint,
      attached_at: each.attached_at,
    }));
}

export function volumeLinks(call: Call, path: string): object[] {
  const base = call.cloud.baseUrl();
  return [
    { rel: "self", href: `${base}/volume/v3/${call.actor.projectId}/${path}` },
    { rel: "bookmark", href: `${base}/volume/${call.actor.projectId}/${path}` },
  ];
}

/** A volume's body at the call's microversion. */
export function volumeBody(call: Call, volume: VolumeRow): object {
  const { isAdmin } = call.actor;
  const type = call.cloud.state.volumeTypes.find(volume.volume_type_id);
  return {
    id: volume.id,
    status: volume.status,
    size: volume.size,
    availability_zone: volume.availability_zone,
    created_at: volume.created_at,
    updated_at: volume.updated_at,
    attachments: attachmentEntries(call, volume),
    name: volume.name,
    description: volume.description,
    volume_type: type?.name ?? null,
    snapshot_id: volume.snapshot_id,
    source_volid: volume.source_volid,
    metadata: volume.readonly ? { ...volume.metadata, readonly: "True" } : volume.metadata,
    links: volumeLinks(call, `volumes/${volume.id}`),
    user_id: volume.user_id,
    bootable: String(volume.bootable),
    encrypted: type?.encrypted ?? false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: false,
    "os-vol-tenant-attr:tenant_id": volume.project_id,
    ...(volume.image_metadata === null ? {} : { volume_image_metadata: volume.image_metadata }),
    ...(isAdmin
      ? {
          "os-vol-host-attr:host": "sandbox@nfs#nfs",
          "os-vol-mig-status-attr:migstat": null,
          "os-vol-mig-status-attr:name_id": null,
        }
      : {}),
    ...(call.minor >= 13 ? { group_id: null } : {}),
    ...(call.minor >= 21 && isAdmin ? { provider_id: null } : {}),
    ...(call.minor >= 48 ? { shared_targets: false, service_uuid: null } : {}),
    ...(call.minor >= 61 && isAdmin ? { cluster_name: null } : {}),
    ...(call.minor >= 63 ? { volume_type_id: volume.volume_type_id } : {}),
    ...(call.minor >= 65 ? { consumes_quota: true } : {}),
  };
}

export const noVolume = (id: string): ApiError => new ApiError(404, `Volume ${id} could not be found.`);

/** A volume of the caller's project, or any for an admin. */
export function visibleVolume(call: Call, id: string): VolumeRow {
  const row = call.cloud.state.volumes.find(id);
  if (row === undefined || (row.project_id !== call.actor.projectId && !call.actor.isAdmin))
    throw noVolume(id);
  return row;
}

export function volumeAt(call: Call): VolumeRow {
  return visibleVolume(call, param(call, "id"));
}

export const invalidVolume = (reason: string): ApiError => new ApiError(400, `Invalid volume: ${reason}`);

export const invalidInput = (reason: string): ApiError =>
  new ApiError(400, `Invalid input received: ${reason}`);

export function patchVolume(cloud: Cloud, id: string, fields: Partial<VolumeRow>): VolumeRow {
  return cloud.state.volumes.patch(id, { ...fields, updated_at: zonelessTime(cloud.clock.now()) });
}
