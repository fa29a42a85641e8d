import type { Progress } from "./api-types.ts";

/** How far a disk was at some time. */
export interface Sample {
  readonly atMs: number;
  readonly doneBytes: number;
}

/** Samples of each disk, oldest first. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** A disk that is being read. */
export interface DiskPace {
  /** 0 to 1. */
  readonly share: number;
  /** Unknown before two samples lie far enough apart. */
  readonly bytesPerSecond: number | undefined;
  readonly remainingSeconds: number | undefined;
}

/** A rate of less time says little: reading goes in bursts. */
const RATE_OVER_MS = 8_000;
const RATE_AFTER_MS = 900;

/** The samples with one more of each disk; those that are too old for a rate are let go. */
export function withSample(samples: Samples, progress: Progress, atMs: number): Samples {
  return new Map(
    progress.disks.map((disk) => {
      const former = samples.get(disk.disk_id) ?? [];
      const recent = former.filter((sample) => atMs - sample.atMs <= RATE_OVER_MS);
      const isNews = recent.at(-1)?.atMs !== atMs;
      return [disk.disk_id, isNews ? [...recent, { atMs, doneBytes: disk.done_bytes }] : recent];
    }),
  );
}

/** How fast a disk goes, by its samples. */
export function paceOf(disk: Progress["disks"][number], samples: Samples): DiskPace {
  const { done_bytes: done, total_bytes: total } = disk;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const own = samples.get(disk.disk_id) ?? [];
  const [first, last] = [own[0], own.at(-1)];
  const elapsedMs = first === undefined || last === undefined ? 0 : last.atMs - first.atMs;
  if (first === undefined || last === undefined || elapsedMs < RATE_AFTER_MS || share === 1) {
    return { share, bytesPerSecond: undefined, remainingSeconds: undefined };
  }
  const bytesPerSecond = Math.max(0, (last.doneBytes - first.doneBytes) * 1000) / elapsedMs;
  const remainingSeconds = bytesPerSecond === 0 ? undefined : (total - done) / bytesPerSecond;
  return { share, bytesPerSecond, remainingSeconds };
}
