import type { WorkloadRow } from "@cairn/database";
import { asError, type InstanceId } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { Log } from "@cairn/service";

interface Marks {
  readonly instances: readonly InstanceId[];
  readonly workload: WorkloadRow;
}

/**
 * Writes the workload into the Nova metadata of its members: consoles show it, nothing depends on it. So a
 * failure is logged and does not undo the workload, which exists already.
 */
export async function markInstances(
  cloud: Cloud,
  { instances, workload }: Marks,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const marks = { workload_id: workload.id, workload_name: workload.name };
  for (const id of instances) {
    await attempt(log, id, async () => cloud.nova.servers.setMetadata(id, marks, signal));
  }
}

async function attempt(log: Log, instance: InstanceId, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (fault) {
    log.warn("instance.not-marked", { instance, fault: asError(fault) });
  }
}
