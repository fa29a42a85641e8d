import { type Database, sealAudit } from "@cairn/database";
import { auditMark } from "@cairn/domain";
import { trimAuditOnce } from "@cairn/flows";
import type { Clock } from "@cairn/kernel";
import type { Log } from "@cairn/service";

interface SealingWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** A transaction of so many rows takes some tens of milliseconds. */
const BATCH = 500;
/** Requests end within a minute; twice that is generous. */
const ABANDONED_MS = 120_000;
/** The chain's head goes into the log so often: what was written outside cannot be changed inside. */
const ANCHOR_MS = 60 * 60 * 1000;
const ANCHOR_ENTRIES = 1_000;

/**
 * What takes entries of the audit log from the inbox to their places in the chain, `true` while there are
 * more.
 * Every engine does this; one at a time gets the lock, and the others have nothing to do.
 */
export function auditSealer({ database, clock, log }: SealingWorld): () => Promise<boolean> {
  let anchored = { position: -1, atMs: Number.NEGATIVE_INFINITY };
  return async () => {
    const sealed = await sealAudit(database, { limit: BATCH, abandonedMs: ABANDONED_MS });
    if (sealed === undefined || sealed.count === 0) return false;
    const { position, hash } = sealed.head;
    const nowMs = clock.now();
    if (position - anchored.position >= ANCHOR_ENTRIES || nowMs - anchored.atMs >= ANCHOR_MS) {
      anchored = { position, atMs: nowMs };
      log.info("audit.head", { position, hash: Buffer.from(hash).toString("hex") });
    }
    return sealed.count === BATCH;
  };
}

/**
 * What lets go of the oldest entries where the log is kept for some days only, `true` while there may be
 * more. What was changed is told once for each place: it stays where it is until a person has looked.
 */
export function auditTrimmer({ database, log }: SealingWorld): () => Promise<boolean> {
  let toldAt: number | undefined;
  return async () => {
    const trim = await trimAuditOnce(database);
    if (trim.kind === "broken" && trim.position !== toldAt) {
      toldAt = trim.position;
      log.error("audit.broken", { position: trim.position, because: trim.because });
    }
    if (trim.kind !== "trim") return false;
    log.info("audit.trimmed", { entries: trim.entries, anchor: auditMark(trim.anchor) });
    return true;
  };
}
