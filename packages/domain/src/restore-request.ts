/** What a user asked a restore to do, free of the wire's spellings. */
export type RestoreRequest =
  | { readonly kind: "oneclick" }
  | {
      readonly kind: "selective";
      readonly instances: readonly SelectiveInstance[];
      readonly networkMappings: readonly NetworkMapping[];
      /** Make networks, subnets and routers of the project again that are gone. */
      readonly topology: boolean;
      /** Make security groups again that are gone or have lost rules. */
      readonly securityGroups: boolean;
    }
  | { readonly kind: "inplace"; readonly instances: readonly InPlaceInstance[] };

/** One instance to make anew; an instance of the snapshot that is not listed is not restored. */
export interface SelectiveInstance {
  /** As in the snapshot. */
  readonly id: string;
  readonly name?: string | undefined;
  /** Empty: wherever Nova likes. Absent: as captured. */
  readonly availabilityZone?: string | undefined;
  /** Absent: one like the captured. */
  readonly flavor?: FlavorChoice | undefined;
  /** When given, exactly these network interfaces, in this order. Absent: those of the snapshot, mapped. */
  readonly nics?: readonly NicChoice[] | undefined;
  readonly disks: readonly DiskChoice[];
  /** The id of one that exists; empty: none. Absent: as captured. */
  readonly serverGroup?: string | undefined;
}

export type FlavorChoice =
  | { readonly kind: "id"; readonly id: string }
  | {
      readonly kind: "properties";
      readonly vcpus?: number | undefined;
      readonly ramMiB?: number | undefined;
      readonly diskGiB?: number | undefined;
      readonly ephemeralGiB?: number | undefined;
      readonly swapMiB?: number | undefined;
    };

export interface NicChoice {
  /** The network in the snapshot whose interface this one takes the place of (for its security groups). */
  readonly snapshotNetworkId?: string | undefined;
  readonly networkId: string;
  readonly subnetId?: string | undefined;
  /** Absent: the next free one. */
  readonly ipAddress?: string | undefined;
  /** Absent: a new one. */
  readonly macAddress?: string | undefined;
}

export interface DiskChoice {
  readonly volumeId: string;
  /** Absent: as captured. */
  readonly volumeType?: string | undefined;
  /** Absent: as captured; empty: wherever Cinder likes. */
  readonly availabilityZone?: string | undefined;
}

export interface NetworkMapping {
  readonly from: { readonly networkId: string; readonly subnetId?: string | undefined };
  readonly to: { readonly networkId: string; readonly subnetId?: string | undefined };
}

export interface InPlaceInstance {
  readonly id: string;
  /** Write the local root disk. Without meaning for an instance that boots from a volume. */
  readonly localRoot: boolean;
  /** The volumes to write, by their id. */
  readonly volumeIds: readonly string[];
}
