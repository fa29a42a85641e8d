import { Fault } from "@cairn/kernel";
import type { SweepOptions } from "./sweep-options.ts";
import type { SweepReport } from "./sweep-report.ts";

/** Sweeps a repository once. */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  options.signal.throwIfAborted();
  throw new Fault("not-yet", "sweeping", "after-operator");
}
