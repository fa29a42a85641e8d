export { type Ceph, startCeph } from "./ceph.ts";
export type { CephBucket, CephBucketOptions } from "./ceph-bucket.ts";
export { directoryStore } from "./directory.ts";
export { type FaultPlan, faultyStore, type StoreCall } from "./faulty.ts";
export { findMount, type Mount, measureTarget, type TargetMeasure } from "./measure.ts";
export { memoryStore } from "./memory.ts";
export { openStore } from "./open-store.ts";
export { type Probed, type ProbeOptions, probeTarget, type TargetReport } from "./probe.ts";
export { fromReserve } from "./reserve.ts";
export { type RequestCounter, type RequestKind, requestCounter, type S3Options } from "./s3-link.ts";
export { openAddress, type SealedAddress, sealAddress } from "./sealed-address.ts";
export {
  type SimulatedBucket,
  type SimulatedBucketOptions,
  type SimulatedRights,
  type SimulatedVersion,
  simulatedBucket,
} from "./simulated-bucket.ts";
export { delayedStore, type SimulatedDelays } from "./simulated-delays.ts";
export type { ObjectLock, Store } from "./store.ts";
export type { DirectoryAddress, S3Address, TargetAddress } from "./target.ts";
