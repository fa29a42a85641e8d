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
import {
  booleanAt,
  enveloped,
  given,
  isJson,
  type Json,
  jsonOf,
  listAt,
  requiredText,
  textAt,
} from "../http/reading.ts";
import type { PortRow, RouterRow, SubnetRow } from "../state/network-rows.ts";
import { contains, ipToNumber, overlap, parseCidr } from "./addresses.ts";
import { demandNeutron, isOwn, listAnswer, newResource, ownerOf, touched } from "./lists.ts";
import { visibleNetwork } from "./networks.ts";
import { dropPort, makePort } from "./port-life.ts";
import { visiblePort } from "./ports.ts";
import { badRequest, conflict, disallowed, notFound } from "./refusals.ts";
import { visibleSubnet } from "./subnets.ts";

const INTERFACE = "network:router_interface";
const GATEWAY = "network:router_gateway";

const routerBody = (row: RouterRow) => ({
  ...row,
  tenant_id: row.project_id,
  status: "ACTIVE",
  availability_zone_hints: [],
  availability_zones: [],
  flavor_id: null,
  tags: [],
});

function visibleRouter(call: Call): RouterRow {
  const id = param(call, "id");
  const row = call.cloud.state.routers.find(id);
  if (row === undefined || !isOwn(call.actor, row)) throw notFound.router(id);
  return row;
}

const portsOf = (call: Call, routerId: string, owner: string): PortRow[] =>
  call.cloud.state.ports.where((port) => port.device_id === routerId && port.device_owner === owner);

/** What only an admin may choose of a way out (neutron/conf/policies/router.py). */
function refuseAdminChoices(call: Call, wanted: Json): void {
  if (call.actor.isAdmin) return;
  const chosen = ["enable_snat", "external_fixed_ips"].find((key) => wanted[key] !== undefined);
  if (chosen !== undefined) throw disallowed(`create_router:external_gateway_info:${chosen}`);
}

/** Floating addresses are translated by the router that leads to their network. */
function refuseLoss(call: Call, routerId: string, networkId: string | undefined): void {
  const before = call.cloud.state.routers.find(routerId)?.external_gateway_info?.network_id;
  if (before === undefined || before === networkId) return;
  if (call.cloud.state.floatingIps.where((each) => each.router_id === routerId).length === 0) return;
  throw conflict(
    "RouterExternalGatewayInUseByFloatingIp",
    sentence(
      `Gateway cannot be updated for router ${routerId}, since a gateway to external network ${before}`,
      "is required by one or more floating IPs.",
    ),
  );
}

/** Makes the router's port on the external network, or takes it away; gives what the body then shows. */
function gatewayOf(call: Call, routerId: string, asked: Json): RouterRow["external_gateway_info"] {
  const { cloud } = call;
  const wanted = asked["external_gateway_info"];
  const networkId = isJson(wanted) ? textAt(wanted, "network_id") : undefined;
  refuseLoss(call, routerId, networkId);
  const former = portsOf(call, routerId, GATEWAY);
  if (!isJson(wanted) || networkId === undefined) {
    for (const port of former) dropPort(cloud, port.id);
    return null;
  }
  refuseAdminChoices(call, wanted);
  const network = visibleNetwork(call, networkId);
  if (!network["router:external"])
    throw badRequest(`Bad router request: Network ${networkId} is not an external network.`);
  const fields = { device_id: routerId, device_owner: GATEWAY, status: "ACTIVE" } as const;
  const wantedIps = listAt(wanted, "external_fixed_ips")?.map((each) =>
    given({ subnet_id: textAt(jsonOf(each), "subnet_id"), ip_address: textAt(jsonOf(each), "ip_address") }),
  );
  // Without a wish a router keeps the address that it has there.
  const [kept] = former.filter((port) => port.network_id === networkId);
  const port =
    kept !== undefined && wantedIps === undefined
      ? kept
      : makePort(cloud, network, "", { ...fields, ...given({ wantedIps }) });
  for (const old of former) if (old.id !== port.id) dropPort(cloud, old.id);
  return {
    network_id: networkId,
    enable_snat: booleanAt(wanted, "enable_snat") ?? true,
    external_fixed_ips: port.fixed_ips,
  };
}

