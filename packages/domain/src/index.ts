export {
  type AdmissionPlan,
  type AdmissionQuestion,
  planAdmission,
  type WaitReason,
} from "./admission.ts";
export type { AdmittedRun, WaitingRun } from "./admission-queue.ts";
export {
  type AdmissionRule,
  type AdmissionScope,
  type CapRule,
  describeHours,
  type HoursRule,
} from "./admission-rules.ts";
export {
  AUDIT_BEGINNING,
  type AuditEntry,
  type AuditHead,
  type AuditOutcome,
  type AuditVerdict,
  type ChainedAudit,
  chainAudit,
  verifyAudit,
} from "./audit-chain.ts";
export {
  AUDIT_KEEP_DAYS_MAX,
  AUDIT_KEEP_DAYS_MIN,
  type AuditTrim,
  auditCutoffMs,
  auditMark,
  planAuditTrim,
} from "./audit-trim.ts";
export type {
  BackupSchedule,
  FullRule,
  RunType,
  ScheduledRun,
  ScheduleRhythm,
  ScheduleStart,
  ScheduleTiers,
} from "./backup-schedule.ts";
export {
  type BarrierOutcome,
  type BarrierSays,
  type BarrierState,
  type BarrierVerdict,
  barrierDueMs,
  barrierStep,
  openBarrier,
  type WorkloadPoint,
  workloadPoint,
} from "./barrier.ts";
export {
  bareDevice,
  CAPTURED_VERSION,
  type CapturedDhcpOption,
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
export type {
  CapturedFloatingIp,
  CapturedGateway,
  CapturedNetwork,
  CapturedNetworkSubnet,
  CapturedRoute,
  CapturedRouter,
  CapturedRouterInterface,
  CapturedServerGroup,
  CapturedTopology,
} from "./captured-network.ts";
export {
  afterFailure,
  type DeliveryVerdict,
  type FailedAttempt,
} from "./delivery-plan.ts";
export {
  assertFilePath,
  chooseSnapshots,
  describeFile,
  type FoundFile,
  type SearchedSnapshot,
  type SearchedVolume,
  type SnapshotChoice,
  searchLiteral,
} from "./file-search.ts";
export {
  type AttachVolumeStep,
  type DismountObservation,
  type MountedVolumeStep,
  type MountInGuestStep,
  type MountInstance,
  type MountObservation,
  mountQuestions,
  planSnapshotDismount,
  planSnapshotMount,
  type UnmountInGuestStep,
  untoldGuest,
} from "./mount-plan.ts";
export { bitmapName, RUN_MARK_KEY, runMark } from "./names.ts";
export {
  isForMail,
  type Named,
  NOTICE_EVENTS,
  type Notice,
  type RestoreNotice,
  type SnapshotNotice,
  type WatermarkNotice,
} from "./notice.ts";
export { composeMail, type Mail } from "./notice-mail.ts";
export { SECRET_BYTES, secretBytes, secretText, signedHeaders, webhookBody } from "./notice-webhook.ts";
export {
  missingRoles,
  type OwnerSince,
  type OwnerStanding,
  type OwnersHere,
  type OwnerTriple,
  ownerOf,
  standingOf,
  standingSentence,
} from "./ownership.ts";
export { choosePolicy, type NamedPolicy, type PolicyWish } from "./policy-choice.ts";
export {
  asksForOwner,
  isAllowed,
  type PolicyQuestion,
  type PolicyReading,
  type PolicyRules,
  policyRules,
} from "./policy-rules.ts";
export {
  type MarkedInstance,
  type ProtectionMark,
  type ProtectionPlan,
  planProtection,
} from "./protection-plan.ts";
export {
  type CountedMember,
  describeExceeded,
  findExceeded,
  isAboveWatermark,
  memberDemand,
  type OverQuota,
  QUOTA_TYPES,
  type QuotaAmounts,
  type QuotaLimit,
  type QuotaType,
  SNAPSHOT_DEMAND,
  usedAfter,
} from "./quota.ts";
export {
  type CloudFacts,
  checkMapping,
  type MappingProblem,
  type RecoveryMapping,
  type ResolvedMapping,
} from "./recovery-mapping.ts";
export {
  type NeededFlavor,
  type NeededNetwork,
  NO_NEEDS,
  needsOfSnapshot,
  type RecoveryNeeds,
  unionOfNeeds,
} from "./recovery-needs.ts";
export { applyMapping, type MappedInstance, type MappedRestore } from "./recovery-restore.ts";
export { type Suggestion, suggestMapping } from "./recovery-suggestion.ts";
export type { CapacityQuestions } from "./restore-capacity.ts";
export {
  type DraftedInstance,
  type DraftTarget,
  draftSelective,
  type SelectiveDraft,
} from "./restore-draft.ts";
export { draftInPlace, type InPlaceDraft, type InstanceToday } from "./restore-draft-in-place.ts";
export type { DraftNetwork, DraftPlace } from "./restore-draft-network.ts";
export type { DraftField, DraftWarning } from "./restore-draft-warning.ts";
export { restoreQuestions } from "./restore-new.ts";
export {
  type AllowanceFacts,
  type Allowances,
  type CapacityFacts,
  type CommittedDiskFacts,
  type FlavorFacts,
  type FloatingIpFacts,
  type KeyPairFacts,
  type NetworkFacts,
  type OriginalInstance,
  type PoolFacts,
  type PortFacts,
  type RestoreObservation,
  type RoomDemand,
  type RouterFacts,
  type SecurityGroupFacts,
  type ServerGroupFacts,
  type SubnetFacts,
  UNKNOWN_CAPACITY,
  type ZoneFacts,
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
  type AssignFloatingIpStep,
  type CreateFlavorStep,
  type CreateNetworksStep,
  type CreatePortStep,
  type CreateRoutersStep,
  type CreateSecurityGroupsStep,
  type CreateServerGroupStep,
  type CreateServerStep,
  type CreateVolumeStep,
  type DescribedThing,
  type DiskToWrite,
  type FinishSecurityGroupsStep,
  type FinishServerStep,
  type FinishTopologyStep,
  type GroupReference,
  type ImportKeyPairStep,
  type InstanceReference,
  type NicReference,
  type NoteStep,
  type PlaceholderImageStep,
  type StartServerStep,
  type StopServerStep,
  sameRule,
  type WriteByImageStep,
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
  overwrittenInstances,
  planSafetySnapshot,
  SAFETY_SNAPSHOT_REMEDY,
  type SafetySnapshotObservation,
} from "./safety-snapshot-plan.ts";
export {
  type DueQuestion,
  type DueVerdict,
  isFullDue,
  judgeDue,
  type SkipReason,
} from "./schedule-due.ts";
export { type ScheduleShown, showSchedule } from "./schedule-reply.ts";
export { changedSchedule, parseSchedule } from "./schedule-request.ts";
export { nextRun, runsBetween } from "./schedule-runs.ts";
export {
  type ForgetBasesStep,
  type MemberPlace,
  planSnapshotDeletion,
  planWorkloadDeletion,
  planWorkloadMarking,
  planWorkloadReset,
} from "./small-plans.ts";
export {
  isMailAddress,
  isSmtpSetting,
  resolveSmtp,
  type SaidBy,
  SMTP_PASSWORD,
  SMTP_SECURITIES,
  SMTP_SETTINGS,
  type SmtpConnection,
  type SmtpSetting,
  type SmtpSettings,
  smtpProblem,
} from "./smtp-settings.ts";
export {
  MOUNT_KEY,
  type MountedCopy,
  type MountedFileSystem,
  mountFolder,
  mountRoot,
} from "./snapshot-mount.ts";
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
export {
  chooseTargetType,
  isTypeVisible,
  type OfferedTargetType,
  type TargetChoice,
  type TargetWanted,
} from "./target-choice.ts";
export { readTargetRequest, secretIdOf, type TargetPlace, type TargetRequest } from "./target-request.ts";
export { changedPolicyFields, followPolicy, parsePolicyFields } from "./workload-policy.ts";
export { formatDay, formatZoned, instantOf, isTimeZone, type WallTime, zonedTime } from "./zoned-time.ts";
