import { addFilePart, countFileParts } from "@cairn/database";
import type { FoundFile } from "@cairn/domain";
import { type FileReader, tarEnd, tarEntry, tarPadding } from "@cairn/files";
import { Fault, MiB } from "@cairn/kernel";
import type { HeldJob } from "./file-world.ts";
import { readOneSnapshot } from "./job-disks.ts";

/** What was handed over, for whoever fetches it. */
export interface HandedOver {
  readonly kind: "file" | "folder" | "absent";
  readonly volumes: readonly { readonly label: string; readonly format: string; readonly state: string }[];
  readonly parts: number;
}

/** The first part says what follows; bytes are in the others, each as large as this at most. */
const PART_BYTES = MiB;
/** Parts that wait in the database for their reader. */
const WAITING_MAX = 8;
const LOOK_MS = 50;
/** A reader that takes nothing for so long has left. */
const UNREAD_MS = 60_000;
const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const KIND_BITS = 0o170000;

/** Does a job of the kind `get`: a file's bytes, or a folder's as a tar archive, go through the database. */
export async function handOver(held: HeldJob): Promise<HandedOver> {
  const parts = new Parts(held);
  let handed: HandedOver = { kind: "absent", volumes: [], parts: 0 };
  await readOneSnapshot(held, async (reader) => {
    handed = await handOne(held, reader, parts);
  });
  return { ...handed, parts: parts.count };
}

async function handOne(held: HeldJob, reader: FileReader, parts: Parts): Promise<HandedOver> {
  const place = held.job.request as { readonly volume: string; readonly path: string };
  const volumes: HandedOver["volumes"][number][] = [];
  let kind: HandedOver["kind"] = "absent";
  let padding = Buffer.alloc(0) as Buffer;
  for await (const answer of reader.get(place)) {
    switch (answer.kind) {
      case "volume":
        volumes.push(answer.volume);
        break;
      case "file":
        if (kind === "absent") {
          kind = (answer.file.mode & KIND_BITS) === REGULAR ? "file" : "folder";
          await parts.begin({ kind, sizeBytes: kind === "file" ? answer.file.sizeBytes : undefined });
        }
        if (kind === "folder") {
          await parts.add(padding);
          await parts.add(tarEntry(answer.file, nameIn(place.path, answer.file)) ?? Buffer.alloc(0));
          padding = paddingOf(answer.file);
        }
        break;
      case "data":
        await parts.add(answer.bytes);
        break;
      case "broken":
        throw new Fault(
          "files-unreadable",
          `reading ${place.volume}:${answer.path === "" ? place.path : answer.path}`,
          "never",
        );
      case "more":
        throw new Fault("files-too-many", `reading all files of ${place.volume}:${place.path}`, "never");
      case "folder":
      case "absent":
    }
  }
  if (kind === "folder") {
    await parts.add(padding);
    await parts.add(tarEnd());
  }
  await parts.end();
  return { kind, volumes, parts: parts.count };
}

function paddingOf(file: FoundFile): Buffer {
  return (file.mode & KIND_BITS) === REGULAR ? tarPadding(file.sizeBytes) : Buffer.alloc(0);
}

/** Names in an archive begin with the name of the folder that was asked for. */
function nameIn(top: string, { path, mode }: FoundFile): string {
  const above = top.replace(/\/+$/, "").replace(/[^/]*$/, "");
  const name = path.startsWith(above) ? path.slice(above.length) : path.slice(1);
  const bare = name.replace(/^\/+/, "");
  if (bare.split("/").includes("..")) {
    throw new Fault("files-protocol", "reading a name that leads out of its folder", "never");
  }
  return bare === "" && (mode & KIND_BITS) === DIRECTORY ? "." : bare;
}

/** Bytes on their way into the database, in parts of a size, and no more at a time than its reader takes. */
class Parts {
  readonly #held: HeldJob;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #count = 0;

  constructor(held: HeldJob) {
    this.#held = held;
  }

  get count(): number {
    return this.#count;
  }

  async begin(head: { readonly kind: string; readonly sizeBytes: number | undefined }): Promise<void> {
    await this.#write(Buffer.from(JSON.stringify(head)));
  }

  async add(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= PART_BYTES) await this.end();
  }

  /** Writes what waits. */
  async end(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#write(bytes);
  }

  async #write(bytes: Buffer): Promise<void> {
    const { database, job, clock, signal } = this.#held;
    const untilMs = clock.now() + UNREAD_MS;
    while ((await countFileParts(database.handle, job.id)) >= WAITING_MAX) {
      if (clock.now() > untilMs) throw new Fault("files-unread", "waiting for who wanted the file", "never");
      await clock.sleep(LOOK_MS, signal);
    }
    signal.throwIfAborted();
    await addFilePart(database.handle, { jobId: job.id, number: this.#count, bytes });
    this.#count += 1;
  }
}
