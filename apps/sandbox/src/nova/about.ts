import { createHash } from "node:crypto";
import { type Answer, ApiError, type Call, ok, param, type Route, route } from "../http/answer.ts";
import { jsonOf, requiredText } from "../http/reading.ts";
import type { HostRow } from "../state/compute-rows.ts";
import { knowsQuery } from "./query.ts";
import { nowZoneless } from "./server-body.ts";

/** A stable id for a host, as microversion 2.53 wants one. */
function hostUuid(host: HostRow): string {
  const hex = createHash("md5").update(host.id).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function zones(call: Call, detailed: boolean): Answer {
  const hosts = call.cloud.state.hosts.all();
  const zoneNames = [...new Set(hosts.map((host) => host.zone))];
  const updated = nowZoneless(call);
  const info = zoneNames.map((zoneName) => {
    const members = hosts.filter((host) => host.zone === zoneName);
    const services = members.map((host) => [
      host.id,
      {
        "nova-compute": {
          available: !host.vanished,
          active: host.service_status === "enabled",
          updated_at: updated,
        },
      },
    ]);
    return {
      zoneName,
      zoneState: { available: members.some((host) => !host.vanished && host.service_status === "enabled") },
      hosts: detailed ? Object.fromEntries(services) : null,
    };
  });
  return ok({ availabilityZoneInfo: info });
}

function serviceBody(call: Call, host: HostRow): object {
  return {
    id: call.minor >= 53 ? hostUuid(host) : call.cloud.state.hosts.all().indexOf(host) + 1,
    binary: "nova-compute",
    host: host.id,
    zone: host.zone,
    status: host.service_status,
    state: host.vanished ? "down" : "up",
    updated_at: nowZoneless(call),
    disabled_reason: null,
    ...(call.minor >= 11 ? { forced_down: false } : {}),
  };
}

function services(call: Call): Answer {
  knowsQuery(call, ["binary", "host"]);
  const host = call.query.get("host");
  const binary = call.query.get("binary");
  const rows = call.cloud.state.hosts
    .where((each) => host === null || each.id === host)
    .filter(() => binary === null || binary === "nova-compute");
  return ok({ services: rows.map((each) => serviceBody(call, each)) });
}

/** Switches scheduling to a host off and on (2.53: by the service's id). */
function updateService(call: Call): Answer {
  const row = call.cloud.state.hosts.all().find((host) => hostUuid(host) === param(call, "id"));
  if (row === undefined) throw new ApiError(404, `Service ${param(call, "id")} could not be found.`);
  const status = requiredText(jsonOf(call.body), "status");
  if (status !== "enabled" && status !== "disabled")
    throw new ApiError(400, `Invalid input for field/attribute status. Value: ${status}.`);
  return ok({ service: serviceBody(call, call.cloud.state.hosts.patch(row.id, { service_status: status })) });
}

function hypervisorBody(call: Call, host: HostRow, detailed: boolean): object {
  const base = {
    id: call.minor >= 53 ? hostUuid(host) : call.cloud.state.hosts.all().indexOf(host) + 1,
    hypervisor_hostname: host.id,
    state: host.vanished ? "down" : "up",
    status: host.service_status,
  };
  if (!detailed) return base;
  const serviceId = call.minor >= 53 ? hostUuid(host) : call.cloud.state.hosts.all().indexOf(host) + 1;
  const servers = call.cloud.state.servers.where((server) => server.host === host.id);
  const older = {
    vcpus: host.vcpus,
    vcpus_used: servers.reduce((sum, server) => sum + server.flavor.vcpus, 0),
    memory_mb: host.memory_mb,
    memory_mb_used: servers.reduce((sum, server) => sum + server.flavor.ram, 0),
    local_gb: host.local_gb,
    local_gb_used: servers.reduce((sum, server) => sum + server.flavor.disk, 0),
    running_vms: servers.length,
    current_workload: 0,
    disk_available_least: host.local_gb,
    free_disk_gb: host.local_gb,
    free_ram_mb: host.memory_mb,
    cpu_info: "",
  };
  return {
    ...base,
    host_ip: "127.0.0.1",
    hypervisor_type: "QEMU",
    hypervisor_version: 7_002_000,
    service: { id: serviceId, host: host.id, disabled_reason: null },
    // 2.88 took the resource figures away in favour of Placement.
    ...(call.minor < 88 ? older : { uptime: null }),
  };
}

function hypervisors(detailed: boolean): (call: Call) => Answer {
  return (call) => {
    const pattern = call.query.get("hypervisor_hostname_pattern");
    const rows = call.cloud.state.hosts.where((host) => pattern === null || host.id.includes(pattern));
    return ok({ hypervisors: rows.map((host) => hypervisorBody(call, host, detailed)) });
  };
}

export const aboutRoutes: readonly Route[] = [
  route("GET /os-availability-zone", "os_compute_api:os-availability-zone:list", "reader", (call) =>
    zones(call, false),
  ),
  route("GET /os-availability-zone/detail", "os_compute_api:os-availability-zone:detail", "admin", (call) =>
    zones(call, true),
  ),
  route("GET /os-services", "os_compute_api:os-services:list", "admin", services),
  route("PUT /os-services/:id", "os_compute_api:os-services:update", "admin", updateService),
  route("GET /os-hypervisors", "os_compute_api:os-hypervisors:list", "admin", hypervisors(false)),
  route(
    "GET /os-hypervisors/detail",
    "os_compute_api:os-hypervisors:list-detail",
    "admin",
    hypervisors(true),
  ),
  route("GET /extensions", "os_compute_api:extensions", "reader", () => ok({ extensions: [] })),
];
