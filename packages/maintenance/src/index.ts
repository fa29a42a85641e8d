export type { Damage, DamagedRange, DamagedRecord, DegradedDisk, DegradedSnapshot } from "./damage.ts";
export { heal } from "./heal.ts";
export type { HealedRecord, HealProgress, HealReport, HealRequest, UnhealedRecord } from "./heal-report.ts";
export { checkLocks, extendLocks } from "./locks.ts";
export type {
  CheckLocksReport,
  CheckLocksRequest,
  ExtendLocksReport,
  ExtendLocksRequest,
  RequestPrices,
} from "./locks-report.ts";
export { mirror } from "./mirror.ts";
export { type MirrorRemovals, mirrorRemovals } from "./mirror-removals.ts";
export type { HeldBack, MirrorFlaws, MirrorProgress, MirrorReport, MirrorRequest } from "./mirror-report.ts";
export { recordDamage } from "./record-damage.ts";
export type { MaintenanceScope } from "./scope.ts";
export { scrub } from "./scrub.ts";
export type {
  ScrubAlarm,
  ScrubCursor,
  ScrubPass,
  ScrubRate,
  ScrubReport,
  ScrubRequest,
} from "./scrub-report.ts";
export { SWEEP_PROCESS, type SweepRequest, sweepApart } from "./sweep/apart.ts";
export type { SweepFlaws, SweepLimits, SweepOptions, SweepProgress } from "./sweep/options.ts";
export type { Removal, SweepFindings, SweepReport, SweptPack, WaitingPack } from "./sweep/report.ts";
export { sweep } from "./sweep/sweep.ts";
export { verifySnapshot, verifyTarget, verifyWorkload } from "./verify.ts";
export type {
  VerifyLevel,
  VerifyLimits,
  VerifyProgress,
  VerifyReport,
  VerifyRequest,
} from "./verify-report.ts";
