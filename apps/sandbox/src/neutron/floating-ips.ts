import type { Cloud } from "../cloud.ts";
import {
  type Answer,
  ApiError,
  type Call,
  noContent,
  ok,
  param,
  type Route,
  route,
  sentence,
} from "../http/answer.ts";
import { enveloped, given, type Json, requiredText, textAt } from "../http/reading.ts";
import { plainTime } from "../state/moments.ts";
import type { FloatingIpRow, PortRow } from "../state/network-rows.ts";
import { contains, firstFree, ipToNumber, parseCidr } from "./addresses.ts";
import { demandNeutron, isOwn, listAnswer, newResource, ownerOf } from "./lists.ts";
import { visibleNetwork } from "./networks.ts";
import { visiblePort } from "./ports.ts";
import { badRequest, conflict, disallowed, notFound } from "./refusals.ts";

function floatingBody(cloud: Cloud, row: FloatingIpRow) {
  const port = cloud.state.ports.find(row.port_id ?? "");
  return {
    ...row,
    tenant_id: row.project_id,
    port_details:
      port === undefined
        ? null
        : {
            name: port.name,
            network_id: port.network_id,
            mac_address: port.mac_address,
            admin_state_up: port.admin_state_up,
            status: port.status,
            device_id: port.device_id,
            device_owner: port.device_owner,
          },
    qos_policy_id: null,
    dns_domain: "",
    dns_name: "",
    port_forwardings: [],
    tags: [],
  };
}

/** The router that joins the port's subnet with the external network. */
function routerBetween(cloud: Cloud, port: PortRow, networkId: string): string | undefined {
  const subnetIds = port.fixed_ips.map((ip) => ip.subnet_id);
  const interfaces = cloud.state.ports.where(
    (each) =>
      each.device_owner === "network:router_interface" &&
      each.fixed_ips.some((ip) => subnetIds.includes(ip.subnet_id)),
  );
  return interfaces
    .map((each) => each.device_id)
    .find((id) => cloud.state.routers.find(id)?.external_gateway_info?.network_id === networkId);
}

type Association = Pick<FloatingIpRow, "port_id" | "fixed_ip_address" | "router_id" | "status">;

const FREE: Association = { port_id: null, fixed_ip_address: null, router_id: null, status: "DOWN" };

function associationOf(call: Call, networkId: string, asked: Json, own?: FloatingIpRow): Association {
  const portId = textAt(asked, "port_id");
  if (portId === undefined) return FREE;
  const port = visiblePort(call, portId);
  const fixed = textAt(asked, "fixed_ip_address") ?? port.fixed_ips[0]?.ip_address;
  const owned = port.fixed_ips.find((ip) => ip.ip_address === fixed);
  if (fixed === undefined || owned === undefined)
    throw badRequest(`Bad floatingip request: Port ${portId} does not have fixed ip ${String(fixed)}.`);
  const other = call.cloud.state.floatingIps
    .where((each) => each.port_id === portId && each.fixed_ip_address === fixed && each.id !== own?.id)
    .at(0);
  if (other !== undefined)
    throw conflict(
      "FloatingIPPortAlreadyAssociated",
      sentence(
        `Cannot associate floating IP ${own?.floating_ip_address ?? ""}`,
        `(${own?.id ?? ""}) with port ${portId} using fixed IP ${fixed}, as that fixed IP`,
        `already has a floating IP on external network ${networkId}.`,
      ),
    );
  const router = routerBetween(call.cloud, port, networkId);
  if (router === undefined)
    throw new ApiError(
      404,
      sentence(
        `External network ${networkId} is not reachable from subnet ${owned.subnet_id}. `,
        `Therefore, cannot associate Port ${portId} with a Floating IP.`,
      ),
      "ExternalGatewayForFloatingIPNotFound",
    );
  return { port_id: portId, fixed_ip_address: fixed, router_id: router, status: "ACTIVE" };
}