/** Each next hop must be one that a leg of the router leads to (neutron/db/extraroute_db.py). */
function routesOf(call: Call, routerId: string, asked: Json): RouterRow["routes"] | undefined {
  const routes = listAt(asked, "routes")?.map((each) => ({
    destination: requiredText(jsonOf(each), "destination"),
    nexthop: requiredText(jsonOf(each), "nexthop"),
  }));
  const ports = [...portsOf(call, routerId, INTERFACE), ...portsOf(call, routerId, GATEWAY)];
  const fixed = ports.flatMap((port) => port.fixed_ips);
  for (const { nexthop } of routes ?? []) {
    const isConnected = fixed.some((ip) => leadsTo(call, ip.subnet_id, nexthop));
    const reason = isConnected ? "the nexthop is used by router" : "the nexthop is not connected with router";
    if (isConnected && fixed.every((ip) => ip.ip_address !== nexthop)) continue;
    const message = `Invalid format for routes: ${JSON.stringify(routes)}, ${reason}`;
    throw new ApiError(400, message, "InvalidRoutes");
  }
  return routes;
}

function leadsTo(call: Call, subnetId: string, nexthop: string): boolean {
  const cidr = parseCidr(call.cloud.state.subnets.find(subnetId)?.cidr ?? "");
  const hop = ipToNumber(nexthop);
  return cidr !== undefined && hop !== undefined && contains(cidr, hop);
}

function create(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "router");
  const projectId = ownerOf(call, asked);
  demandNeutron(cloud, projectId, { resource: "router", requested: 1, rows: cloud.state.routers.all() });
  const fresh = newResource(cloud, projectId);
  const row = cloud.state.routers.put({
    ...fresh,
    name: textAt(asked, "name") ?? "",
    description: textAt(asked, "description") ?? "",
    admin_state_up: booleanAt(asked, "admin_state_up") ?? true,
    external_gateway_info: gatewayOf(call, fresh.id, asked),
    routes: [],
  });
  return { status: 201, body: { router: routerBody(row) } };
}

function update(call: Call): Answer {
  const asked = enveloped(call.body, "router");
  const row = visibleRouter(call);
  const fields = given({
    name: textAt(asked, "name"),
    description: textAt(asked, "description"),
    admin_state_up: booleanAt(asked, "admin_state_up"),
    routes: routesOf(call, row.id, asked),
    external_gateway_info: "external_gateway_info" in asked ? gatewayOf(call, row.id, asked) : undefined,
  });
  const changed = call.cloud.state.routers.patch(row.id, { ...fields, ...touched(call.cloud, row) });
  return ok({ router: routerBody(changed) });
}

function remove(call: Call): Answer {
  const row = visibleRouter(call);
  if (portsOf(call, row.id, INTERFACE).length > 0)
    throw conflict("RouterInUse", `Router ${row.id} still has ports`);
  for (const port of portsOf(call, row.id, GATEWAY)) dropPort(call.cloud, port.id);
  call.cloud.state.routers.remove(row.id);
  return noContent;
}

interface Interface {
  readonly subnet: SubnetRow;
  readonly port: PortRow;
}

function refuseOverlap(call: Call, router: RouterRow, subnet: SubnetRow): void {
  const cidr = parseCidr(subnet.cidr);
  const ids = portsOf(call, router.id, INTERFACE).flatMap((port) => port.fixed_ips.map((ip) => ip.subnet_id));
  for (const other of call.cloud.state.subnets.where((each) => ids.includes(each.id))) {
    const otherCidr = parseCidr(other.cidr);
    if (other.id === subnet.id)
      throw badRequest(`Bad router request: Router already has a port on subnet ${subnet.id}.`);
    if (cidr !== undefined && otherCidr !== undefined && overlap(cidr, otherCidr))
      throw badRequest(
        sentence(
          `Bad router request: Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with`,
          `cidr ${other.cidr} of subnet ${other.id}.`,
        ),
      );
  }
}

function joinSubnet(call: Call, router: RouterRow, subnetId: string): Interface {
  const { cloud } = call;
  const subnet = visibleSubnet(call, subnetId);
  if (subnet.gateway_ip === null)
    throw badRequest(`Bad router request: Subnet for router interface must have a gateway IP.`);
  refuseOverlap(call, router, subnet);
  const port = makePort(cloud, cloud.state.networks.get(subnet.network_id), router.project_id, {
    device_id: router.id,
    device_owner: INTERFACE,
    status: "ACTIVE",
    wantedIps: [{ subnet_id: subnet.id, ip_address: subnet.gateway_ip }],
  });
  return { subnet, port };
}

