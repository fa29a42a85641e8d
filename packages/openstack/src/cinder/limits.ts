import type { Allowance } from "../wire/allowance.ts";

/** What the project may still use of Cinder. */
export interface VolumeLimits {
  readonly volumes: Allowance;
  readonly snapshots: Allowance;
  readonly gigabytes: Allowance;
  /** Quotas of single volume types, by the type's name: those that Cinder names. */
  readonly byType: Readonly<
    Record<
      string,
      { readonly volumes: Allowance; readonly snapshots: Allowance; readonly gigabytes: Allowance }
    >
  >;
}

export interface VolumeQuotas {
  get(signal?: AbortSignal): Promise<VolumeLimits>;
}
