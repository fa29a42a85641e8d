import { createHash } from "node:crypto";

/** What became of what somebody asked for. `unknown`: the program died before it could say. */
export type AuditOutcome = "accepted" | "refused" | "failed" | "unknown";

/** One entry of the audit log: who did what to which thing, and what became of it. It holds no secrets. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  readonly origin: "api" | "engine";
  readonly user_id: string | null;
  readonly user_name: string;
  readonly project_id: string | null;
  readonly project_name: string;
  readonly action: string;
  readonly object_kind: string;
  readonly object_id: string;
  readonly object_name: string;
  readonly request_id: string;
  readonly outcome: AuditOutcome;
  /** HTTP's, of requests. */
  readonly status: number | null;
  readonly detail: string;
}

/** An entry at its place in the chain. */
export interface ChainedAudit extends AuditEntry {
  /** From 1 on, without a gap. */
  readonly position: number;
  readonly previous_hash: Uint8Array;
  readonly hash: Uint8Array;
}

/** Where a chain is: its last position, 0 when it is empty, and that one's hash. */
export interface AuditHead {
  readonly position: number;
  readonly hash: Uint8Array;
}

/** The head of an empty chain: 32 zero bytes. */
export const AUDIT_BEGINNING: AuditHead = { position: 0, hash: new Uint8Array(32) };

/**
 * SHA-256 over the former hash and the entry as a JSON array, its values in this order and its time as ISO
 * 8601 in UTC with milliseconds. Whoever has the rows can compute it with any tool.
 */
export function auditHash(previous: Uint8Array, position: number, entry: AuditEntry): Buffer {
  const values = [
    position,
    entry.id,
    entry.at.toISOString(),
    entry.origin,
    entry.user_id,
    entry.user_name,
    entry.project_id,
    entry.project_name,
    entry.action,
    entry.object_kind,
    entry.object_id,
    entry.object_name,
    entry.request_id,
    entry.outcome,
    entry.status,
    entry.detail,
  ];
  return createHash("sha256").update(previous).update(JSON.stringify(values)).digest();
}

/** Entries, in their order, as they follow on a chain. */
export function chainAudit(head: AuditHead, entries: readonly AuditEntry[]): ChainedAudit[] {
  let { position, hash } = head;
  return entries.map((entry) => {
    const previous_hash = hash;
    position += 1;
    hash = auditHash(previous_hash, position, entry);
    return { ...entry, position, previous_hash, hash };
  });
}

/** What a check of rows found. */
export type AuditVerdict =
  | { readonly kind: "intact"; readonly head: AuditHead }
  /** The first row that is not as it was written, or that does not follow the one before it. */
  | { readonly kind: "broken"; readonly position: number; readonly because: string };

/** Checks rows that follow a head, in the order of their positions. */
export function verifyAudit(head: AuditHead, rows: readonly ChainedAudit[]): AuditVerdict {
  let at = head;
  for (const row of rows) {
    const because = faultOf(at, row);
    if (because !== undefined) return { kind: "broken", position: at.position + 1, because };
    at = { position: row.position, hash: row.hash };
  }
  return { kind: "intact", head: at };
}

function faultOf(before: AuditHead, row: ChainedAudit): string | undefined {
  const wanted = before.position + 1;
  if (row.position !== wanted) return `entry ${wanted} is missing: the next one is ${row.position}`;
  if (!isSame(row.previous_hash, before.hash)) return `entry ${wanted} does not follow the one before it`;
  if (!isSame(row.hash, auditHash(row.previous_hash, row.position, row)))
    return `entry ${wanted} is not as it was written`;
  return undefined;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
