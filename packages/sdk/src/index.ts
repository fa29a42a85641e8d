export type {
  ApiClient,
  RestoreDetail,
  RestoreOptions,
  RestoreSummary,
  SnapshotDetail,
  SnapshotSummary,
  WorkloadDetail,
  WorkloadSummary,
} from "@cairn/contract";
export { Fault, Rejection } from "@cairn/kernel";
export type { CloudAccess, Environment } from "@cairn/openstack";
export { type Cairn, type CairnOptions, connectCairn, connectWith } from "./connect.ts";
export { accessFromClouds, accessFromEnvironment, logIn, type OpenCloud } from "./login.ts";
export { findRestore, findSnapshot, findWorkload, isNotFound, only } from "./names.ts";
export { allOf, eachRestore, eachSnapshot, eachWorkload, type Page, rowsOf } from "./paging.ts";
export {
  isRestoreMoving,
  isSnapshotMoving,
  type LookOptions,
  looks,
  type WaitOptions,
  waitForRestore,
  waitForSnapshot,
  waitForWorkload,
} from "./waiting.ts";
