import { type Answer, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { booleanAt, enveloped, given, type Json, jsonOf, listAt, textAt, textsAt } from "../http/reading.ts";
import type { NetworkRow, PortRow } from "../state/network-rows.ts";
import { demandNeutron, isOwn, listAnswer, ownerOf, touched } from "./lists.ts";
import { visibleNetwork } from "./networks.ts";
import { allocateIps, claimMac, dropPort, makePort, type WantedIp } from "./port-life.ts";
import { badRequest, conflict, disallowed, notFound } from "./refusals.ts";
import { ensureDefaultGroup } from "./security-groups.ts";

export function portBody(call: Call, row: PortRow) {
  const { "binding:host_id": host, "binding:profile": profile, ...shown } = row;
  return {
    ...shown,
    tenant_id: row.project_id,
    qos_policy_id: null,
    propagate_uplink_status: true,
    dns_name: "",
    dns_assignment: [],
    tags: [],
    ...(call.actor.isAdmin
      ? {
          "binding:host_id": host,
          "binding:profile": profile,
          "binding:vif_type": host === "" ? "unbound" : "bridge",
          "binding:vif_details": host === "" ? {} : { port_filter: true, connectivity: "l2" },
        }
      : {}),
  };
}

export function visiblePort(call: Call, id: string): PortRow {
  const row = call.cloud.state.ports.find(id);
  if (row === undefined || !isOwn(call.actor, row)) throw notFound.port(id);
  return row;
}

export function wantedIps(asked: Json): WantedIp[] | undefined {
  return listAt(asked, "fixed_ips")?.map((each) => {
    const ip = jsonOf(each);
    return given({ subnet_id: textAt(ip, "subnet_id"), ip_address: textAt(ip, "ip_address") });
  });
}

/** Fixed addresses are the network owner's to give (Neutron's `admin_or_network_owner`). */
function refuseForeignAddresses(call: Call, network: NetworkRow, asked: Json, rule: string): void {
  if (isOwn(call.actor, network)) return;
  if (textAt(asked, "mac_address") !== undefined) throw disallowed(`${rule}:mac_address`);
  if (wantedIps(asked)?.some((ip) => ip.ip_address !== undefined) === true)
    throw disallowed(`${rule}:fixed_ips:ip_address`);
}

function groupsOf(call: Call, asked: Json): readonly string[] | undefined {
  const wanted = textsAt(asked, "security_groups");
  for (const id of wanted ?? []) {
    const group = call.cloud.state.securityGroups.find(id);
    if (group === undefined || !isOwn(call.actor, group)) throw notFound.securityGroup(id);
  }
  return wanted;
}

function create(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "port");
  const networkId = textAt(asked, "network_id");
  if (networkId === undefined)
    throw badRequest("Failed to parse request. Required attribute 'network_id' not specified");
  const network = visibleNetwork(call, networkId);
  if (network["router:external"] && !network.shared && !isOwn(call.actor, network))
    throw notFound.network(networkId);
  refuseForeignAddresses(call, network, asked, "create_port");
  if (!call.actor.isAdmin && textAt(asked, "binding:host_id") !== undefined)
    throw disallowed("create_port:binding:host_id");
  const projectId = ownerOf(call, asked);
  demandNeutron(cloud, projectId, { resource: "port", requested: 1, rows: cloud.state.ports.all() });
  const secured = booleanAt(asked, "port_security_enabled") ?? network.port_security_enabled;
  const groups = groupsOf(call, asked) ?? (secured ? [ensureDefaultGroup(cloud, projectId).id] : []);
  if (!secured && groups.length > 0)
    throw conflict(
      "PortSecurityAndIPRequiredForSecurityGroups",
      "Port security must be enabled and port must have an IP address in order to use security groups.",
    );
  const row = makePort(cloud, network, projectId, {
    ...given(changeable(call, asked)),
    security_groups: groups,
    port_security_enabled: secured,
    wantedIps: wantedIps(asked),
    wantedMac: textAt(asked, "mac_address"),
  });
  return { status: 201, body: { port: portBody(call, row) } };
}

function changeable(call: Call, asked: Json) {
  const profile = asked["binding:profile"];
  return {
    name: textAt(asked, "name"),
    description: textAt(asked, "description"),
    admin_state_up: booleanAt(asked, "admin_state_up"),
    device_id: textAt(asked, "device_id"),
    device_owner: textAt(asked, "device_owner"),
    allowed_address_pairs: listAt(asked, "allowed_address_pairs"),
    extra_dhcp_opts: listAt(asked, "extra_dhcp_opts"),
    "binding:vnic_type": textAt(asked, "binding:vnic_type"),
    "binding:host_id": call.actor.isAdmin ? textAt(asked, "binding:host_id") : undefined,
    "binding:profile": call.actor.isAdmin && profile !== undefined ? jsonOf(profile) : undefined,
  };
}

function update(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "port");
  const row = visiblePort(call, param(call, "id"));
  const network = cloud.state.networks.get(row.network_id);
  refuseForeignAddresses(call, network, asked, "update_port");
  const ips = wantedIps(asked);
  const mac = textAt(asked, "mac_address");
  const changed = cloud.state.ports.patch(row.id, {
    ...given({
      ...changeable(call, asked),
      security_groups: groupsOf(call, asked),
      port_security_enabled: booleanAt(asked, "port_security_enabled"),
      fixed_ips: ips === undefined ? undefined : allocateIps(cloud, row.network_id, ips, row.id),
      mac_address:
        mac === undefined || mac === row.mac_address ? undefined : claimMac(cloud, row.network_id, mac),
    }),
    ...touched(cloud, row),
  });
  return ok({ port: portBody(call, changed) });
}

function remove(call: Call): Answer {
  const row = visiblePort(call, param(call, "id"));
  if (/^network:(router|floatingip)/.test(row.device_owner))
    throw conflict(
      "ServicePortInUse",
      `Port ${row.id} cannot be deleted directly via the port API: has device owner ${row.device_owner}.`,
    );
  dropPort(call.cloud, row.id);
  return noContent;
}

export const portRoutes: readonly Route[] = [
  route("GET /ports", "get_port", "reader", (call) =>
    listAnswer(
      call,
      "ports",
      call.cloud.state.ports.where((row) => isOwn(call.actor, row)).map((row) => portBody(call, row)),
    ),
  ),
  route("POST /ports", "create_port", "member", create),
  route("GET /ports/:id", "get_port", "reader", (call) =>
    ok({ port: portBody(call, visiblePort(call, param(call, "id"))) }),
  ),
  route("PUT /ports/:id", "update_port", "member", update),
  route("DELETE /ports/:id", "delete_port", "member", remove),
];
