import type { Clock } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import type { Guard } from "../../guard/port.ts";
import type { Scratch } from "../../host/scratch.ts";
import type { LibvirtPlace } from "./link.ts";

/** What the driver works with. */
export interface DriverContext {
  readonly place: LibvirtPlace;
  readonly scratch: Scratch;
  /** Thaws guests and ends jobs when this process does not. */
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** What tells the changes of disks in Ceph: bitmaps of QEMU unless the operator prefers snapshots. */
  readonly rbdChanges?: "bitmap" | "fast-diff";
}
