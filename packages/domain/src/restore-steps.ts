import type { CapturedImage, CapturedNic, CapturedRule, CapturedSecurityGroup } from "./captured.ts";

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
  readonly host: string;
  readonly disk: DiskToWrite;
  readonly isBootable: boolean;
  readonly imageMetadata: Readonly<Record<string, string>>;
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
  readonly flavorId: string;
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
  readonly ports: readonly { readonly portStep: string; readonly name: string }[];
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
