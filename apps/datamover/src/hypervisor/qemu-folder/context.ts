import type { Clock } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import type { Guard } from "../../guard/port.ts";
import type { Scratch } from "../../host/scratch.ts";

/** What the driver works with. */
export interface DriverContext {
  /** `<sandbox dir>/hosts/<host>/instances`. */
  readonly instancesFolder: string;
  readonly scratch: Scratch;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
}
