import { type Clock, Fault } from "@cairn/kernel";
import { Client } from "pg";
import { atMost, type Row } from "../rows.ts";
import { percentile } from "./clients.ts";
import { type CrowdProject, scheduleAll } from "./crowd.ts";
import { costOf, costText } from "./process-cost.ts";
import type { ApiTree } from "./tree.ts";

const LAG_SECONDS = 5;
const KILL_EVERY_MS = 60_000;
/** An engine is away for so long after each kill. */
const AWAY_MS = 5_000;
const LEAD_MS = 15_000;
/** What was started last has so long to end. */
const ENDING_MS = 180_000;
const LOOK_MS = 2_000;

export interface ScheduleWork {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly count: number;
  readonly seconds: number;
  readonly tell: (line: string) => void;
}

/**
 * Schedules that come due evenly over a time, with two engines of which one is killed each minute: how late
 * their snapshots start, and whether each starts exactly once and ends.
 */
export async function scheduleRows(
  tree: ApiTree,
  projects: readonly CrowdProject[],
  work: ScheduleWork,
): Promise<readonly Row[]> {
  const { clock, signal, tell } = work;
  await tree.embedded.start("engine-2");
  const fromMs = clock.now() + LEAD_MS;
  const count = await scheduleAll(tree, projects, { ...work, fromMs });
  const before = await costOf(tree);
  const endMs = fromMs + work.seconds * 1000;
  const kills = await killInTurns(tree, { ...work, fromMs, endMs });
  const after = await costOf(tree);
  const database = new Client({ connectionString: tree.databaseUrl });
  await database.connect();
  try {
    await waitForEnd(database, { clock, signal });
    const found = await judge(database, fromMs);
    const [p50, p99] = [percentile(found.lags, 50), percentile(found.lags, 99)];
    const started = String(found.lags.length);
    const figures = `${started} of ${String(count)} started, ${String(found.doubled)} doubled`;
    const ends = `${String(found.available)} available, ${String(found.failed)} failed`;
    tell(`schedules   cairn  ${figures}, ${ends}, ${String(kills)} kills; lag p50 ${p50.toFixed(1)} s`);
    tell(`schedules   cairn  ${costText(before, after, (clock.now() - fromMs) / 1000)}`);
    const minutes = String(Math.round(work.seconds / 60));
    const rate = `${String(count)} in ${minutes} min, an engine killed each minute`;
    const row = { work: "schedules", unit: "" };
    return [
      atMost(LAG_SECONDS, { ...row, figure: `${rate}: p99 of the lag`, is: p99, unit: "s" }),
      atMost(0, { ...row, figure: "due and never started", is: count - found.lags.length }),
      atMost(0, { ...row, figure: "started more than once", is: found.doubled }),
      atMost(0, { ...row, figure: "not available in the end", is: found.failed }),
    ];
  } finally {
    await database.end();
  }
}

/** Kills the two engines alternately until the time is over; gives the number of kills. */
async function killInTurns(
  tree: ApiTree,
  { clock, signal, fromMs, endMs }: ScheduleWork & { readonly fromMs: number; readonly endMs: number },
): Promise<number> {
  let kills = 0;
  for (let atMs = fromMs + KILL_EVERY_MS; atMs < endMs; atMs += KILL_EVERY_MS) {
    await clock.sleep(Math.max(0, atMs - clock.now()), signal);
    const engine = kills % 2 === 0 ? "engine" : "engine-2";
    await tree.embedded.kill(engine);
    kills += 1;
    await clock.sleep(AWAY_MS, signal);
    await tree.embedded.start(engine);
  }
  await clock.sleep(Math.max(0, endMs - clock.now()), signal);
  return kills;
}

async function waitForEnd(
  database: Client,
  { clock, signal }: Pick<ScheduleWork, "clock" | "signal">,
): Promise<void> {
  const untilMs = clock.now() + ENDING_MS;
  for (;;) {
    const { rows } = await database.query<{ running: number }>(
      "select count(*)::int as running from snapshot where is_scheduled and status = 'executing'",
    );
    const running = rows[0]?.running ?? 0;
    if (running === 0) return;
    if (clock.now() > untilMs) {
      throw new Fault("schedules", `${String(running)} scheduled snapshots do not come to an end`, "never");
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

interface Found {
  /** Seconds from due to started, ascending; of each workload's first scheduled snapshot. */
  readonly lags: readonly number[];
  readonly doubled: number;
  readonly available: number;
  readonly failed: number;
}

async function judge(database: Client, fromMs: number): Promise<Found> {
  const { rows } = await database.query<{ lag: number; count: number; available: number }>(
    `select extract(epoch from min(n.created_at) - s.last_due_at)::float8 as lag,
        count(*)::int as count, count(*) filter (where n.status = 'available')::int as available
      from schedule s join snapshot n on n.workload_id = s.workload_id
      where n.is_scheduled and s.last_due_at >= to_timestamp($1) group by s.workload_id, s.last_due_at`,
    [Math.floor(fromMs / 1000)],
  );
  const available = rows.reduce((sum, row) => sum + row.available, 0);
  const all = rows.reduce((sum, row) => sum + row.count, 0);
  return {
    lags: rows.map(({ lag }) => lag).toSorted((a, b) => a - b),
    doubled: rows.filter(({ count }) => count > 1).length,
    available,
    failed: all - available,
  };
}
