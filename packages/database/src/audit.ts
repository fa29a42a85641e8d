import {
  type AuditEntry,
  type AuditHead,
  type AuditOutcome,
  type ChainedAudit,
  chainAudit,
} from "@cairn/domain";
import { newId } from "@cairn/kernel";
import { type SelectQueryBuilder, sql } from "kysely";
import { auditBeginning } from "./audit-anchor.ts";
import type { Database } from "./open.ts";
import type { Page } from "./paging.ts";
import type { Handle, Tables } from "./tables.ts";

/** What is known of what somebody does when they begin. */
export interface AuditSubject {
  readonly origin: AuditEntry["origin"];
  readonly userId?: string | undefined;
  readonly userName: string;
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  readonly action: string;
  readonly object?: { readonly kind: string; readonly id: string; readonly name: string } | undefined;
  readonly requestId?: string | undefined;
}

/** What became of it. */
export interface AuditEnd {
  readonly outcome: AuditOutcome;
  readonly status?: number | undefined;
  readonly detail?: string | undefined;
  /** What it was about, where only the end tells: what was made. */
  readonly object?: AuditSubject["object"];
}

/** Longer texts than anybody reads; names in the database are shorter. */
const TEXT_MAX = 300;

/** Notes something that has happened; what it notes in a transaction is gone if that is rolled back. */
export async function recordAudit(handle: Handle, subject: AuditSubject, end: AuditEnd): Promise<void> {
  await handle
    .insertInto("audit_inbox")
    .values({ ...rowOf({ ...subject, object: end.object ?? subject.object }), ...endOf(end) })
    .execute();
}

/** Notes that something begins which may change things; `settleAudit` has to follow. */
export async function beginAudit(handle: Handle, subject: AuditSubject): Promise<string> {
  const row = rowOf(subject);
  await handle
    .insertInto("audit_inbox")
    .values({ ...row, outcome: null, status: null, detail: "" })
    .execute();
  return row.id;
}

/** Notes what became of it. No effect when it took so long that it was taken for abandoned. */
export async function settleAudit(handle: Handle, id: string, end: AuditEnd): Promise<void> {
  const { object } = end;
  const made =
    object === undefined
      ? {}
      : { object_kind: object.kind, object_id: object.id, object_name: clipped(object.name) };
  await handle
    .updateTable("audit_inbox")
    .set({ ...made, ...endOf(end) })
    .where("id", "=", id)
    .where("outcome", "is", null)
    .execute();
}

function rowOf(subject: AuditSubject) {
  const { object } = subject;
  return {
    id: newId(),
    origin: subject.origin,
    user_id: subject.userId ?? null,
    user_name: clipped(subject.userName),
    project_id: subject.projectId ?? null,
    project_name: clipped(subject.projectName ?? ""),
    action: subject.action,
    object_kind: object?.kind ?? "",
    object_id: clipped(object?.id ?? ""),
    object_name: clipped(object?.name ?? ""),
    request_id: subject.requestId ?? "",
  };
}

function endOf({ outcome, status, detail }: AuditEnd) {
  return { outcome, status: status ?? null, detail: clipped(detail ?? "") };
}

function clipped(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;
}

/** Any number that nobody else locks: the letters "audit". */
const CHAIN_LOCK = 0x61_75_64_69_74;

/** Holds off whoever else works on the chain until the transaction ends; false while another one does. */
export async function lockAudit(transaction: Handle): Promise<boolean> {
  const locked = await sql<{
    got: boolean;
  }>`select pg_try_advisory_xact_lock(${CHAIN_LOCK}) as got`.execute(transaction);
  return locked.rows[0]?.got === true;
}

export interface SealOptions {
  /** Entries taken at once. */
  readonly limit: number;
  /** A request that has not ended after so long never will: its program died. */
  readonly abandonedMs: number;
}

/**
 * Takes entries from the inbox into the log, oldest first, and tells the new head and how many they were;
 * undefined while another program does. One transaction: an entry is in one place or the other.
 */
export async function sealAudit(
  database: Database,
  options: SealOptions,
): Promise<{ readonly head: AuditHead; readonly count: number } | undefined> {
  return database.transaction(async (transaction) => {
    if (!(await lockAudit(transaction))) return undefined;
    await transaction
      .updateTable("audit_inbox")
      .set({ outcome: "unknown", detail: "the program ended before it could tell" })
      .where("outcome", "is", null)
      .where("at", "<", sql<Date>`now() - ${options.abandonedMs} * interval '1 millisecond'`)
      .execute();
    const entries = await transaction
      .selectFrom("audit_inbox")
      .selectAll()
      .where("outcome", "is not", null)
      .$narrowType<{ outcome: AuditOutcome }>()
      .orderBy("at")
      .orderBy("id")
      .limit(options.limit)
      .execute();
    const head = await auditHead(transaction);
    if (entries.length === 0) return { head, count: 0 };
    const chained = chainAudit(head, entries);
    await transaction.insertInto("audit_log").values(chained.map(asRow)).execute();
    const ids = entries.map(({ id }) => id);
    await transaction.deleteFrom("audit_inbox").where("id", "in", ids).execute();
    const last = chained.at(-1);
    return {
      head: last === undefined ? head : { position: last.position, hash: last.hash },
      count: ids.length,
    };
  });
}

