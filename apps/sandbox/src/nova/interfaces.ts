import { type Answer, ApiError, accepted, type Call, ok, param, type Route, route } from "../http/answer.ts";
import { jsonOf } from "../http/reading.ts";
import { dropPort } from "../neutron/port-life.ts";
import { ensureDefaultGroup } from "../neutron/security-groups.ts";
import type { PortRow } from "../state/network-rows.ts";
import { parseNic, wantedNics } from "./network-plan.ts";
import { serverAt } from "./server-body.ts";
import { joinNic, setPort } from "./server-build.ts";
import { demandState, patchServer } from "./server-state.ts";

const interfaceBody = (call: Call, port: PortRow): object => ({
  port_state: port.status,
  fixed_ips: port.fixed_ips,
  port_id: port.id,
  net_id: port.network_id,
  mac_addr: port.mac_address,
  ...(call.minor >= 70 ? { tag: null } : {}),
});

function list(call: Call): Answer {
  const server = serverAt(call);
  const ports = call.cloud.state.ports.where((port) => port.device_id === server.id);
  return ok({ interfaceAttachments: ports.map((port) => interfaceBody(call, port)) });
}

function portAt(call: Call): PortRow {
  const server = serverAt(call);
  const id = param(call, "port");
  const port = call.cloud.state.ports.find(id);
  if (port?.device_id !== server.id)
    throw new ApiError(404, `Instance ${server.id} does not have a port with id ${id}`);
  return port;
}

function create(call: Call): Answer {
  const { cloud } = call;
  const server = serverAt(call);
  demandState(server, "attach_interface", ["active", "paused", "stopped"]);
  const asked = jsonOf(jsonOf(call.body)["interfaceAttachment"]);
  const isOpen = asked["net_id"] === undefined && asked["port_id"] === undefined;
  const nic = isOpen ? wantedNics(call, { networks: "auto" })[0] : parseNic(call, asked);
  if (nic === undefined) throw new ApiError(400, "No networks found to attach an interface to.");
  const port = joinNic(cloud, server.id, nic, [ensureDefaultGroup(cloud, server.project_id).id]);
  const status = server.vm_state === "active" ? "ACTIVE" : "DOWN";
  return ok({ interfaceAttachment: interfaceBody(call, setPort(cloud, port, { status })) });
}

function remove(call: Call): Answer {
  const { cloud } = call;
  const server = serverAt(call);
  const port = portAt(call);
  demandState(server, "detach_interface", ["active", "paused", "stopped"]);
  cloud.tasks.startInOrder(server.id, `port ${port.id} is detached`, async (signal) => {
    await cloud.clock.sleep(cloud.settings.transitionMs, signal);
    const own = cloud.state.servers.find(server.id)?.own_port_ids ?? [];
    if (own.includes(port.id)) {
      dropPort(cloud, port.id);
      patchServer(cloud, server.id, { own_port_ids: own.filter((id) => id !== port.id) });
    } else if (cloud.state.ports.find(port.id) !== undefined) {
      setPort(cloud, port, { device_id: "", device_owner: "", status: "DOWN", "binding:host_id": "" });
    }
  });
  return accepted();
}

const at = "/servers/:id/os-interface";

export const interfaceRoutes: readonly Route[] = [
  route(`GET ${at}`, "os_compute_api:os-attach-interfaces:list", "reader", list),
  route(`POST ${at}`, "os_compute_api:os-attach-interfaces:create", "member", create),
  route(`GET ${at}/:port`, "os_compute_api:os-attach-interfaces:show", "reader", (call) =>
    ok({ interfaceAttachment: interfaceBody(call, portAt(call)) }),
  ),
  route(`DELETE ${at}/:port`, "os_compute_api:os-attach-interfaces:delete", "member", remove),
];
