import { posix } from "node:path";
import type { Download } from "@cairn/contract";
import { dropFileJob, type FileJobRow, findFileJob, takeFilePart } from "@cairn/database";
import { assertFilePath } from "@cairn/domain";
import { asId, Fault, Rejection } from "@cairn/kernel";
import type { ApiRequest } from "../server.ts";
import type { World } from "../world.ts";
import { assertFound, instanceOf, type Listed, opened, unreadable } from "./file-jobs.ts";
import { ownSnapshot } from "./snapshots.ts";

const LOOK_MS = 50;
/** An engine has to begin with it within so long. */
const BEGIN_MS = 280_000;

/** What an engine says before the bytes. */
interface Head {
  readonly kind: "file" | "folder";
  readonly sizeBytes?: number;
}

interface Place {
  readonly volume: string;
  readonly path: string;
}

/**
 * A file of a snapshot, in the parts in which an engine puts it into the database: a few at any time, however
 * large it is. A client that leaves ends the engine's work, too.
 */
export async function fetchFile(world: World, request: ApiRequest<"getFile">): Promise<Download> {
  const { query, caller, signal } = request;
  const row = await ownSnapshot(world, request);
  const place = placeOf(query);
  const job = await opened(world, {
    kind: "get",
    projectId: caller.projectId,
    askedBy: caller.userId,
    instanceId: instanceOf(row, query.vm_id),
    snapshotIds: [asId<"snapshot">(row.id)],
    request: place,
  });
  const parts = partsOf(world, job, signal);
  const first = await parts.next();
  if (first.done === true) throw await nothingCame(world, job, place);
  return described(place, JSON.parse(first.value.toString()) as Head, parts);
}

function placeOf({ volume, path = "/" }: { readonly volume?: string; readonly path?: string }): Place {
  assertFilePath(path, "path");
  if (volume !== undefined) return { volume, path };
  const remedy = "GET …/files without a volume lists the labels of those that there are.";
  throw new Rejection("No volume is named.", { status: 400, field: "volume", value: null, remedy });
}

function described({ volume, path }: Place, { kind, sizeBytes }: Head, bytes: Download["bytes"]): Download {
  const last = posix.basename(path);
  const name = last === "" ? volume.replaceAll("/", "-") : last;
  if (kind === "folder") return { name: `${name}.tar`, contentType: "application/x-tar", bytes };
  const contentType = "application/octet-stream";
  return { name, contentType, ...(sizeBytes === undefined ? {} : { sizeBytes }), bytes };
}

/** Parts until the engine has ended; one that fails, or a client that leaves, ends them with a throw. */
async function* partsOf(
  { database, clock, ownershipWaitMs = BEGIN_MS }: World,
  job: FileJobRow,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const { handle } = database;
  const beginMs = clock.now() + ownershipWaitMs;
  try {
    for (let number = 0; ; ) {
      signal.throwIfAborted();
      // The state is read before the part: what is not there after the end will not come.
      const now = await findFileJob(handle, { id: job.id });
      const part = await takeFilePart(handle, job.id, number);
      if (part !== undefined) {
        number += 1;
        yield part;
        continue;
      }
      if (now?.state === "completed") return;
      if (now?.state !== "executing") throw cut(now, number);
      if (number === 0 && clock.now() > beginMs) throw late();
      await clock.sleep(LOOK_MS, signal);
    }
  } finally {
    await dropFileJob(handle, job.id);
  }
}

function late(): Rejection {
  return new Rejection("No engine has come to read the file.", {
    status: 409,
    field: "engine",
    value: null,
    remedy: "Ask again when there is less to do; `cairn node list` shows the engines.",
  });
}

/** Before the first byte a refusal still reaches the client; afterwards only the connection's end does. */
function cut(job: FileJobRow | undefined, number: number): Error {
  const why = job?.error_message ?? "its record is gone";
  return number === 0
    ? unreadable({ error_message: why })
    : new Fault("file-cut", `sending a file: ${why}`, "never");
}

/** Why an engine ended without a file. */
async function nothingCame({ database }: World, job: FileJobRow, place: Place): Promise<Error> {
  const ended = await findFileJob(database.handle, { id: job.id });
  assertFound(ended?.result as Pick<Listed, "volumes" | "kind">, place);
  return new Fault("file-missing", `sending ${place.volume}:${place.path}`, "never");
}
