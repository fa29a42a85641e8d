import type {
  CapturedDhcpOption,
  CapturedFlavor,
  CapturedImage,
  CapturedNic,
  CapturedRule,
  CapturedSecurityGroup,
} from "./captured.ts";
import type {
  CapturedGateway,
  CapturedNetwork,
  CapturedNetworkSubnet,
  CapturedRoute,
} from "./captured-network.ts";

/*
 * Parameters of a restore's steps. They are stored as JSON with the plan and leave no choice open; where a
 * step needs what an earlier one made, it names that step's key.
 */

/** Make a volume that is to be written. Its output is `{volumeId}`. */
export interface CreateVolumeStep {
  readonly name: string;
  readonly description: string | null;
  readonly sizeGiB: number;
  readonly volumeType: string | null;
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Connect a volume to a datamover's host, have it written, disconnect it, and say what it is to Cinder. */
export interface WriteVolumeStep {
  readonly volumeStep: string;
  /**
   * The step that takes over where no host can have the volume: then that is no failure, and the output says
   * so in `refusal`. Absent in plans of former releases, which know no other way.
   */
  readonly byImageStep?: string;
  readonly host: string;
  readonly disk: DiskToWrite;
  readonly isBootable: boolean;
  readonly imageMetadata: Readonly<Record<string, string>>;
}

/**
 * Where the volume could not be had as a disk: have a datamover fill an image, and let Cinder make the volume
 * of that in place of the blank one. Its output is `{volumeId}` in any case: of the volume that holds the
 * disk.
 */
export interface WriteByImageStep {
  readonly volumeStep: string;
  readonly writeStep: string;
  readonly host: string;
  readonly volume: CreateVolumeStep;
  readonly disk: DiskToWrite;
  readonly isBootable: boolean;
  readonly imageMetadata: Readonly<Record<string, string>>;
  /** For people: `Disk vdb of instance web`. */
  readonly what: string;
}

export interface DiskToWrite {
  readonly diskId: string;
  readonly root: string;
  readonly sizeBytes: number;
}

/**
 * Make security groups that are gone, with their rules. Its output is `{groupIds: {captured id: new id}}`.
 */
export interface CreateSecurityGroupsStep {
  readonly groups: readonly CapturedSecurityGroup[];
  /** Groups that exist and that rules refer to: captured id → id now. */
  readonly existing: Readonly<Record<string, string>>;
}

/** Give the groups that were made their own descriptions, which held the run's mark until then. */
export interface FinishSecurityGroupsStep {
  readonly groupsStep: string;
  readonly groups: readonly { readonly capturedId: string; readonly description: string }[];
}

/**
 * Make networks and subnets that are gone. Its output is `{networkIds, subnetIds}`, captured id → new id.
 * A subnet's network is named by its captured id when it is made here, else by its id.
 */
export interface CreateNetworksStep {
  readonly networks: readonly Omit<CapturedNetwork, "subnets">[];
  readonly subnets: readonly { readonly networkId: string; readonly subnet: CapturedNetworkSubnet }[];
}

/** Make routers that are gone, and legs that are missing. Its output is `{routerIds, warnings}`. */
export interface CreateRoutersStep {
  /** Null: no network is made. Ids that its output does not know are as they stand. */
  readonly networksStep: string | null;
  readonly routers: readonly {
    readonly capturedId: string;
    /** Null: it is made. Of one that exists only legs are added. */
    readonly existingId: string | null;
    readonly name: string;
    readonly description: string;
    readonly isAdminStateUp: boolean;
    readonly gateway: CapturedGateway | null;
    readonly interfaces: readonly {
      readonly networkId: string;
      readonly subnetId: string;
      readonly ipAddress: string;
      readonly isGateway: boolean;
    }[];
    readonly routes: readonly CapturedRoute[];
  }[];
}

/** Give what was made of the topology its own descriptions, which held the run's mark until then. */
export interface FinishTopologyStep {
  readonly networksStep: string | null;
  readonly routersStep: string | null;
  readonly networks: readonly DescribedThing[];
  readonly subnets: readonly DescribedThing[];
  readonly routers: readonly DescribedThing[];
}

/** Something that was made, by its captured id, and the description that it gets at the end. */
export interface DescribedThing {
  readonly capturedId: string;
  readonly description: string;
}

/**
 * Give a port a floating address. Its output is `{floatingIpId, address, isMade, warnings}`; when the cloud
 * refuses, the id is null and a warning says why: an instance without its outer address is still restored.
 */
export interface AssignFloatingIpStep {
  readonly instanceName: string;
  readonly port: NicReference;
  /** Null: the port's only address. */
  readonly fixedIpAddress: string | null;
  readonly networkId: string;
  /** One of the project's that is free; null: it is to be made. */
  readonly existingId: string | null;
  /** The captured address. Null: it is known to be taken. */
  readonly address: string | null;
  /** What the address was, for messages. */
  readonly capturedAddress: string;
  readonly mayTakeAnother: boolean;
}

/** Make a server group that is gone. Its output is `{serverGroupId}`. */
export interface CreateServerGroupStep {
  readonly name: string;
  readonly policy: string;
  readonly maxServersPerHost: number | null;
  /** Groups of this name that are no work of this step. */
  readonly knownIds: readonly string[];
}

/** Make a flavor that is gone, for this project alone. Its output is `{flavorId}`. */
export interface CreateFlavorStep {
  /** Free when the plan was made: it is what the flavor is found by. */
  readonly name: string;
  readonly flavor: CapturedFlavor;
}

/** Carries the planner's warnings to the restore's row; does nothing. Its output is `{warnings}`. */
export interface NoteStep {
  readonly warnings: readonly string[];
}

/** Import a key pair that is gone. */
export interface ImportKeyPairStep {
  readonly name: string;
  readonly publicKey: string;
  readonly type: "ssh" | "x509";
}

/** Make a blank image of exactly this size, for an instance that boots from a local disk. */
export interface PlaceholderImageStep {
  readonly virtualSizeBytes: number;
  readonly image: CapturedImage;
}

/** Make a port. Its output is `{portId}`. */
export interface CreatePortStep {
  readonly name: string;
  /** When given: it knows the ids of networks and subnets that are made. */
  readonly networksStep?: string | null;
  readonly description?: string;
  readonly isAdminStateUp?: boolean;
  readonly extraDhcpOptions?: readonly CapturedDhcpOption[];
  readonly networkId: string;
  /** Null: let Neutron choose. Without `ipAddress`: any free one of the subnet. */
  readonly fixedIps: readonly { readonly subnetId: string; readonly ipAddress: string | null }[] | null;
  readonly macAddress: string | null;
  /** Null: the project's default group. */
  readonly securityGroups: readonly GroupReference[] | null;
  readonly isPortSecurityEnabled: boolean | null;
  readonly allowedAddressPairs: CapturedNic["allowedAddressPairs"];
  readonly vnicType: string | null;
}

/** A security group that exists, or that a step makes. */
export type GroupReference =
  | { readonly kind: "existing"; readonly id: string }
  | { readonly kind: "created"; readonly groupsStep: string; readonly capturedId: string };

/** Make the instance and wait until it is ACTIVE. Its output is `{instanceId}`. */
export interface CreateServerStep {
  readonly name: string;
  readonly description: string | null;
  /** Empty when `flavorStep` makes it. */
  readonly flavorId: string;
  readonly flavorStep?: string | null;
  readonly serverGroup?: ServerGroupReference | null;
  /** Null: it boots from a volume. */
  readonly imageStep: string | null;
  readonly volumes: readonly {
    readonly volumeStep: string;
    readonly device: string;
    readonly isRoot: boolean;
    readonly deleteOnTermination: boolean;
  }[];
  readonly nics: readonly NicReference[];
  /** Null: wherever Nova likes. */
  readonly availabilityZone: string | null;
  readonly keyName: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly userData: string | null;
  readonly hasConfigDrive: boolean;
}

/** A server group that exists, or that a step makes. */
export type ServerGroupReference =
  | { readonly kind: "existing"; readonly id: string }
  | { readonly kind: "created"; readonly serverGroupStep: string };

/** A port that the original left free, or one that a step makes. */
export type NicReference =
  | { readonly kind: "existing"; readonly portId: string }
  | { readonly kind: "created"; readonly portStep: string };

/** An instance that exists, or one that a step makes. */
export type InstanceReference =
  | { readonly kind: "existing"; readonly instanceId: string }
  | { readonly kind: "created"; readonly serverStep: string };

/** Stop the instance. Undone by starting it again when it was there before the run. */
export interface StopServerStep {
  readonly instance: InstanceReference;
  readonly instanceName: string;
}

/** Write one disk of a stopped instance. */
export interface WriteInstanceDiskStep {
  readonly instance: InstanceReference;
  readonly instanceName: string;
  readonly device: string;
  readonly source:
    | { readonly kind: "volume"; readonly volumeId: string }
    | { readonly kind: "local"; readonly device: string };
  readonly disk: DiskToWrite;
  readonly mode: "whole" | "differences";
}

/** Start the instance and wait until it is ACTIVE. */
export interface StartServerStep {
  readonly instance: InstanceReference;
  readonly instanceName: string;
}

/** Look whether the instance is well, name its ports, take the marks of the run away. */
export interface FinishServerStep {
  readonly serverStep: string;
  readonly originalId: string;
  readonly name: string;
  readonly volumeSteps: readonly string[];
  readonly ports: readonly {
    readonly portStep: string;
    readonly name: string;
  }[];
  readonly floatingIps?: readonly { readonly floatingIpStep: string; readonly description: string }[];
}

/** Rules compare by value: a group that was made half may have some of them already. */
export function sameRule(left: CapturedRule, right: CapturedRule): boolean {
  return (
    left.direction === right.direction &&
    left.ethertype === right.ethertype &&
    left.protocol === right.protocol &&
    left.portRangeMin === right.portRangeMin &&
    left.portRangeMax === right.portRangeMax &&
    left.remoteIpPrefix === right.remoteIpPrefix &&
    left.remoteGroupId === right.remoteGroupId
  );
}
