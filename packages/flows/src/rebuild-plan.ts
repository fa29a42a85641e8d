import { type CommittedWorkload, type OwnerSince, ownerOf, type SnapshotDiskRecord } from "@cairn/domain";
import type { Commit } from "@cairn/repository";

/** A commit that was found on a target, with what was captured. */
export interface FoundCommit {
  readonly repositoryId: string;
  readonly commit: Commit;
  readonly captured: CommittedWorkload;
}

/** A workload as its newest snapshot knew it. */
export interface RebuiltWorkload {
  readonly id: string;
  readonly projectId: string;
  /** Absent in what was written before clouds were told apart. */
  readonly cloudId: string | undefined;
  readonly name: string;
  readonly record: CommittedWorkload["record"]["workload"];
  readonly members: readonly { readonly instanceId: string; readonly name: string }[];
  /** Where the next snapshot finds equal pages; without bitmaps, which a lost database cannot prove. */
  readonly disks: readonly {
    readonly diskId: string;
    readonly instanceId: string;
    readonly root: string;
    readonly snapshotId: string;
  }[];
}

export interface RebuildPlan {
  readonly workloads: readonly RebuiltWorkload[];
  /** Oldest first: index segments are listed in the order in which they were committed. */
  readonly snapshots: readonly FoundCommit[];
  /** What cannot be as it was, in sentences. */
  readonly notes: readonly string[];
}

/**
 * What a database must hold, by the commits alone. A workload is made as its newest snapshot captured it; an
 * instance that two workloads protected one after the other belongs to the one that protected it last. A
 * workload that was moved since belongs to whom its owner record names.
 */
export function planRebuild(
  found: readonly FoundCommit[],
  moved: ReadonlyMap<string, OwnerSince> = new Map(),
): RebuildPlan {
  const snapshots = found.toSorted(byTime);
  const newest = new Map<string, FoundCommit>();
  for (const each of snapshots) newest.set(each.commit.workloadId, each);
  const owners = new Map<string, string>();
  for (const { commit, captured } of [...newest.values()].toSorted(byTime)) {
    for (const { id } of captured.instances) owners.set(id, commit.workloadId);
  }
  const notes: string[] = [];
  const workloads = [...newest.values()].map(({ commit, captured }): RebuiltWorkload => {
    const members = captured.instances.filter(({ id, name }) => {
      if (owners.get(id) === commit.workloadId) return true;
      const other = `workload ${owners.get(id) ?? ""}, which protected it later`;
      notes.push(`Instance ${name} of workload ${captured.workload.name} now belongs to ${other}.`);
      return false;
    });
    const kept = new Set(members.map(({ id }) => id));
    const { userId, cloudId } = captured.record.workload;
    const { projectId } = commit;
    const claim = moved.get(commit.workloadId);
    const committed = { owner: { projectId, userId, cloudId }, atMs: Date.parse(commit.createdAt) };
    const { owner } = ownerOf([committed, ...(claim === undefined ? [] : [claim])]);
    return {
      id: commit.workloadId,
      projectId: owner.projectId,
      cloudId: owner.cloudId,
      name: captured.workload.name,
      record: { ...captured.record.workload, userId: owner.userId },
      members: members.map(({ id, name }) => ({ instanceId: id, name })),
      disks: commit.disks
        .filter(({ instanceId }) => kept.has(instanceId))
        .map(({ diskId, instanceId, root }) => ({ diskId, instanceId, root, snapshotId: commit.snapshotId })),
    };
  });
  return { workloads, snapshots, notes };
}

function byTime(a: FoundCommit, b: FoundCommit): number {
  const order = Date.parse(a.commit.createdAt) - Date.parse(b.commit.createdAt);
  return order === 0 ? (a.commit.snapshotId < b.commit.snapshotId ? -1 : 1) : order;
}

/** The sums that a snapshot's row shows of its disks, in bytes. */
export function diskSums(disks: readonly SnapshotDiskRecord[]): {
  readonly sizeBytes: number;
  readonly readBytes: number;
  readonly storedBytes: number;
} {
  const sum = (pick: (disk: SnapshotDiskRecord) => number): number =>
    disks.reduce((total, disk) => total + pick(disk), 0);
  return {
    sizeBytes: sum((disk) => disk.sizeBytes),
    readBytes: sum((disk) => disk.readBytes),
    storedBytes: sum((disk) => disk.storedBytes),
  };
}
