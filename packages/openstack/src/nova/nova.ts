import type { AvailabilityZones, ComputeServices } from "./availability-zones.ts";
import type { Flavors } from "./flavors.ts";
import type { Interfaces } from "./interfaces.ts";
import type { KeyPairs } from "./key-pairs.ts";
import type { Limits } from "./limits.ts";
import type { ServerGroups } from "./server-groups.ts";
import type { Servers } from "./servers.ts";
import type { VolumeAttachments } from "./volume-attachments.ts";

export interface Nova {
  readonly servers: Servers;
  readonly volumeAttachments: VolumeAttachments;
  readonly interfaces: Interfaces;
  readonly flavors: Flavors;
  readonly keyPairs: KeyPairs;
  readonly limits: Limits;
  readonly availabilityZones: AvailabilityZones;
  readonly services: ComputeServices;
  readonly serverGroups: ServerGroups;
}
