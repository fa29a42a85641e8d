export { formatBytes, formatDuration, GiB, KiB, MiB, putBytes, TiB } from "./bytes.ts";
export { type Clock, systemClock } from "./clock.ts";
export { mapLimited, withDeadline } from "./concurrency.ts";
export {
  asError,
  assert,
  describeFault,
  Fault,
  hasCode,
  Rejection,
  type RejectionDetails,
  type Retry,
  unreachable,
} from "./faults.ts";
export {
  asId,
  type HostName,
  type Id,
  type InstanceId,
  isUuid,
  newId,
  type OrderId,
  type ProjectId,
  type RepositoryId,
  type RestoreId,
  type RunId,
  type SnapshotId,
  type TargetId,
  type TrustId,
  type UserId,
  type VolumeId,
  type WorkloadId,
} from "./ids.ts";
export { editDistance, nearest } from "./nearest.ts";
export { allocatePages } from "./page-memory.ts";
export { Secret } from "./secret.ts";
