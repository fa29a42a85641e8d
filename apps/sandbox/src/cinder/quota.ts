import type { Cloud } from "../cloud.ts";
import { ApiError, sentence } from "../http/answer.ts";
import { type Demand, excesses, limitOf } from "../state/quota.ts";

/** What a project uses of Cinder; snapshots count as gigabytes too. */
export function cinderUsage(cloud: Cloud, projectId: string) {
  const volumes = cloud.state.volumes.where((each) => each.project_id === projectId);
  const snapshots = cloud.state.snapshots.where((each) => each.project_id === projectId);
  const sum = (rows: readonly { readonly size: number }[]): number =>
    rows.reduce((all, row) => all + row.size, 0);
  return {
    volumes: volumes.length,
    snapshots: snapshots.length,
    gigabytes: sum(volumes) + sum(snapshots),
  } as const;
}

/** Refuses with Cinder's 413 what goes over a limit of the project. */
export function demandCinder(
  cloud: Cloud,
  projectId: string,
  wanted: Partial<Record<"volumes" | "snapshots" | "gigabytes", number>>,
): void {
  const used = cinderUsage(cloud, projectId);
  const demands = (["gigabytes", "volumes", "snapshots"] as const).map(
    (resource): Demand => ({ resource, requested: wanted[resource] ?? 0, used: used[resource] }),
  );
  const [excess] = excesses(demands, (resource) => limitOf(cloud, projectId, resource));
  if (excess === undefined) return;
  if (excess.resource === "gigabytes") {
    const size = sentence(
      `Requested ${excess.requested}G, quota is ${excess.limit}G and ${excess.used}G`,
      "has been consumed.",
    );
    const kind = "VolumeSizeExceedsAvailableQuota";
    throw new ApiError(
      413,
      `${kind}: Requested volume or snapshot exceeds allowed gigabytes quota. ${size}`,
      kind,
    );
  }
  const isVolume = excess.resource === "volumes";
  const kind = isVolume ? "VolumeLimitExceeded" : "SnapshotLimitExceeded";
  const text = isVolume
    ? `Maximum number of volumes allowed (${excess.limit}) exceeded for quota 'volumes'.`
    : `Maximum number of snapshots allowed (${excess.limit}) exceeded`;
  throw new ApiError(413, `${kind}: ${text}`, kind);
}