function asRow(entry: ChainedAudit) {
  return { ...entry, hash: Buffer.from(entry.hash), previous_hash: Buffer.from(entry.previous_hash) };
}

/** The newest entry of the log, or the last one that was removed when there is none. */
export async function auditHead(handle: Handle): Promise<AuditHead> {
  const row = await handle
    .selectFrom("audit_log")
    .select(["position", "hash"])
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  return row ?? auditBeginning(handle);
}

/** Makes all that a transaction reads be of one moment. Its first statement. */
export async function readOneMoment(transaction: Handle): Promise<void> {
  await sql`set transaction isolation level repeatable read`.execute(transaction);
}

/** Entries after a position, in the chain's order: for checking them. */
export async function readAuditChain(
  handle: Handle,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<ChainedAudit[]> {
  return handle
    .selectFrom("audit_log")
    .selectAll()
    .where("position", ">", after)
    .orderBy("position")
    .limit(limit)
    .execute();
}

/** Which entries are wanted. */
export interface AuditFilter {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly userId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly action?: string | undefined;
  readonly objectId?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  readonly requestId?: string | undefined;
}

/** An entry as it is listed; those of the inbox have no place in the chain yet. */
export interface ListedAudit extends AuditEntry {
  readonly position: number | null;
  readonly hash: Uint8Array | null;
}

const COLUMNS = [
  "id",
  "at",
  "origin",
  "user_id",
  "user_name",
  "project_id",
  "project_name",
  "action",
  "object_kind",
  "object_id",
  "object_name",
  "request_id",
  "status",
  "detail",
] as const;

/**
 * A page of entries, newest first, those among them that wait for their place in the chain. The inbox is read
 * first: an entry that moves in between is seen twice and told once, not missed.
 */
export async function listAudit(handle: Handle, filter: AuditFilter, page: Page): Promise<ListedAudit[]> {
  const marker = page.marker === undefined ? undefined : await placeOf(handle, page.marker);
  if (marker === null) return [];
  const scope = { filter, marker, limit: page.limit };
  const waiting = await narrowed(
    handle
      .selectFrom("audit_inbox")
      .select([...COLUMNS, "outcome"])
      .where("outcome", "is not", null),
    scope,
  ).execute();
  const sealed = await narrowed(
    handle.selectFrom("audit_log").select([...COLUMNS, "outcome", "position", "hash"]),
    scope,
  ).execute();
  const known = new Set(sealed.map(({ id }) => id));
  const fresh = waiting
    .filter(({ id }) => !known.has(id))
    .map((row) => ({ ...row, outcome: row.outcome ?? "unknown", position: null, hash: null }));
  return [...fresh, ...sealed].toSorted(newestFirst).slice(0, page.limit);
}

function newestFirst(one: ListedAudit, other: ListedAudit): number {
  const byTime = other.at.getTime() - one.at.getTime();
  if (byTime !== 0) return byTime;
  return one.id < other.id ? 1 : -1;
}

interface Place {
  readonly at: Date;
  readonly id: string;
}

async function placeOf(handle: Handle, id: string): Promise<Place | null> {
  const inLog = handle.selectFrom("audit_log").select(["at", "id"]).where("id", "=", id);
  const inInbox = handle.selectFrom("audit_inbox").select(["at", "id"]).where("id", "=", id);
  return (await inInbox.executeTakeFirst()) ?? (await inLog.executeTakeFirst()) ?? null;
}

function narrowed<Table extends "audit_log" | "audit_inbox", Output>(
  query: SelectQueryBuilder<Tables, Table, Output>,
  scope: { readonly filter: AuditFilter; readonly marker: Place | undefined; readonly limit: number },
): SelectQueryBuilder<Tables, Table, Output> {
  const { filter, marker, limit } = scope;
  const equal = [
    ["user_id", filter.userId],
    ["project_id", filter.projectId],
    ["action", filter.action],
    ["object_id", filter.objectId],
    ["outcome", filter.outcome],
    ["request_id", filter.requestId],
  ] as const;
  let found = query;
  for (const [column, value] of equal) {
    if (value !== undefined) found = found.where(sql<boolean>`${sql.ref(column)} = ${value}`);
  }
  if (filter.fromMs !== undefined) found = found.where(sql<boolean>`at >= ${new Date(filter.fromMs)}`);
  if (filter.toMs !== undefined) found = found.where(sql<boolean>`at < ${new Date(filter.toMs)}`);
  if (marker !== undefined) found = found.where(sql<boolean>`(at, id) < (${marker.at}, ${marker.id})`);
  return found.orderBy(sql`at desc, id desc`).limit(limit);
}
