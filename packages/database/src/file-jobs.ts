import type { ProjectId, SnapshotId, UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import type { FileJobKind, FileJobRow } from "./file-tables.ts";
import { type Handle, type SnapshotRow, toJson, WHOLE_STATUSES } from "./tables.ts";

export interface WantedFileJob {
  readonly kind: FileJobKind;
  readonly projectId: ProjectId;
  readonly askedBy: UserId;
  readonly instanceId: string;
  /** Oldest first. */
  readonly snapshotIds: readonly SnapshotId[];
  readonly request: unknown;
}

/** How long ended jobs are kept, so that results can be looked at again. */
const KEPT_DAYS = 30;

/** Writes a job for the engines, unless the project has `waitingMax` already that have not ended. */
export async function openFileJob(
  transaction: Handle,
  wanted: WantedFileJob,
  waitingMax: number,
): Promise<FileJobRow | "too-many"> {
  const { projectId } = wanted;
  // Two that ask at once are counted one after the other.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`file_job ${projectId}`}, 0))`.execute(
    transaction,
  );
  const { count } = await transaction
    .selectFrom("file_job")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("project_id", "=", projectId)
    .where("state", "=", "executing")
    .executeTakeFirstOrThrow();
  if (count >= waitingMax) return "too-many";
  await transaction
    .deleteFrom("file_job")
    .where("updated_at", "<", sql<Date>`now() - ${KEPT_DAYS} * interval '1 day'`)
    .where("state", "!=", "executing")
    .execute();
  await removeUnfetched(transaction);
  return transaction
    .insertInto("file_job")
    .values({
      kind: wanted.kind,
      project_id: projectId,
      asked_by: wanted.askedBy,
      instance_id: wanted.instanceId,
      snapshot_ids: toJson(wanted.snapshotIds),
      request: toJson(wanted.request),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** An API that dies leaves what it was about to fetch. */
async function removeUnfetched(transaction: Handle): Promise<void> {
  const wanted = transaction
    .selectFrom("file_job")
    .select("id")
    .where("created_at", ">", sql<Date>`now() - interval '1 day'`);
  await transaction.deleteFrom("file_part").where("job_id", "not in", wanted).execute();
}

/** A job that was asked for in the same words, and has not failed: its answer is that of a new one. */
export async function reusableFileJob(
  handle: Handle,
  { kind, projectId, instanceId, snapshotIds, request }: WantedFileJob,
): Promise<FileJobRow | undefined> {
  return handle
    .selectFrom("file_job")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("kind", "=", kind)
    .where("instance_id", "=", instanceId)
    .where("state", "!=", "error")
    .where(sql<boolean>`snapshot_ids = ${toJson(snapshotIds)}::jsonb`)
    .where(sql<boolean>`request = ${toJson(request)}::jsonb`)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** One job; with `projectId` only when it is that project's. */
export async function findFileJob(
  handle: Handle,
  { id, projectId }: { readonly id: number; readonly projectId?: ProjectId },
): Promise<FileJobRow | undefined> {
  let query = handle.selectFrom("file_job").selectAll().where("id", "=", id);
  if (projectId !== undefined) query = query.where("project_id", "=", projectId);
  return query.executeTakeFirst();
}

/** A project's searches, newest first; what they found stays out. */
export async function listSearches(
  handle: Handle,
  projectId: ProjectId,
  page: { readonly limit: number; readonly before?: number | undefined },
): Promise<FileJobRow[]> {
  return handle
    .selectFrom("file_job")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("kind", "=", "search")
    .$if(page.before !== undefined, (some) => some.where("id", "<", page.before as number))
    .orderBy("id", "desc")
    .limit(page.limit)
    .execute();
}

/** The committed snapshots of a project that have disks of an instance, oldest first. */
export async function snapshotsOfInstance(
  handle: Handle,
  projectId: ProjectId,
  instanceId: string,
): Promise<Pick<SnapshotRow, "id" | "created_at" | "name">[]> {
  return handle
    .selectFrom("snapshot")
    .select(["id", "created_at", "name"])
    .where("project_id", "=", projectId)
    .where("status", "in", WHOLE_STATUSES)
    .where("repository_id", "is not", null)
    .where(sql<boolean>`disks @> ${toJson([{ instanceId }])}::jsonb`)
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

export interface FileClaim {
  readonly id: number;
  readonly generation: number;
}

/** Claims the oldest job that nobody works on (any more), or `undefined`. */
export async function claimFileJob(
  handle: Handle,
  by: { readonly holder: string; readonly leaseMs: number },
): Promise<FileJobRow | undefined> {
  return handle
    .updateTable("file_job")
    .set((eb) => ({
      generation: eb("generation", "+", 1),
      claimed_by: by.holder,
      lease_until: inFuture(by.leaseMs),
    }))
    .where("id", "=", (eb) =>
      eb
        .selectFrom("file_job")
        .select("id")
        .where("state", "=", "executing")
        .where((inner) =>
          inner.or([inner("lease_until", "is", null), inner("lease_until", "<", sql<Date>`now()`)]),
        )
        .orderBy("id")
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .executeTakeFirst();
}

/** Holds on to a job; false when somebody else has it, or nobody wants it any more. */
export async function renewFileJob(
  handle: Handle,
  { id, generation }: FileClaim,
  leaseMs: number,
): Promise<boolean> {
  const done = await handle
    .updateTable("file_job")
    .set({ lease_until: inFuture(leaseMs) })
    .where("id", "=", id)
    .where("generation", "=", generation)
    .where("state", "=", "executing")
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

export type FileJobEnd =
  | { readonly state: "completed"; readonly result: unknown; readonly note?: string | undefined }
  | { readonly state: "error"; readonly errorMessage: string }
  /** Given back: another engine takes it. */
  | { readonly state: "executing" };

/** Ends a job, or gives it back; false when somebody else has it by now. */
export async function finishFileJob(
  handle: Handle,
  { id, generation }: FileClaim,
  end: FileJobEnd,
): Promise<boolean> {
  const done = await handle
    .updateTable("file_job")
    .set({
      state: end.state,
      claimed_by: null,
      lease_until: null,
      ...(end.state === "executing" ? {} : { updated_at: sql<Date>`now()` }),
      ...(end.state === "completed" ? { result: toJson(end.result), error_message: end.note ?? null } : {}),
      ...(end.state === "error" ? { error_message: end.errorMessage } : {}),
    })
    .where("id", "=", id)
    .where("generation", "=", generation)
    .where("state", "=", "executing")
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

/** Forgets a job that hands over a file, with what nobody has fetched of it; who works on it finds out. */
export async function dropFileJob(handle: Handle, id: number): Promise<void> {
  await handle.deleteFrom("file_job").where("id", "=", id).execute();
  await handle.deleteFrom("file_part").where("job_id", "=", id).execute();
}

/** Adds a part of a file's bytes. */
export async function addFilePart(
  handle: Handle,
  part: { readonly jobId: number; readonly number: number; readonly bytes: Buffer },
): Promise<void> {
  await handle
    .insertInto("file_part")
    .values({ job_id: part.jobId, number: part.number, bytes: part.bytes })
    .execute();
}

/** How many parts nobody has fetched yet. */
export async function countFileParts(handle: Handle, jobId: number): Promise<number> {
  const { count } = await handle
    .selectFrom("file_part")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("job_id", "=", jobId)
    .executeTakeFirstOrThrow();
  return count;
}

/** Takes a part away, or `undefined` while it is not there. */
export async function takeFilePart(
  handle: Handle,
  jobId: number,
  number: number,
): Promise<Buffer | undefined> {
  const row = await handle
    .deleteFrom("file_part")
    .where("job_id", "=", jobId)
    .where("number", "=", number)
    .returning("bytes")
    .executeTakeFirst();
  return row?.bytes;
}
