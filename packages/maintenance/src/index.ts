export { sweep } from "./sweep.ts";
export {
  SWEEP_LIMITS,
  type SweepFlaws,
  type SweepLimits,
  type SweepOptions,
  type SweepProgress,
} from "./sweep-options.ts";
export type { Removal, SweepFindings, SweepReport, SweptPack, WaitingPack } from "./sweep-report.ts";
