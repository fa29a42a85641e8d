import type { Cloud } from "../cloud.ts";
import { type Answer, ApiError, type Call, ok, param, type Route, route } from "../http/answer.ts";
import { enveloped, numberAt } from "../http/reading.ts";
import { zonelessTime } from "../state/moments.ts";
import { limitOf, type Resource } from "../state/quota.ts";
import type { VolumeTypeRow } from "../state/storage-rows.ts";
import { OVER_SUBSCRIPTION, provisionedGiB } from "./capacity.ts";
import { cinderUsage } from "./quota.ts";
import { VOLUME_ZONE } from "./volumes.ts";

function typeBody(call: Call, row: VolumeTypeRow): object {
  const { format: _format, backend: _backend, extra_specs, ...shown } = row;
  return {
    ...shown,
    "os-volume-type-access:is_public": row.is_public,
    qos_specs_id: null,
    ...(call.actor.isAdmin ? { extra_specs } : { extra_specs: {} }),
  };
}

function showType(call: Call): Answer {
  const id = param(call, "id");
  const types = call.cloud.state.volumeTypes.all();
  const row = id === "default" ? types[0] : types.find((each) => each.id === id);
  if (row === undefined) throw new ApiError(404, `Volume type ${id} could not be found.`);
  return ok({ volume_type: typeBody(call, row) });
}

function limits(call: Call): Answer {
  const { cloud, actor } = call;
  const project = (actor.isAdmin ? call.query.get("project_id") : null) ?? actor.projectId;
  const used = cinderUsage(cloud, project);
  const most = (resource: Resource): number => limitOf(cloud, project, resource);
  const absolute = {
    totalSnapshotsUsed: used.snapshots,
    maxTotalBackups: most("backups"),
    maxTotalVolumeGigabytes: most("gigabytes"),
    maxTotalSnapshots: most("snapshots"),
    maxTotalBackupGigabytes: most("backup_gigabytes"),
    totalBackupGigabytesUsed: 0,
    maxTotalVolumes: most("volumes"),
    totalVolumesUsed: used.volumes,
    totalBackupsUsed: 0,
    totalGigabytesUsed: used.gigabytes,
  };
  return ok({ limits: { rate: [], absolute } });
}

const QUOTAS = [
  ...(["volumes", "snapshots", "gigabytes", "backups", "backup_gigabytes"] as const),
  ...(["per_volume_gigabytes", "groups"] as const),
];

function quotaValues(cloud: Cloud, project: string, withUsage: boolean): object {
  const used = { ...cinderUsage(cloud, project) } as Partial<Record<Resource, number>>;
  const typeLimits = cloud.state.volumeTypes
    .all()
    .flatMap((type) => ["volumes", "gigabytes", "snapshots"].map((name) => `${name}_${type.name}`));
  const shown = (limit: number, inUse: number): unknown =>
    withUsage ? { limit, in_use: inUse, reserved: 0, allocated: 0 } : limit;
  return Object.fromEntries([
    ...QUOTAS.map((name) => [name, shown(limitOf(cloud, project, name), used[name] ?? 0)] as const),
    ...typeLimits.map((name) => [name, shown(-1, 0)] as const),
  ]);
}

function quotaProject(call: Call): string {
  const id = param(call, "id");
  if (id !== call.actor.projectId && !call.actor.isAdmin)
    throw new ApiError(403, "Policy doesn't allow volume_extension:quotas:show to be performed.");
  return id;
}

function showQuota(call: Call): Answer {
  const id = quotaProject(call);
  const withUsage = /^true$/i.test(call.query.get("usage") ?? "");
  return ok({ quota_set: { id, ...quotaValues(call.cloud, id, withUsage) } });
}

function updateQuota(call: Call): Answer {
  const id = param(call, "id");
  const asked = enveloped(call.body, "quota_set");
  const limits: Record<string, number> = { ...call.cloud.state.quotas.find(id)?.limits };
  for (const name of QUOTAS) limits[name] = numberAt(asked, name) ?? limitOf(call.cloud, id, name);
  call.cloud.state.quotas.put({ id, limits });
  return ok({ quota_set: quotaValues(call.cloud, id, false) });
}

