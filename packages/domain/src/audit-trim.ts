import { type AuditHead, type ChainedAudit, verifyAudit } from "./audit-chain.ts";

/** An audit log keeps so many days at least: whoever may set it can hide nothing of the last month. */
export const AUDIT_KEEP_DAYS_MIN = 30;
/** A hundred years. */
export const AUDIT_KEEP_DAYS_MAX = 36_500;

const DAY_MS = 86_400_000;

/** What an audit log has to let go of. */
export type AuditTrim =
  | { readonly kind: "none" }
  | {
      readonly kind: "trim";
      /** The last entry that goes: what the first one that stays follows. */
      readonly anchor: AuditHead;
      readonly entries: number;
      readonly newestMs: number;
    }
  /** Somebody changed what would go: it is evidence, and stays. */
  | { readonly kind: "broken"; readonly position: number; readonly because: string };

/** What is asked: where the log begins, its oldest entries in their order, and how many days it keeps. */
export interface AuditTrimQuestion {
  readonly beginning: AuditHead;
  readonly oldest: readonly ChainedAudit[];
  readonly keepDays: number;
  readonly nowMs: number;
}

/** Entries before this moment may go: whole days in UTC, so that a log is trimmed once a day. */
export function auditCutoffMs(keepDays: number, nowMs: number): number {
  return Math.floor(nowMs / DAY_MS) * DAY_MS - keepDays * DAY_MS;
}

/**
 * Which of the oldest entries go: those before the first one that has to stay. A request that took long has a
 * place in the chain after younger ones; it goes when they do.
 */
export function planAuditTrim({ beginning, oldest, keepDays, nowMs }: AuditTrimQuestion): AuditTrim {
  const cutoffMs = auditCutoffMs(keepDays, nowMs);
  const firstKept = oldest.findIndex(({ at }) => at.getTime() >= cutoffMs);
  const gone = firstKept === -1 ? oldest : oldest.slice(0, firstKept);
  const verdict = verifyAudit(beginning, gone);
  if (verdict.kind === "broken") return verdict;
  if (gone.length === 0) return { kind: "none" };
  const newestMs = gone.reduce((latest, { at }) => Math.max(latest, at.getTime()), 0);
  return { kind: "trim", anchor: verdict.head, entries: gone.length, newestMs };
}

/** A place in the chain as people note it: `POSITION:HASH`. */
export function auditMark({ position, hash }: AuditHead): string {
  return `${position}:${Buffer.from(hash).toString("hex")}`;
}
