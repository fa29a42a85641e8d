import { QUOTA_TYPE_INFO } from "@cairn/contract";
import { type Database, findLatestUser, takeWatermarkEvents, writeNotice } from "@cairn/database";
import type { Log } from "./step.ts";

/** What tells people of quotas whose watermark was passed. */
export interface TellingWorld {
  readonly database: Database;
  readonly log: Log;
}

/** Watermarks in one transaction. */
const AT_ONCE_MAX = 20;

/**
 * Writes a notice for each watermark that was passed upwards and that nobody was told of; false when there is
 * no news. Notices and the word that they were told are one transaction. That one is no longer passed is
 * logged only: nobody has to do anything then.
 */
export async function tellWatermarksOnce({ database, log }: TellingWorld): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const events = await takeWatermarkEvents(transaction, AT_ONCE_MAX);
    for (const { projectId, type, isAbove, used, allowed, highWatermark: watermark } of events) {
      const { name } = QUOTA_TYPE_INFO[type];
      log.info("quota.watermark", { project: projectId, quota: name, isAbove, used, watermark });
      const userId = isAbove ? await findLatestUser(transaction, projectId) : undefined;
      // A limit that was set below what nobody uses any more concerns nobody.
      if (userId === undefined) continue;
      const quota = { name, used, watermark, allowed };
      await writeNotice(transaction, { kind: "quota.watermark", projectId, userId, quota });
    }
    return events.length > 0;
  });
}
