export { openStore, type Store, type TargetAddress } from "@cairn/store";
export { type CapturedNames, capturedNames } from "./captured-names.ts";
export {
  type Catalogue,
  type CataloguedRepository,
  type CataloguedSnapshot,
  type CataloguedWorkload,
  type CatalogueRequest,
  type OpenedSnapshot,
  openSnapshot,
  readCatalogue,
} from "./catalogue.ts";
export {
  chooseDisk,
  diskName,
  type ExportedDisk,
  type ExportFormat,
  type ExportRequest,
  exportDisk,
} from "./export-disk.ts";
export { type KeyOptions, readCredentials } from "./open-keys.ts";
export {
  addKeySlot,
  type ChangedKeys,
  destroyRepository,
  type KeyChange,
  type KeyListing,
  listKeySlots,
  makeEscrow,
  type NewSlotOptions,
  type RepositoryChoice,
  removeKeySlot,
  rotateKeys,
} from "./repo-keys.ts";
export { type ServedDisk, type ServedSnapshot, type ServeOptions, serveSnapshot } from "./serve.ts";
export { parseTarget, type Variables } from "./target-address.ts";
export { type VerifiedRepository, type VerifyLevel, verifyRepositories } from "./verify.ts";
