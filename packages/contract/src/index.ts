export type { AdmissionRuleBody, QueuedSnapshot } from "./admission-routes.ts";
export type { AuditCheck, AuditRetention, AuditRow } from "./audit-routes.ts";
export { type ApiClient, type CallOptions, connectApi, PROGRESS_FIELD } from "./client.ts";
export { normaliseBody, normaliseQuery } from "./compatibility.ts";
export type { FileEntry, FileSearch, FileVolume, SearchFiles } from "./file-routes.ts";
export { ImageAccess, openImageAccess, sealImageAccess } from "./image-access.ts";
export { type MailTrial, readMailTrial, writeMailTrial } from "./mail-trial.ts";
export type { MountedSnapshot, MountSnapshot } from "./mount-routes.ts";
export type { Node } from "./node-routes.ts";
export type { Delivery, Webhook } from "./notification-routes.ts";
export { openapi } from "./openapi.ts";
export { type OrderKeysOf, openOrderKeys, sealOrderKeys } from "./order-keys.ts";
export * from "./order-protocol.ts";
export * from "./orders.ts";
export type {
  FailedWorkload,
  ImportWorkloads,
  MovedWorkload,
  ReassignWorkloads,
  TargetWorkload,
} from "./ownership-routes.ts";
export { matches, parseAs } from "./parse.ts";
export type {
  PlanChoices,
  RestoreCheckReport,
  RestorePlan,
  RetentionPreview,
  RetentionReason,
  RetentionSimulation,
  SchedulePreview,
  WorkloadType,
} from "./planning-routes.ts";
export type { Policy, PolicyAssignment } from "./policy-routes.ts";
export type { ProtectionRule } from "./protection-routes.ts";
export {
  type AllowedQuota,
  QUOTA_TYPE_INFO,
  type QuotaTypeRow,
  type QuotaUsage,
} from "./quota-routes.ts";
export * from "./restores.ts";
export { defaultRights, type RightsRule, rightsRules, samplePolicyFile } from "./rights.ts";
export type { Download, Method, Route } from "./route.ts";
export {
  type BodyOf,
  fullPath,
  fullPaths,
  type ParamsOf,
  type QueryOf,
  type ReplyOf,
  type RouteId,
  type Routes,
  routeIds,
  routeOf,
} from "./routes.ts";
export { type GivenSetting, HIDDEN_VALUE, type Setting } from "./setting-routes.ts";
export {
  type DiskProgress,
  type FaultDetail,
  faultBody,
  LABEL_MAX,
  type Links,
  type MetadataRow,
  type Progress,
  parseWireTime,
  wireTime,
} from "./shapes.ts";
export * from "./snapshots.ts";
export {
  type BackupTarget,
  type BackupTargetType,
  type CreateBackupTarget,
  type UpdateBackupTarget,
} from "./target-routes.ts";
export type { Trust } from "./trust-routes.ts";
export type {
  Activity,
  CloudProject,
  InstanceProtection,
  ProjectCharge,
  ProjectUsage,
  StorageUsage,
} from "./usage-routes.ts";
export * from "./workloads.ts";
