import { createHash } from "node:crypto";
import { ApiError, type Call, param } from "../http/answer.ts";
import type { ServerRow } from "../state/compute-rows.ts";
import { zonelessTime } from "../state/moments.ts";
import { flavorLinks } from "./flavors.ts";

/** Nova's status out of state and task (`nova/api/openstack/common.py`, `_STATE_MAP`). */
export function statusOf(server: ServerRow): string {
  switch (server.vm_state) {
    case "building":
      return "BUILD";
    case "active":
      return activeStatus(server);
    case "stopped":
      return server.task_state === "resize_prep" || server.task_state === "resize_finish"
        ? "RESIZE"
        : "SHUTOFF";
    case "paused":
      return "PAUSED";
    case "suspended":
      return "SUSPENDED";
    case "resized":
      return server.task_state === "resize_reverting" ? "REVERT_RESIZE" : "VERIFY_RESIZE";
    case "error":
      return "ERROR";
  }
}

function activeStatus(server: ServerRow): string {
  if (server.task_state === "rebooting") return "REBOOT";
  if (server.task_state === "rebooting_hard") return "HARD_REBOOT";
  return server.task_state === "resize_prep" || server.task_state === "resize_finish" ? "RESIZE" : "ACTIVE";
}

export const instanceName = (server: ServerRow): string =>
  `instance-${server.number.toString(16).padStart(8, "0")}`;

export function novaLinks(call: Call, path: string): object[] {
  const base = call.cloud.baseUrl();
  return [
    { rel: "self", href: `${base}/compute/v2.1/${path}` },
    { rel: "bookmark", href: `${base}/compute/${path}` },
  ];
}

function addressesOf(call: Call, server: ServerRow): object {
  const { state } = call.cloud;
  const addresses: Record<string, object[]> = {};
  for (const port of state.ports.where((each) => each.device_id === server.id)) {
    const name = state.networks.find(port.network_id)?.name ?? port.network_id;
    const floating = state.floatingIps.where((each) => each.port_id === port.id);
    const entry = (addr: string, type: "fixed" | "floating"): object => ({
      version: 4,
      addr,
      "OS-EXT-IPS:type": type,
      "OS-EXT-IPS-MAC:mac_addr": port.mac_address,
    });
    addresses[name] = [
      ...(addresses[name] ?? []),
      ...port.fixed_ips.map((ip) => entry(ip.ip_address, "fixed")),
      ...floating.map((each) => entry(each.floating_ip_address, "floating")),
    ];
  }
  return addresses;
}

function flavorOf(call: Call, server: ServerRow): object {
  const { flavor } = server;
  if (call.minor < 47) return { id: flavor.id, links: flavorLinks(call, flavor.id).slice(1) };
  return {
    vcpus: flavor.vcpus,
    ram: flavor.ram,
    disk: flavor.disk,
    ephemeral: flavor.ephemeral,
    swap: flavor.swap,
    original_name: flavor.name,
    extra_specs: flavor.extra_specs,
  };
}

function imageOf(call: Call, server: ServerRow): object | string {
  // A server that booted from a volume has an empty text here.
  if (server.image_id === null) return "";
  const href = `${call.cloud.baseUrl()}/compute/images/${server.image_id}`;
  return { id: server.image_id, links: [{ rel: "bookmark", href }] };
}

/** Names of the groups on the server's ports, each once. */
function groupsOf(call: Call, server: ServerRow): object[] {
  const { state } = call.cloud;
  const ids = state.ports
    .where((port) => port.device_id === server.id)
    .flatMap((port) => port.security_groups);
  return [...new Set(ids)].map((id) => ({ name: state.securityGroups.find(id)?.name ?? id }));
}

