import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "@cairn/kernel";
import type { Meter } from "../measure.ts";
import { formatRows, type Row } from "../rows.ts";
import { type CrowdShape, gather } from "./crowd.ts";
import { listRows } from "./list-rows.ts";
import { costOf, costText } from "./process-cost.ts";
import { scheduleRows } from "./schedule-rows.ts";
import { ApiTree } from "./tree.ts";

export const API_USAGE = `Usage: ./cairn bench api [--quick] [--minutes N] [--json] [--folder PATH]

Measures the control plane on one machine: an API, two engines and a datamover API on PostgreSQL, a sandbox of
10,000 instances on paper, and 1,000 datamovers on paper. First 50 clients without a pause ask for lists and
single things among 10,000 workloads and 500,000 snapshots; then 10,000 schedules come due within an hour
while an engine is killed each minute. --minutes N takes N minutes of that hour, with their share of the
schedules; --quick is a tenth of everything, and 3 minutes. --json ends with one object: rows.
`;

const HOUR_MINUTES = 60;
const IDLE_SECONDS = 30;
const ALL: CrowdShape & { readonly datamovers: number } = {
  projects: 20,
  workloads: 10_000,
  snapshots: 500_000,
  datamovers: 1_000,
};
const QUICK: typeof ALL = { projects: 2, workloads: 1_000, snapshots: 50_000, datamovers: 100 };

/** Runs it and gives the exit code. */
export async function benchApi(
  parameters: string[],
  defaults: { readonly folder: string } & Pick<Meter, "environment" | "signal">,
): Promise<number> {
  const { values } = parseArgs({
    args: parameters,
    options: {
      quick: { type: "boolean", default: false },
      minutes: { type: "string" },
      json: { type: "boolean", default: false },
      folder: { type: "string", default: defaults.folder },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(API_USAGE);
    return 0;
  }
  const shape = values.quick ? QUICK : ALL;
  const minutes = Number(values.minutes ?? (values.quick ? 3 : HOUR_MINUTES));
  if (!(minutes >= 1 && minutes <= HOUR_MINUTES)) {
    process.stderr.write(`--minutes ${String(values.minutes)} must be a number from 1 to 60\n`);
    return 64;
  }
  // With --json the standard output is for the object alone.
  const out = values.json ? process.stderr : process.stdout;
  const tell = (line: string): void => {
    out.write(`${line}\n`);
  };
  const meter: Meter = { clock: systemClock, ...defaults };
  const rows = await measureAll({ meter, folder: values.folder, shape, minutes, tell });
  tell(formatRows(rows));
  if (values.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
  return 0;
}

interface Plan {
  readonly meter: Meter;
  readonly folder: string;
  readonly shape: typeof ALL;
  readonly minutes: number;
  readonly tell: (line: string) => void;
}

async function measureAll({ meter, shape, minutes, tell, ...plan }: Plan): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(plan.folder, "ca-"));
  let tree: ApiTree | undefined;
  try {
    tell(`starting programs, ${String(shape.workloads)} instances, ${String(shape.datamovers)} datamovers`);
    tree = await ApiTree.start({ meter, folder, ...shape, instances: shape.workloads });
    tell(`making ${String(shape.workloads)} workloads and ${String(shape.snapshots)} snapshots`);
    const projects = await gather(tree, shape, meter.clock);
    await tellIdle(tree, { meter, tell });
    const lists = await listRows(tree, projects, { meter, seconds: 10, tell });
    const count = Math.round((shape.workloads * minutes) / HOUR_MINUTES);
    const work = { clock: meter.clock, signal: meter.signal, count, seconds: minutes * 60, tell };
    return [...lists, ...(await scheduleRows(tree, projects, work))];
  } finally {
    await tree?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What it costs that everything is there and nothing is to be done. */
async function tellIdle(tree: ApiTree, { meter, tell }: Pick<Plan, "meter" | "tell">): Promise<void> {
  const before = await costOf(tree);
  await meter.clock.sleep(IDLE_SECONDS * 1000, meter.signal);
  tell(`idle        cairn  ${costText(before, await costOf(tree), IDLE_SECONDS)}`);
}
