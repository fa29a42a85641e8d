import { AUDIT_BEGINNING, type AuditHead, auditMark } from "@cairn/domain";
import { sql } from "kysely";
import type { Handle } from "./tables.ts";

/** What an engine notes when it lets go of the oldest entries. */
export const AUDIT_TRIMMED = "engine:audit_trimmed";

/** The last entry that went, which the log now begins after. */
export interface AuditAnchor extends AuditHead {
  readonly trimmedAt: Date;
}

/** Where the log begins, if anything was ever removed from it. */
export async function findAuditAnchor(handle: Handle): Promise<AuditAnchor | undefined> {
  const row = await handle
    .selectFrom("audit_anchor")
    .select(["position", "hash", "trimmed_at"])
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : { position: row.position, hash: row.hash, trimmedAt: row.trimmed_at };
}

/** What the first entry of the log follows. */
export async function auditBeginning(handle: Handle): Promise<AuditHead> {
  const anchor = await findAuditAnchor(handle);
  return anchor === undefined ? AUDIT_BEGINNING : { position: anchor.position, hash: anchor.hash };
}

/** Whether an entry says that the log was trimmed up to here: an anchor that nobody noted is a forged one. */
export async function isAnchorNoted(handle: Handle, anchor: AuditHead): Promise<boolean> {
  const mark = auditMark(anchor);
  const noted = await sql<{ isNoted: boolean }>`
    select exists (select from audit_log where object_id = ${mark} and action = ${AUDIT_TRIMMED})
      or exists (select from audit_inbox where object_id = ${mark} and action = ${AUDIT_TRIMMED})
      as "isNoted"`.execute(handle);
  return noted.rows[0]?.isNoted === true;
}

/** Removes entries up to this one. The caller has locked the chain, and notes it in the same transaction. */
export async function removeAuditUpTo(transaction: Handle, last: AuditHead): Promise<void> {
  const moved = {
    position: last.position,
    hash: Buffer.from(last.hash),
    trimmed_at: sql<Date>`date_trunc('milliseconds', now())`,
  };
  await transaction
    .insertInto("audit_anchor")
    .values({ is_only: true, ...moved })
    .onConflict((conflict) => conflict.column("is_only").doUpdateSet(moved))
    .execute();
  await transaction.deleteFrom("audit_log").where("position", "<=", last.position).execute();
}
