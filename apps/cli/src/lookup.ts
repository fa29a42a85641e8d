import type {
  ApiClient,
  BackupTarget,
  BackupTargetType,
  RestoreSummary,
  SnapshotSummary,
  WorkloadSummary,
} from "@cairn/contract";
import { isUuid } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import { allOf, only } from "@cairn/sdk";

export { allOf, findRestore, findSnapshot, findWorkload, only } from "@cairn/sdk";

/** All workloads, or at most so many. */
export async function listWorkloads(
  api: ApiClient,
  query: { readonly all_workloads?: boolean } = {},
  max?: number,
): Promise<WorkloadSummary[]> {
  return allOf(async (page) => (await api.listWorkloads({ query: { ...query, ...page } })).workloads, max);
}

/** All snapshots, or at most so many. */
export async function listSnapshots(
  api: ApiClient,
  query: {
    readonly workload_id?: string;
    readonly all?: boolean;
    readonly date_from?: string;
    readonly date_to?: string;
  } = {},
  max?: number,
): Promise<SnapshotSummary[]> {
  return allOf(async (page) => (await api.listSnapshots({ query: { ...query, ...page } })).snapshots, max);
}

/** All restores, or at most so many. */
export async function listRestores(
  api: ApiClient,
  query: { readonly snapshot_id?: string; readonly all?: boolean } = {},
  max?: number,
): Promise<RestoreSummary[]> {
  return allOf(async (page) => (await api.listRestores({ query: { ...query, ...page } })).restores, max);
}

/** All backup targets. */
export async function listTargets(api: ApiClient): Promise<BackupTarget[]> {
  return allOf(async (query) => (await api.listBackupTargets({ query })).backup_targets);
}

/** All types of backup targets. */
export async function listTargetTypes(api: ApiClient): Promise<BackupTargetType[]> {
  return allOf(async (query) => (await api.listBackupTargetTypes({ query })).backup_target_types);
}

/** The id of a backup target by its id, or the name of one of its types. */
export async function findTarget(api: ApiClient, wanted: string): Promise<string> {
  if (isUuid(wanted)) return wanted;
  const types = await listTargetTypes(api);
  return only(
    "target",
    wanted,
    types.map((type) => ({ id: type.backup_targets_id, name: type.name })),
  );
}

/** The id of a type of backup targets by its id or name. */
export async function findTargetType(api: ApiClient, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("target-type", wanted, await listTargetTypes(api));
}

/** The id of a policy by its id or name. */
export async function findPolicy(api: ApiClient, wanted: string): Promise<string> {
  if (isUuid(wanted)) return wanted;
  return only(
    "policy",
    wanted,
    await allOf(async (query) => (await api.listPolicies({ query })).policy_list),
  );
}

/** The id of a project by its id, or its name as Keystone tells it to administrators; without one our own. */
export async function findProject(cloud: Cloud, wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return cloud.projectId();
  if (isUuid(wanted) || /^[0-9a-f]{32}$/.test(wanted)) return wanted;
  return only("project", wanted, await cloud.keystone.projects.list({ name: wanted }));
}
