import {
  type DatamoverRow,
  datamoverPresence,
  listDatamovers,
  listDisabled,
  listWorkloadInstances,
} from "@cairn/database";
import type { MemberPlace } from "@cairn/domain";
import { asId, type HostName, mapLimited } from "@cairn/kernel";
import type { Server } from "@cairn/openstack";
import { LIVE_MS, OBSERVATIONS_AT_ONCE } from "./limits.ts";
import type { FlowContext } from "./step.ts";

/** The hosts whose datamover was seen a short while ago and may take new work, in one order. */
export async function listLiveHosts(context: Pick<FlowContext, "database">): Promise<HostName[]> {
  return (await listLiveDatamovers(context)).map(({ host }) => host);
}

/** The datamovers that were seen a short while ago and may take new work, in one order. */
export async function listLiveDatamovers({
  database,
}: Pick<FlowContext, "database">): Promise<DatamoverRow[]> {
  const { handle } = database;
  const live: DatamoverRow[] = [];
  const disabled = await listDisabledHosts({ database });
  for (const row of await listDatamovers(handle)) {
    if (disabled.includes(row.host)) continue;
    const presence = await datamoverPresence(handle, row.host, LIVE_MS);
    if (presence.kind === "present") live.push(row);
  }
  return live;
}

/** The hosts whose datamover an operator has taken out of service. */
export async function listDisabledHosts({ database }: Pick<FlowContext, "database">): Promise<HostName[]> {
  const rows = await listDisabled(database.handle);
  return rows.flatMap(({ host, service }) => (service === "datamover" ? [host] : []));
}

/**
 * An instance of the run's project as an admin sees it, with its host; `undefined` when it is gone, and also
 * when it is another project's: a tenant must not learn of it.
 */
export async function findInstance(
  context: Pick<FlowContext, "admin" | "signal"> & { readonly run: Pick<FlowContext["run"], "projectId"> },
  id: string,
): Promise<Server | undefined> {
  const server = await context.admin.nova.servers.find(asId(id), context.signal);
  if (server === undefined || server.projectId !== context.run.projectId) return undefined;
  return server.status === "DELETED" || server.status === "SOFT_DELETED" ? undefined : server;
}

/** Where the members of the run's workload are. */
export async function observeMembers(context: FlowContext): Promise<MemberPlace[]> {
  const rows = await listWorkloadInstances(context.database.handle, [context.run.subject.workloadId]);
  const members = rows.map((row) => ({ id: row.instance_id, name: row.name }));
  return observePlaces(context, members);
}

/** Where these instances are. */
export async function observePlaces(
  context: FlowContext,
  instances: readonly { readonly id: string; readonly name: string }[],
): Promise<MemberPlace[]> {
  const liveHosts = await listLiveHosts(context);
  return mapLimited(instances, OBSERVATIONS_AT_ONCE, async ({ id, name }) => {
    const server = await findInstance(context, id);
    const host = server?.host;
    return {
      id,
      name: server?.name ?? name,
      exists: server !== undefined,
      settleHost: host !== undefined && liveHosts.includes(host) ? host : undefined,
    };
  });
}
