/**
 * Whose a workload is: Keystone's ids, and the id of the cloud, which its operator gives or the service user
 * has.
 */
export interface OwnerTriple {
  readonly projectId: string;
  readonly userId: string;
  /** Absent in snapshots of before clouds were told apart. */
  readonly cloudId?: string | undefined;
}

/** An owner, and since when somebody says so, in milliseconds since 1970. */
export interface OwnerSince {
  readonly owner: OwnerTriple;
  readonly atMs: number;
}

/**
 * Who owns a workload, by what lies on a target: its newest commit and its newest owner record, from any of
 * the repositories that it has snapshots in. The later one counts, because a commit is never written again,
 * and whoever moved a workload later did so after all commits that were there.
 */
export function ownerOf(claims: readonly [OwnerSince, ...OwnerSince[]]): OwnerSince {
  return claims.reduce((latest, each) => (each.atMs > latest.atMs ? each : latest));
}

/** What this cloud's Keystone knows. */
export interface OwnersHere {
  readonly cloudId: string;
  hasProject(id: string): boolean;
  hasUser(id: string): boolean;
}

/**
 * `ours`: it can be imported as it is. All others are orphans here, and somebody must say who gets them.
 */
export type OwnerStanding = "ours" | "project-gone" | "user-gone" | "other-cloud";

/**
 * Where an owner stands, seen from this cloud. Without a cloud's id the project tells: Keystone's ids are
 * random, so that a project of another cloud is not found here.
 */
export function standingOf({ projectId, userId, cloudId }: OwnerTriple, here: OwnersHere): OwnerStanding {
  if (cloudId !== undefined && cloudId !== here.cloudId) return "other-cloud";
  if (!here.hasProject(projectId)) return cloudId === undefined ? "other-cloud" : "project-gone";
  return here.hasUser(userId) ? "ours" : "user-gone";
}

/** Why a workload is not imported as it is, for people. */
export function standingSentence(standing: Exclude<OwnerStanding, "ours">, owner: OwnerTriple): string {
  switch (standing) {
    case "project-gone":
      return `its project ${owner.projectId} does not exist any more; reassign it to another one`;
    case "user-gone":
      return `its user ${owner.userId} does not exist any more; reassign it to another one`;
    case "other-cloud":
      return `it belongs to another cloud (${owner.cloudId ?? "unknown"}); reassign it with migrate_cloud`;
  }
}

/**
 * Whether a user may be given workloads of a project: the service acts for them with their roles there, so
 * they must have all that are configured; of none configured, one that lets them change something.
 */
export function missingRoles(has: readonly string[], required: readonly string[]): readonly string[] {
  if (required.length > 0) return required.filter((role) => !has.includes(role));
  return has.some((role) => CHANGING_ROLES.includes(role)) ? [] : ["member"];
}

const CHANGING_ROLES: readonly string[] = ["admin", "manager", "member", "_member_"];
