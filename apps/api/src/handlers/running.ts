import type { Progress } from "@cairn/contract";
import { listOrderBodies, listRunProgress, type RunProgress } from "@cairn/database";
import type { RunId } from "@cairn/kernel";
import { type DiskNames, namesFromOrders, progressView } from "../views/progress-view.ts";
import type { World } from "../world.ts";

export interface RunningView {
  readonly run: RunProgress;
  readonly progress: Progress;
}

/** The progress of these runs, by run. `known` names disks that orders do not name, as those of a restore. */
export async function listRunning(
  world: World,
  runIds: readonly RunId[],
  known: DiskNames,
): Promise<ReadonlyMap<RunId, RunningView>> {
  const { handle } = world.database;
  const runs = await listRunProgress(handle, runIds);
  const orders = await listOrderBodies(handle, runIds);
  const nowMs = world.clock.now();
  const views = new Map<RunId, RunningView>();
  for (const [runId, run] of runs) {
    const mine = orders.filter((order) => order.runId === runId);
    const names: DiskNames = new Map([...known, ...namesFromOrders(mine)]);
    const startedAtMs = mine[0]?.createdAt.getTime();
    views.set(runId, { run, progress: progressView(run, names, { startedAtMs, nowMs }) });
  }
  return views;
}
