import type { HostName } from "@cairn/kernel";

export interface AvailabilityZone {
  readonly name: string;
  readonly isAvailable: boolean;
}

/** A service of Nova on a host, as an admin sees it. */
export interface ComputeService {
  readonly binary: string;
  readonly host: HostName;
  readonly zone: string;
  /** Whether an operator lets it take new instances. */
  readonly status: "enabled" | "disabled";
  /** Whether it reports. */
  readonly state: "up" | "down";
}

export interface AvailabilityZones {
  list(signal?: AbortSignal): Promise<readonly AvailabilityZone[]>;
}

export interface ComputeServices {
  /** Admin only. */
  list(
    filter?: { readonly binary?: string; readonly host?: HostName },
    signal?: AbortSignal,
  ): Promise<readonly ComputeService[]>;
}
