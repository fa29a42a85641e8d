export {
  listKnownWorkloads,
  listOwners,
  listSnapshotIds,
  listStoredSnapshots,
  listWorkloadsOf,
  moveWorkload,
  setForeign,
  switchedOff,
} from "./moving.ts";
export {
  claimOwnershipJob,
  findOwnershipJob,
  finishOwnershipJob,
  type OwnershipClaim,
  openOwnershipJob,
  renewOwnershipJob,
  tellOwnershipJob,
  type WantedJob,
} from "./ownership-jobs.ts";
export type {
  OwnershipJobKind,
  OwnershipJobRow,
  Standing,
  TargetWorkloadRow,
  WorkloadPlace,
} from "./ownership-tables.ts";
export {
  type FoundRow,
  listFound,
  listFoundOn,
  replaceFound,
} from "./target-workloads.ts";