function joinPort(call: Call, router: RouterRow, portId: string): Interface {
  const port = visiblePort(call, portId);
  if (port.device_id !== "")
    throw conflict(
      "PortInUse",
      sentence(
        `Unable to complete operation on port ${port.id} for network ${port.network_id}.`,
        `Port already has an attached device ${port.device_id}.`,
      ),
    );
  const subnet = call.cloud.state.subnets.find(port.fixed_ips[0]?.subnet_id ?? "");
  if (subnet === undefined)
    throw badRequest("Bad router request: Router port must have at least one fixed IP.");
  refuseOverlap(call, router, subnet);
  const fields = { device_id: router.id, device_owner: INTERFACE, status: "ACTIVE" } as const;
  return { subnet, port: call.cloud.state.ports.patch(port.id, fields) };
}

const interfaceBody = (router: RouterRow, { subnet, port }: Interface): object => ({
  id: router.id,
  tenant_id: router.project_id,
  port_id: port.id,
  network_id: port.network_id,
  subnet_id: subnet.id,
  subnet_ids: port.fixed_ips.map((ip) => ip.subnet_id),
});

function addInterface(call: Call): Answer {
  const router = visibleRouter(call);
  const asked = jsonOf(call.body);
  const subnetId = textAt(asked, "subnet_id");
  const portId = textAt(asked, "port_id");
  if (subnetId !== undefined && portId !== undefined)
    throw badRequest("Bad router request: Cannot specify both subnet-id and port-id.");
  if (subnetId !== undefined) return ok(interfaceBody(router, joinSubnet(call, router, subnetId)));
  if (portId !== undefined) return ok(interfaceBody(router, joinPort(call, router, portId)));
  throw badRequest("Bad router request: Either subnet_id or port_id must be specified.");
}

function removeInterface(call: Call): Answer {
  const { state } = call.cloud;
  const router = visibleRouter(call);
  const asked = jsonOf(call.body);
  const [subnetId, portId] = [textAt(asked, "subnet_id"), textAt(asked, "port_id")];
  const port = portsOf(call, router.id, INTERFACE).find((each) =>
    portId === undefined ? each.fixed_ips.some((ip) => ip.subnet_id === subnetId) : each.id === portId,
  );
  const subnet = state.subnets.find(port?.fixed_ips[0]?.subnet_id ?? "");
  if (port === undefined || subnet === undefined)
    throw portId === undefined
      ? new ApiError(
          404,
          `Router ${router.id} has no interface on subnet ${subnetId ?? ""}.`,
          "RouterInterfaceNotFoundForSubnet",
        )
      : new ApiError(
          404,
          `Router ${router.id} does not have an interface with id ${portId}`,
          "RouterInterfaceNotFound",
        );
  const floating = state.floatingIps
    .where((each) => each.router_id === router.id)
    .find((each) => {
      const fixed = state.ports.find(each.port_id ?? "");
      return fixed?.fixed_ips.some((ip) => ip.subnet_id === subnet.id) === true;
    });
  if (floating !== undefined)
    throw conflict(
      "RouterInterfaceInUseByFloatingIP",
      sentence(
        `Router interface for subnet ${subnet.id} on router ${router.id} cannot be`,
        "deleted, as it is required by one or more floating IPs.",
      ),
    );
  if (router.routes.some((each) => leadsTo(call, subnet.id, each.nexthop)))
    throw conflict(
      "RouterInterfaceInUseByRoute",
      sentence(
        `Router interface for subnet ${subnet.id} on router ${router.id} cannot be deleted, as it is`,
        "required by one or more routes.",
      ),
    );
  dropPort(call.cloud, port.id);
  return ok(interfaceBody(router, { subnet, port }));
}

export const routerRoutes: readonly Route[] = [
  route("GET /routers", "get_router", "reader", (call) =>
    listAnswer(
      call,
      "routers",
      call.cloud.state.routers.where((row) => isOwn(call.actor, row)).map((row) => routerBody(row)),
    ),
  ),
  route("POST /routers", "create_router", "member", create),
  route("GET /routers/:id", "get_router", "reader", (call) =>
    ok({ router: routerBody(visibleRouter(call)) }),
  ),
  route("PUT /routers/:id", "update_router", "member", update),
  route("DELETE /routers/:id", "delete_router", "member", remove),
  route("PUT /routers/:id/add_router_interface", "add_router_interface", "member", addInterface),
  route("PUT /routers/:id/remove_router_interface", "remove_router_interface", "member", removeInterface),
];
