import { listMemberships, type Member } from "@cairn/database";
import { asId, type InstanceId, isUuid, mapLimited, Rejection, type WorkloadId } from "@cairn/kernel";
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
  /** The workload is encrypted with a tenant's secret. */
  readonly isEncrypted: boolean;
}

/**
 * The instances that a workload shall have, each looked up in Nova by id or by its exact name. Refuses those
 * that do not exist, are of another project, are named twice, or belong to another workload; and those with
 * an encrypted volume, unless the workload is encrypted, too.
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
  if (!wanted.isEncrypted) await assertNoneEncrypted(wanted.cloud, servers, signal);
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

/**
 * Encrypted volumes are backed up deciphered: in a workload without a secret their data would lie under the
 * operator's keys, when the tenant chose that they lie under the tenant's. Existing clients look for these
 * words.
 */
async function assertNoneEncrypted(
  cloud: Cloud,
  servers: readonly Server[],
  signal: AbortSignal,
): Promise<void> {
  const attached = servers.flatMap(({ id, volumes }) =>
    volumes.map((volume) => ({ id, volumeId: volume.id })),
  );
  await mapLimited(
    attached,
    LOOKUPS_IN_FLIGHT_MAX,
    async ({ id, volumeId }, stop) => {
      const volume = await cloud.cinder.volumes.find(volumeId, stop);
      if (volume?.isEncrypted !== true) return;
      const message = `Unencrypted workload cannot have instance: ${id} with encrypted Volume: ${volumeId}`;
      throw new Rejection(message, {
        status: 400,
        field: "workload.instances",
        value: id,
        remedy: "Create a workload with encryption and a secret for it, or detach the volume.",
      });
    },
    signal,
  );
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
