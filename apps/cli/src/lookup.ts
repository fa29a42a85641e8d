import type {
  ApiClient,
  BackupTarget,
  BackupTargetType,
  RestoreSummary,
  SnapshotSummary,
  WorkloadSummary,
} from "@cairn/contract";
import { isUuid, Rejection } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";

/** Rows asked for at once, and pages at most: a list never runs away. */
const PAGE_ROWS = 500;
const PAGES_MAX = 200;

interface Named {
  readonly id: string;
  readonly name: string;
}

/** All items of a list, page by page. */
export async function allOf<Row extends { readonly id: string }>(
  page: (query: { limit: number; marker?: string }) => Promise<readonly Row[]>,
  max: number = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let pages = 0; pages < PAGES_MAX && rows.length < max; pages += 1) {
    const marker = rows.at(-1)?.id;
    const limit = Math.min(PAGE_ROWS, max - rows.length);
    const next = await page(marker === undefined ? { limit } : { limit, marker });
    rows.push(...next);
    if (next.length < limit) break;
  }
  return rows;
}

export async function listWorkloads(
  api: ApiClient,
  query: { readonly all_workloads?: boolean } = {},
  max?: number,
): Promise<WorkloadSummary[]> {
  return allOf(async (page) => (await api.listWorkloads({ query: { ...query, ...page } })).workloads, max);
}

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

export async function listRestores(
  api: ApiClient,
  query: { readonly snapshot_id?: string; readonly all?: boolean } = {},
  max?: number,
): Promise<RestoreSummary[]> {
  return allOf(async (page) => (await api.listRestores({ query: { ...query, ...page } })).restores, max);
}

export async function listTargets(api: ApiClient): Promise<BackupTarget[]> {
  return allOf(async (query) => (await api.listBackupTargets({ query })).backup_targets);
}

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

/** The id of a workload by its id or name. */
export async function findWorkload(api: ApiClient, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("workload", wanted, await listWorkloads(api));
}

/** The id of a snapshot by its id or name. */
export async function findSnapshot(api: ApiClient, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("snapshot", wanted, await listSnapshots(api));
}

/** The id of a restore by its id or name. */
export async function findRestore(api: ApiClient, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("restore", wanted, await listRestores(api));
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

const CANDIDATES_SHOWN_MAX = 10;
/** Where those are listed that `cairn` does not list, and plurals that are not regular. */
const LISTED_BY: Readonly<Record<string, string>> = { project: "openstack project list" };
const PLURALS: Readonly<Record<string, string>> = { policy: "policies" };

/** The one thing of this name. None and several are different mistakes. */
export function only(kind: string, wanted: string, rows: readonly Named[]): string {
  const found = rows.filter((row) => row.name === wanted || row.id === wanted);
  const [first] = found;
  if (first === undefined) {
    throw new Rejection(`No ${kind} with a name or ID of '${wanted}' exists.`, {
      status: 404,
      field: kind,
      value: wanted,
      remedy: `\`${LISTED_BY[kind] ?? `cairn ${kind} list`}\` shows what there is.`,
    });
  }
  if (found.length === 1) return first.id;
  const shown = found.slice(0, CANDIDATES_SHOWN_MAX).map((row) => row.id);
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more` : "";
  throw new Rejection(`${found.length} ${PLURALS[kind] ?? `${kind}s`} are called '${wanted}'.`, {
    status: 400,
    field: kind,
    value: wanted,
    remedy: `Use one of the ids ${shown.join(", ")}${more}.`,
  });
}
