import { ApiError, type Call, sentence } from "../http/answer.ts";
import { type Json, jsonOf, textAt } from "../http/reading.ts";
import { isOwn } from "../neutron/lists.ts";
import type { NetworkRow } from "../state/network-rows.ts";
import { limitOf } from "../state/quota.ts";

/** A network card that a new server, or one that gets another card, shall have. */
export type WantedNic =
  | { readonly kind: "port"; readonly portId: string }
  | { readonly kind: "network"; readonly networkId: string; readonly fixedIp: string | undefined };

/** The networks that a server may be put on without naming them: the project's own and the shared ones. */
function ownNetworks(call: Call): NetworkRow[] {
  const { networks, subnets } = call.cloud.state;
  const usable = (row: NetworkRow): boolean => subnets.where((each) => each.network_id === row.id).length > 0;
  const own = networks.where((row) => row.project_id === call.actor.projectId && !row["router:external"]);
  const shared = networks.where((row) => row.shared && row.project_id !== call.actor.projectId);
  return [...own, ...shared].filter((row) => usable(row));
}

function automatic(call: Call): WantedNic[] {
  const networks = ownNetworks(call);
  if (networks.length > 1)
    throw new ApiError(409, "Multiple possible networks found, use a Network ID to be more specific.");
  return networks.map((row) => ({ kind: "network", networkId: row.id, fixedIp: undefined }));
}

/** The cards that `networks` asks for; checked as far as Nova's API checks before it answers. */
export function wantedNics(call: Call, asked: Json): WantedNic[] {
  const networks = asked["networks"];
  if (networks === undefined || networks === null) {
    if (call.minor >= 37)
      throw new ApiError(400, "Invalid input for field/attribute server. 'networks' is a required property");
    return automatic(call);
  }
  if (networks === "none" || networks === "auto") {
    if (call.minor < 37)
      throw new ApiError(
        400,
        sentence(
          `Invalid input for field/attribute networks. Value: ${networks}. '${networks}' is`,
          "not of type 'array'",
        ),
      );
    return networks === "none" ? [] : automatic(call);
  }
  if (!Array.isArray(networks)) throw new ApiError(400, "Invalid input for field/attribute networks.");
  const nics = networks.map((each) => parseNic(call, jsonOf(each)));
  refusePortQuota(call, nics);
  return nics;
}

export function parseNic(call: Call, asked: Json): WantedNic {
  const portId = textAt(asked, "port") ?? textAt(asked, "port_id");
  if (portId !== undefined) return { kind: "port", portId: freePort(call, portId) };
  const networkId = textAt(asked, "uuid") ?? textAt(asked, "net_id");
  if (networkId === undefined) throw new ApiError(400, "Missing network id or port id.");
  const network = call.cloud.state.networks.find(networkId);
  if (network === undefined || !(isOwn(call.actor, network) || network.shared || network["router:external"]))
    throw new ApiError(400, `Network ${networkId} could not be found.`);
  if (network["router:external"] && !network.shared && !call.actor.isAdmin)
    throw new ApiError(403, `It is not allowed to create an interface on external network ${networkId}`);
  if (call.cloud.state.subnets.where((each) => each.network_id === networkId).length === 0)
    throw new ApiError(400, `Network ${networkId} requires a subnet in order to boot instances on.`);
  return { kind: "network", networkId, fixedIp: fixedIpOf(call, asked, networkId) };
}

function fixedIpOf(call: Call, asked: Json, networkId: string): string | undefined {
  const list = asked["fixed_ips"];
  const first = Array.isArray(list) ? textAt(jsonOf(list[0]), "ip_address") : undefined;
  const wanted = textAt(asked, "fixed_ip") ?? first;
  if (wanted === undefined) return undefined;
  const ports = call.cloud.state.ports.where((port) => port.network_id === networkId);
  const holder = ports.find((port) => port.fixed_ips.some((ip) => ip.ip_address === wanted));
  if (holder !== undefined)
    throw new ApiError(400, `Fixed IP address ${wanted} is already in use on instance ${holder.device_id}.`);
  return wanted;
}

function freePort(call: Call, portId: string): string {
  const port = call.cloud.state.ports.find(portId);
  if (port === undefined || !isOwn(call.actor, port))
    throw new ApiError(400, `Port id ${portId} could not be found.`);
  if (port.device_id !== "") throw new ApiError(409, `Port ${portId} is still in use.`);
  if (port.fixed_ips.length === 0)
    throw new ApiError(400, `Port ${portId} requires a FixedIP in order to be used.`);
  return portId;
}

function refusePortQuota(call: Call, nics: readonly WantedNic[]): void {
  const { projectId } = call.actor;
  const fresh = nics.filter((nic) => nic.kind === "network").length;
  const used = call.cloud.state.ports.where((port) => port.project_id === projectId).length;
  const most = limitOf(call.cloud, projectId, "port");
  if (most >= 0 && fresh > 0 && used + fresh > most)
    throw new ApiError(403, "Maximum number of ports exceeded");
}
