import type { WorkloadRow } from "@cairn/database";
import { asError, type InstanceId } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { Log } from "@cairn/service";

interface Marks {
  readonly added?: readonly InstanceId[];
  readonly removed?: readonly InstanceId[];
  readonly workload: WorkloadRow;
}

/**
 * Writes the workload into the Nova metadata of its members, and takes it from those that left: consoles show
 * it, nothing depends on it. So a failure is logged and does not undo the workload, which exists already.
 */
export async function markInstances(
  cloud: Cloud,
  { added = [], removed = [], workload }: Marks,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const marks = { workload_id: workload.id, workload_name: workload.name };
  const { servers } = cloud.nova;
  for (const id of added) {
    await attempt(log, id, async () => servers.setMetadata(id, marks, signal));
  }
  for (const id of removed) {
    for (const key of Object.keys(marks)) {
      await attempt(log, id, async () => servers.deleteMetadata(id, key, signal));
    }
  }
}

async function attempt(log: Log, instance: InstanceId, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (fault) {
    log.warn("instance.not-marked", { instance, fault: asError(fault) });
  }
}
