export type { AdmissionRow, AdmissionRuleRow } from "./admission-tables.ts";
export {
  type AdmissionSubject,
  addAdmissionRule,
  admitRun,
  isAnybodyWaiting,
  listAdmissionRules,
  listAdmissionSubjects,
  listUnplaced,
  listWaiting,
  lockAdmission,
  removeAdmissionRule,
  saveHosts,
  storeAdmissionPlan,
} from "./admissions.ts";
export {
  type AuditEnd,
  type AuditFilter,
  type AuditSubject,
  beginAudit,
  type ListedAudit,
  listAudit,
  lockAudit,
  readAuditChain,
  readOneMoment,
  recordAudit,
  sealAudit,
  settleAudit,
} from "./audit.ts";
export * from "./audit-anchor.ts";
export { isDatabaseAway } from "./away.ts";
export { type BarrierAnswer, sayAtBarrier } from "./barriers.ts";
export * from "./cancelling.ts";
export { databaseNow } from "./database-time.ts";
export {
  type DatamoverPresence,
  datamoverPresence,
  findDatamover,
  findHostOfToken,
  listDatamovers,
  registerDatamover,
  touchDatamover,
} from "./datamovers.ts";
export {
  type ClaimedDelivery,
  claimDelivery,
  concludeDelivery,
  type DeliveryResult,
  findDelivery,
  forgetDeliveries,
  type ListedDelivery,
  listDeliveries,
  repeatDelivery,
} from "./deliveries.ts";
export { listDiskBases, type NewBase, removeDiskBases, saveDiskBases } from "./disk-bases.ts";
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
export * from "./file-jobs.ts";
export type { FileJobKind, FileJobRow } from "./file-tables.ts";
export { enqueueRun, type RunJob } from "./jobs.ts";
export { judgedSnapshot } from "./judged-snapshot.ts";
export {
  claimMaintenance,
  ensureMaintenance,
  finishMaintenance,
  type MaintenanceClaim,
  type MaintenanceResult,
  renewMaintenance,
} from "./maintenance.ts";
export { type Migration, migrate } from "./migrate.ts";
export type { SnapshotMountRow } from "./mount-tables.ts";
export {
  countNamedSettings,
  findNamedSetting,
  listNamedSettings,
  lockNamedSettings,
  removeNamedSetting,
  type SettingKey,
  type SettingValues,
  type StoredValue,
  saveNamedSetting,
} from "./named-settings.ts";
export { findNamedThing, NAMED_KINDS, type NamedKind, type NamedThing } from "./named-things.ts";
export type { NodeService } from "./node-tables.ts";
export {
  type EngineSays,
  listDisabled,
  listNodes,
  type NodeRow,
  removeEngine,
  removeNode,
  switchService,
  touchEngine,
} from "./nodes.ts";
export type {
  DeliveryId,
  DeliveryRow,
  DeliveryState,
  NamedSettingRow,
  NoticeId,
  NoticeRow,
  SettingId,
  WebhookId,
  WebhookRow,
} from "./notice-tables.ts";
export { claimNotice, expandNotice, type NewDelivery, writeNotice, writeTrial } from "./notices.ts";
export { type Channel, type Database, type DatabaseOptions, openDatabase, type WaitOptions } from "./open.ts";
export {
  type Asker,
  type NewRestore,
  type NewSnapshot,
  type NoQuota,
  type NotOpened,
  openRestore,
  openSnapshot,
  openSnapshotDeletion,
  openWorkloadRun,
} from "./opening.ts";
export { listOrderBodies, type OrderBodyRow } from "./order-bodies.ts";
export { findOrderKeys, saveOrderKeys } from "./order-keys.ts";
export {
  listInstancesBeingRead,
  type YieldedOrder,
  type YieldSubject,
  yieldOrders,
} from "./order-yields.ts";
export {
  announceLapsedOrders,
  cancelOrder,
  claimOrders,
  closeOrphanedOrders,
  ensureOrder,
  findOrder,
  finishOrder,
  listStaleOrders,
  type NewOrder,
  type OrderHolder,
  reportProgress,
} from "./orders.ts";
export * from "./ownership.ts";
export type { Page } from "./paging.ts";
export {
  assignPolicy,
  changePolicy,
  createPolicy,
  findPolicy,
  holdPolicy,
  listPolicies,
  listPolicyAssignments,
  lockPolicy,
  type PolicyUse,
  removePolicy,
} from "./policies.ts";
export type { PolicyAssignmentRow, PolicyId, PolicyRow, QuotaRow } from "./policy-tables.ts";
export { type DiskProgress, listRunProgress, type RunProgress } from "./progress.ts";
export type { ProtectionRuleRow } from "./protection-tables.ts";
export {
  addProtectionRule,
  applyProtection,
  claimProtectionRule,
  listProtectionRules,
  noteProtection,
  type ProtectionApplied,
  readMemberships,
  removeProtectionRule,
} from "./protections.ts";
export {
  admit,
  changeQuota,
  countUsed,
  createQuota,
  findLatestUser,
  findQuota,
  listQuotas,
  type QuotaRequest,
  removeQuota,
  takeWatermarkEvents,
  type WatermarkEvent,
  watchQuotas,
  wouldExceed,
} from "./quotas.ts";
export {
  insertRebuiltRepository,
  insertRebuiltSnapshot,
  insertRebuiltWorkload,
  type RebuiltRepositoryRow,
  type RebuiltSnapshotRow,
  type RebuiltWorkloadRow,
} from "./rebuilt.ts";
export {
  addSegments,
  ensureRepository,
  findRepositoryId,
  listSegments,
  loadRepository,
  noteStateEpoch,
  type RepositoryOwner,
  replaceSegments,
  replaceWrappedKeys,
} from "./repositories.ts";
export {
  completeRestore,
  findRestore,
  listRestores,
  type RestoreResult,
  removeRestore,
  setRestoreStatus,
} from "./restores.ts";
export { type RunWorker, type RunWorkerOptions, startRunWorker } from "./run-worker.ts";
export {
  claimRun,
  countAttempt,
  findRun,
  listSteps,
  listStrandedRuns,
  type RunClaim,
  releaseRun,
  renewRun,
  runStateOf,
  storeRunEvent,
  withClaimedRun,
} from "./runs.ts";
export { continueRestore, forgetSafetySnapshot } from "./safety-snapshots.ts";
export {
  claimDueSchedule,
  claimRetention,
  concludeDue,
  concludeRetention,
  countIncrementals,
  type DueResult,
  type DueSchedule,
  listForRetention,
  listSchedules,
  postponeRetention,
  removeSchedule,
  saveSchedule,
} from "./schedules.ts";
export * from "./settings.ts";
export * from "./snapshot-mounts.ts";
export * from "./snapshots.ts";
export {
  type DatamoverRow,
  type DiskBaseRow,
  type Handle,
  isWhole,
  type MaintenanceKind,
  type MaintenanceRow,
  type OrderRow,
  type OrderState,
  type RepositoryRow,
  type RestoreRow,
  type RestoreStatus,
  type RestoreType,
  type RunRow,
  type ScheduleRow,
  type SnapshotRow,
  type SnapshotStatus,
  type SnapshotType,
  type StepRow,
  type Tables,
  type TrustRow,
  type WorkloadInstanceRow,
  type WorkloadRow,
  type WorkloadStatus,
} from "./tables.ts";
export {
  chooseMirror,
  contentsMark,
  findMirror,
  type MirrorChoice,
  type MirrorCursor,
  type MirrorState,
  mirrorStates,
} from "./target-mirrors.ts";
export type {
  TargetFault,
  TargetRow,
  TargetTypeId,
  TargetTypeProjectRow,
  TargetTypeRow,
  TargetWish,
} from "./target-tables.ts";
export {
  assignTargetType,
  type ChangedTargetType,
  changeTargetType,
  deleteTargetType,
  findTargetType,
  insertTargetType,
  listTargetTypes,
  listTypeProjects,
  listTypesOf,
  type NewTargetType,
  type TargetTypeChanges,
  targetTypeNames,
} from "./target-types.ts";
export {
  type AwaitedTarget,
  claimTarget,
  findAwaitedTarget,
  holdRun,
  noteTargetFault,
  noteTargetOffline,
  noteTargetOnline,
  noteTargetProven,
  releaseHeldRuns,
  type TargetClaim,
} from "./target-watching.ts";
export {
  changeTarget,
  chooseDefaultTarget,
  createTarget,
  deleteTarget,
  ensureDefaultTarget,
  findDefaultTarget,
  findTarget,
  findTargetAt,
  listReadyTargets,
  listTargets,
  type NewTarget,
  registerConfiguredTarget,
  settleWorkloadTarget,
  type TargetChanges,
  type TargetCreation,
  type TargetDeletion,
  type TargetUse,
  targetUse,
  type WantedTarget,
} from "./targets.ts";
export { createTestDatabase, pastTriggers, type TestDatabase } from "./test-database.ts";
export { dumpTables, emptyTables, fingerprintTables } from "./test-tables.ts";
export {
  type Delegation,
  findDelegation,
  findTrust,
  listTrusts,
  removeTrust,
  saveDelegation,
} from "./trusts.ts";
export {
  type DiskUsage,
  diskUsage,
  listMemberProtection,
  listProtected,
  type MemberProtection,
  type ProjectUsage,
  type ProtectedInstance,
  projectUsage,
  type TargetUsage,
  type TypeUsage,
  targetUsage,
} from "./usage.ts";
export {
  changeWebhook,
  createWebhook,
  findWebhook,
  listListeners,
  listWebhooks,
  removeWebhook,
  switchWebhookOff,
  type WebhookChanges,
} from "./webhooks.ts";
export {
  loadWorkloadFacts,
  type StorageUsage,
  type WorkloadFacts,
} from "./workload-facts.ts";
export {
  createWorkload,
  findWorkload,
  type InstanceTaken,
  listMemberships,
  listWorkloadInstances,
  listWorkloadSummaries,
  listWorkloads,
  lockWorkloadRow,
  type Member,
  type Modified,
  modifyWorkload,
  type NewWorkload,
  releaseWorkload,
  removeWorkload,
  type Unlocked,
  unlockWorkload,
  type WorkloadChanges,
  type WorkloadFilter,
  type WorkloadSecret,
  type WorkloadSummaryRow,
} from "./workloads.ts";
