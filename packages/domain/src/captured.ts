import type { BarrierOutcome } from "./barrier.ts";
import type { CapturedFloatingIp, CapturedServerGroup, CapturedTopology } from "./captured-network.ts";

/**
 * What is captured of instances by value, so that they can be made again when nothing of them is left. It
 * goes into the commit's metadata, so its form is part of what old snapshots mean: a change of meaning gets
 * a new version. Absent things are `null`, so that a value is the same before and after JSON.
 */
export const CAPTURED_VERSION = 1;

/** A workload at the point in time: its instances and what they refer to. */
export interface CapturedWorkload {
  readonly version: typeof CAPTURED_VERSION;
  readonly workload: { readonly id: string; readonly name: string };
  readonly record: CapturedRecord;
  readonly instances: readonly CapturedInstance[];
  /** The groups of all ports, and those that their rules refer to, and so on. */
  readonly securityGroups: readonly CapturedSecurityGroup[];
  /** All networks and routers of the project. Absent in snapshots of before they were captured. */
  readonly topology?: CapturedTopology;
  /** Those that instances are in. Absent as above. */
  readonly serverGroups?: readonly CapturedServerGroup[];
}

/**
 * What the database says of workload and snapshot beyond their names, so that a lost database can be made
 * again from the target alone.
 */
export interface CapturedRecord {
  readonly workload: {
    readonly userId: string;
    /** Whose Keystone knows user and project. Absent in snapshots of before clouds were told apart. */
    readonly cloudId?: string;
    readonly description: string;
    readonly typeId: string | null;
    readonly jobschedule: Readonly<Record<string, unknown>>;
    readonly metadata: Readonly<Record<string, unknown>>;
  };
  readonly snapshot: {
    readonly userId: string;
    readonly name: string;
    readonly description: string;
    /** ISO 8601. */
    readonly requestedAt: string;
  };
}

/** An instance as it was. */
export interface CapturedInstance {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  /** Nova's word in capitals. */
  readonly status: string;
  readonly availabilityZone: string | null;
  readonly flavor: CapturedFlavor;
  /** Null for an instance that boots from a volume. */
  readonly image: CapturedImage | null;
  /** `vda`; where the guest boots from. */
  readonly rootDevice: string;
  readonly keyPair: CapturedKeyPair | null;
  /** Base64. */
  readonly userData: string | null;
  readonly hasConfigDrive: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly serverGroupIds: readonly string[];
  /** In the order in which the guest sees them. */
  readonly nics: readonly CapturedNic[];
  /** The protected disks, boot disk first. */
  readonly disks: readonly CapturedDisk[];
  /** Disks that are not in the snapshot, and why. */
  readonly omitted: readonly { readonly device: string; readonly because: string }[];
}

/** A flavor by value; Nova does not tell which flavor it was made of, only what it said. */
export interface CapturedFlavor {
  readonly name: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
  readonly ephemeralGiB: number;
  readonly swapMiB: number;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

/** The image that an instance was booted from. When Glance has lost it, only its id is known. */
export interface CapturedImage {
  readonly id: string;
  readonly name: string | null;
  readonly minRamMiB: number;
  readonly minDiskGiB: number;
  readonly properties: Readonly<Record<string, string>>;
}

export interface CapturedKeyPair {
  readonly name: string;
  /** Null when Nova no longer knows the key pair: then it cannot be imported again. */
  readonly publicKey: string | null;
  readonly type: "ssh" | "x509";
  readonly fingerprint: string | null;
  /** Key pairs belong to users, not to projects. Absent in snapshots of before it was captured. */
  readonly userId?: string;
}

/** A subnet as far as it helps to find one like it. */
export interface CapturedSubnet {
  readonly id: string;
  readonly name: string;
  readonly cidr: string;
  readonly ipVersion: number;
  readonly gatewayIp: string | null;
}

export interface CapturedNic {
  readonly portId: string;
  readonly portName: string;
  readonly macAddress: string;
  readonly network: { readonly id: string; readonly name: string };
  readonly fixedIps: readonly { readonly ipAddress: string; readonly subnet: CapturedSubnet }[];
  readonly securityGroups: readonly { readonly id: string; readonly name: string }[];
  readonly isPortSecurityEnabled: boolean | null;
  readonly allowedAddressPairs: readonly {
    readonly ipAddress: string;
    readonly macAddress: string | null;
  }[];
  readonly vnicType: string | null;
  /** Floating addresses and what follows: absent in snapshots of before they were captured. */
  readonly floatingIps?: readonly CapturedFloatingIp[];
  readonly description?: string;
  readonly isAdminStateUp?: boolean;
  readonly extraDhcpOptions?: readonly CapturedDhcpOption[];
}

/** A DHCP option that Neutron gives to this port alone (extension `extra_dhcp_opt`). */
export interface CapturedDhcpOption {
  readonly name: string;
  readonly value: string;
  readonly ipVersion: number;
}

export interface CapturedSecurityGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly isStateful: boolean;
  readonly rules: readonly CapturedRule[];
}

