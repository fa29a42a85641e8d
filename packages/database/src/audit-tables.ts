import type { AuditEntry, AuditOutcome } from "@cairn/domain";
import type { ColumnType } from "kysely";

type Entry = Omit<AuditEntry, "at" | "outcome">;

/** Entries on their way into the log; without an outcome while their request goes on. */
export interface AuditInboxTable extends Entry {
  at: ColumnType<Date, Date | undefined, never>;
  outcome: AuditOutcome | null;
}

/** The log: a trigger refuses everything but new entries. */
export interface AuditLogTable extends Entry {
  position: number;
  at: Date;
  outcome: AuditOutcome;
  previous_hash: Buffer;
  hash: Buffer;
}

/** The tables of the audit log. */
export interface AuditTables {
  audit_inbox: AuditInboxTable;
  audit_log: AuditLogTable;
}
