import type { InstanceId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** A port that is plugged into an instance. */
export interface Interface {
  readonly portId: string;
  readonly networkId: string;
  readonly macAddress: string;
  readonly portStatus: string;
  readonly fixedIps: readonly { readonly subnetId: string; readonly ipAddress: string }[];
}

export interface Interfaces {
  list(instanceId: InstanceId, signal?: AbortSignal): Promise<readonly Interface[]>;
  attach(instanceId: InstanceId, portId: string, signal?: AbortSignal): Promise<Interface>;
  detach(instanceId: InstanceId, portId: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about the ports of an instance (Nova's `os-interface`). */
export function interfaces(client: ServiceClient): Interfaces {
  const path = (id: InstanceId): readonly string[] => ["servers", id, "os-interface"];
  return {
    list: async (instanceId, signal) =>
      client.list({
        doing: `listing the interfaces of instance ${instanceId}`,
        path: path(instanceId),
        field: "interfaceAttachments",
        read: readInterface,
        signal,
      }),
    attach: async (instanceId, portId, signal) => {
      const answer = await client.post({
        doing: `attaching port ${portId} to instance ${instanceId}`,
        path: path(instanceId),
        body: { interfaceAttachment: { port_id: portId } },
        signal,
      });
      return theOnly(answer, "interfaceAttachment", readInterface);
    },
    detach: async (instanceId, portId, signal) => {
      const doing = `detaching port ${portId} from instance ${instanceId}`;
      await client.remove({ doing, path: [...path(instanceId), portId], signal });
    },
  };
}

function readInterface(fields: Fields): Interface {
  return {
    portId: fields.string("port_id"),
    networkId: fields.string("net_id"),
    macAddress: fields.string("mac_addr"),
    portStatus: fields.text("port_state"),
    fixedIps: fields.list("fixed_ips", (fixed) => ({
      subnetId: fixed.string("subnet_id"),
      ipAddress: fixed.string("ip_address"),
    })),
  };
}
