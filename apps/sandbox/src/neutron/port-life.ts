import { randomBytes } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import { ApiError, sentence } from "../http/answer.ts";
import type { FixedIp, NetworkRow, PortRow, SubnetRow } from "../state/network-rows.ts";
import { contains, firstFree, ipToNumber, parseCidr } from "./addresses.ts";
import { newResource } from "./lists.ts";
import { conflict, invalidInput, notFound } from "./refusals.ts";

/** An address that is asked for: of a subnet, a certain one, or both. */
export interface WantedIp {
  readonly subnet_id?: string;
  readonly ip_address?: string;
}

function usedIn(cloud: Cloud, subnetId: string, except?: string): Set<string> {
  const ports = cloud.state.ports.where((each) => each.id !== except);
  return new Set(
    ports
      .flatMap((port) => port.fixed_ips.filter((ip) => ip.subnet_id === subnetId))
      .map((ip) => ip.ip_address),
  );
}

function exactIp(cloud: Cloud, subnets: readonly SubnetRow[], wanted: string, except?: string): FixedIp {
  const ip = ipToNumber(wanted);
  if (ip === undefined) throw invalidInput(`'${wanted}' is not a valid IP address`);
  const subnet = subnets.find((each) => {
    const cidr = parseCidr(each.cidr);
    return cidr !== undefined && contains(cidr, ip);
  });
  if (subnet === undefined)
    throw new ApiError(
      400,
      `IP address ${wanted} is not a valid IP for any of the subnets on the specified network.`,
      "InvalidIpForNetwork",
    );
  if (usedIn(cloud, subnet.id, except).has(wanted))
    throw conflict(
      "IpAddressAlreadyAllocated",
      `IP address ${wanted} already allocated in subnet ${subnet.id}`,
    );
  return { subnet_id: subnet.id, ip_address: wanted };
}

/** Addresses for a port; with no wish one of the network's first subnet that has any. */
export function allocateIps(
  cloud: Cloud,
  networkId: string,
  wanted: readonly WantedIp[] | undefined,
  except?: string,
): FixedIp[] {
  const subnets = cloud.state.subnets.where((each) => each.network_id === networkId);
  if (wanted === undefined) return subnets.length === 0 ? [] : [anyIp(cloud, networkId, subnets, except)];
  return wanted.map((each) => {
    const ours = each.subnet_id === undefined ? subnets : subnets.filter((row) => row.id === each.subnet_id);
    if (each.subnet_id !== undefined && ours.length === 0) {
      if (cloud.state.subnets.find(each.subnet_id) === undefined) throw notFound.subnet(each.subnet_id);
      throw invalidInput(
        sentence(
          `Failed to create port on network ${networkId}, because fixed_ips included`,
          `invalid subnet ${each.subnet_id}`,
        ),
      );
    }
    return each.ip_address === undefined
      ? anyIp(cloud, networkId, ours, except)
      : exactIp(cloud, ours, each.ip_address, except);
  });
}

function anyIp(cloud: Cloud, networkId: string, subnets: readonly SubnetRow[], except?: string): FixedIp {
  for (const subnet of subnets) {
    const used = usedIn(cloud, subnet.id, except);
    if (subnet.gateway_ip !== null) used.add(subnet.gateway_ip);
    const free = firstFree(subnet.allocation_pools, used);
    if (free !== undefined) return { subnet_id: subnet.id, ip_address: free };
  }
  throw conflict("IpAddressGenerationFailure", `No more IP addresses available on network ${networkId}.`);
}

function freshMac(cloud: Cloud): string {
  const taken = new Set(cloud.state.ports.all().map((each) => each.mac_address));
  for (;;) {
    const mac = `fa:16:3e:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
    if (!taken.has(mac)) return mac;
  }
}

/** Refuses an address that another port of the network has. */
export function claimMac(cloud: Cloud, networkId: string, wanted: string | undefined): string {
  if (wanted === undefined) return freshMac(cloud);
  const mac = wanted.toLowerCase();
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac))
    throw new ApiError(
      400,
      `Invalid input for mac_address. Reason: '${wanted}' is not a valid MAC address.`,
      "HTTPBadRequest",
    );
  const taken = cloud.state.ports.where((each) => each.network_id === networkId && each.mac_address === mac);
  if (taken.length > 0)
    throw conflict(
      "MacAddressInUse",
      `Unable to complete operation for network ${networkId}. The mac address ${mac} is in use.`,
    );
  return mac;
}

export type NewPort = Partial<Omit<PortRow, "fixed_ips" | "mac_address">> & {
  readonly wantedIps?: readonly WantedIp[] | undefined;
  readonly wantedMac?: string | undefined;
};

/** Puts a port into the books, with its addresses. */
export function makePort(cloud: Cloud, network: NetworkRow, projectId: string, wanted: NewPort): PortRow {
  const { wantedIps, wantedMac, ...fields } = wanted;
  const mac = claimMac(cloud, network.id, wantedMac);
  const ips = allocateIps(cloud, network.id, wantedIps);
  return cloud.state.ports.put({
    ...newResource(cloud, projectId),
    name: "",
    description: "",
    network_id: network.id,
    mac_address: mac,
    fixed_ips: ips,
    admin_state_up: true,
    status: "DOWN",
    device_id: "",
    device_owner: "",
    security_groups: [],
    allowed_address_pairs: [],
    extra_dhcp_opts: [],
    port_security_enabled: network.port_security_enabled,
    "binding:vnic_type": "normal",
    "binding:host_id": "",
    "binding:profile": {},
    ...fields,
  });
}

/** Removes a port and lets go of the floating addresses on it. Absent is removed. */
export function dropPort(cloud: Cloud, portId: string): void {
  for (const floating of cloud.state.floatingIps.where((each) => each.port_id === portId)) {
    cloud.state.floatingIps.patch(floating.id, {
      port_id: null,
      fixed_ip_address: null,
      router_id: null,
      status: "DOWN",
    });
  }
  cloud.state.ports.remove(portId);
}
