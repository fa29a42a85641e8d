import type { ProjectId } from "@cairn/kernel";
import { type Allowance, allowance } from "../wire/allowance.ts";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What the project may still use of Cinder. */
export interface VolumeLimits {
  readonly volumes: Allowance;
  readonly snapshots: Allowance;
  readonly gigabytes: Allowance;
  /** How large one volume may be. */
  readonly volumeMaxGiB: number | undefined;
  /** Quotas of single volume types, by the type's name: those that Cinder names. */
  readonly byType: Readonly<
    Record<
      string,
      { readonly volumes: Allowance; readonly snapshots: Allowance; readonly gigabytes: Allowance }
    >
  >;
}

export interface VolumeQuotas {
  get(projectId: ProjectId, signal?: AbortSignal): Promise<VolumeLimits>;
}

type ThreeAllowances = VolumeLimits["byType"][string];

/** Cinder's quota set with usage, reservations counted as used. */
export function volumeQuotas(client: ServiceClient): VolumeQuotas {
  return {
    get: async (projectId, signal) => {
      const answer = await client.get({
        doing: `reading the cinder quota of project ${projectId}`,
        path: ["os-quota-sets", projectId],
        query: { usage: true },
        signal,
      });
      return theOnly(answer, "quota_set", readQuota);
    },
  };
}

function readQuota(fields: Fields): VolumeLimits {
  const byType: Record<string, ThreeAllowances> = {};
  for (const name of Object.keys(fields.raw)) {
    if (name.startsWith("volumes_")) byType[name.slice("volumes_".length)] = readThree(fields, name.slice(7));
  }
  const perVolume = fields.optionalObject("per_volume_gigabytes", readAllowance);
  return { ...readThree(fields, ""), volumeMaxGiB: perVolume?.max, byType };
}

/** `suffix` is empty or `_` and the name of a volume type. */
function readThree(fields: Fields, suffix: string): ThreeAllowances {
  return {
    volumes: fields.object(`volumes${suffix}`, readAllowance),
    snapshots: fields.object(`snapshots${suffix}`, readAllowance),
    gigabytes: fields.object(`gigabytes${suffix}`, readAllowance),
  };
}

function readAllowance(fields: Fields): Allowance {
  const reserved = fields.optionalInteger("reserved") ?? 0;
  return allowance(fields.integer("limit"), fields.integer("in_use") + reserved);
}