export interface CapturedRule {
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  readonly description: string;
  readonly protocol: string | null;
  readonly portRangeMin: number | null;
  readonly portRangeMax: number | null;
  readonly remoteIpPrefix: string | null;
  readonly remoteGroupId: string | null;
  /**
   * An address group, whose addresses are not captured. Without it the rule would let everybody in, so a rule
   * that has one is never made again.
   */
  readonly remoteAddressGroupId?: string;
}

/**
 * A disk of an instance. The id is the volume's, or made of the instance's and the device of a local disk.
 */
export interface CapturedDisk {
  readonly diskId: string;
  /** Without `/dev/`. */
  readonly device: string;
  /** Whether the guest boots from it. Nova tells no other disk's place in the boot order. */
  readonly isRoot: boolean;
  /** As far as OpenStack tells; the datamover's outcome tells the exact size. */
  readonly sizeBytes: number;
  readonly source: CapturedDiskSource;
}

export type CapturedDiskSource =
  | { readonly kind: "local" }
  | {
      readonly kind: "volume";
      readonly volumeId: string;
      readonly name: string;
      readonly description: string | null;
      readonly sizeGiB: number;
      readonly volumeType: string | null;
      readonly availabilityZone: string | null;
      readonly metadata: Readonly<Record<string, string>>;
      readonly imageMetadata: Readonly<Record<string, string>>;
      readonly isBootable: boolean;
      readonly isEncrypted: boolean;
      /** Whether several instances may have it attached; absent in older snapshots. */
      readonly isMultiattach?: boolean;
      readonly deleteOnTermination: boolean;
    };

/** The id of a local disk; a volume's disk is called like the volume. */
export function localDiskId(instanceId: string, device: string): string {
  return `${instanceId}-${device}`;
}

/** `/dev/vdb` and `vdb` are the same device. */
export function bareDevice(device: string): string {
  return device.replace(/^\/dev\//, "");
}

/**
 * How a committed disk was read and stored, as the snapshot's row shows it. The same fields as the
 * datamover's outcome, plus which instance and device the disk belongs to.
 */
export interface SnapshotDiskRecord {
  readonly diskId: string;
  readonly instanceId: string;
  readonly device: string;
  readonly sizeBytes: number;
  readonly format: string;
  readonly root: string;
  readonly read:
    | {
        readonly mode: "incremental";
        readonly tracker: "persistent-bitmap" | "transient-bitmap" | "rbd-snapshot";
      }
    | { readonly mode: "full"; readonly because: string };
  readonly readBytes: number;
  readonly auditedBytes: number;
  readonly changedBytes: number;
  readonly storedBytes: number;
}

/** A captured instance with its point in time, as the snapshot's row shows it. */
export interface SnapshotInstanceRecord extends CapturedInstance {
  /** Milliseconds since 1970. */
  readonly pointAt: number;
  readonly consistency: {
    readonly quality: "application" | "file-system" | "crash";
    readonly reason: string;
    /** How long the guest was frozen; absent when it was not. */
    readonly freezeMs?: number;
  };
  /** How the point was taken where the workload's instances were to meet; absent where they were not. */
  readonly barrier?: BarrierOutcome;
}

/** The metadata of a commit: what was captured, and how it was read and stored. */
export interface CommittedWorkload extends CapturedWorkload {
  readonly instances: readonly SnapshotInstanceRecord[];
  readonly disks: readonly SnapshotDiskRecord[];
}

/** Metadata keys that Cairn writes on the instances of a workload, so that people see where they belong. */
export const WORKLOAD_ID_KEY = "workload_id";
export const WORKLOAD_NAME_KEY = "workload_name";
