export {
  bareDevice,
  CAPTURED_VERSION,
  type CapturedDisk,
  type CapturedDiskSource,
  type CapturedFlavor,
  type CapturedImage,
  type CapturedInstance,
  type CapturedKeyPair,
  type CapturedNic,
  type CapturedRecord,
  type CapturedRule,
  type CapturedSecurityGroup,
  type CapturedSubnet,
  type CapturedWorkload,
  type CommittedWorkload,
  localDiskId,
  type SnapshotDiskRecord,
  type SnapshotInstanceRecord,
  WORKLOAD_ID_KEY,
  WORKLOAD_NAME_KEY,
} from "./captured.ts";
export { bitmapName, RUN_MARK_KEY, runMark } from "./names.ts";
export type {
  AllowanceFacts,
  Allowances,
  CommittedDiskFacts,
  FlavorFacts,
  NetworkFacts,
  OriginalInstance,
  PortFacts,
  RestoreObservation,
  SubnetFacts,
  ZoneFacts,
} from "./restore-observation.ts";
export { planRestore } from "./restore-plan.ts";
export type {
  DiskChoice,
  FlavorChoice,
  InPlaceInstance,
  NetworkMapping,
  NicChoice,
  RestoreRequest,
  SelectiveInstance,
} from "./restore-request.ts";
export {
  type CreatePortStep,
  type CreateSecurityGroupsStep,
  type CreateServerStep,
  type CreateVolumeStep,
  type DiskToWrite,
  type FinishSecurityGroupsStep,
  type FinishServerStep,
  type GroupReference,
  type ImportKeyPairStep,
  type InstanceReference,
  type NicReference,
  type PlaceholderImageStep,
  type StartServerStep,
  type StopServerStep,
  sameRule,
  type WriteInstanceDiskStep,
  type WriteVolumeStep,
} from "./restore-steps.ts";
export {
  planRetention,
  type RetentionReason,
  type RetentionRequest,
  type RetentionSnapshot,
  type RetentionVerdict,
} from "./retention.ts";
export {
  parseRetentionPolicy,
  RETENTION_TIERS,
  type RetentionPolicy,
  type RetentionTier,
  WEEKDAYS,
} from "./retention-policy.ts";
export {
  SCHEDULED_MAX,
  type Schedule,
  type ScheduleStep,
  scheduledTime,
  scheduledTimes,
} from "./retention-schedule.ts";
export {
  countKept,
  type KeptCounts,
  type RetentionSimulation,
  type RetentionState,
  simulateRetention,
} from "./retention-simulation.ts";
export { describeReasons } from "./retention-words.ts";
export {
  advance,
  type Because,
  duty,
  type FlowName,
  type Leftover,
  type Plan,
  type PlannedStep,
  type PlanVerdict,
  progressOf,
  type RunDuty,
  type RunEvent,
  type RunResult,
  type RunState,
  type StepBook,
  type StepProgress,
  unplannedRun,
} from "./run.ts";
export {
  type ForgetBasesStep,
  type MemberPlace,
  planSnapshotDeletion,
  planWorkloadDeletion,
  planWorkloadMarking,
  planWorkloadReset,
} from "./small-plans.ts";
export {
  type BitmapBase,
  type CommitStep,
  type KnownDisk,
  type ObservedInstance,
  type ProtectOrder,
  type ProtectStep,
  planSnapshot,
  type SettleStep,
  type SnapshotKind,
  type SnapshotObservation,
  snapshotKind,
} from "./snapshot-plan.ts";
export { formatDay, formatZoned, instantOf, type WallTime, zonedTime } from "./zoned-time.ts";
