import { asId, Fault } from "@cairn/kernel";
import type { Port, PortCreation } from "@cairn/openstack";
import { type CloudState, freshId, PROJECT } from "./fake-state.ts";

/** A port with the address that was asked for, or the next one. */
export function newPort(state: CloudState, wanted: PortCreation): Port {
  const id = freshId(state);
  const subnet = [...state.subnets.values()].find((each) => each.networkId === wanted.networkId);
  const asked = wanted.fixedIps?.[0];
  const ipAddress = asked?.ipAddress ?? nextFree(state, wanted.networkId, subnet?.cidr ?? "");
  const taken = [...state.ports.values()].some(
    (port) =>
      port.networkId === wanted.networkId && port.fixedIps.some((fixed) => fixed.ipAddress === ipAddress),
  );
  if (taken) throw new Fault("openstack-conflict", `creating a port with ${ipAddress}`, "later");
  return {
    id,
    name: wanted.name ?? "",
    description: "",
    projectId: asId(PROJECT),
    networkId: wanted.networkId,
    macAddress: wanted.macAddress ?? `fa:16:3e:00:00:${ipAddress.slice(-2)}`,
    fixedIps: [{ subnetId: asked?.subnetId ?? subnet?.id ?? "", ipAddress }],
    deviceId: undefined,
    deviceOwner: "",
    status: "DOWN",
    isAdminStateUp: true,
    isPortSecurityEnabled: true,
    securityGroupIds: wanted.securityGroupIds ?? [],
    allowedAddressPairs: [],
    vnicType: "normal",
    raw: {},
  };
}

function nextFree(state: CloudState, networkId: string, cidr: string): string {
  const used = [...state.ports.values()].filter((port) => port.networkId === networkId);
  return cidr.replace(/0\/\d+$/, String(100 + used.length));
}
