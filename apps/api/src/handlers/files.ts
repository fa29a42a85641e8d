import { type FileEntry, type FileSearch, type FileVolume, parseWireTime, wireTime } from "@cairn/contract";
import {
  type FileJobRow,
  findFileJob,
  listSearches,
  reusableFileJob,
  snapshotsOfInstance,
  type WantedFileJob,
} from "@cairn/database";
import {
  assertFilePath,
  chooseSnapshots,
  describeFile,
  type SearchedSnapshot,
  searchLiteral,
} from "@cairn/domain";
import { asId, Fault, Rejection } from "@cairn/kernel";
import { notFound } from "../refusals.ts";
import { STILL_WORKING } from "../replies.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { fetchFile } from "./file-fetching.ts";
import { assertFound, instanceOf, type Listed, opened, unreadable } from "./file-jobs.ts";
import { ownSnapshot } from "./snapshots.ts";

type FileHandlers = Pick<
  Handlers,
  "searchFiles" | "listFileSearches" | "showFileSearch" | "listFiles" | "getFile"
>;

const FILES_MAX = 1000;
const LOOK_MS = 200;
const WAIT_MS = 25_000;

/**
 * Files inside of snapshots. The API opens no repository: engines do what is asked, and a row says how far
 * it is.
 */
export function fileHandlers(world: World): FileHandlers {
  return {
    searchFiles: async (request) => ({ file_search: await search(world, request) }),
    listFileSearches: async ({ query, caller }) => {
      const { limit = FILES_MAX, marker: before } = query;
      const rows = await listSearches(world.database.handle, caller.projectId, { limit, before });
      return { file_search: rows.map((row) => searchView({ ...row, result: null })) };
    },
    showFileSearch: async ({ params, caller }) => {
      const id = Number(params.search_id);
      const row = await findFileJob(world.database.handle, { id, projectId: caller.projectId });
      if (row?.kind !== "search") throw notFound("search", params.search_id);
      return { file_search: searchView(row) };
    },
    listFiles: async (request) => listing(world, request),
    getFile: async (request) => fetchFile(world, request),
  };
}

async function search(world: World, request: ApiRequest<"searchFiles">): Promise<FileSearch> {
  const { body, caller, query, signal } = request;
  const { handle } = world.database;
  const { vm_id: instanceId, filepath, snapshot_ids: ids = [], ...choice } = body.file_search;
  assertFilePath(filepath, "filepath");
  const fromMs = timeOf("date_from", choice.date_from);
  const toMs = timeOf("date_to", choice.date_to);
  const { start: first = 0, end: latest = 0 } = choice;
  const snapshots = await snapshotsOfInstance(handle, caller.projectId, instanceId);
  const chosen = chooseSnapshots(
    snapshots.map(({ id, created_at: createdAt }) => ({ id, createdAtMs: createdAt.getTime() })),
    { ids, first, latest, fromMs, toMs },
  );
  if (snapshots.length === 0) {
    throw new Rejection(`No available snapshot has an instance ${instanceId}.`, {
      status: 404,
      field: "vm_id",
      value: instanceId,
      remedy: "Give the id of an instance of which this project has a snapshot.",
    });
  }
  const row = await opened(world, {
    kind: "search",
    projectId: caller.projectId,
    askedBy: caller.userId,
    instanceId,
    snapshotIds: chosen.map((id) => asId<"snapshot">(id)),
    request: { filepath },
  });
  return searchView(query.wait === true ? await whenEnded(world, row, signal) : row);
}

/** Waits for a job's end as long as a request may. */
async function whenEnded(world: World, row: FileJobRow, signal: AbortSignal): Promise<FileJobRow> {
  const { database, clock } = world;
  const untilMs = clock.now() + (world.ownershipWaitMs ?? WAIT_MS);
  let now: FileJobRow | undefined = row;
  while (now?.state === "executing" && clock.now() < untilMs) {
    await clock.sleep(LOOK_MS, signal);
    now = await findFileJob(database.handle, { id: row.id });
  }
  return now ?? row;
}

function timeOf(field: string, text: string | null | undefined): number | undefined {
  if (text === undefined || text === null) return undefined;
  const ms = parseWireTime(text.replace(" ", "T"));
  if (ms !== undefined) return ms;
  throw new Rejection(`Invalid input for field ${field}: it must be a date and time.`, {
    status: 400,
    field,
    value: text,
    remedy: "Write it as YYYY-MM-DDTHH:MM:SS, in UTC.",
  });
}

function searchView(row: FileJobRow): FileSearch {
  return {
    created_at: wireTime(row.created_at.getTime()),
    updated_at: row.updated_at === null ? null : wireTime(row.updated_at.getTime()),
    id: row.id,
    deleted_at: null,
    status: row.state,
    error_msg: row.error_message,
    filepath: (row.request as { readonly filepath: string }).filepath,
    json_resp: row.result === null ? null : searchLiteral(row.result as readonly SearchedSnapshot[]),
    vm_id: row.instance_id,
  };
}

type Listing = { volumes: FileVolume[]; files: FileEntry[]; more: boolean };

async function listing(world: World, request: ApiRequest<"listFiles">): Promise<Listing> {
  const { query, caller } = request;
  const row = await ownSnapshot(world, request);
  const { volume, path = "/", marker = "", limit = FILES_MAX } = query;
  assertFilePath(path, "path");
  const wanted = {
    kind: "list",
    projectId: caller.projectId,
    askedBy: caller.userId,
    instanceId: instanceOf(row, query.vm_id),
    snapshotIds: [row.id],
    request: { volume: volume ?? "", path, after: marker, limit },
  } as const;
  const listed = await ended(world, wanted, request.signal);
  if (volume !== undefined) assertFound(listed, { volume, path });
  return {
    volumes: listed.volumes.map(({ label, format, state }) => ({
      label,
      format,
      readable: state === "mounted" || state === "readable",
    })),
    files: listed.files.map((file) => ({ path: file.path, ...describeFile(file) }) as FileEntry),
    more: listed.more,
  };
}

/** Opens a job, or joins one that asked the same: a snapshot never changes, so nor does what it lists. */
async function ended(world: World, wanted: WantedFileJob, signal: AbortSignal): Promise<Listed> {
  const begun = (await reusableFileJob(world.database.handle, wanted)) ?? (await opened(world, wanted));
  const job = await whenEnded(world, begun, signal);
  switch (job.state) {
    case "completed":
      return job.result as Listed;
    case "error":
      throw unreadable(job);
    case "executing":
      throw new Fault(STILL_WORKING, "An engine is reading the disks, or about to.", "later");
  }
}
