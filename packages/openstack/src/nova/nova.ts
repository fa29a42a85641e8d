import type { ServiceClient } from "../wire/service-client.ts";
import {
  type AvailabilityZones,
  availabilityZones,
  type ComputeServices,
  computeServices,
} from "./availability-zones.ts";
import { type Flavors, flavors } from "./flavors.ts";
import { type Interfaces, interfaces } from "./interfaces.ts";
import { type KeyPairs, keyPairs } from "./key-pairs.ts";
import { type Limits, limits } from "./limits.ts";
import { type ServerGroups, serverGroups } from "./server-groups.ts";
import { type Servers, servers } from "./servers.ts";
import { type VolumeAttachments, volumeAttachments } from "./volume-attachments.ts";

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

export function nova(client: ServiceClient): Nova {
  return {
    servers: servers(client),
    volumeAttachments: volumeAttachments(client),
    interfaces: interfaces(client),
    flavors: flavors(client),
    keyPairs: keyPairs(client),
    limits: limits(client),
    availabilityZones: availabilityZones(client),
    services: computeServices(client),
    serverGroups: serverGroups(client),
  };
}
