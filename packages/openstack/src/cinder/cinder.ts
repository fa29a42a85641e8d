import type { ServiceClient } from "../wire/service-client.ts";
import { type Attachments, attachments } from "./attachments.ts";
import { type VolumeQuotas, volumeQuotas } from "./limits.ts";
import { type UserMessages, userMessages } from "./messages.ts";
import { type StoragePools, storagePools } from "./pools.ts";
import { type VolumeSnapshots, volumeSnapshots } from "./snapshots.ts";
import { type VolumeTypes, volumeTypes } from "./volume-types.ts";
import { type Volumes, volumes } from "./volumes.ts";

export interface Cinder {
  readonly volumes: Volumes;
  readonly volumeTypes: VolumeTypes;
  readonly attachments: Attachments;
  readonly snapshots: VolumeSnapshots;
  readonly quotas: VolumeQuotas;
  readonly pools: StoragePools;
  readonly messages: UserMessages;
}

/** What the decoders here are written for: attachments of their own since 3.27 (Ocata), 3.59 is of Stein. */
export const CINDER_VERSIONS = { least: "3.27", most: "3.59" };

export function cinder(client: ServiceClient): Cinder {
  return {
    volumes: volumes(client),
    volumeTypes: volumeTypes(client),
    attachments: attachments(client),
    snapshots: volumeSnapshots(client),
    quotas: volumeQuotas(client),
    pools: storagePools(client),
    messages: userMessages(client),
  };
}
