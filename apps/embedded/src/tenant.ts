import { connectApi, type RestoreDetail, type SnapshotDetail } from "@cairn/contract";
import type { BootedInstance, Embedded } from "@cairn/embedded";
import { formatBytes, formatDuration } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { CairnCommand } from "./cairn-command.ts";
import type { Narrator } from "./narrator.ts";

/** One snapshot of the demo, as the result tells it. Sizes are bytes. */
export interface SnapshotResult {
  readonly type: "full" | "incremental";
  readonly virtual_bytes: number;
  readonly read_bytes: number;
  readonly stored_bytes: number;
  readonly seconds: number;
}

/** A tenant of the demo's cloud, and the workload that it protects. */
export interface Tenant {
  readonly embedded: Embedded;
  readonly cloud: Cloud;
  readonly cairn: CairnCommand;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
  readonly workload: string;
  /** What each snapshot cost; `takeSnapshot` adds to it. */
  readonly snapshots: SnapshotResult[];
}

/** Takes a snapshot by the command line, waits for its end and tells what it cost. */
export async function takeSnapshot(tenant: Tenant, name: string, full: boolean): Promise<SnapshotDetail> {
  const args = ["snapshot", "create", tenant.workload, "--name", name, ...(full ? ["--full"] : []), "--wait"];
  const id = idOf(await tenant.cairn.run(args, tenant.signal));
  const { snapshot } = await (await tenantApi(tenant)).showSnapshot({ params: { snapshot_id: id } });
  const result: SnapshotResult = {
    type: snapshot.snapshot_type,
    virtual_bytes: snapshot.virtual_bytes,
    read_bytes: snapshot.read_bytes,
    stored_bytes: snapshot.stored_bytes,
    seconds: secondsBetween(snapshot.created_at, snapshot.finished_at),
  };
  tenant.snapshots.push(result);
  const { virtual_bytes, read_bytes, stored_bytes, seconds } = result;
  tenant.narrator.line(
    `${result.type}: ${formatBytes(virtual_bytes)} of disks, read ${formatBytes(read_bytes)}, ` +
      `stored ${formatBytes(stored_bytes)}, ${formatDuration(seconds * 1000)}`,
  );
  return snapshot;
}

/** Restores by the command line and waits for the end. */
export async function runRestore(
  tenant: Tenant,
  type: "oneclick" | "inplace" | "selective",
  args: readonly string[],
): Promise<RestoreDetail> {
  const id = idOf(await tenant.cairn.run(["restore", type, ...args, "--wait"], tenant.signal));
  const { restore } = await (await tenantApi(tenant)).showRestore({ params: { restore_id: id } });
  return restore;
}

/** The instances that a restore made, as Nova tells them to the tenant. */
export async function restoredInstances(tenant: Tenant, restore: RestoreDetail): Promise<BootedInstance[]> {
  const found: BootedInstance[] = [];
  for (const { id, name } of restore.instances) {
    const instances = await tenant.cloud.nova.servers.list({ name }, tenant.signal);
    const server = instances.find((each) => each.id === id);
    if (server === undefined) throw new Error(`the restored instance ${name} (${id}) is not in the cloud`);
    found.push({ id: server.id, name, volumeIds: server.volumes.map((volume) => volume.id) });
  }
  return found;
}

async function tenantApi({ cloud, embedded }: Tenant) {
  const projectId = await cloud.projectId();
  const token = async (): Promise<string> => (await cloud.token()).value.reveal();
  return connectApi({ endpoint: `${embedded.apiUrl}/v1/${projectId}`, token });
}

function idOf(printed: unknown): string {
  if (typeof printed === "object" && printed !== null && "id" in printed && typeof printed.id === "string") {
    return printed.id;
  }
  throw new Error(`the command printed no id: ${JSON.stringify(printed)}`);
}

/** Between two of the API's times, to a tenth. */
export function secondsBetween(from: string, to: string | null): number {
  const start = Date.parse(`${from}Z`);
  const end = to === null ? start : Date.parse(`${to}Z`);
  return Math.round((end - start) / 100) / 10;
}
