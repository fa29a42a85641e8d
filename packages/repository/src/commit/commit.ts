/** A disk of a snapshot: `root` opens its tree of pages and needs no index. */
export interface CommittedDisk {
  readonly diskId: string;
  readonly instanceId: string;
  readonly device: string;
  readonly sizeBytes: number;
  /** The address of the root page, in hex (`encodePageAddress`). */
  readonly root: string;
}

/** The record that makes a snapshot exist. */
export interface Commit {
  readonly formatVersion: number;
  readonly snapshotId: string;
  readonly workloadId: string;
  readonly projectId: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly type: "full" | "incremental";
  /** What was captured of the instances, by value; any JSON. Sealed with the data key. */
  readonly metadata: unknown;
  readonly disks: readonly CommittedDisk[];
  /** Object names of the index segments that this snapshot added. */
  readonly indexSegments: readonly string[];
}

/** What structure keys open of a commit. */
export type CommitStructure = Omit<Commit, "metadata">;

/** A request to delete a snapshot; nothing is removed before `notBefore`. */
export interface Tombstone {
  readonly snapshotId: string;
  readonly workloadId: string;
  /** ISO 8601, UTC. */
  readonly requestedAt: string;
  readonly requestedBy: string;
  readonly notBefore: string;
}
