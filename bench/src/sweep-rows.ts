import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MiB } from "@cairn/kernel";
import { SWEEP_PROCESS } from "@cairn/maintenance";
import { type Measured, type Meter, measure } from "./measure.ts";
import { atMost, type Family } from "./rows.ts";
import type { SweepCost, SweepWork } from "./sweep-child.ts";
import { type Synthetic, type SyntheticShape, THOUSAND_SNAPSHOTS } from "./synthetic-repository.ts";

const CHILD = fileURLToPath(new URL("./sweep-child.ts", import.meta.url));
/** A quarter of it, for `--quick`. */
const QUICK: SyntheticShape = { ...THOUSAND_SNAPSHOTS, disks: 5, deadPacks: 2_500 };

/** Sweeping a large repository that was made for it: two sweeps, which mark and condemn, mark and remove. */
export const sweepRows: Family = {
  name: "sweep",
  measure: async (place) => {
    const shape = place.quick ? QUICK : THOUSAND_SNAPSHOTS;
    const folder = join(place.folder, "sweep");
    await mkdir(folder);
    try {
      const made = await make(place.meter, folder, shape);
      const { costs, measured } = await sweepTwice(place.meter, { folder, shape, made });
      const seconds = costs.map((cost) => cost.seconds.toFixed(1)).join(" s and ");
      const cpu = measured.cpuSeconds.toFixed(0);
      const snapshots = shape.disks * shape.snapshots;
      const size = `${String(snapshots)} snapshots, ${(made.chunks / 1e6).toFixed(1)} million chunks`;
      place.tell(`sweep       cairn  ${size}: ${seconds} s, ${cpu} CPU seconds`);
      const figure = place.quick ? `peak memory, only ${size} (--quick)` : `peak memory, ${size}`;
      return [atMost(256, { work: "sweep", figure, is: measured.peakBytes / MiB, unit: "MiB" })];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Makes it in a process of its own: what that takes is given back before anything is measured. */
async function make(meter: Meter, folder: string, shape: SyntheticShape): Promise<Synthetic> {
  const { output } = await run(meter, { kind: "make", folder, shape });
  return JSON.parse(output) as Synthetic;
}

async function sweepTwice(
  meter: Meter,
  work: Omit<Extract<SweepWork, { readonly kind: "sweep" }>, "kind">,
): Promise<{ readonly costs: readonly SweepCost[]; readonly measured: Measured }> {
  const measured = await run(meter, { kind: "sweep", ...work }, SWEEP_PROCESS);
  return { costs: JSON.parse(measured.output) as SweepCost[], measured };
}

/** A process that sweeps is started as the engine starts it. */
async function run(
  meter: Meter,
  work: SweepWork,
  how: {
    readonly nodeOptions: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
  } = { nodeOptions: [], environment: {} },
): Promise<Measured> {
  const parameters = [...how.nodeOptions, CHILD, JSON.stringify(work)];
  return measure(meter, { program: process.execPath, parameters, environment: how.environment });
}
