import {
  type AuditCheck,
  type AuditRetention,
  type AuditRow,
  parseWireTime,
  type QueryOf,
  wireTime,
} from "@cairn/contract";
import {
  type AuditFilter,
  auditBeginning,
  auditKeepDays,
  findAuditAnchor,
  type Handle,
  isAnchorNoted,
  type ListedAudit,
  listAudit,
  readAuditChain,
  readOneMoment,
  saveAuditKeepDays,
} from "@cairn/database";
import { type AuditHead, type AuditVerdict, auditMark, verifyAudit } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import type { Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

const MINUTE_MS = 60_000;
/** One answer checks so many entries: a few hundred milliseconds. */
const CHECK_MAX = 20_000;

type AuditHandlers = Pick<Handlers, "listAudit" | "verifyAudit" | "showAuditRetention" | "setAuditRetention">;

/** Who did what, whether the record of it is whole, and how long it is kept. */
export function auditHandlers(world: World): AuditHandlers {
  const { handle } = world.database;
  return {
    listAudit: async ({ query }) => {
      const rows = await listAudit(handle, filterOf(query, world.clock.now()), pageOf(query));
      return { auditlog: rows.map(rowOf) };
    },
    verifyAudit: async ({ query }) => verify(world, query.after ?? 0, query.until),
    showAuditRetention: async () => retentionView(handle),
    setAuditRetention: async ({ body, caller }) => {
      await saveAuditKeepDays(handle, { days: body.audit_retention.days, by: caller.userId });
      return retentionView(handle);
    },
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

async function verify({ database }: World, from: number, until?: number): Promise<AuditCheck> {
  const { beginning, before, rows, limit, isNoted } = await database.transaction(async (transaction) => {
    await readOneMoment(transaction);
    return readPart(transaction, from, until);
  });
  const verdict = isNoted ? verifyAudit(before, rows) : unnoted(beginning);
  const about = { checked: rows.length, begins_after: beginning.position };
  if (verdict.kind === "intact") {
    const { position, hash } = verdict.head;
    const isMore = rows.length === limit && (until === undefined || position < until);
    const next = isMore ? position : null;
    const found = { is_intact: true, ...about, broken_at: null, because: null };
    return { ...found, position, hash: Buffer.from(hash).toString("hex"), next };
  }
  const good = verdict.position - 1;
  const last = rows.find(({ position }) => position === good);
  return {
    is_intact: false,
    ...about,
    position: good,
    hash: Buffer.from(last?.hash ?? before.hash).toString("hex"),
    next: null,
    broken_at: verdict.position,
    because: verdict.because,
  };
}

/** What one answer checks. From the beginning on, rows before it are read, too: there must be none. */
async function readPart(transaction: Handle, from: number, until?: number) {
  const beginning = await auditBeginning(transaction);
  const before = await headAt(transaction, from, beginning);
  const limit = Math.min(CHECK_MAX, Math.max(0, (until ?? Number.POSITIVE_INFINITY) - before.position));
  const rows = await readAuditChain(transaction, { after: from, limit });
  const isNoted = beginning.position === 0 || (await isAnchorNoted(transaction, beginning));
  return { beginning, before, rows, limit, isNoted };
}

/** The head that a check goes on from: where the log begins, or the entry that ended the last answer. */
async function headAt(handle: Handle, from: number, beginning: AuditHead): Promise<AuditHead> {
  if (from === 0 || from === beginning.position) return beginning;
  const [row] = await readAuditChain(handle, { after: from - 1, limit: 1 });
  if (row?.position === from) return { position: from, hash: row.hash };
  throw new Rejection(`The audit log has no entry ${from}; it begins after ${beginning.position}.`, {
    status: 400,
    field: "after",
    value: from,
    remedy: "Begin with after=0, and go on with the next of the last answer.",
  });
}

/** Engines note what they let go of. Where no entry says so, somebody else cut the log. */
function unnoted({ position }: AuditHead): AuditVerdict {
  const because = `the log begins after entry ${position}, and no entry says that it was trimmed there`;
  return { kind: "broken", position: position + 1, because };
}

async function retentionView(handle: Handle): Promise<{ audit_retention: AuditRetention }> {
  const anchor = await findAuditAnchor(handle);
  return {
    audit_retention: {
      days: await auditKeepDays(handle),
      begins_after: anchor === undefined ? null : auditMark(anchor),
      trimmed_at: anchor === undefined ? null : wireTime(anchor.trimmedAt.getTime()),
    },
  };
}
