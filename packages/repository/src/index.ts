export type { Commit, CommittedDisk, Tombstone } from "./commit/commit.ts";
export {
  listCommits,
  type RepositoryHandle,
  readCommit,
  readTombstone,
  removeCommit,
  writeCommit,
  writeTombstone,
} from "./commits.ts";
export { createRepositoryKeys, type RepositoryKeys, unwrapKeys, wrapKeys } from "./keys.ts";
export { FANOUT, FORMAT_VERSION, GRAIN_BYTES, type Marker, REGION_BYTES } from "./marker/codec.ts";
export { type RepositoryNames, repositoryNames } from "./names.ts";
export { initRepository, openRepository } from "./repository.ts";
