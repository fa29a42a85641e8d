import type { Clock } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import type { Scratch } from "../../host/scratch.ts";
import type { LibvirtPlace } from "./link.ts";

/** What the driver works with. */
export interface DriverContext {
  readonly place: LibvirtPlace;
  readonly scratch: Scratch;
  readonly clock: Clock;
  readonly log: Log;
}