function services(call: Call): Answer {
  const updated = zonelessTime(call.cloud.clock.now());
  const row = (binary: string, host: string): object => ({
    binary,
    host,
    zone: VOLUME_ZONE,
    status: "enabled",
    state: "up",
    updated_at: updated,
    disabled_reason: null,
  });
  return ok({ services: [row("cinder-scheduler", "sandbox"), row("cinder-volume", "sandbox@nfs")] });
}

/**
 * The pools of two drivers, of shared files and of local devices: thin, and promised twenty times (their
 * `max_over_subscription_ratio`). Both are the same storage.
 */
function pools(call: Call): Answer {
  const { cloud } = call;
  // Zed's Cinder breaks over this filter as soon as a pool is thin.
  if (call.minor >= 35 && call.query.has("volume_type"))
    throw new ApiError(400, "The server could not comply with the request since it is either malformed.");
  const capabilities = (backend: VolumeTypeRow["backend"]): object => ({
    volume_backend_name: backend,
    storage_protocol: backend,
    total_capacity_gb: cloud.settings.storageGiB,
    free_capacity_gb: cloud.settings.storageGiB,
    provisioned_capacity_gb: provisionedGiB(cloud),
    allocated_capacity_gb: provisionedGiB(cloud),
    reserved_percentage: 0,
    thin_provisioning_support: true,
    max_over_subscription_ratio: String(OVER_SUBSCRIPTION),
  });
  const detail = /^true$/i.test(call.query.get("detail") ?? "");
  const pools = (["nfs", "local"] as const).map((backend) => ({
    name: `sandbox@${backend}#sandbox`,
    ...(detail ? { capabilities: capabilities(backend) } : {}),
  }));
  return ok({ pools });
}

/** What users are told of volumes that could not be made. */
function messages(call: Call): Answer {
  const about = call.minor >= 5 ? call.query.get("resource_uuid") : null;
  const broken = call.cloud.state.volumes
    .where((row) => row.status === "error" && row.project_id === call.actor.projectId)
    .filter((row) => about === null || row.id === about);
  return ok({
    messages: broken.map((row) => ({
      id: row.id,
      event_id: "VOLUME_VOLUME_001_002",
      user_message: "schedule allocate volume:Could not find any available weighted backend.",
      message_level: "ERROR",
      resource_type: "VOLUME",
      resource_uuid: row.id,
      request_id: `req-${row.id}`,
      created_at: row.updated_at ?? row.created_at,
      guaranteed_until: row.updated_at ?? row.created_at,
      links: [],
    })),
  });
}

/** Types, limits, quotas, zones, services. */
export const aboutRoutes: readonly Route[] = [
  route("GET /types", "volume_extension:type_get_all", "reader", (call) =>
    ok({ volume_types: call.cloud.state.volumeTypes.all().map((row) => typeBody(call, row)) }),
  ),
  route("GET /types/:id", "volume_extension:type_get", "reader", showType),
  route("GET /limits", "limits_extension:used_limits", "reader", limits),
  route("GET /os-quota-sets/:id", "volume_extension:quotas:show", "reader", showQuota),
  route("GET /os-quota-sets/:id/defaults", "volume_extension:quotas:show", "reader", (call) =>
    ok({ quota_set: { id: quotaProject(call), ...quotaValues(call.cloud, "", false) } }),
  ),
  route("PUT /os-quota-sets/:id", "volume_extension:quotas:update", "admin", updateQuota),
  route("GET /os-availability-zone", "volume:availability_zone_list", "reader", () =>
    ok({ availabilityZoneInfo: [{ zoneName: VOLUME_ZONE, zoneState: { available: true } }] }),
  ),
  route("GET /os-services", "volume_extension:services:index", "admin", services),
  route("GET /scheduler-stats/get_pools", "scheduler_extension:scheduler_stats:get_pools", "admin", pools),
  route("GET /messages", "message:get_all", "reader", messages),
  route("GET /extensions", "volume:extensions", "reader", () => ok({ extensions: [] })),
];
