import {
  admit,
  type Handle,
  listQuotas,
  type Member,
  type QuotaRequest,
  type WorkloadInstanceRow,
  wouldExceed,
} from "@cairn/database";
import { describeExceeded, memberDemand, type OverQuota, type QuotaType } from "@cairn/domain";
import { type InstanceId, type ProjectId, Rejection } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { Caller } from "./policy.ts";
import type { World } from "./world.ts";

/** Throws the refusal of what a project has no room for; it is in the words of the quota. */
export function refuseExceeded(exceeded: OverQuota, field: string): never {
  throw new Rejection(`Quota exceeded: ${describeExceeded(exceeded)}.`, {
    status: 403,
    field,
    value: exceeded.wanted,
    remedy: REMEDIES[exceeded.type],
  });
}

const ASK = "ask an administrator for a higher quota";
const REMEDIES: Readonly<Record<QuotaType, string>> = {
  workloads: `Delete a workload that is not needed, or ${ASK}.`,
  instances: `Name fewer instances, remove some from other workloads, or ${ASK}.`,
  volumes: `Name instances with fewer volumes, remove some from other workloads, or ${ASK}.`,
  snapshots: `Delete snapshots that are not needed, or ${ASK}.`,
  storage: `Delete snapshots that are not needed, or ${ASK}.`,
};

/** How workloads of a project change: by how many, and whom they have as members. */
export interface MemberChange {
  readonly workloads: 0 | 1;
  readonly before: readonly Pick<WorkloadInstanceRow, "instance_id" | "volume_count">[];
  readonly after: readonly Member[];
}

/** Judges changes of members by the quotas of a project, with the volumes that the cloud showed last. */
export class MemberAdmission {
  readonly #projectId: ProjectId;
  readonly #seen: ReadonlyMap<InstanceId, number> | undefined;

  private constructor(projectId: ProjectId, seen: ReadonlyMap<InstanceId, number> | undefined) {
    this.#projectId = projectId;
    this.#seen = seen;
  }

  /** Looks at the project's instances, if it has a quota of volumes. */
  static async observe(
    world: World,
    { caller, cloud }: { readonly caller: Caller; readonly cloud: Cloud },
    signal: AbortSignal,
  ): Promise<MemberAdmission> {
    const { projectId } = caller;
    const quotas = await listQuotas(world.database.handle, projectId);
    if (quotas.every((quota) => quota.quota_type !== "volumes")) {
      return new MemberAdmission(projectId, undefined);
    }
    const servers = await cloud.nova.servers.list({}, signal);
    const own = servers.filter((server) => server.projectId === projectId);
    return new MemberAdmission(projectId, new Map(own.map(({ id, volumes }) => [id, volumes.length])));
  }

  /** Refuses what would be refused now, so that nothing is done in the cloud for it. */
  async assertRoom(world: World, change: MemberChange): Promise<void> {
    const exceeded = await world.database.transaction(async (transaction) =>
      wouldExceed(transaction, this.#requestFor(change)),
    );
    if (exceeded !== undefined) refuseExceeded(exceeded, FIELDS[exceeded.type]);
  }

  /** Admits a change in the transaction that writes it, or refuses it. */
  async admit(transaction: Handle, change: MemberChange): Promise<void> {
    const exceeded = await admit(transaction, this.#requestFor(change));
    if (exceeded !== undefined) refuseExceeded(exceeded, FIELDS[exceeded.type]);
  }

  #requestFor({ workloads, before, after }: MemberChange): QuotaRequest {
    const count = (id: InstanceId, known: number): number => this.#seen?.get(id) ?? known;
    const counted = {
      before: before.map(({ instance_id: instanceId, volume_count: known }) => ({
        instanceId,
        volumeCount: count(instanceId, known),
      })),
      after: after.map(({ instanceId, volumeCount: known = 0 }) => ({
        instanceId,
        volumeCount: count(instanceId, known),
      })),
    };
    return {
      projectId: this.#projectId,
      demand: { workloads, ...memberDemand(counted.before, counted.after) },
      volumeCounts: this.#seen,
    };
  }
}

const FIELDS: Readonly<Record<QuotaType, string>> = {
  workloads: "workload",
  instances: "workload.instances",
  volumes: "workload.instances",
  snapshots: "snapshot",
  storage: "snapshot",
};
