import {
  AUDIT_TRIMMED,
  auditBeginning,
  auditKeepDays,
  type Database,
  databaseNow,
  type Handle,
  lockAudit,
  readAuditChain,
  removeAuditUpTo,
} from "@cairn/database";
import { type AuditHead, type AuditTrim, auditCutoffMs, auditMark, planAuditTrim } from "@cairn/domain";
import { noteDeed } from "./auditing.ts";

/** So many entries are checked and removed in one transaction: half a second in which none is sealed. */
const BATCH = 10_000;

/**
 * Lets go of the oldest entries of the audit log, if it is kept for some days only, and notes in it what the
 * first one that stays follows. Their times are the database's; so is the time that they are compared with.
 * `none` too while another engine works on the chain: the next look finds what there is to do.
 */
export async function trimAuditOnce(database: Database): Promise<AuditTrim> {
  return database.transaction(async (transaction) => {
    const keepDays = await auditKeepDays(transaction);
    if (keepDays === null || !(await lockAudit(transaction))) return { kind: "none" };
    const nowMs = await databaseNow(transaction);
    const beginning = await auditBeginning(transaction);
    if (!(await isAnyDue(transaction, beginning, auditCutoffMs(keepDays, nowMs)))) return { kind: "none" };
    const oldest = await readAuditChain(transaction, { after: beginning.position, limit: BATCH });
    const plan = planAuditTrim({ beginning, oldest, keepDays, nowMs });
    if (plan.kind !== "trim") return plan;
    const until = new Date(plan.newestMs).toISOString();
    await removeAuditUpTo(transaction, plan.anchor);
    await noteDeed(transaction, {
      action: AUDIT_TRIMMED,
      object: { kind: "audit_log", id: auditMark(plan.anchor), name: "" },
      detail: `${plan.entries} entries until ${until}, kept for ${keepDays} days`,
    });
    return plan;
  });
}

/** On most looks nothing is: that costs one row. */
async function isAnyDue(handle: Handle, beginning: AuditHead, cutoffMs: number): Promise<boolean> {
  const [first] = await readAuditChain(handle, { after: beginning.position, limit: 1 });
  return first !== undefined && first.at.getTime() < cutoffMs;
}
