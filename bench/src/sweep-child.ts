import { systemClock } from "@cairn/kernel";
import { type SweepReport, sweep } from "@cairn/maintenance";
import {
  makeSynthetic,
  SYNTHETIC_HANDLE,
  type Synthetic,
  type SyntheticShape,
  syntheticStore,
} from "./synthetic-repository.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What the bench asks of one process; its answer is JSON on the standard output. */
export type SweepWork =
  | { readonly kind: "make"; readonly folder: string; readonly shape: SyntheticShape }
  | {
      readonly kind: "sweep";
      readonly folder: string;
      readonly shape: SyntheticShape;
      readonly made: Synthetic;
    };

/** What it says of one sweep. */
export interface SweepCost {
  readonly seconds: number;
  readonly report: Pick<SweepReport, "found" | "removedBytes"> & {
    readonly condemned: number;
    readonly removed: number;
  };
}

async function sweepTwice({
  folder,
  shape,
  made,
}: Extract<SweepWork, { readonly kind: "sweep" }>): Promise<readonly SweepCost[]> {
  let now = systemClock.now();
  const clock = { ...systemClock, now: () => now };
  const store = syntheticStore(folder, { ...made, deadPacks: shape.deadPacks }, clock);
  const { signal } = new AbortController();
  const costs: SweepCost[] = [];
  for (let day = 0; day < 2; day += 1) {
    const began = systemClock.now();
    const request = { store, remover: store, handle: SYNTHETIC_HANDLE, clock, by: "bench", signal };
    const { found, condemned, removed, removedBytes } = await sweep(request);
    const report = { found, removedBytes, condemned: condemned.length, removed: removed.length };
    costs.push({ seconds: (systemClock.now() - began) / 1000, report });
    now += DAY_MS;
  }
  return costs;
}

const work = JSON.parse(process.argv[2] ?? "{}") as SweepWork;
const result = work.kind === "make" ? await makeSynthetic(work.folder, work.shape) : await sweepTwice(work);
process.stdout.write(JSON.stringify(result));
