export type { Account } from "./account.ts";
export { COMPUTE_HOSTS, Embedded, type EmbeddedOptions, type PartName } from "./embedded.ts";
export { type Guest, type Guests, openGuests } from "./guest.ts";
export type { Layout } from "./layout.ts";
export type { OpenStackPlace } from "./part-environment.ts";
export { areIdentical, copyDisk, type DiskPlace, isDiskIdentical } from "./proof.ts";
export { readPlace, setupEnvironment } from "./read-place.ts";
export {
  type BootedInstance,
  bootInstance,
  flavorId,
  loseInstance,
  networkId,
  type SampleInstance,
  uploadImage,
} from "./sample-project.ts";
export {
  type DiskDigest,
  type SandboxDomain,
  type SandboxFault,
  type SandboxHooks,
  type SandboxNodes,
  type SandboxState,
} from "./sandbox-hooks.ts";
