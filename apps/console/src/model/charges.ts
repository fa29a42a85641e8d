import type { ReplyOf } from "./api-types.ts";

type Chargeback = ReplyOf<"GET /workloads/metrics/tenants_chargeback">;

/** What one protected instance takes on the targets. */
export interface Charge {
  readonly key: string;
  readonly project: string;
  readonly workload: string;
  readonly instance: string;
  readonly disks: number;
  readonly provisionedBytes: number;
  readonly storedBytes: number;
}

/** Each protected instance with what it takes, those that take most first. */
export function chargesOf(reply: Chargeback): readonly Charge[] {
  const charges = Object.values(reply).flatMap((project) =>
    Object.entries(project.workloads).flatMap(([workloadId, workload]) =>
      Object.entries(workload.protected_vms).map(([instanceId, instance]) => ({
        key: `${workloadId} ${instanceId}`,
        project: project.tenant_name,
        workload: workload.name,
        instance: instance.name,
        disks: Object.keys(instance.volumes).length,
        provisionedBytes: instance.provisioned_size,
        storedBytes: instance.size,
      })),
    ),
  );
  return charges.toSorted((one, other) => other.storedBytes - one.storedBytes);
}

const GIB = 1024 ** 3;

/** What is asked for bytes that are stored, by a price for a GiB. */
export function priceOf(storedBytes: number, pricePerGiB: number): number {
  return (storedBytes / GIB) * pricePerGiB;
}
