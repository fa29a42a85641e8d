import {
  asId,
  type HostName,
  type InstanceId,
  type ProjectId,
  type UserId,
  type VolumeId,
} from "@cairn/kernel";
import { theOnly } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import { hasReached, type VersionRange } from "../wire/microversion.ts";
import type { Query, ServiceClient } from "../wire/service-client.ts";
import { type WaitLimit, waitUntil } from "../wire/waiting.ts";
import { NOVA_VERSIONS } from "./nova-versions.ts";
import { encodeCreation, readServer } from "./server-codec.ts";
import { describeServer, judgeServer } from "./server-goals.ts";
import { serverGroups } from "./server-groups.ts";

/** The flavor of an instance by value, as it was when the instance was made (microversion 2.47). */
export interface ServerFlavor {
  readonly name: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskGiB: number;
  readonly ephemeralGiB: number;
  readonly swapMiB: number;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

export interface ServerAddress {
  readonly network: string;
  readonly address: string;
  readonly version: 4 | 6;
  readonly kind: "fixed" | "floating" | undefined;
  readonly macAddress: string | undefined;
}

/** An instance. Fields that only an admin sees are undefined for everybody else. */
export interface Server {
  readonly id: InstanceId;
  readonly name: string;
  readonly description: string | undefined;
  /** Nova's word in capitals: ACTIVE, SHUTOFF, BUILD, ERROR, PAUSED, … */
  readonly status: string;
  readonly taskState: string | undefined;
  /** 1 running, 3 paused, 4 shut down (nova/objects/fields.py, InstancePowerState); 0 unknown. */
  readonly powerState: number | undefined;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  /** The compute node; admin only. */
  readonly host: HostName | undefined;
  /** The name of the libvirt domain, `instance-0000002a`; admin only. */
  readonly hypervisorName: string | undefined;
  readonly availabilityZone: string | undefined;
  readonly flavor: ServerFlavor;
  /** Undefined for an instance that boots from a volume. */
  readonly imageId: string | undefined;
  readonly keyName: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly hasConfigDrive: boolean;
  /** Base64, as Nova stores it; admin only. */
  readonly userData: string | undefined;
  readonly rootDevice: string | undefined;
  readonly isLocked: boolean;
  readonly addresses: readonly ServerAddress[];
  /** Names, not ids; empty when no port has a group. */
  readonly securityGroupNames: readonly string[];
  readonly volumes: readonly { readonly id: VolumeId; readonly deleteOnTermination: boolean }[];
  readonly serverGroupIds: readonly string[];
  readonly fault: { readonly code: number; readonly message: string } | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** The answer as it came, for capture by value. */
  readonly raw: JsonObject;
}

export type ServerNic =
  | { readonly portId: string }
  | { readonly networkId: string; readonly fixedIp?: string };

/** An entry of Nova's `block_device_mapping_v2`. */
export interface BlockDevice {
  readonly source: "image" | "volume" | "snapshot" | "blank";
  /** Id of the image, volume or snapshot; absent for a blank one. */
  readonly id?: string;
  readonly destination: "local" | "volume";
  /** 0 is the root disk; -1 is never booted from. */
  readonly bootIndex: number;
  readonly deleteOnTermination: boolean;
  readonly sizeGiB?: number;
  readonly deviceName?: string;
  readonly diskBus?: string;
  readonly deviceType?: string;
  readonly volumeType?: string;
  readonly guestFormat?: string;
  readonly tag?: string;
}

export interface ServerCreation {
  readonly name: string;
  readonly description?: string;
  readonly flavorId: string;
  readonly imageId?: string;
  readonly networks: readonly ServerNic[] | "auto" | "none";
  readonly blockDevices?: readonly BlockDevice[];
  readonly availabilityZone?: string;
  /** The compute node it must land on; admin only. */
  readonly host?: HostName;
  readonly keyName?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly hasConfigDrive?: boolean;
  /** Base64. */
  readonly userData?: string;
  /** Names or ids; Nova applies them to the ports that it makes itself, not to given ones. */
  readonly securityGroups?: readonly string[];
  readonly serverGroupId?: string;
}

export interface ServerFilter {
  /** Anchored: the exact name. (Nova's own filter is a regular expression.) */
  readonly name?: string;
  readonly host?: HostName;
  readonly status?: string;
  readonly allProjects?: boolean;
  readonly projectId?: ProjectId;
}

/**
 * Where an instance shall get to. `built` has come up, and may have turned itself off again; `absent` is
 * reached when Nova does not know it any more.
 */
export type ServerGoal = "ACTIVE" | "SHUTOFF" | "built" | "absent";

export interface Servers {
  list(filter?: ServerFilter, signal?: AbortSignal): Promise<readonly Server[]>;
  /** Undefined when there is none, also for one that Nova has deleted and shows for a moment longer. */
  find(id: InstanceId, signal?: AbortSignal): Promise<Server | undefined>;
  get(id: InstanceId, signal?: AbortSignal): Promise<Server>;
  /** Returns as soon as Nova accepted; `waitFor` waits for the rest. */
  create(server: ServerCreation, signal?: AbortSignal): Promise<InstanceId>;
  /** Returns as soon as Nova accepted; absent is deleted. */
  delete(id: InstanceId, signal?: AbortSignal): Promise<void>;
  /** 409 when it is running already. */
  start(id: InstanceId, signal?: AbortSignal): Promise<void>;
  /** 409 when it is stopped already. */
  stop(id: InstanceId, signal?: AbortSignal): Promise<void>;
  /** Adds and overwrites; other keys stay. */
  setMetadata(id: InstanceId, entries: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void>;
  deleteMetadata(id: InstanceId, key: string, signal?: AbortSignal): Promise<void>;
  /**
   * The instance once it got there; undefined for the goal `absent`. Fault `openstack-broken` when it ends
   * in ERROR, `openstack-timeout` when the time is over.
   */
  waitFor(id: InstanceId, goal: ServerGoal, limit: WaitLimit): Promise<Server | undefined>;
}

/** The calls about instances. */
export function servers(client: ServiceClient): Servers {
  const find = async (id: InstanceId, signal?: AbortSignal): Promise<Server | undefined> => {
    const answer = await client.find({ doing: `reading instance ${id}`, path: ["servers", id], signal });
    const server = answer === undefined ? undefined : theOnly(answer, "server", readServer);
    // Nova writes the state before it removes the row, and a read between the two shows it.
    return server?.status === "DELETED" ? undefined : server;
  };
  const look = async (id: InstanceId, signal?: AbortSignal): Promise<Server | undefined> => {
    const server = await find(id, signal);
    return server === undefined ? undefined : withGroups(client, server, signal);
  };
  const act = async (doing: string, id: InstanceId, action: string, signal?: AbortSignal): Promise<void> => {
    await client.post({ doing, path: ["servers", id, "action"], body: { [action]: null }, signal });
  };
  return {
    find: look,
    ...labelling(client),
    list: async (filter, signal) =>
      client.list({
        doing: "listing instances",
        path: ["servers", "detail"],
        query: encodeFilter(filter ?? {}),
        field: "servers",
        read: readServer,
        signal,
      }),
    get: async (id, signal) => {
      const answer = await client.get({ doing: `reading instance ${id}`, path: ["servers", id], signal });
      return withGroups(client, theOnly(answer, "server", readServer), signal);
    },
    create: async (server, signal) => {
      const call = { doing: `creating instance ${server.name}`, versions: neededFor(server), signal };
      const version = await client.version(call);
      const answer = await client.post({ ...call, path: ["servers"], body: encodeCreation(server, version) });
      return theOnly(answer, "server", (fields) => asId<"instance">(fields.string("id")));
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `deleting instance ${id}`, path: ["servers", id], signal });
    },
    start: async (id, signal) => {
      await act(`starting instance ${id}`, id, "os-start", signal);
    },
    stop: async (id, signal) => {
      await act(`stopping instance ${id}`, id, "os-stop", signal);
    },
    waitFor: async (id, goal, limit) =>
      waitUntil<Server>({
        doing: `waiting for instance ${id} to become ${goal}`,
        clock: client.clock,
        limit,
        observe: async (signal) => find(id, signal),
        judge: (server) => judgeServer(server, goal),
        describe: describeServer,
      }),
  };
}

