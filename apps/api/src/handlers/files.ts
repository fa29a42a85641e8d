import { type FileEntry, type FileSearch, type FileVolume, parseWireTime, wireTime } from "@cairn/contract";
import {
  type FileJobRow,
  findFileJob,
  listSearches,
  openFileJob,
  reusableFileJob,
  type SnapshotRow,
  snapshotsOfInstance,
  type WantedFileJob,
} from "@cairn/database";
import {
  assertFilePath,
  chooseSnapshots,
  describeFile,
  type FoundFile,
  type SearchedSnapshot,
  type SnapshotDiskRecord,
  searchLiteral,
} from "@cairn/domain";
import { asId, assert, Fault, Rejection } from "@cairn/kernel";
import { notFound } from "../refusals.ts";
import { STILL_WORKING } from "../replies.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { ownSnapshot } from "./snapshots.ts";

type FileHandlers = Pick<Handlers, "searchFiles" | "listFileSearches" | "showFileSearch" | "listFiles">;

/** Jobs of a project that have not ended: each takes an engine some seconds at least. */
const WAITING_MAX = 20;
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
  };
}

async function search(world: World, { body, caller }: ApiRequest<"searchFiles">): Promise<FileSearch> {
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
  return searchView(row);
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

async function opened(world: World, wanted: WantedFileJob): Promise<FileJobRow> {
  const row = await world.database.transaction(async (transaction) =>
    openFileJob(transaction, wanted, WAITING_MAX),
  );
  if (row !== "too-many") return row;
  throw new Rejection(
    `${String(WAITING_MAX)} searches and readings of files of this project go on already.`,
    {
      status: 409,
      remedy: "Wait until some of them have ended.",
    },
  );
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

/** What an engine wrote of a folder. */
interface Listed {
  readonly volumes: readonly { readonly label: string; readonly format: string; readonly state: string }[];
  readonly kind: "volumes" | "folder" | "file" | "absent";
  readonly files: readonly FoundFile[];
  readonly more: boolean;
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

/** The instance that is meant: the only one unless named. */
export function instanceOf(row: SnapshotRow, named: string | undefined): string {
  if (row.status !== "available" && row.status !== "restoring") {
    throw new Rejection(`The snapshot ${row.id} is ${row.status}.`, {
      status: 409,
      field: "status",
      value: row.status,
      remedy: "Name one that is available.",
    });
  }
  const ids = [...new Set((row.disks as readonly SnapshotDiskRecord[]).map((disk) => disk.instanceId))];
  const [only, ...others] = named === undefined ? ids : ids.filter((id) => id === named);
  if (only !== undefined && others.length === 0) return only;
  throw new Rejection(
    named === undefined
      ? `The snapshot has disks of ${String(ids.length)} instances.`
      : `The snapshot has no disks of an instance ${named}.`,
    {
      status: named === undefined ? 400 : 404,
      field: "vm_id",
      value: named ?? null,
      remedy: `Name one of ${ids.slice(0, 10).join(", ")}.`,
    },
  );
}

/** Refuses a volume or file that is not there. */
export function assertFound(
  { volumes, kind }: Pick<Listed, "volumes" | "kind">,
  { volume, path }: { readonly volume: string; readonly path: string },
): void {
  const found = volumes.find(({ label }) => label === volume);
  if (found === undefined) {
    const labels = volumes.map(({ label }) => label).join(", ");
    throw new Rejection(`The instance has no volume ${volume} in this snapshot.`, {
      status: 404,
      field: "volume",
      value: volume,
      remedy: labels === "" ? "It has none at all." : `There are ${labels}.`,
    });
  }
  if (found.state !== "mounted") {
    throw new Rejection(`The volume ${volume} cannot be read: ${found.format}, ${found.state}.`, {
      status: 409,
      field: "volume",
      value: volume,
      remedy: "Restore the disk, or mount it from `cairn repo serve`.",
    });
  }
  if (kind !== "absent") return;
  throw new Rejection(`The volume ${volume} has no ${path} in this snapshot.`, {
    status: 404,
    field: "path",
    value: path,
    remedy: "List the folder above it, or search for the file.",
  });
}

/** Opens a job, or joins one that asked the same: a snapshot never changes, so nor does what it lists. */
async function ended(world: World, wanted: WantedFileJob, signal: AbortSignal): Promise<Listed> {
  const { database, clock } = world;
  const untilMs = clock.now() + (world.ownershipWaitMs ?? WAIT_MS);
  const { id } = (await reusableFileJob(database.handle, wanted)) ?? (await opened(world, wanted));
  for (;;) {
    const job = await findFileJob(database.handle, { id });
    assert(job !== undefined, `job ${String(id)} that was just opened has a row`);
    if (job.state === "completed") return job.result as Listed;
    if (job.state === "error") {
      throw new Rejection(`The disks could not be read: ${job.error_message ?? ""}.`, {
        status: 409,
        remedy: "Mend what it says and ask again.",
      });
    }
    if (clock.now() >= untilMs) {
      throw new Fault(STILL_WORKING, "An engine is reading the disks, or about to.", "later");
    }
    await clock.sleep(LOOK_MS, signal);
  }
}
