import { GiB, KiB, MiB } from "@cairn/kernel";
import { planWrites } from "./disk-image.ts";
import { type Results, race } from "./race.ts";
import { atLeast, atMost, type Place, type Row } from "./rows.ts";

/** CPU seconds for 7.1 GiB of files, on two cores of today. */
const CPU_SECONDS_A_GIB = 32 / 7.1;
/** Beside the grains themselves: pages, index, frames of packs, the commit; of 1,200 grains. */
const AROUND_GRAINS_BYTES = 8 * MiB;
const PEAK_BYTES_MAX = 300 * MiB;
const INCREMENTAL_SECONDS_MAX = 1.5;

/** Full, incremental and restore beside the others. */
export async function raceRows(
  place: Place,
): Promise<{ readonly rows: readonly Row[]; readonly results: Results }> {
  const { meter, image, cairn, peers, tell } = place;
  const results = await race(meter, image, { cairn, peers }, tell);
  return { rows: rowsOf(results, image), results };
}

/** The verdicts on what was measured. */
export function rowsOf(
  results: Results,
  image: { readonly sizeBytes: number; readonly fileBytes: number },
): readonly Row[] {
  return [
    ...fullRows(results.full, image.fileBytes),
    ...incrementalRows(results, image),
    ...restoreRows(results),
  ];
}

type Race = Results["full"];

function ratio(
  race: Race,
  figure: "seconds" | "cpu_seconds" | "stored_bytes",
  of: string,
  to: string,
): number {
  return (race[of]?.[figure] ?? Number.NaN) / (race[to]?.[figure] ?? Number.NaN);
}

function fullRows(full: Race, fileBytes: number): readonly Row[] {
  const cairn = full["cairn"];
  const work = "full";
  const cpuMax = (CPU_SECONDS_A_GIB * fileBytes) / GiB;
  return [
    atMost(1.1, {
      work,
      figure: "wall time / zstd -1 -T2",
      is: ratio(full, "seconds", "cairn", "zstd"),
      unit: "x",
    }),
    atLeast(2, {
      work,
      figure: "restic's wall time / ours",
      is: ratio(full, "seconds", "restic", "cairn"),
      unit: "x",
    }),
    atLeast(2, {
      work,
      figure: "borg's wall time / ours",
      is: ratio(full, "seconds", "borg", "cairn"),
      unit: "x",
    }),
    atMost(cpuMax, { work, figure: "CPU time", is: cairn?.cpu_seconds ?? Number.NaN, unit: "s" }),
    atMost(1.02, {
      work,
      figure: "stored / zstd -1",
      is: ratio(full, "stored_bytes", "cairn", "zstd"),
      unit: "x",
    }),
    peakRow(work, full),
  ];
}

function incrementalRows({ incremental }: Results, image: { readonly sizeBytes: number }): readonly Row[] {
  const cairn = incremental["cairn"];
  const writes = planWrites(image.sizeBytes).length;
  const work = "incremental";
  const storedMax = (writes * 64 * KiB + AROUND_GRAINS_BYTES) / MiB;
  const figure = `wall time after ${writes} writes of 64 KiB`;
  return [
    atMost(INCREMENTAL_SECONDS_MAX, { work, figure, is: cairn?.seconds ?? Number.NaN, unit: "s" }),
    atMost(storedMax, { work, figure: "stored", is: (cairn?.stored_bytes ?? Number.NaN) / MiB, unit: "MiB" }),
  ];
}

function restoreRows({ restore }: Results): readonly Row[] {
  const work = "restore";
  const is = ratio(restore, "seconds", "restic", "cairn");
  return [atLeast(1.5, { work, figure: "restic's wall time / ours", is, unit: "x" }), peakRow(work, restore)];
}

function peakRow(work: string, race: Race): Row {
  const is = (race["cairn"]?.peak_bytes ?? Number.NaN) / MiB;
  return atMost(PEAK_BYTES_MAX / MiB, { work, figure: "peak memory", is, unit: "MiB" });
}
