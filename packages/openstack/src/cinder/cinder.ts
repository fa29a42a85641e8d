import type { Attachments } from "./attachments.ts";
import type { VolumeQuotas } from "./limits.ts";
import type { VolumeSnapshots } from "./snapshots.ts";
import type { VolumeTypes } from "./volume-types.ts";
import type { Volumes } from "./volumes.ts";

export interface Cinder {
  readonly volumes: Volumes;
  readonly volumeTypes: VolumeTypes;
  readonly attachments: Attachments;
  readonly snapshots: VolumeSnapshots;
  readonly quotas: VolumeQuotas;
}