function labelling(client: ServiceClient): Pick<Servers, "setMetadata" | "deleteMetadata"> {
  return {
    setMetadata: async (id, entries, signal) => {
      const body = { metadata: { ...entries } };
      const doing = `setting metadata of instance ${id}`;
      await client.post({ doing, path: ["servers", id, "metadata"], body, signal });
    },
    deleteMetadata: async (id, key, signal) => {
      const doing = `removing metadata ${key} of instance ${id}`;
      await client.remove({ doing, path: ["servers", id, "metadata", key], signal });
    },
  };
}

/** Rocky: the volume type of a disk that Nova makes itself. */
const WITH_VOLUME_TYPE = "2.67";
/** Stein: an instance tells its server groups. */
const WITH_GROUPS = "2.71";

function neededFor(server: ServerCreation): VersionRange {
  const namesType = server.blockDevices?.some((each) => each.volumeType !== undefined) === true;
  return namesType ? { ...NOVA_VERSIONS, least: WITH_VOLUME_TYPE } : NOVA_VERSIONS;
}

/** An older Nova tells only which instances a group has. */
async function withGroups(client: ServiceClient, server: Server, signal?: AbortSignal): Promise<Server> {
  const doing = `reading the server groups of instance ${server.id}`;
  if (hasReached(await client.version({ doing, signal }), WITH_GROUPS)) return server;
  const groups = await serverGroups(client).list(signal);
  const own = groups.filter((group) => group.members.includes(server.id));
  return { ...server, serverGroupIds: own.map((group) => group.id) };
}

function encodeFilter(filter: ServerFilter): Query {
  const { name, host, status, projectId } = filter;
  return {
    // Nova's filter is a regular expression of its database; anchored, with all that is special escaped, it
    // is equality.
    name: name === undefined ? undefined : `^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`,
    host,
    status,
    all_tenants: filter.allProjects === true || projectId !== undefined ? 1 : undefined,
    project_id: projectId,
  };
}