function freeAddress(call: Call, networkId: string, wanted: string | undefined): string {
  const { state } = call.cloud;
  const used = new Set([
    ...state.floatingIps.all().map((each) => each.floating_ip_address),
    ...state.ports
      .where((port) => port.network_id === networkId)
      .flatMap((port) => port.fixed_ips.map((ip) => ip.ip_address)),
  ]);
  if (wanted !== undefined) {
    const subnets = state.subnets.where((each) => each.network_id === networkId);
    if (!subnets.some((each) => isInside(each.cidr, wanted)))
      throw new ApiError(
        400,
        `IP address ${wanted} is not a valid IP for any of the subnets on the specified network.`,
        "InvalidIpForNetwork",
      );
    if (used.has(wanted))
      throw conflict("IpAddressAlreadyAllocated", `IP address ${wanted} already allocated in subnet`);
    return wanted;
  }
  for (const subnet of state.subnets.where((each) => each.network_id === networkId)) {
    const free = firstFree(subnet.allocation_pools, used);
    if (free !== undefined) return free;
  }
  throw conflict("IpAddressGenerationFailure", `No more IP addresses available on network ${networkId}.`);
}

function isInside(cidr: string, address: string): boolean {
  const [parsed, ip] = [parseCidr(cidr), ipToNumber(address)];
  return parsed !== undefined && ip !== undefined && contains(parsed, ip);
}

function create(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "floatingip");
  const networkId = requiredText(asked, "floating_network_id");
  // neutron/conf/policies/floatingip.py: a tenant takes what it gets.
  if (!call.actor.isAdmin && textAt(asked, "floating_ip_address") !== undefined)
    throw disallowed("create_floatingip:floating_ip_address");
  const network = visibleNetwork(call, networkId);
  if (!network["router:external"])
    throw badRequest(`Bad floatingip request: Network ${networkId} is not a valid external network.`);
  const projectId = ownerOf(call, asked);
  demandNeutron(cloud, projectId, {
    resource: "floatingip",
    requested: 1,
    rows: cloud.state.floatingIps.all(),
  });
  const row = cloud.state.floatingIps.put({
    ...newResource(cloud, projectId),
    description: textAt(asked, "description") ?? "",
    floating_network_id: networkId,
    ...associationOf(call, networkId, asked),
    floating_ip_address: freeAddress(call, networkId, textAt(asked, "floating_ip_address")),
  });
  return { status: 201, body: { floatingip: floatingBody(cloud, row) } };
}

function visibleFloating(call: Call): FloatingIpRow {
  const id = param(call, "id");
  const row = call.cloud.state.floatingIps.find(id);
  if (row === undefined || !isOwn(call.actor, row)) throw notFound.floatingIp(id);
  return row;
}

function update(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "floatingip");
  const row = visibleFloating(call);
  const association = "port_id" in asked ? associationOf(call, row.floating_network_id, asked, row) : {};
  const changed = cloud.state.floatingIps.patch(row.id, {
    ...association,
    ...given({ description: textAt(asked, "description") }),
    updated_at: plainTime(cloud.clock.now()),
    revision_number: row.revision_number + 1,
  });
  return ok({ floatingip: floatingBody(cloud, changed) });
}

function remove(call: Call): Answer {
  call.cloud.state.floatingIps.remove(visibleFloating(call).id);
  return noContent;
}

export const floatingIpRoutes: readonly Route[] = [
  route("GET /floatingips", "get_floatingip", "reader", (call) =>
    listAnswer(
      call,
      "floatingips",
      call.cloud.state.floatingIps
        .where((row) => isOwn(call.actor, row))
        .map((row) => floatingBody(call.cloud, row)),
    ),
  ),
  route("POST /floatingips", "create_floatingip", "member", create),
  route("GET /floatingips/:id", "get_floatingip", "reader", (call) =>
    ok({ floatingip: floatingBody(call.cloud, visibleFloating(call)) }),
  ),
  route("PUT /floatingips/:id", "update_floatingip", "member", update),
  route("DELETE /floatingips/:id", "delete_floatingip", "member", remove),
];
