import { type AuditCheck, type AuditRow, parseWireTime, type QueryOf, wireTime } from "@cairn/contract";
import { type AuditFilter, type ListedAudit, listAudit, readAuditChain } from "@cairn/database";
import { AUDIT_BEGINNING, type AuditHead, verifyAudit } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import type { Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

const MINUTE_MS = 60_000;
/** One answer checks so many entries: a few hundred milliseconds. */
const CHECK_MAX = 20_000;

/** Who did what, and whether the record of it is whole. */
export function auditHandlers(world: World): Pick<Handlers, "listAudit" | "verifyAudit"> {
  const { handle } = world.database;
  return {
    listAudit: async ({ query }) => {
      const rows = await listAudit(handle, filterOf(query, world.clock.now()), pageOf(query));
      return { auditlog: rows.map(rowOf) };
    },
    verifyAudit: async ({ query }) => verify(world, query.after ?? 0, query.until),
  };
}

function filterOf(query: QueryOf<"listAudit">, nowMs: number): AuditFilter {
  const { time_in_minutes: minutes } = query;
  return {
    fromMs: minutes === undefined ? timeOf("time_from", query.time_from) : nowMs - minutes * MINUTE_MS,
    toMs: timeOf("time_to", query.time_to),
    userId: query.user_id,
    projectId: query.project,
    action: query.action,
    objectId: query.object_id,
    outcome: query.outcome,
    requestId: query.request_id,
  };
}

function timeOf(field: string, text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseWireTime(text);
  if (text === undefined || ms !== undefined) return ms;
  throw new Rejection(`${field} is no time: ${text}.`, {
    status: 400,
    field,
    value: text,
    remedy: "Use MM-DD-YYYY, or YYYY-MM-DDTHH:MM:SS; both are UTC.",
  });
}

function rowOf(entry: ListedAudit): AuditRow {
  return {
    ID: entry.id,
    Timestamp: wireTime(entry.at.getTime()),
    UserName: entry.user_name,
    UserId: entry.user_id,
    ProjectName: entry.project_name,
    ProjectId: entry.project_id,
    ObjectType: entry.object_kind,
    ObjectName: entry.object_name,
    ObjectId: entry.object_id,
    Action: entry.action,
    Outcome: entry.outcome,
    Status: entry.status,
    Details: detailsOf(entry),
    RequestId: entry.request_id,
    Position: entry.position,
    Hash: entry.hash === null ? null : Buffer.from(entry.hash).toString("hex"),
  };
}

/** `workload snapshot, snapshot nightly: accepted (of workload web)` */
function detailsOf({ action, object_kind, object_name, object_id, outcome, detail }: ListedAudit): string {
  const what = action.slice(action.indexOf(":") + 1).replaceAll("_", " ");
  const about = object_kind === "" ? "" : `, ${object_kind} ${object_name === "" ? object_id : object_name}`;
  return `${what}${about}: ${outcome}${detail === "" ? "" : ` (${detail})`}`;
}

async function verify({ database }: World, after: number, until?: number): Promise<AuditCheck> {
  const before = await headAt(database.handle, after);
  const limit = Math.min(CHECK_MAX, Math.max(0, (until ?? Number.POSITIVE_INFINITY) - after));
  const rows = await readAuditChain(database.handle, { after, limit });
  const verdict = verifyAudit(before, rows);
  const isMore = rows.length === limit && after + rows.length !== until;
  if (verdict.kind === "intact") {
    const { position, hash } = verdict.head;
    const next = isMore ? position : null;
    const found = { is_intact: true, checked: rows.length, broken_at: null, because: null };
    return { ...found, position, hash: Buffer.from(hash).toString("hex"), next };
  }
  const good = verdict.position - 1;
  const last = rows.find(({ position }) => position === good);
  return {
    is_intact: false,
    checked: rows.length,
    position: good,
    hash: Buffer.from(last?.hash ?? before.hash).toString("hex"),
    next: null,
    broken_at: verdict.position,
    because: verdict.because,
  };
}

/** The head that a check goes on from: that of the entry which the last answer ended with. */
async function headAt(handle: World["database"]["handle"], position: number): Promise<AuditHead> {
  if (position === 0) return AUDIT_BEGINNING;
  const [row] = await readAuditChain(handle, { after: position - 1, limit: 1 });
  if (row?.position === position) return { position, hash: row.hash };
  throw new Rejection(`The audit log has no entry ${position}.`, {
    status: 400,
    field: "after",
    value: position,
    remedy: "Begin with after=0, and go on with the next of the last answer.",
  });
}
