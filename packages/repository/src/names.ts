import { assert, isUuid } from "@cairn/kernel";
import type { RecordKind } from "./pack/codec.ts";

/** The names of a repository's objects. Everything of it lies under its id. */
export interface RepositoryNames {
  readonly marker: string;
  keySet(sequence: number, keySetId: string): string;
  /** Prefix of all key sets. */
  readonly keySets: string;
  /** Says that a repository's keys were destroyed on purpose. */
  readonly keysDestroyed: string;
  /** A pack of chunks. The id is 16 bytes in hex. */
  pack(packId: string): string;
  /** A pack of pages. */
  pagePack(packId: string): string;
  segment(segmentId: string): string;
  commit(workloadId: string, snapshotId: string): string;
  commits(workloadId?: string): string;
  /** Who owns a workload since it was moved. */
  owner(workloadId: string, sequence: number): string;
  owners(workloadId?: string): string;
  tombstone(snapshotId: string): string;
  /** Prefix of all tombstones. */
  readonly tombstones: string;
  /** A state of maintenance. */
  state(epoch: number): string;
  /** Prefixes of all states, sessions, segments, and of packs of either kind. */
  readonly states: string;
  readonly sessions: string;
  readonly segments: string;
  packs(kind: RecordKind): string;
  sessionBegin(sessionId: string): string;
  sessionEnd(sessionId: string): string;
  /** An object name that a commit or the database carries, such as `i/…`, within this repository. */
  within(name: string): string;
}

export function repositoryNames(repositoryId: string): RepositoryNames {
  assert(isUuid(repositoryId), `repository id ${repositoryId}`);
  const root = `${repositoryId}/`;
  return {
    marker: `${root}repo`,
    keySet: (sequence, id) => `${root}keys/${sequence.toString(16).padStart(8, "0")}-${id}`,
    keySets: `${root}keys/`,
    keysDestroyed: `${root}keys/destroyed`,
    pack: (packId) => `${root}p/${packId.slice(0, 2)}/${packId}`,
    pagePack: (packId) => `${root}m/${packId.slice(0, 2)}/${packId}`,
    segment: (segmentId) => `${root}i/${segmentId}`,
    commit: (workloadId, snapshotId) => `${root}s/${workloadId}/${snapshotId}`,
    commits: (workloadId) => (workloadId === undefined ? `${root}s/` : `${root}s/${workloadId}/`),
    owner: (workloadId, sequence) => `${root}o/${workloadId}/${sequence.toString(16).padStart(8, "0")}`,
    owners: (workloadId) => (workloadId === undefined ? `${root}o/` : `${root}o/${workloadId}/`),
    tombstone: (snapshotId) => `${root}t/${snapshotId}`,
    tombstones: `${root}t/`,
    state: (epoch) => `${root}g/${epoch.toString(16).padStart(8, "0")}`,
    states: `${root}g/`,
    sessions: `${root}w/`,
    segments: `${root}i/`,
    packs: (kind) => (kind === "chunk" ? `${root}p/` : `${root}m/`),
    sessionBegin: (sessionId) => `${root}w/${sessionId}/begin`,
    sessionEnd: (sessionId) => `${root}w/${sessionId}/end`,
    within: (name) => root + name,
  };
}
