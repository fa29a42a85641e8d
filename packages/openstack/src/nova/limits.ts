import type { Allowance } from "../wire/allowance.ts";

/** What the project may still use of Nova. */
export interface ComputeLimits {
  readonly instances: Allowance;
  readonly cores: Allowance;
  readonly ramMiB: Allowance;
}

export interface Limits {
  get(signal?: AbortSignal): Promise<ComputeLimits>;
}
