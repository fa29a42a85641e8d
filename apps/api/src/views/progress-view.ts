import { matches, type Progress, ProtectInstance } from "@cairn/contract";
import type { OrderBodyRow, RunProgress } from "@cairn/database";

/** What a disk is called for people. */
export interface DiskName {
  readonly disk: string;
  readonly instance: string;
  readonly instanceId: string;
}

export type DiskNames = ReadonlyMap<string, DiskName>;

/** The names of the disks that a snapshot's orders protect, by disk id. */
export function namesFromOrders(orders: readonly OrderBodyRow[]): DiskNames {
  const names = new Map<string, DiskName>();
  for (const { body } of orders) {
    if (!matches(ProtectInstance, body)) continue;
    const { instanceName: instance, instanceId } = body;
    for (const disk of body.disks) names.set(disk.diskId, { disk: disk.device, instance, instanceId });
  }
  return names;
}

/** Too early for a rate that means anything. */
const RATE_AFTER_MS = 1_000;

/**
 * A run's progress as the wire has it, with the mean rate since its first order and what is left at that
 * rate.
 */
export function progressView(
  progress: RunProgress,
  names: DiskNames,
  time: { readonly startedAtMs: number | undefined; readonly nowMs: number },
): Progress {
  const elapsedMs = time.startedAtMs === undefined ? 0 : time.nowMs - time.startedAtMs;
  const rate = elapsedMs < RATE_AFTER_MS ? undefined : (progress.doneBytes * 1000) / elapsedMs;
  const leftBytes = Math.max(0, progress.totalBytes - progress.doneBytes);
  const isKnown = rate !== undefined && rate > 0;
  return {
    phase: progress.phase,
    disks: progress.disks.map((disk) => {
      const name = names.get(disk.diskId);
      return {
        disk: name?.disk ?? disk.diskId,
        disk_id: disk.diskId,
        instance: name?.instance ?? "",
        instance_id: name?.instanceId ?? disk.diskId,
        done_bytes: disk.doneBytes,
        total_bytes: disk.totalBytes,
        stored_bytes: disk.storedBytes,
      };
    }),
    bytes_per_second: isKnown ? Math.round(rate) : null,
    remaining_seconds: isKnown ? Math.ceil(leftBytes / rate) : null,
  };
}
