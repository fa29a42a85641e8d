import type { InstanceId } from "@cairn/kernel";

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
