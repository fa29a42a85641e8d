import {
  type Asker,
  claimRetention,
  concludeRetention,
  type Database,
  judgedSnapshot,
  listForRetention,
  openSnapshotDeletion,
  postponeRetention,
} from "@cairn/database";
import { type BackupSchedule, describeReasons, planRetention } from "@cairn/domain";
import type { Clock } from "@cairn/kernel";
import { asObject, noteDeed } from "./auditing.ts";
import type { Log } from "./step.ts";

/** What lets snapshots go that their workload's retention does not keep. */
export interface RetainingWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** The next deletion of the same workload begins no sooner: one that fails is not asked for again at once. */
const PAUSE_MS = 10_000;

/**
 * Judges the snapshots of one workload that changed since it was judged last, and begins to delete the oldest
 * that nothing keeps; false when no workload has to be judged. One at a time, because a deletion holds its
 * workload: when it has ended, the rest is judged again.
 */
export async function retainOnce(world: RetainingWorld): Promise<boolean> {
  return world.database.transaction(async (transaction) => {
    const found = await claimRetention(transaction);
    if (found === undefined) return false;
    const { schedule, workload } = found;
    const { retention } = schedule.rule as BackupSchedule;
    const rows = await listForRetention(transaction, workload.id);
    const verdicts = planRetention({
      policy: retention,
      snapshots: rows.map(judgedSnapshot),
      now: world.clock.now(),
    });
    const gone = verdicts.findLast(({ verdict }) => verdict === "delete");
    const row = rows.find(({ id }) => id === gone?.snapshot.id);
    if (gone === undefined || row === undefined) {
      await concludeRetention(transaction, workload.id);
      return true;
    }
    const asker: Asker = { projectId: workload.project_id, userId: workload.user_id };
    const opened = await openSnapshotDeletion(transaction, asker, row.id);
    await postponeRetention(transaction, workload.id, PAUSE_MS);
    const because = describeReasons(gone.reasons);
    if (opened.kind === "opened") {
      const about = { projectId: workload.project_id, object: asObject(row), detail: because };
      await noteDeed(transaction, { action: "engine:snapshot_expired", ...about });
    }
    world.log.info("retention.delete", { snapshot: row.id, because, begun: opened.kind });
    return true;
  });
}
