import {
  type Activity,
  type CloudProject,
  type InstanceProtection,
  type ProjectCharge,
  type ProjectUsage,
  type StorageUsage,
  wireTime,
} from "@cairn/contract";
import {
  type DiskUsage,
  diskUsage,
  listAudit,
  listMemberProtection,
  listProtected,
  type MemberProtection,
  projectUsage,
  type TargetUsage,
  type TypeUsage,
  targetUsage,
} from "@cairn/database";
import { asError, formatBytes } from "@cairn/kernel";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageAmong, pageOf } from "./lists.ts";

type UsageHandlers = Pick<
  Handlers,
  | "showStorageUsage"
  | "showTenantsUsage"
  | "showTenantsChargeback"
  | "listProtectedVms"
  | "listInstanceProtection"
  | "listRecentActivities"
  | "listProjects"
  | "showLicense"
  | "checkLicense"
  | "createLicense"
>;

const DAY_MINUTES = 24 * 60;
const LICENSE = {
  name: "Cairn",
  edition: "Apache License 2.0",
  status: "valid",
  type: "free software, without a limit",
  expires: null,
} as const;

/** What there is, what it takes, and what happened lately. */
export function usageHandlers(world: World): UsageHandlers {
  const { handle } = world.database;
  return {
    showStorageUsage: async ({ query }) => {
      const all = await targetUsage(handle);
      const share = query.nfsshare;
      const wanted = all.filter(
        ({ target }) => share === undefined || [target.path, target.filesystem_export].includes(share),
      );
      return { storage_usage: wanted.map(storageOf) };
    },
    showTenantsUsage: async (request) => tenantsUsage(world, request),
    showTenantsChargeback: async (request) => chargeback(world, request),
    listProtectedVms: async ({ caller, query }) => {
      const rows = await listProtected(handle, caller.projectId, pageOf(query));
      const protected_vms = rows.map((row) => ({
        id: row.instanceId,
        name: row.name,
        workload_id: row.workloadId,
        workload_name: row.workloadName,
      }));
      return { protected_vms };
    },
    listInstanceProtection: async (request) => {
      const instances = await instanceProtection(world, request);
      return { instances: pageAmong(instances, request.query, ({ id }) => id) };
    },
    listRecentActivities: async (request) => ({ recentactivities: await activities(world, request) }),
    listProjects: async ({ query, signal }) => {
      const projects = await cloudProjects(world, signal);
      return { projects: pageAmong(projects, query, ({ id }) => id) };
    },
    showLicense: async () => ({ license: LICENSE }),
    checkLicense: async () => ({ message: "License is valid: Cairn is free software and needs none." }),
    createLicense: async () => ({ license: LICENSE }),
  };
}

/** Those that Nova has, by their names, then those that only a workload still knows. */
async function instanceProtection(
  world: World,
  { caller, requestId, signal }: ApiRequest<"listInstanceProtection">,
): Promise<InstanceProtection[]> {
  const isOwn = caller.projectId === caller.tokenProjectId;
  // A token shows its own project; into others administrators look with the service's rights.
  const servers = isOwn
    ? await world.cloudOf(caller.token, requestId).nova.servers.list({}, signal)
    : await world.admin.nova.servers.list({ allProjects: true, projectId: caller.projectId }, signal);
  const members = await listMemberProtection(world.database.handle, caller.projectId);
  const byId = new Map(members.map((member) => [member.instanceId, member]));
  const there = new Set(servers.map(({ id }) => id));
  const gone = members.filter(({ instanceId }) => !there.has(instanceId));
  return [
    ...servers
      .toSorted((one, other) => one.name.localeCompare(other.name))
      .map(({ id, name }) => protectionOf({ id, name, is_there: true }, byId.get(id))),
    ...gone.map((member) =>
      protectionOf({ id: member.instanceId, name: member.name, is_there: false }, member),
    ),
  ];
}

