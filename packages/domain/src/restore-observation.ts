import type { CapturedRule, CapturedWorkload } from "./captured.ts";
import type { RestoreRequest } from "./restore-request.ts";

/**
 * Everything that a restore's plan depends on: what was captured, what was asked, and what the cloud has
 * now.
 */
export interface RestoreObservation {
  readonly restoreId: string;
  /** Who restores: new key pairs are theirs. */
  readonly userId: string;
  readonly request: RestoreRequest;
  readonly captured: CapturedWorkload;
  /** The disks of the commit: their exact sizes and what opens their trees. */
  readonly committed: readonly CommittedDiskFacts[];
  /** Which of the captured instances exist now. */
  readonly originals: readonly OriginalInstance[];
  readonly flavors: readonly FlavorFacts[];
  /** Whether who restores is an administrator, whom Nova lets make flavors. */
  readonly mayMakeFlavors: boolean;
  readonly networks: readonly NetworkFacts[];
  readonly subnets: readonly SubnetFacts[];
  /** Ports of the networks that are concerned, whoever they belong to. */
  readonly ports: readonly PortFacts[];
  readonly routers: readonly RouterFacts[];
  /** Those with the addresses that were captured, whoever they belong to. */
  readonly floatingIps: readonly FloatingIpFacts[];
  readonly securityGroups: readonly SecurityGroupFacts[];
  readonly serverGroups: readonly ServerGroupFacts[];
  /** Of the user who restores. */
  readonly keyPairs: readonly KeyPairFacts[];
  readonly volumeTypeNames: readonly string[];
  readonly computeZones: readonly ZoneFacts[];
  readonly allowances: Allowances;
  readonly capacity: CapacityFacts;
  readonly liveHosts: readonly string[];
  /** Whether one of these hosts has os-brick, which attaches what is neither in Ceph nor on a file share. */
  readonly hasOsBrick: boolean;
}

export interface CommittedDiskFacts {
  readonly diskId: string;
  readonly sizeBytes: number;
  readonly root: string;
}

/** A captured instance that still exists. */
export interface OriginalInstance {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly taskState: string | undefined;
  readonly host: string | undefined;
  readonly flavorDiskGiB: number;
  readonly volumes: readonly {
    readonly volumeId: string;
    /** Without `/dev/`. */
    readonly device: string | undefined;
    readonly sizeGiB: number;
  }[];
}

export interface FlavorFacts {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
  readonly ephemeralGiB: number;
  readonly swapMiB: number;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

export interface NetworkFacts {
  readonly id: string;
  readonly name: string;
  /** Whether it is the restoring project's own. */
  readonly isOwn?: boolean;
}

/** A router of the restoring project. */
export interface RouterFacts {
  readonly id: string;
  readonly name: string;
  readonly externalNetworkId: string | null;
  readonly interfaces: readonly { readonly subnetId: string; readonly ipAddress: string }[];
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[];
}

export interface FloatingIpFacts {
  readonly id: string;
  readonly address: string;
  readonly portId: string | undefined;
  readonly isOwn: boolean;
}

export interface SecurityGroupFacts {
  readonly id: string;
  readonly name: string;
  readonly rules: readonly CapturedRule[];
}

export interface ServerGroupFacts {
  readonly id: string;
  readonly name: string;
  readonly policy: string;
}

export interface KeyPairFacts {
  readonly name: string;
  readonly publicKey: string;
}

export interface SubnetFacts {
  readonly id: string;
  readonly networkId: string;
  readonly name: string;
  readonly cidr: string;
}

export interface PortFacts {
  readonly id: string;
  readonly networkId: string;
  readonly macAddress: string;
  readonly ipAddresses: readonly string[];
  /** Whether no instance, router or service uses it. */
  readonly isFree: boolean;
  /** Whether it is the restoring project's own. */
  readonly isOwn: boolean;
}

export interface ZoneFacts {
  readonly name: string;
  readonly isAvailable: boolean;
}

/** What an instance takes of its host. */
export interface RoomDemand {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
}

/** A pool of storage; undefined: it is not said, or there is no limit. */
export interface PoolFacts {
  readonly name: string;
  readonly totalGiB: number | undefined;
  readonly freeGiB: number | undefined;
  readonly provisionedGiB: number;
  readonly reservedPercent: number;
  readonly isThin: boolean;
  readonly overSubscription: number | undefined;
  /** How hosts reach its volumes, in Cinder's words: `iSCSI`, `FC`, `ceph`, `nfs` … */
  readonly protocol?: string | undefined;
}

/** What the cloud has left, as far as it tells. */
export interface CapacityFacts {
  /** Of the demands that were asked about, those that no host can meet now. */
  readonly noRoom: readonly RoomDemand[];
  /** By volume type; of a type that is not there nothing is known. */
  readonly pools: Readonly<Record<string, readonly PoolFacts[]>>;
  readonly volumeMaxGiB?: number | undefined;
  /** What the project may still put into Glance; absent where that has no limit, or does not tell. */
  readonly images?: AllowanceFacts | undefined;
  readonly imageMiB?: AllowanceFacts | undefined;
}

/** Before anything was asked. */
export const UNKNOWN_CAPACITY: CapacityFacts = { noRoom: [], pools: {} };

/** A quota and what is taken of it; a limit that is absent is no limit. */
export interface AllowanceFacts {
  readonly max?: number | undefined;
  readonly used: number;
}

export interface Allowances {
  readonly instances: AllowanceFacts;
  readonly cores: AllowanceFacts;
  readonly ramMiB: AllowanceFacts;
  readonly volumes: AllowanceFacts;
  readonly gigabytes: AllowanceFacts;
  readonly networks: AllowanceFacts;
  readonly subnets: AllowanceFacts;
  readonly routers: AllowanceFacts;
  readonly ports: AllowanceFacts;
  readonly floatingIps: AllowanceFacts;
  readonly securityGroups: AllowanceFacts;
  readonly securityGroupRules: AllowanceFacts;
  readonly serverGroups: AllowanceFacts;
  /** Of the user who restores. */
  readonly keyPairs: AllowanceFacts;
  /** By the name of the volume type; those that have a quota of their own. */
  readonly volumeTypes: Readonly<
    Record<string, { readonly volumes: AllowanceFacts; readonly gigabytes: AllowanceFacts }>
  >;
}
