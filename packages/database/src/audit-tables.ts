import type { AuditEntry, AuditOutcome } from "@cairn/domain";
import type { ColumnType } from "kysely";

type Entry = Omit<AuditEntry, "at" | "outcome">;

/** Entries on their way into the log; without an outcome while their request goes on. */
export interface AuditInboxTable extends Entry {
  at: ColumnType<Date, Date | undefined, never>;
  outcome: AuditOutcome | null;
}

/** The log: triggers refuse all but new entries, and the removal of its oldest ones up to the anchor. */
export interface AuditLogTable extends Entry {
  position: number;
  at: Date;
  outcome: AuditOutcome;
  previous_hash: Buffer;
  hash: Buffer;
}

/** The last entry that was removed; one row at most. */
export interface AuditAnchorTable {
  is_only: true;
  position: number;
  hash: Buffer;
  trimmed_at: ColumnType<Date, Date | undefined, Date>;
}

/** The tables of the audit log. */
export interface AuditTables {
  audit_anchor: AuditAnchorTable;
  audit_inbox: AuditInboxTable;
  audit_log: AuditLogTable;
}
