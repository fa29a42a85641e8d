import { listMemberships, type Member } from "@cairn/database";
import { asId, type InstanceId, isUuid, Rejection, type WorkloadId } from "@cairn/kernel";
import type { Cloud, Server } from "@cairn/openstack";
import type { Caller } from "./policy.ts";
import type { World } from "./world.ts";

/** Instances looked up at the same time. */
const LOOKUPS_IN_FLIGHT_MAX = 8;

interface Wanted {
  readonly instances: readonly string[];
  readonly caller: Caller;
  readonly cloud: Cloud;
  /** The workload that is being modified: its own members are not "in another workload". */
  readonly workloadId?: WorkloadId;
}

/**
 * The instances that a workload shall have, each looked up in Nova by id or by its exact name. Refuses those
 * that do not exist, are of another project, are named twice, or belong to another workload.
 */
export async function resolveMembers(world: World, wanted: Wanted, signal: AbortSignal): Promise<Member[]> {
  const servers: Server[] = [];
  const names = [...wanted.instances];
  while (names.length > 0) {
    const some = names.splice(0, LOOKUPS_IN_FLIGHT_MAX);
    servers.push(...(await Promise.all(some.map(async (name) => findInstance(wanted, name, signal)))));
  }
  assertNoneTwice(servers);
  const memberships = await listMemberships(
    world.database.handle,
    servers.map((server) => server.id),
  );
  const elsewhere = memberships.find((each) => each.workload_id !== wanted.workloadId);
  if (elsewhere !== undefined) throw instanceTaken(elsewhere.instance_id);
  return servers.map((server) => ({
    instanceId: server.id,
    name: server.name,
    volumeCount: server.volumes.length,
    ...(server.keyName === undefined ? {} : { metadata: { key_name: server.keyName } }),
  }));
}

/**
 * The refusal of an instance that another workload protects already; existing clients look for these words.
 */
export function instanceTaken(instanceId: InstanceId): Rejection {
  return new Rejection(`Invalid instance as ${instanceId} already attached with other workload`, {
    status: 400,
    field: "workload.instances",
    value: instanceId,
    remedy: "Remove the instance from that workload first, or leave it out of this one.",
  });
}

async function findInstance(wanted: Wanted, name: string, signal: AbortSignal): Promise<Server> {
  const { servers } = wanted.cloud.nova;
  const byId = isUuid(name) ? await servers.find(asId(name), signal) : undefined;
  const candidates = byId === undefined ? await servers.list({ name }, signal) : [byId];
  // An administrator's token sees all projects' instances; a workload holds only those of its own.
  const own = candidates.filter((server) => server.projectId === wanted.caller.projectId);
  const [server] = own;
  if (server !== undefined && own.length === 1) return server;
  if (own.length > 1) throw ambiguous(name, own);
  throw new Rejection(`Unable to find Virtual Machine '${name}' in nova inventory`, {
    status: 400,
    field: "workload.instances",
    value: name,
    remedy: "Name instances of this project by id or name, as `openstack server list` shows them.",
  });
}

function ambiguous(name: string, found: readonly Server[]): Rejection {
  return new Rejection(`${found.length} instances are called '${name}'`, {
    status: 400,
    field: "workload.instances",
    value: name,
    remedy: `Use one of the ids ${found.map((server) => server.id).join(", ")}.`,
  });
}

function assertNoneTwice(servers: readonly Server[]): void {
  const ids = servers.map((server) => server.id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice === undefined) return;
  throw new Rejection(`The instance ${twice} is named twice.`, {
    status: 400,
    field: "workload.instances",
    value: twice,
    remedy: "Name each instance once.",
  });
}
