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
import {
  booleanAt,
  enveloped,
  given,
  type Json,
  jsonOf,
  listAt,
  numberAt,
  requiredText,
  textAt,
  textsAt,
} from "../http/reading.ts";
import type { AllocationPool, NetworkRow, SubnetRow } from "../state/network-rows.ts";
import {
  type Cidr,
  contains,
  defaultPools,
  ipToNumber,
  numberToIp,
  overlap,
  parseCidr,
} from "./addresses.ts";
import { demandNeutron, isOwn, listAnswer, newResource, touched } from "./lists.ts";
import { visibleNetwork } from "./networks.ts";
import { badRequest, conflict, disallowed, invalidInput, notFound } from "./refusals.ts";

export const subnetBody = (row: SubnetRow) => ({
  ...row,
  tenant_id: row.project_id,
  ip_version: 4,
  ipv6_ra_mode: null,
  ipv6_address_mode: null,
  dns_publish_fixed_ip: false,
  subnetpool_id: null,
  service_types: [],
  segment_id: null,
  tags: [],
});

function cidrOf(asked: Json): Cidr {
  const text = requiredText(asked, "cidr");
  const cidr = parseCidr(text);
  if (cidr === undefined)
    throw badRequest(`Invalid input for cidr. Reason: '${text}' is not a valid IP subnet.`);
  return cidr;
}

function gatewayOf(asked: Json, cidr: Cidr): string | null {
  if (asked["gateway_ip"] === null) return null;
  const text = textAt(asked, "gateway_ip") ?? numberToIp(cidr.first + 1);
  const ip = ipToNumber(text);
  if (ip === undefined)
    throw badRequest(`Invalid input for gateway_ip. Reason: '${text}' is not a valid IP address.`);
  if (contains(cidr, ip)) return text;
  throw invalidInput(`Gateway is not valid on subnet`);
}

function poolsOf(asked: Json, cidr: Cidr): AllocationPool[] | undefined {
  return listAt(asked, "allocation_pools")?.map((each) => {
    const pool = { start: requiredText(jsonOf(each), "start"), end: requiredText(jsonOf(each), "end") };
    const [start, end] = [ipToNumber(pool.start), ipToNumber(pool.end)];
    if (start === undefined || end === undefined || start > end)
      throw badRequest(`The allocation pool ${pool.start}-${pool.end} is not valid.`);
    if (!contains(cidr, start) || !contains(cidr, end))
      throw conflict(
        "OutOfBoundsAllocationPool",
        `The allocation pool ${pool.start}-${pool.end} spans beyond the subnet cidr ${cidr.text}.`,
      );
    return pool;
  });
}

function routesOf(asked: Json): SubnetRow["host_routes"] | undefined {
  return listAt(asked, "host_routes")?.map((each) => ({
    destination: requiredText(jsonOf(each), "destination"),
    nexthop: requiredText(jsonOf(each), "nexthop"),
  }));
}

/** Puts a subnet into the books; refuses one that overlaps another of its network. */
export function makeSubnet(cloud: Cloud, network: NetworkRow, asked: Json): SubnetRow {
  const cidr = cidrOf(asked);
  const others = cloud.state.subnets.where((each) => each.network_id === network.id);
  if (others.some((each) => overlap(parseCidr(each.cidr) ?? cidr, cidr)))
    throw invalidInput(
      `Requested subnet with cidr: ${cidr.text} for network: ${network.id} overlaps with another subnet`,
    );
  const gateway = gatewayOf(asked, cidr);
  const pools =
    poolsOf(asked, cidr) ?? defaultPools(cidr, gateway === null ? undefined : ipToNumber(gateway));
  return cloud.state.subnets.put({
    ...newResource(cloud, network.project_id),
    ...given({ id: textAt(asked, "id") }),
    name: textAt(asked, "name") ?? "",
    description: textAt(asked, "description") ?? "",
    network_id: network.id,
    cidr: cidr.text,
    gateway_ip: gateway,
    enable_dhcp: booleanAt(asked, "enable_dhcp") ?? true,
    allocation_pools: pools,
    dns_nameservers: textsAt(asked, "dns_nameservers") ?? [],
    host_routes: routesOf(asked) ?? [],
  });
}

function create(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "subnet");
  const networkId = textAt(asked, "network_id");
  if (networkId === undefined)
    throw badRequest("Failed to parse request. Required attribute 'network_id' not specified");
  if (textAt(asked, "cidr") === undefined)
    throw new ApiError(
      400,
      "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
      "BadRequest",
    );
  if ((numberAt(asked, "ip_version") ?? 4) !== 4) throw invalidInput("this cloud has no IPv6");
  const network = visibleNetwork(call, networkId);
  if (!isOwn(call.actor, network)) throw disallowed("create_subnet");
  demandNeutron(cloud, network.project_id, {
    resource: "subnet",
    requested: 1,
    rows: cloud.state.subnets.all(),
  });
  const { id: _id, ...rest } = asked;
  return { status: 201, body: { subnet: subnetBody(makeSubnet(cloud, network, rest)) } };
}

function isVisible(call: Call, row: SubnetRow): boolean {
  const network = call.cloud.state.networks.find(row.network_id);
  return isOwn(call.actor, row) || network?.shared === true || network?.["router:external"] === true;
}

export function visibleSubnet(call: Call, id: string): SubnetRow {
  const row = call.cloud.state.subnets.find(id);
  if (row === undefined || !isVisible(call, row)) throw notFound.subnet(id);
  return row;
}

function ownSubnet(call: Call, rule: string): SubnetRow {
  const row = visibleSubnet(call, param(call, "id"));
  if (!isOwn(call.actor, row)) throw disallowed(rule);
  return row;
}

function update(call: Call): Answer {
  const asked = enveloped(call.body, "subnet");
  const row = ownSubnet(call, "update_subnet");
  const cidr = cidrOf({ cidr: row.cidr });
  const fields = given({
    name: textAt(asked, "name"),
    description: textAt(asked, "description"),
    enable_dhcp: booleanAt(asked, "enable_dhcp"),
    dns_nameservers: textsAt(asked, "dns_nameservers"),
    gateway_ip: "gateway_ip" in asked ? gatewayOf(asked, cidr) : undefined,
    allocation_pools: poolsOf(asked, cidr),
    host_routes: routesOf(asked),
  });
  const changed = call.cloud.state.subnets.patch(row.id, { ...fields, ...touched(call.cloud, row) });
  return ok({ subnet: subnetBody(changed) });
}

function remove(call: Call): Answer {
  const { state } = call.cloud;
  const row = ownSubnet(call, "delete_subnet");
  if (state.ports.where((port) => port.fixed_ips.some((ip) => ip.subnet_id === row.id)).length > 0)
    throw conflict(
      "SubnetInUse",
      sentence(
        `Unable to complete operation on subnet ${row.id}: One or more ports have an IP`,
        "allocation from this subnet.",
      ),
    );
  state.subnets.remove(row.id);
  return noContent;
}

export const subnetRoutes: readonly Route[] = [
  route("GET /subnets", "get_subnet", "reader", (call) =>
    listAnswer(
      call,
      "subnets",
      call.cloud.state.subnets.where((row) => isVisible(call, row)).map((row) => subnetBody(row)),
    ),
  ),
  route("POST /subnets", "create_subnet", "member", create),
  route("GET /subnets/:id", "get_subnet", "reader", (call) =>
    ok({ subnet: subnetBody(visibleSubnet(call, param(call, "id"))) }),
  ),
  route("PUT /subnets/:id", "update_subnet", "member", update),
  route("DELETE /subnets/:id", "delete_subnet", "member", remove),
];
