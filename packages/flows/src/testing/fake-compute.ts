import { asId, Fault } from "@cairn/kernel";
import type { FlavorCreation, Nova, Server, ServerCreation, ServerGoal, ServerGroup } from "@cairn/openstack";
import { type CloudState, find, freshId, PROJECT, USER } from "./fake-state.ts";

/** The parts of Nova that flows use, with statuses that take until somebody waits for them. */
export function fakeNova(state: CloudState, view: "tenant" | "admin") {
  const nova = {
    servers: fakeServers(state, view),
    volumeAttachments: fakeVolumeAttachments(state),
    flavors: fakeFlavors(state),
    serverGroups: fakeServerGroups(state),
    keyPairs: {
      list: async () => [...state.keyPairs.values()],
      find: async (name: string) => state.keyPairs.get(name),
      findOf: async (_userId: string, name: string) => state.keyPairs.get(name),
      create: async (pair: { name: string; type: "ssh" | "x509"; publicKey: string }) => {
        state.keyPairs.set(pair.name, { ...pair, fingerprint: "aa:bb" });
      },
      delete: async (name: string) => {
        state.keyPairs.delete(name);
      },
    },
    limits: {
      get: async () => ({
        instances: { max: state.quota.instances, used: state.servers.size },
        cores: { max: undefined, used: 0 },
        ramMiB: { max: undefined, used: 0 },
        serverGroups: { max: undefined, used: 0 },
      }),
    },
    availabilityZones: { list: async () => [{ name: "nova", isAvailable: true }] },
  };
  return nova as unknown as Nova;
}

/** A volume is attached, and detached, at once. */
function fakeVolumeAttachments(state: CloudState) {
  const list = async (instanceId: string) =>
    (state.serverVolumes.get(instanceId) ?? []).map((each) => ({ ...each, instanceId, tag: undefined }));
  const set = (volumeId: string, status: string): void => {
    state.volumes.set(volumeId, { ...find(state.volumes, volumeId), status });
  };
  return {
    list,
    find: async (instanceId: string, volumeId: string) =>
      (await list(instanceId)).find((each) => each.volumeId === volumeId),
    attach: async (instanceId: string, { volumeId }: { volumeId: string }) => {
      const { status } = find(state.volumes, volumeId);
      const before = state.serverVolumes.get(instanceId) ?? [];
      if (!state.servers.has(instanceId) || status !== "available")
        throw new Fault("openstack-conflict", `attaching volume ${volumeId}: ${status}`, "later");
      const device = `/dev/vd${String.fromCharCode("c".charCodeAt(0) + before.length)}`;
      state.serverVolumes.set(instanceId, [...before, { volumeId, device, deleteOnTermination: false }]);
      set(volumeId, "in-use");
    },
    detach: async (instanceId: string, volumeId: string) => {
      const left = (state.serverVolumes.get(instanceId) ?? []).filter((each) => each.volumeId !== volumeId);
      state.serverVolumes.set(instanceId, left);
      set(volumeId, "available");
    },
  };
}

function fakeFlavors(state: CloudState) {
  return {
    list: async () => [...state.flavors.values()],
    create: async (wanted: FlavorCreation) => {
      if (!state.isAdmin) throw new Fault("openstack-forbidden", `creating flavor ${wanted.name}`, "never");
      const id = freshId(state);
      const flavor = { ...wanted, id, description: undefined, isDisabled: false, raw: {} };
      state.flavors.set(id, flavor);
      return flavor;
    },
    grant: async (id: string) => {
      const flavor = find(state.flavors, id);
      if (flavor.raw["granted"] === true) {
        throw new Fault("openstack-conflict", `granting flavor ${id} again`, "later");
      }
      state.flavors.set(id, { ...flavor, raw: { granted: true } });
    },
    delete: async (id: string) => {
      find(state.flavors, id);
      state.flavors.delete(id);
    },
  };
}

function fakeServerGroups(state: CloudState) {
  const seen = (group: ServerGroup): ServerGroup => ({
    ...group,
    members: [...state.servers.values()]
      .filter((server) => server.serverGroupIds.includes(group.id))
      .map((server) => server.id),
  });
  return {
    list: async () => [...state.serverGroups.values()].map(seen),
    find: async (id: string) => {
      const group = state.serverGroups.get(id);
      return group === undefined ? undefined : seen(group);
    },
    create: async (wanted: Pick<ServerGroup, "name" | "policy"> & Partial<ServerGroup>) => {
      const group: ServerGroup = { maxServersPerHost: undefined, ...wanted, id: freshId(state), members: [] };
      state.serverGroups.set(group.id, group);
      return group;
    },
    delete: async (id: string) => {
      find(state.serverGroups, id);
      state.serverGroups.delete(id);
    },
  };
}