function protectionOf(
  instance: Pick<InstanceProtection, "id" | "name" | "is_there">,
  member: MemberProtection | undefined,
): InstanceProtection {
  return {
    ...instance,
    workload_id: member?.workloadId ?? null,
    workload_name: member?.workloadName ?? null,
    snapshot_id: member?.snapshotId ?? null,
    snapshot_at: member === undefined || member.takenAt === null ? null : wireTime(member.takenAt.getTime()),
  };
}

function storageOf({ target, byType }: TargetUsage): StorageUsage {
  const { capacity_bytes: capacity, used_bytes: used, seen_at: seenAt } = target;
  const free = capacity === null || used === null ? null : Math.max(0, capacity - used);
  const unlimited = target.kind === "s3" ? "unlimited" : "unknown";
  const stored = total(byType);
  return {
    id: target.id,
    name: target.name,
    storage_type: target.kind,
    nfs_share: target.filesystem_export ?? target.path,
    is_default: target.is_default,
    status: target.is_online ? "online" : "offline",
    total_capacity: capacity,
    total_capacity_humanized: capacity === null ? unlimited : formatBytes(capacity),
    available_capacity: free,
    available_capacity_humanized: free === null ? unlimited : formatBytes(free),
    total_utilization: used,
    total_utilization_humanized: used === null ? "unknown" : formatBytes(used),
    measured_at: seenAt === null ? null : wireTime(seenAt.getTime()),
    snapshots_utilization: stored,
    snapshots_utilization_humanized: formatBytes(stored),
    ...sums(byType),
  };
}

function total(byType: readonly TypeUsage[]): number {
  return byType.reduce((sum, each) => sum + each.storedBytes, 0);
}

function counted(byType: readonly TypeUsage[]): number {
  return byType.reduce((sum, each) => sum + each.count, 0);
}

function sums(byType: readonly TypeUsage[]) {
  const of = (type: TypeUsage["snapshotType"]) => {
    const found = byType.find((each) => each.snapshotType === type);
    return { usage: found?.storedBytes ?? 0, snap_count: found?.count ?? 0 };
  };
  return { full: of("full"), incremental: of("incremental") };
}

async function tenantsUsage(world: World, { signal, log }: ApiRequest<"showTenantsUsage">) {
  const rows = await projectUsage(world.database.handle);
  const names = await namesOfProjects(world, log, signal);
  const instances = await instancesOfProjects(world, log, signal);
  const used = new Set<string>(rows.map(({ projectId }) => projectId));
  const idle = [...(instances?.keys() ?? [])].filter((id) => !used.has(id));
  const usages = [
    ...rows.map((row) => ({ ...row, projectId: String(row.projectId) })),
    ...idle.map((projectId) => ({ projectId, workloads: 0, instances: 0, byType: [] })),
  ];
  const entries = usages.map(({ projectId, workloads, instances: isProtected, byType }) => {
    const usage: ProjectUsage = {
      tenant_name: names.get(projectId) ?? projectId,
      total_vms: instances === undefined ? null : (instances.get(projectId) ?? 0),
      vms_protected: isProtected,
      workloads,
      snapshots: counted(byType),
      used_capacity: total(byType),
      used_capacity_humanized: formatBytes(total(byType)),
      ...sums(byType),
    };
    return [projectId, usage] as const;
  });
  const sum = (of: (usage: ProjectUsage) => number): number =>
    entries.reduce((all, [, each]) => all + of(each), 0);
  const stored = sum((usage) => usage.used_capacity);
  return {
    global_usage: {
      total_vms: instances === undefined ? null : sum((usage) => usage.total_vms ?? 0),
      vms_protected: sum((usage) => usage.vms_protected),
      workloads: sum((usage) => usage.workloads),
      snapshots: sum((usage) => usage.snapshots),
      total_usage: stored,
      total_usage_humanized: formatBytes(stored),
    },
    tenants_usage: Object.fromEntries(entries),
  };
}

type Log = ApiRequest<"showTenantsUsage">["log"];

