import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatBytes, systemClock } from "@cairn/kernel";
import { SWEEP_PROCESS, type SweepReport, sweep } from "@cairn/maintenance";
import { measure } from "./measure.ts";
import {
  makeSynthetic,
  SYNTHETIC_HANDLE,
  type Synthetic,
  syntheticStore,
  THOUSAND_SNAPSHOTS,
} from "./synthetic-repository.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const SHAPE = THOUSAND_SNAPSHOTS;

/** As the product starts a process that sweeps. */
const ENVIRONMENT = {
  PATH: "/usr/bin:/bin",
  NODE_OPTIONS: SWEEP_PROCESS.nodeOptions.join(" "),
  ...SWEEP_PROCESS.environment,
} as const;

/** What the process that sweeps tells of one sweep. */
interface SweepCost {
  readonly seconds: number;
  readonly report: Pick<SweepReport, "found" | "removedBytes"> & {
    readonly condemned: number;
    readonly removed: number;
  };
}

/**
 * `node bench/src/sweep-scale.ts`: makes a repository of 1,000 snapshots and 10 million chunks, sweeps it
 * twice (marks and condemns; marks, removes), and says what that took. Memory is that of the process which
 * sweeps.
 */
async function main(parameters: readonly string[]): Promise<void> {
  const [directory, made] = parameters;
  if (directory !== undefined && made !== undefined) {
    process.stdout.write(JSON.stringify(await sweepTwice(directory, JSON.parse(made) as Synthetic)));
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "cairn-sweep-scale-"));
  try {
    const began = systemClock.now();
    const synthetic = await makeSynthetic(folder, SHAPE);
    say(`made: ${synthetic.chunks} chunks, ${synthetic.pages} pages in ${since(began)} s`);
    const { signal } = new AbortController();
    const measured = await measure(
      { clock: systemClock, environment: ENVIRONMENT, signal },
      {
        program: process.execPath,
        parameters: [import.meta.filename, folder, JSON.stringify(synthetic)],
      },
    );
    for (const { seconds, report } of JSON.parse(measured.output) as SweepCost[]) {
      say(`sweep: ${seconds.toFixed(1)} s ${JSON.stringify(report)}`);
    }
    say(`peak memory ${formatBytes(measured.peakBytes)}, ${measured.cpuSeconds.toFixed(1)} CPU seconds`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sweepTwice(directory: string, made: Synthetic): Promise<readonly SweepCost[]> {
  let now = systemClock.now();
  const clock = { ...systemClock, now: () => now };
  const store = syntheticStore(directory, { ...made, deadPacks: SHAPE.deadPacks }, clock);
  const { signal } = new AbortController();
  const costs: SweepCost[] = [];
  for (let day = 0; day < 2; day += 1) {
    const began = systemClock.now();
    const handle = SYNTHETIC_HANDLE;
    const { found, condemned, removed, removedBytes } = await sweep({
      store,
      remover: store,
      handle,
      clock,
      by: "bench",
      signal,
    });
    const report = { found, removedBytes, condemned: condemned.length, removed: removed.length };
    costs.push({ seconds: (systemClock.now() - began) / 1000, report });
    now += DAY_MS;
  }
  return costs;
}

function since(began: number): string {
  return ((systemClock.now() - began) / 1000).toFixed(0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main(process.argv.slice(2));
