import type { FlowName } from "@cairn/domain";
import type { RunId } from "@cairn/kernel";
import type { Handle, OrderRow, RunRow } from "./tables.ts";

/** How far one disk is. Bytes count only when they are durable. */
export interface DiskProgress {
  readonly diskId: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly storedBytes: number;
}

/** How far a run is: the sum of its orders. */
export interface RunProgress {
  readonly runId: RunId;
  readonly flow: FlowName;
  /** `planning`, `waiting: …`, what the orders are doing (`reading` …), or `undoing`. */
  readonly phase: string;
  /** 0 to 100; 100 only when the run has succeeded. */
  readonly percent: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly storedBytes: number;
  readonly disks: readonly DiskProgress[];
}

/** The progress of these runs; an unknown run is left out. */
export async function listRunProgress(
  handle: Handle,
  runIds: readonly RunId[],
): Promise<ReadonlyMap<RunId, RunProgress>> {
  if (runIds.length === 0) return new Map();
  const runs = await handle
    .selectFrom("run")
    .select(["id", "flow", "state", "result", "waiting_reason"])
    .where("id", "in", runIds)
    .execute();
  const orders = await handle
    .selectFrom("datamover_order")
    .select(["run_id", "step_key", "state", "progress"])
    .where("run_id", "in", runIds)
    .where("call", "like", "perform/%")
    .orderBy("created_at")
    .execute();
  const progress = new Map<RunId, RunProgress>();
  for (const run of runs) {
    const mine = orders.filter((order) => order.run_id === run.id);
    // Later attempts of a step take the place of earlier ones.
    const latest = [...new Map(mine.map((order) => [order.step_key, order])).values()];
    // What a run does is what an order of it does that has not ended.
    const first = latest.toSorted((a, b) => Number(hasEnded(a.state)) - Number(hasEnded(b.state)));
    progress.set(
      run.id,
      sum(
        run,
        first.map((order) => reportOf(order.progress)),
      ),
    );
  }
  return progress;
}

function hasEnded(state: OrderRow["state"]): boolean {
  return state === "finished" || state === "cancelled";
}

interface Report {
  readonly phase: string | undefined;
  readonly disks: readonly DiskProgress[];
}

/** Order progress was validated by the datamover API when it came in. */
function reportOf(progress: unknown): Report {
  if (progress === null || typeof progress !== "object") return { phase: undefined, disks: [] };
  return progress as Report;
}

function sum(
  run: Pick<RunRow, "id" | "flow" | "state" | "result" | "waiting_reason">,
  reports: readonly Report[],
): RunProgress {
  const disks = reports.flatMap((report) => report.disks);
  const doneBytes = total(disks, (disk) => disk.doneBytes);
  const totalBytes = total(disks, (disk) => disk.totalBytes);
  const succeeded = run.result?.kind === "succeeded";
  // 99 at most until the end is written: the commit comes after the bytes.
  const percent = succeeded ? 100 : totalBytes === 0 ? 0 : Math.floor((doneBytes / totalBytes) * 99);
  const phase = reports.find((report) => report.phase !== undefined)?.phase;
  return {
    runId: run.id,
    flow: run.flow,
    phase: phaseOf(run, phase),
    percent: Math.min(percent, succeeded ? 100 : 99),
    doneBytes,
    totalBytes,
    storedBytes: total(disks, (disk) => disk.storedBytes),
    disks,
  };
}

function phaseOf(run: Pick<RunRow, "state" | "waiting_reason">, reported: string | undefined): string {
  if (run.state === "forward") return reported ?? "preparing";
  return run.waiting_reason === null ? run.state : `waiting: ${run.waiting_reason}`;
}

function total(disks: readonly DiskProgress[], pick: (disk: DiskProgress) => number): number {
  return disks.reduce((bytes, disk) => bytes + pick(disk), 0);
}