function fakeServers(state: CloudState, view: "tenant" | "admin") {
  const seen = (server: Server): Server =>
    view === "admin" ? server : { ...server, host: undefined, userData: undefined };
  const set = (id: string, fields: Partial<Server>): void => {
    state.servers.set(id, { ...find(state.servers, id), ...fields });
  };
  return {
    list: async (filter: { name?: string } = {}) =>
      [...state.servers.values()]
        .filter((each) => filter.name === undefined || each.name === filter.name)
        .map(seen),
    find: async (id: string) => {
      const server = state.servers.get(id);
      return server === undefined ? undefined : seen(server);
    },
    get: async (id: string) => seen(find(state.servers, id)),
    create: async (wanted: ServerCreation) => createServer(state, wanted),
    delete: async (id: string) => {
      find(state.servers, id);
      set(id, { taskState: "deleting" });
    },
    start: async (id: string) => switchPower(state, id, { from: "SHUTOFF", task: "powering-on" }),
    stop: async (id: string) => switchPower(state, id, { from: "ACTIVE", task: "powering-off" }),
    setMetadata: async (id: string, entries: Record<string, string>) => {
      set(id, { metadata: { ...find(state.servers, id).metadata, ...entries } });
    },
    deleteMetadata: async (id: string, key: string) => {
      const { [key]: gone, ...metadata } = find(state.servers, id).metadata;
      if (gone === undefined) throw new Fault("openstack-not-found", `deleting metadata ${key}`, "never");
      set(id, { metadata });
    },
    waitFor: async (id: string, goal: ServerGoal) => {
      settleServer(state, id);
      const server = state.servers.get(id);
      const goals = goal === "built" ? ["ACTIVE", "SHUTOFF"] : [goal];
      if (goals.includes(server?.status ?? "absent")) return server;
      throw new Fault(
        "openstack-timeout",
        `waiting for ${id} to be ${goal}: it is ${server?.status ?? "gone"}`,
        "later",
      );
    },
  };
}

function createServer(state: CloudState, wanted: ServerCreation): Server["id"] {
  const id = freshId(state);
  const flavor = state.flavors.get(wanted.flavorId);
  if (flavor === undefined)
    throw new Fault("openstack-bad-request", "creating an instance without a flavor", "never");
  const volumes = (wanted.blockDevices ?? []).filter((device) => device.source === "volume");
  const server: Server = {
    id: asId(id),
    name: wanted.name,
    description: wanted.description,
    status: "BUILD",
    taskState: "spawning",
    powerState: 0,
    projectId: asId(PROJECT),
    userId: asId(USER),
    host: asId("compute-1"),
    hypervisorName: undefined,
    availabilityZone: wanted.availabilityZone ?? "nova",
    flavor,
    imageId: wanted.imageId,
    keyName: wanted.keyName,
    metadata: wanted.metadata ?? {},
    tags: wanted.tags ?? [],
    hasConfigDrive: wanted.hasConfigDrive ?? false,
    userData: wanted.userData,
    rootDevice: "/dev/vda",
    isLocked: false,
    addresses: [],
    securityGroupNames: [],
    volumes: [],
    serverGroupIds: wanted.serverGroupId === undefined ? [] : [wanted.serverGroupId],
    fault: undefined,
    createdAt: "",
    updatedAt: "",
    raw: {},
  };
  state.servers.set(id, server);
  state.serverVolumes.set(
    id,
    volumes.map((device) => ({
      volumeId: device.id ?? "",
      device: device.deviceName ?? "",
      deleteOnTermination: device.deleteOnTermination,
    })),
  );
  for (const { id: volumeId = "" } of volumes) {
    state.volumes.set(volumeId, { ...find(state.volumes, volumeId), status: "in-use" });
  }
  for (const nic of typeof wanted.networks === "string" ? [] : wanted.networks) {
    if (!("portId" in nic)) continue;
    const port = find(state.ports, nic.portId);
    state.ports.set(port.id, { ...port, deviceId: id, deviceOwner: "compute:nova" });
  }
  return server.id;
}

function switchPower(state: CloudState, id: string, change: { from: string; task: string }): void {
  const server = find(state.servers, id);
  if (server.status !== change.from || server.taskState !== undefined) {
    throw new Fault("openstack-conflict", `${change.task} instance ${id} that is ${server.status}`, "later");
  }
  state.servers.set(id, { ...server, taskState: change.task });
}

/** Lets what was asked of an instance happen. */
export function settleServer(state: CloudState, id: string): void {
  const server = state.servers.get(id);
  if (server?.taskState === undefined) return;
  if (server.taskState === "deleting") {
    removeServer(state, id);
    return;
  }
  const status = server.taskState === "powering-off" ? "SHUTOFF" : "ACTIVE";
  state.servers.set(id, { ...server, status, taskState: undefined });
}

/** Its ports are free again, its volumes too, but for those that go with it. */
export function removeServer(state: CloudState, id: string): void {
  for (const { volumeId, deleteOnTermination } of state.serverVolumes.get(id) ?? []) {
    const volume = state.volumes.get(volumeId);
    if (volume === undefined) continue;
    if (deleteOnTermination) state.volumes.delete(volumeId);
    else state.volumes.set(volumeId, { ...volume, status: "available" });
  }
  for (const port of state.ports.values()) {
    if (port.deviceId === id) state.ports.set(port.id, { ...port, deviceId: undefined, deviceOwner: "" });
  }
  state.serverVolumes.delete(id);
  state.servers.delete(id);
}
