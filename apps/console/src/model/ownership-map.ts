import type { ReplyOf, RequestOf } from "./api-types.ts";

/** A workload on a target that belongs to nobody here. */
export type Orphan = ReplyOf<"GET /workloads/orphan_workloads">["workloads"][number];
/** Who gets which workloads, as the API takes it. */
type Gift = RequestOf<"POST /workloads/reassign_workloads">["body"][number];

/** Orphans of one former project: as a rule they go to one. */
export interface OrphanGroup {
  readonly key: string;
  /** The former one. */
  readonly projectId: string;
  readonly isOfOtherCloud: boolean;
  readonly workloads: readonly Orphan[];
}

/** Who gets the workloads of a group. */
export interface Heir {
  /** Empty: not chosen yet, as the user. */
  readonly projectId: string;
  readonly userId: string;
  /** Ids of workloads that stay as they are. */
  readonly left: ReadonlySet<string>;
}

export const NO_HEIR: Heir = { projectId: "", userId: "", left: new Set() };

/** By the key of their group. */
export type OwnershipMap = ReadonlyMap<string, Heir>;

/** Groups in the order in which the first of each was found. */
export function groupsOf(orphans: readonly Orphan[]): readonly OrphanGroup[] {
  const groups = new Map<string, OrphanGroup>();
  for (const orphan of orphans) {
    const isOfOtherCloud = orphan.standing === "other-cloud";
    const key = `${orphan.cloud_id ?? ""}/${orphan.project_id}/${String(isOfOtherCloud)}`;
    const workloads = [...(groups.get(key)?.workloads ?? []), orphan];
    groups.set(key, { key, projectId: orphan.project_id, isOfOtherCloud, workloads });
  }
  return [...groups.values()];
}

/** What is to be given: groups that nobody is named for, and workloads that were left out, stay. */
export function giftsOf(groups: readonly OrphanGroup[], map: OwnershipMap): Gift[] {
  return groups.flatMap(({ key, isOfOtherCloud, workloads }) => {
    const { projectId, userId, left } = map.get(key) ?? NO_HEIR;
    const ids = workloads.map(({ id }) => id).filter((id) => !left.has(id));
    if (projectId === "" || userId.trim() === "" || ids.length === 0) return [];
    return [
      {
        workload_ids: ids,
        new_tenant_id: projectId,
        user_id: userId.trim(),
        migrate_cloud: isOfOtherCloud,
      },
    ];
  });
}

/** Whether a group has a project without a user, or a user without a project. */
export function isHalfNamed(groups: readonly OrphanGroup[], map: OwnershipMap): boolean {
  return groups.some(({ key }) => {
    const { projectId, userId } = map.get(key) ?? NO_HEIR;
    return (projectId === "") !== (userId.trim() === "");
  });
}
