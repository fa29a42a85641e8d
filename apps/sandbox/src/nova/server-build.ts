import { Fault } from "@cairn/kernel";
import type { Cloud } from "../cloud.ts";
import { nextDevice } from "../hosts/domain-file.ts";
import type { NewDisk } from "../hosts/hypervisors.ts";
import { touched } from "../neutron/lists.ts";
import { dropPort, makePort } from "../neutron/port-life.ts";
import type { ServerDisk, ServerRow } from "../state/compute-rows.ts";
import { zonelessTime } from "../state/moments.ts";
import type { PortRow } from "../state/network-rows.ts";
import type { WantedDisk } from "./boot-plan.ts";
import type { WantedNic } from "./network-plan.ts";
import { roomOf } from "./room.ts";
import { makeRootDisk } from "./root-disk.ts";
import { chooseHost, type Placement } from "./scheduler.ts";
import { instanceName } from "./server-body.ts";
import { asServerDisk, connectVolume, prepareDisk, releaseVolumes, volumeAttached } from "./server-disks.ts";
import { failServer, messageOf, patchServer, settle, stillWanted } from "./server-state.ts";

/** All that is to be made for a new server; nothing is left to decide but the host. */
export interface BootPlan {
  readonly nics: readonly WantedNic[];
  readonly disks: readonly WantedDisk[];
  readonly groupIds: readonly string[];
  readonly placement: Placement;
}

/** Starts building; the answer has already left when it goes wrong, so the server then shows a fault. */
export function startBuild(cloud: Cloud, serverId: string, plan: BootPlan): void {
  cloud.tasks.startInOrder(serverId, `server ${serverId} is built`, async (signal) => {
    try {
      await build(cloud, serverId, plan, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      abandonBuild(cloud, serverId, error);
    }
  });
}

/** Makes room again as Nova does: own ports go, volumes are let go, the server stays in ERROR. */
function abandonBuild(cloud: Cloud, serverId: string, error: unknown): void {
  const server = stillWanted(cloud, serverId);
  if (server === undefined) return;
  const { host } = server;
  if (host !== null) {
    cloud.tasks.start(`server ${serverId} is cleaned up`, async () =>
      cloud.hypervisors.undefine(host, serverId),
    );
  }
  releasePorts(cloud, server);
  releaseVolumes(cloud, server);
  patchServer(cloud, serverId, { disks: [], own_port_ids: [] });
  const message = messageOf(error);
  failServer(
    cloud,
    serverId,
    message.startsWith("No valid host") ? message : `Build of instance ${serverId} aborted: ${message}`,
  );
}

class Gone extends Error {}

function present(cloud: Cloud, id: string): ServerRow {
  const server = stillWanted(cloud, id);
  if (server === undefined) throw new Gone(`instance ${id} was deleted while it was built`);
  return server;
}

async function build(cloud: Cloud, id: string, plan: BootPlan, signal: AbortSignal): Promise<void> {
  const pause = async (): Promise<void> => cloud.clock.sleep(cloud.settings.transitionMs / 3, signal);
  await pause();
  const others = cloud.state.servers.where((each) => each.id !== id);
  const { flavor } = present(cloud, id);
  const disks = plan.disks.filter((disk) => disk.from.kind === "local-image");
  const room = roomOf({ flavor, disks: disks.map(() => ({ volume_id: null })) });
  const host = chooseHost(cloud.state.hosts.all(), others, { ...plan.placement, room })?.id;
  if (host === undefined) throw new Fault("no-valid-host", "No valid host was found. ", "later");
  present(cloud, id);
  patchServer(cloud, id, { host, task_state: "networking" });
  for (const nic of plan.nics) joinNic(cloud, id, nic, plan.groupIds);
  await pause();
  present(cloud, id);
  patchServer(cloud, id, { task_state: "block_device_mapping" });
  const volumes = await joinVolumes(cloud, id, plan.disks, signal);
  present(cloud, id);
  patchServer(cloud, id, { task_state: "spawning" });
  await pause();
  await spawn(cloud, id, host, volumes);
}

async function spawn(cloud: Cloud, id: string, host: string, volumes: readonly NewDisk[]): Promise<void> {
  const failure = cloud.faults.takeHostFailure();
  if (failure !== undefined) throw new Fault("host-fails", failure, "later");
  const server = present(cloud, id);
  const isLocal = server.disks.some((disk) => disk.volume_id === null);
  const root = isLocal ? [await makeRootDisk(cloud, server, host, server.image_id ?? "")] : [];
  cloud.hypervisors.define(host, { id, name: instanceName(server) }, [...root, ...volumes]);
  await cloud.hypervisors.start(host, id);
  for (const disk of server.disks) if (disk.attachment_id !== null) volumeAttached(cloud, disk.attachment_id);
  for (const port of cloud.state.ports.where((each) => each.device_id === id))
    setPort(cloud, port, { status: "ACTIVE" });
  if (stillWanted(cloud, id) === undefined) return;
  settle(cloud, id, "active");
  patchServer(cloud, id, { launched_at: zonelessTime(cloud.clock.now()) });
}

export function setPort(cloud: Cloud, port: PortRow, fields: Partial<PortRow>): PortRow {
  return cloud.state.ports.patch(port.id, { ...fields, ...touched(cloud, port) });
}

/** Puts a card into the server: a port that is there, or one that is made and will go with it. */
export function joinNic(cloud: Cloud, id: string, nic: WantedNic, groupIds: readonly string[]): PortRow {
  const server = present(cloud, id);
  const zone = cloud.state.hosts.find(server.host ?? "")?.zone ?? "nova";
  const binding = {
    device_id: id,
    device_owner: `compute:${zone}`,
    "binding:host_id": server.host ?? "",
  } as const;
  if (nic.kind === "port") {
    const port = cloud.state.ports.find(nic.portId);
    if (port === undefined) throw new Fault("port-gone", `Port ${nic.portId} could not be found.`, "never");
    return setPort(cloud, port, binding);
  }
  const network = cloud.state.networks.get(nic.networkId);
  const port = makePort(cloud, network, server.project_id, {
    ...binding,
    security_groups: network.port_security_enabled ? groupIds : [],
    wantedIps: nic.fixedIp === undefined ? undefined : [{ ip_address: nic.fixedIp }],
  });
  patchServer(cloud, id, { own_port_ids: [...server.own_port_ids, port.id] });
  return port;
}

async function joinVolumes(
  cloud: Cloud,
  id: string,
  wanted: readonly WantedDisk[],
  signal: AbortSignal,
): Promise<NewDisk[]> {
  const made: NewDisk[] = [];
  const disks: ServerDisk[] = [];
  for (const each of wanted) {
    const server = present(cloud, id);
    const device = nextDevice(disks.map((disk) => disk.device));
    const attachment =
      each.from.kind === "local-image" ? undefined : await prepareDisk(cloud, server, each, signal);
    disks.push(asServerDisk(each, device, attachment));
    present(cloud, id);
    patchServer(cloud, id, { disks: [...disks] });
    if (attachment !== undefined) made.push(connectVolume(cloud, attachment, server.host ?? "", device));
  }
  return made;
}

/** Takes the server off its ports: its own go, the others are free again. */
export function releasePorts(cloud: Cloud, server: ServerRow): void {
  for (const portId of server.own_port_ids) dropPort(cloud, portId);
  for (const port of cloud.state.ports.where((each) => each.device_id === server.id)) {
    const free = { device_id: "", device_owner: "", status: "DOWN", "binding:host_id": "" } as const;
    setPort(cloud, port, free);
  }
}
