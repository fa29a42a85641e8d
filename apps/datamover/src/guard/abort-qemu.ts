import { connectQmp } from "@cairn/qmp";
import { isRunning } from "../host/process-identity.ts";
import { type Scratch, socketPath } from "../host/scratch.ts";
import { pointPrefix } from "../hypervisor/names.ts";
import { tearDown } from "../hypervisor/qemu-folder/teardown.ts";
import { type GuardedPoint, type GuardReach } from "./port.ts";
import { pointId } from "./state.ts";

/** Ending exports and jobs takes milliseconds; a QEMU that is busy with a dead disk answers late. */
const ABORT_TIMEOUT_MS = 30_000;
const QMP_TIMEOUT_MS = 10_000;

/**
 * Takes a point out of a QEMU over a monitor of the guard's own, which works while the datamover is stopped:
 * exports, so that nobody reads what is no point any more; the jobs, so that the guest's writes go on without
 * being copied; nodes; then the files, which gives the room back.
 */
export async function abortQemuPoint(
  scratch: Scratch,
  point: GuardedPoint,
  { monitor, qemu }: Extract<GuardReach, { kind: "qemu-folder" }>,
): Promise<{ readonly resumed: boolean }> {
  const folder = pointId(point);
  const signal = AbortSignal.timeout(ABORT_TIMEOUT_MS);
  const nbdServer = { kind: "unknown", socket: socketPath(scratch.folderOf(folder), "nbd.sock") } as const;
  try {
    using qmp = await connectQmp({ path: monitor, timeoutMs: QMP_TIMEOUT_MS, signal });
    await tearDown(qmp, { prefix: pointPrefix(point.snapshotId), nbdServer }, signal);
  } catch (cause) {
    // With the process all of it has gone.
    if (await isRunning(qemu)) throw cause;
  }
  await scratch.remove(folder);
  return { resumed: false };
}