/** Names are for people: without Keystone's word ids must do. */
async function namesOfProjects(
  world: World,
  log: Log,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  try {
    const projects = await world.admin.keystone.projects.list({}, signal);
    return new Map(projects.map(({ id, name }) => [id, name]));
  } catch (cause) {
    signal.throwIfAborted();
    log.warn("usage.no-names", { fault: asError(cause) });
    return new Map();
  }
}

/** How many instances projects have; `undefined`, which is told, where Nova gives no answer. */
async function instancesOfProjects(
  world: World,
  log: Log,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const servers = await world.admin.nova.servers.list({ allProjects: true }, signal);
    const counts = new Map<string, number>();
    for (const { projectId } of servers) counts.set(projectId, (counts.get(projectId) ?? 0) + 1);
    return counts;
  } catch (cause) {
    signal.throwIfAborted();
    log.warn("usage.no-instances", { fault: asError(cause) });
    return undefined;
  }
}

async function cloudProjects({ admin }: World, signal: AbortSignal): Promise<CloudProject[]> {
  const projects = await admin.keystone.projects.list({}, signal);
  return projects
    .map(({ id, name }) => ({ id, name }))
    .toSorted((one, other) => one.name.localeCompare(other.name));
}

async function chargeback(
  world: World,
  { query, log, signal }: ApiRequest<"showTenantsChargeback">,
): Promise<Record<string, ProjectCharge>> {
  const disks = await diskUsage(world.database.handle, query.project);
  const names = await namesOfProjects(world, log, signal);
  const projects = Map.groupBy(disks, ({ projectId }) => String(projectId));
  return Object.fromEntries(
    [...projects].map(([id, rows]) => [
      id,
      {
        tenant_name: names.get(id) ?? id,
        ...charged(rows),
        workloads: grouped(rows, "workloadId", (own) => ({
          name: own[0]?.workloadName ?? "",
          ...charged(own),
          protected_vms: grouped(own, "instanceId", instanceCharge),
        })),
      },
    ]),
  );
}

function instanceCharge(disks: readonly DiskUsage[]) {
  const provisioned = disks.reduce((sum, disk) => sum + disk.sizeBytes, 0);
  const volumes = grouped(disks, "diskId", ([disk]) => ({
    device: disk?.device ?? "",
    provisioned_size: disk?.sizeBytes ?? 0,
    size: disk?.storedBytes ?? 0,
    snapshots: disk?.snapshots ?? 0,
  }));
  const { size } = charged(disks);
  return { name: disks[0]?.instanceName ?? "", provisioned_size: provisioned, size, volumes };
}

function charged(disks: readonly DiskUsage[]): { readonly size: number; readonly size_humanized: string } {
  const size = disks.reduce((sum, disk) => sum + disk.storedBytes, 0);
  return { size, size_humanized: formatBytes(size) };
}

function grouped<Group>(
  disks: readonly DiskUsage[],
  key: "workloadId" | "instanceId" | "diskId",
  form: (disks: readonly DiskUsage[]) => Group,
): Record<string, Group> {
  const groups = Map.groupBy(disks, (disk) => String(disk[key]));
  return Object.fromEntries([...groups].map(([id, rows]) => [id, form(rows)]));
}

/** From the audit log. Whom policy.yaml lets in without being an administrator sees their own project's. */
async function activities(
  world: World,
  { caller, query }: ApiRequest<"listRecentActivities">,
): Promise<Activity[]> {
  const fromMs = world.clock.now() - (query.time_in_minutes ?? DAY_MINUTES) * 60_000;
  const filter = { fromMs, ...(caller.isAdmin ? {} : { projectId: caller.projectId }) };
  const entries = await listAudit(world.database.handle, filter, pageOf(query));
  return entries.map((entry) => ({
    activity_id: entry.id,
    activity_type: entry.action,
    activity_result: entry.outcome,
    activity_time: wireTime(entry.at.getTime()),
    activity_description: entry.detail,
    object_type: entry.object_kind,
    object_id: entry.object_id,
    object_name: entry.object_name,
    object_user_id: entry.user_id,
    object_user_name: entry.user_name,
    object_project_id: entry.project_id,
  }));
}
