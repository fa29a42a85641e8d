import { assert, isUuid } from "@cairn/kernel";

/** The names of a repository's objects. Everything of it lies under its id. */
export interface RepositoryNames {
  readonly marker: string;
  keys(keySetId: string): string;
  /** A pack of chunks. The id is 16 bytes in hex. */
  pack(packId: string): string;
  /** A pack of pages. */
  pagePack(packId: string): string;
  segment(segmentId: string): string;
  commit(workloadId: string, snapshotId: string): string;
  commits(workloadId?: string): string;
  tombstone(snapshotId: string): string;
  /** An object name that a commit or the database carries, such as `i/…`, within this repository. */
  within(name: string): string;
}

export function repositoryNames(repositoryId: string): RepositoryNames {
  assert(isUuid(repositoryId), `repository id ${repositoryId}`);
  const root = `${repositoryId}/`;
  return {
    marker: `${root}repo`,
    keys: (keySetId) => `${root}keys/${keySetId}`,
    pack: (packId) => `${root}p/${packId.slice(0, 2)}/${packId}`,
    pagePack: (packId) => `${root}m/${packId.slice(0, 2)}/${packId}`,
    segment: (segmentId) => `${root}i/${segmentId}`,
    commit: (workloadId, snapshotId) => `${root}s/${workloadId}/${snapshotId}`,
    commits: (workloadId) => (workloadId === undefined ? `${root}s/` : `${root}s/${workloadId}/`),
    tombstone: (snapshotId) => `${root}t/${snapshotId}`,
    within: (name) => root + name,
  };
}
