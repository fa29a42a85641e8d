import type { CapturedDisk, CapturedInstance } from "./captured.ts";
import type { PlannedFlavor } from "./restore-flavors.ts";
import type { PlannedNic } from "./restore-networks.ts";
import type { CommittedDiskFacts } from "./restore-observation.ts";
import type { ServerGroupReference } from "./restore-steps.ts";

/** An instance to make, with every choice made. */
export interface NewInstance {
  readonly captured: CapturedInstance;
  readonly name: string;
  readonly flavor: PlannedFlavor;
  readonly serverGroup: ServerGroupReference | null;
  readonly availabilityZone: string | null;
  readonly nics: readonly PlannedNic[];
  readonly disks: readonly NewDisk[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** A disk to write, with its place in the cloud. */
export interface NewDisk {
  readonly captured: CapturedDisk;
  readonly committed: CommittedDiskFacts;
  /** For volumes. */
  readonly volumeType: string | null;
  readonly availabilityZone: string | null;
  readonly sizeGiB: number;
}
