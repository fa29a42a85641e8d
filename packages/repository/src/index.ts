export type { Commit, CommitStructure, CommittedDisk, Tombstone } from "./commit/commit.ts";
export {
  listCommits,
  type RepositoryHandle,
  readCommit,
  readCommitClear,
  readCommitStructure,
  readTombstone,
  removeCommit,
  writeCommit,
  writeTombstone,
} from "./commits.ts";
export {
  createKeySet,
  inspectKeySet,
  type KeySet,
  type KeySetChange,
  type KeySetChoices,
  nextKeySet,
  openKeySet,
} from "./key-set.ts";
export {
  changeKeySet,
  type DestroyedKeys,
  destroyKeys,
  inspectKeySets,
  type KeySetRequest,
  type PassedOver,
  readDestruction,
  readKeySet,
  removeSupersededKeySets,
  writeKeySet,
} from "./key-sets.ts";
export type { Destruction } from "./keys/destruction-codec.ts";
export {
  createEscrow,
  type EscrowKeyPair,
  formatEscrow,
  parseEscrowPrivate,
  parseEscrowPublic,
} from "./keys/escrow.ts";
export { formatKeyFile, parseKeyFile } from "./keys/key-file.ts";
export type { Credential, KeyProvider, NewSlot, SlotInfo, SlotKind, SlotRights } from "./keys/slots.ts";
export { isTenantSealed } from "./keys/slots.ts";
export {
  chunkIdKey,
  createRepositoryKeys,
  dataKey,
  exportKeys,
  importKeys,
  type KeyEpoch,
  type PortableKeys,
  type RepositoryKeys,
  structureKey,
  structureOnlyKeys,
  writingEpoch,
} from "./keys.ts";
export { FANOUT, FORMAT_VERSION, GRAIN_BYTES, type Marker, REGION_BYTES } from "./marker/codec.ts";
export { type RepositoryNames, repositoryNames } from "./names.ts";
export type { Owner, OwnerRecord } from "./owner/owner.ts";
export { listOwnerRecords, readOwner, readOwnerRecord, writeOwner } from "./owners.ts";
export { type PackEntry, type RecordKind } from "./pack/codec.ts";
export {
  openPack,
  PACK_BYTES,
  PAGE_PACK_BYTES,
  PackBuilder,
  readPackEntries,
  verifyPackBytes,
} from "./packs.ts";
export {
  decodeInner,
  decodeLeaf,
  decodePageAddress,
  decodeRoot,
  encodeInner,
  encodeLeaf,
  encodePageAddress,
  encodeRoot,
} from "./page/codec.ts";
export type { Child, ChunkAddress, PageAddress, Piece, Region, RootPage } from "./page/page.ts";
export { type PageLeadsTo, type PageVisitor, scanPage } from "./page/scan.ts";
export { nodeRegions, regionBytes, regionCount, rootLevel, rootWidth } from "./page/shape.ts";
export { openPage, pageId, readPage, sealPage } from "./pages.ts";
export { type Randomness, randomId, systemRandomness } from "./random.ts";
export { chunkId, openRecord, recordParts, type SealedRecord, sealRecord } from "./records.ts";
export { mayBePooled, releaseBuffer } from "./release.ts";
export { openRelocations, type RelocatedAddress, RelocationList, type Relocations } from "./relocations.ts";
export { initRepository, listRepositories, openRepository } from "./repository.ts";
export type { SegmentEntry, SegmentTable } from "./segment/codec.ts";
export { readSegment, readSegmentTable, writeRelocations, writeSegment } from "./segments.ts";
export {
  isSessionOver,
  mayCommit,
  SESSION_MARGIN_MS,
  type Session,
  type SessionBegin,
  type SessionEnd,
} from "./session/session.ts";
export { beginSession, endSession, type OpenSession, readSession, readSessions } from "./sessions.ts";
export {
  type CondemnedPack,
  type DamagedPack,
  type Deletion,
  EMPTY_STATE,
  type MaintenanceState,
  type Release,
  type SeenObjects,
} from "./state/state.ts";
export { packsToAvoid, readState, readStateAt, stateEpoch, writeState } from "./states.ts";