function hostFields(call: Call, server: ServerRow): object {
  if (!call.actor.isAdmin) return {};
  const isUp =
    server.host === null
      ? ""
      : call.cloud.state.hosts.find(server.host)?.vanished === true
        ? "UNKNOWN"
        : "UP";
  return {
    "OS-EXT-SRV-ATTR:host": server.host,
    "OS-EXT-SRV-ATTR:hypervisor_hostname": server.host,
    "OS-EXT-SRV-ATTR:instance_name": instanceName(server),
    ...(call.minor >= 3
      ? {
          "OS-EXT-SRV-ATTR:hostname": server.hostname,
          "OS-EXT-SRV-ATTR:reservation_id": server.reservation_id,
          "OS-EXT-SRV-ATTR:launch_index": 0,
          "OS-EXT-SRV-ATTR:kernel_id": "",
          "OS-EXT-SRV-ATTR:ramdisk_id": "",
          "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
          "OS-EXT-SRV-ATTR:user_data": server.user_data,
        }
      : {}),
    ...(call.minor >= 16 ? { host_status: isUp } : {}),
  };
}

/** Fields that later microversions added. */
function versionedFields(call: Call, server: ServerRow): object {
  const { minor } = call;
  return {
    ...(minor >= 9 ? { locked: server.locked } : {}),
    ...(minor >= 19 ? { description: server.description } : {}),
    ...(minor >= 26 ? { tags: server.tags } : {}),
    ...(minor >= 63 ? { trusted_image_certificates: null } : {}),
    ...(minor >= 71
      ? { server_groups: server.server_group_id === null ? [] : [server.server_group_id] }
      : {}),
    ...(minor >= 73 ? { locked_reason: null } : {}),
    ...(minor >= 90 ? { "OS-EXT-SRV-ATTR:hostname": server.hostname } : {}),
  };
}

function volumesOf(call: Call, server: ServerRow): object[] {
  return server.disks.flatMap((disk) => {
    if (disk.volume_id === null) return [];
    return [
      {
        id: disk.volume_id,
        ...(call.minor >= 3 ? { delete_on_termination: disk.delete_on_termination } : {}),
      },
    ];
  });
}

function faultOf(call: Call, server: ServerRow): object {
  if (server.fault === null || server.vm_state !== "error") return {};
  const { details, ...shown } = server.fault;
  const isShown = call.actor.isAdmin && server.fault.code === 500;
  return { fault: isShown ? { ...shown, details: details ?? "" } : shown };
}

/** A server's body at the call's microversion, with what an admin sees more. */
export function serverBody(call: Call, server: ServerRow): object {
  const zone = call.cloud.state.hosts.find(server.host ?? "")?.zone ?? server.requested_zone ?? "";
  return {
    id: server.id,
    name: server.name,
    status: statusOf(server),
    tenant_id: server.project_id,
    user_id: server.user_id,
    metadata: server.metadata,
    hostId:
      server.host === null
        ? ""
        : createHash("sha224")
            .update(server.project_id + server.host)
            .digest("hex"),
    image: imageOf(call, server),
    flavor: flavorOf(call, server),
    created: server.created,
    updated: server.updated,
    addresses: addressesOf(call, server),
    accessIPv4: "",
    accessIPv6: "",
    links: novaLinks(call, `servers/${server.id}`),
    "OS-DCF:diskConfig": "MANUAL",
    ...(["BUILD", "ACTIVE", "REBOOT", "RESIZE", "VERIFY_RESIZE"].includes(statusOf(server))
      ? { progress: 0 }
      : {}),
    "OS-EXT-AZ:availability_zone": zone,
    config_drive: server.config_drive ? "True" : "",
    key_name: server.key_name,
    "OS-SRV-USG:launched_at": server.launched_at,
    "OS-SRV-USG:terminated_at": null,
    ...(groupsOf(call, server).length === 0 ? {} : { security_groups: groupsOf(call, server) }),
    "OS-EXT-STS:task_state": server.task_state,
    "OS-EXT-STS:vm_state": server.vm_state,
    "OS-EXT-STS:power_state": server.power_state,
    "os-extended-volumes:volumes_attached": volumesOf(call, server),
    ...faultOf(call, server),
    ...hostFields(call, server),
    ...versionedFields(call, server),
  };
}

export const noServer = (id: string): ApiError => new ApiError(404, `Instance ${id} could not be found.`);

/** The server of the route, when it is the caller's. */
export function serverAt(call: Call): ServerRow {
  const id = param(call, "id");
  const row = call.cloud.state.servers.find(id);
  if (row === undefined || (row.project_id !== call.actor.projectId && !call.actor.isAdmin))
    throw noServer(id);
  return row;
}

export const nowZoneless = (call: Call): string => zonelessTime(call.cloud.clock.now());
