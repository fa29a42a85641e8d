import type { InstanceProtection, ReplyOf } from "./api-types.ts";
import { parseWireTime } from "./wire-time.ts";

/** How well a project is protected, in a few figures. */
export interface Summary {
  readonly isProtected: number;
  /** Instances that there are. */
  readonly all: number;
  /** The protected instance whose newest good snapshot is the oldest. */
  readonly oldest: { readonly name: string; readonly atMs: number } | undefined;
  /** A protected instance that no good snapshot has. */
  readonly neverName: string | undefined;
}

/** The figures of a project's instances. Those that do not exist any more count for nothing. */
export function summaryOf(instances: readonly InstanceProtection[]): Summary {
  const there = instances.filter((instance) => instance.is_there);
  const members = there.filter((instance) => instance.workload_id !== null);
  const dated = members
    .flatMap(({ name, snapshot_at: at }) => (at === null ? [] : [{ name, atMs: parseWireTime(at) }]))
    .toSorted((one, other) => one.atMs - other.atMs);
  return {
    isProtected: members.length,
    all: there.length,
    oldest: dated[0],
    neverName: members.find((instance) => instance.snapshot_at === null)?.name,
  };
}

/** Something that somebody should look at. */
export type Task =
  /** A snapshot of the last day failed; `name` is the snapshot's. */
  | { readonly kind: "failed"; readonly id: string; readonly name: string }
  /** An instance is a member, but in no good snapshot. */
  | {
      readonly kind: "no-snapshot" | "gone";
      readonly id: string;
      readonly name: string;
      readonly workloadId: string;
    };

type DaySnapshots = ReplyOf<"GET /snapshots">["snapshots"];

/**
 * What needs attention, the worst first: failures after which no good snapshot of the same workload came,
 * then members without a snapshot, then members that are gone.
 */
export function tasksOf(instances: readonly InstanceProtection[], snapshots: DaySnapshots): Task[] {
  const names = new Map(instances.map((each) => [each.workload_id, each.workload_name]));
  const told = snapshots.filter(({ status }) => status === "available" || status === "error");
  const newest = new Map(told.toReversed().map((snapshot) => [snapshot.workload_id, snapshot]));
  const failed = [...newest.values()].filter(({ status }) => status === "error");
  const members = instances.flatMap((instance): Task[] => {
    const { id, name, workload_id: workloadId, is_there: isThere, snapshot_id: snapshotId } = instance;
    if (workloadId === null) return [];
    if (!isThere) return [{ kind: "gone", id, name, workloadId }];
    return snapshotId === null ? [{ kind: "no-snapshot", id, name, workloadId }] : [];
  });
  return [
    ...failed.map(({ id, name, workload_id: workload }) => ({
      kind: "failed" as const,
      id,
      name: names.get(workload) ?? name,
    })),
    ...members.filter(({ kind }) => kind === "no-snapshot"),
    ...members.filter(({ kind }) => kind === "gone"),
  ];
}
