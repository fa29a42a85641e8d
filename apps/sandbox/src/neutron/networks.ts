import type { Cloud } from "../cloud.ts";
import { type Answer, type Call, noContent, ok, param, type Route, route, sentence } from "../http/answer.ts";
import { booleanAt, enveloped, given, type Json, numberAt, textAt, textsAt } from "../http/reading.ts";
import type { NetworkRow } from "../state/network-rows.ts";
import { demandNeutron, isOwn, listAnswer, newResource, ownerOf, touched } from "./lists.ts";
import { conflict, disallowed, notFound } from "./refusals.ts";

export function networkBody(call: Call, row: NetworkRow) {
  const { segment, ...shown } = row;
  return {
    ...shown,
    tenant_id: row.project_id,
    status: "ACTIVE",
    subnets: call.cloud.state.subnets.where((each) => each.network_id === row.id).map((each) => each.id),
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    l2_adjacency: true,
    qos_policy_id: null,
    tags: [],
    ...(call.actor.isAdmin
      ? {
          "provider:network_type": row["router:external"] ? "flat" : "vxlan",
          "provider:physical_network": row["router:external"] ? "external" : null,
          "provider:segmentation_id": row["router:external"] ? null : segment,
        }
      : {}),
  };
}

const isVisible = (call: Call, row: NetworkRow): boolean =>
  isOwn(call.actor, row) || row.shared || row["router:external"];

export function visibleNetwork(call: Call, id: string): NetworkRow {
  const row = call.cloud.state.networks.find(id);
  if (row === undefined || !isVisible(call, row)) throw notFound.network(id);
  return row;
}

function ownNetwork(call: Call, rule: string): NetworkRow {
  const row = visibleNetwork(call, param(call, "id"));
  if (!isOwn(call.actor, row)) throw disallowed(rule);
  return row;
}

/** What only an admin may set. */
function refuseAdminFields(call: Call, asked: Json, rule: string): void {
  if (call.actor.isAdmin) return;
  const wanted = ["shared", "router:external"].find((key) => asked[key] === true);
  if (wanted !== undefined) throw disallowed(`${rule}:${wanted}`);
}

/** Puts a network into the books. */
export function makeNetwork(cloud: Cloud, projectId: string, fields: Partial<NetworkRow>): NetworkRow {
  return cloud.state.networks.put({
    ...newResource(cloud, projectId),
    name: "",
    description: "",
    admin_state_up: true,
    shared: false,
    "router:external": false,
    port_security_enabled: true,
    mtu: 1450,
    segment: 1000 + cloud.state.networks.all().length,
    dns_domain: "",
    availability_zone_hints: [],
    ...fields,
  });
}

function create(call: Call): Answer {
  const { cloud } = call;
  const asked = enveloped(call.body, "network");
  refuseAdminFields(call, asked, "create_network");
  const projectId = ownerOf(call, asked);
  demandNeutron(cloud, projectId, { resource: "network", requested: 1, rows: cloud.state.networks.all() });
  const row = makeNetwork(cloud, projectId, given(fieldsOf(asked)));
  return { status: 201, body: { network: networkBody(call, row) } };
}

function fieldsOf(asked: Json) {
  return {
    name: textAt(asked, "name"),
    description: textAt(asked, "description"),
    admin_state_up: booleanAt(asked, "admin_state_up"),
    shared: booleanAt(asked, "shared"),
    "router:external": booleanAt(asked, "router:external"),
    port_security_enabled: booleanAt(asked, "port_security_enabled"),
    mtu: numberAt(asked, "mtu"),
    dns_domain: textAt(asked, "dns_domain"),
    availability_zone_hints: textsAt(asked, "availability_zone_hints"),
  };
}

function update(call: Call): Answer {
  const asked = enveloped(call.body, "network");
  const row = ownNetwork(call, "update_network");
  refuseAdminFields(call, asked, "update_network");
  const fields = { ...given(fieldsOf(asked)), ...touched(call.cloud, row) };
  return ok({ network: networkBody(call, call.cloud.state.networks.patch(row.id, fields)) });
}

function remove(call: Call): Answer {
  const { state } = call.cloud;
  const row = ownNetwork(call, "delete_network");
  const ports = state.ports.where((each) => each.network_id === row.id);
  if (ports.length > 0) {
    const ids = ports.map((each) => each.id).join(", ");
    throw conflict(
      "NetworkInUse",
      sentence(
        `Unable to complete operation on network ${row.id}. There are one or more ports`,
        `still in use on the network, id for these ports is/are ${ids}.`,
      ),
    );
  }
  for (const subnet of state.subnets.where((each) => each.network_id === row.id))
    state.subnets.remove(subnet.id);
  state.networks.remove(row.id);
  return noContent;
}

function list(call: Call): Answer {
  const rows = call.cloud.state.networks.where((row) => isVisible(call, row));
  return listAnswer(
    call,
    "networks",
    rows.map((row) => networkBody(call, row)),
  );
}

export const networkRoutes: readonly Route[] = [
  route("GET /networks", "get_network", "reader", list),
  route("POST /networks", "create_network", "member", create),
  route("GET /networks/:id", "get_network", "reader", (call) =>
    ok({ network: networkBody(call, visibleNetwork(call, param(call, "id"))) }),
  ),
  route("PUT /networks/:id", "update_network", "member", update),
  route("DELETE /networks/:id", "delete_network", "member", remove),
];
