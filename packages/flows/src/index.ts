export { type AdmittingWorld, admitOnce } from "./admitting.ts";
export { trimAuditOnce } from "./audit-trimming.ts";
export { type MaintenanceSettings, type MaintenanceWorld, maintainOnce } from "./maintenance.ts";
export type { NotifyingWorld } from "./notice-sending.ts";
export { Notifier, type NotifierOptions } from "./notifying.ts";
export type { LookProgress } from "./ownership-context.ts";
export type { FailedWorkload, ImportedWorkload, ImportRequest, ImportResult } from "./ownership-import.ts";
export { doOwnershipJob, type OwnershipWorld } from "./ownership-jobs.ts";
export type { Reassignment, ReassignRequest, ReassignResult } from "./ownership-reassign.ts";
export { type ProtectingWorld, protectOnce } from "./protecting.ts";
export { type RebuildReport, rebuildDatabase } from "./rebuild.ts";
export { flows } from "./registry.ts";
export { openForMaintenance } from "./repository-access.ts";
export type { KeyPolicy } from "./repository-keys.ts";
export { type RetainingWorld, retainOnce } from "./retaining.ts";
export { executeRun, type RunExecution } from "./runner.ts";
export { type AttemptSettings, type RunnerSettings, runnerDefaults } from "./runner-settings.ts";
export type { RunnerWorld } from "./runner-world.ts";
export { type SchedulingWorld, startDueOnce } from "./scheduling.ts";
export type {
  ConcludedRun,
  Flow,
  FlowContext,
  Log,
  RunFacts,
  RunSubject,
  StepContext,
  StepDefinition,
  SucceededOutcome,
} from "./step.ts";
export type { FoundFacts } from "./target-look.ts";
export { holdForTarget, releaseWaitingRuns } from "./target-waiting.ts";
export { type WatchingWorld, watchTargetOnce } from "./target-watching.ts";
export { type ConfiguredTarget, type Registration, useTarget } from "./targets.ts";
export { tellWatermarksOnce } from "./watermark-telling.ts";
