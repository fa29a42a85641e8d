import { mkdirSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MiB, newId } from "@cairn/kernel";
import { flushVolume, volumeFile } from "../cinder/volume-files.ts";
import type { Cloud } from "../cloud.ts";
import {
  digestContents,
  exportContents,
  type GuestDevice,
  guestFlush,
  guestWrite,
  guestZero,
  hashContents,
  readContents,
} from "../hosts/contents.ts";
import type { DomainDisk } from "../hosts/domain-file.ts";
import type { ImageFile } from "../hosts/qemu-img.ts";
import { runCommand } from "../hosts/qemu-img.ts";
import { type Answer, ApiError, type Call, ok, param, type Route, route } from "../http/answer.ts";
import { streamOf } from "../http/serve.ts";

const WRITE_BYTES_MAX = 256 * MiB;
const READ_BYTES_MAX = 64 * MiB;

interface Found {
  readonly id: string;
  readonly folder: string;
  readonly disk: DomainDisk;
}

/** The server of the hook's address, wherever it runs. */
export function instanceAt(call: Call): { readonly id: string; readonly host: string } {
  const id = param(call, "id");
  const host = call.cloud.state.servers.find(id)?.host ?? undefined;
  if (host === undefined) throw new ApiError(404, `no instance ${id} with a host`);
  return { id, host };
}

function diskAt(call: Call): Found {
  const { id, host } = instanceAt(call);
  const device = param(call, "device");
  const disk = call.cloud.hypervisors.domain(host, id)?.disks.find((each) => each.device === device);
  if (disk === undefined) throw new ApiError(404, `instance ${id} has no disk ${device}`);
  return { id, folder: call.cloud.hypervisors.folder(host, id), disk };
}

function guestOf(cloud: Cloud, found: Found): GuestDevice | undefined {
  const client = cloud.hypervisors.monitor(found.id);
  return client === undefined ? undefined : { client, folder: found.folder, qdevId: found.disk.qdevId };
}

function runningGuest(call: Call, found: Found): GuestDevice {
  const guest = guestOf(call.cloud, found);
  if (guest === undefined) throw new ApiError(409, `instance ${found.id} does not run`);
  return guest;
}

export async function bodyBytes(call: Call): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of streamOf(call.body)) {
    pieces.push(piece as Buffer);
    sizeBytes += (piece as Buffer).length;
    if (sizeBytes > WRITE_BYTES_MAX) throw new ApiError(413, "at most 256 MiB at once");
  }
  return Buffer.concat(pieces);
}

function numberOf(call: Call, key: string, fallback?: number): number {
  const text = call.query.get(key);
  const value = text === null ? fallback : Number(text);
  if (value === undefined || !Number.isSafeInteger(value) || value < 0)
    throw new ApiError(400, `${key} must be a whole number of bytes`);
  return value;
}

async function write(call: Call): Promise<Answer> {
  const found = diskAt(call);
  const bytes = await bodyBytes(call);
  const guest = runningGuest(call, found);
  const offset = numberOf(call, "offset", 0);
  await call.cloud.hypervisors.exclusive(found.id, async () => guestWrite(guest, offset, bytes));
  return ok({ written: bytes.length });
}

function zero(command: "write -z" | "discard"): (call: Call) => Promise<Answer> {
  return async (call) => {
    const found = diskAt(call);
    const guest = runningGuest(call, found);
    const range = { offset: numberOf(call, "offset", 0), length: numberOf(call, "length") };
    await call.cloud.hypervisors.exclusive(found.id, async () => guestZero(guest, command, range));
    return ok({ written: range.length });
  };
}

type FileOf = (call: Call) => Promise<ImageFile>;

/** The disk's file, with everything in it that QEMU had still in memory. */
async function diskFile(call: Call): Promise<ImageFile> {
  const found = diskAt(call);
  const guest = guestOf(call.cloud, found);
  if (guest !== undefined) await call.cloud.hypervisors.exclusive(found.id, async () => guestFlush(guest));
  return found.disk;
}

async function volumeFileAt(call: Call): Promise<ImageFile> {
  const id = param(call, "id");
  const volume = call.cloud.state.volumes.find(id);
  if (volume === undefined) throw new ApiError(404, `no volume ${id}`);
  await flushVolume(call.cloud, id);
  return volumeFile(call.cloud, volume);
}

const reading = (fileOf: FileOf) => ({
  export: async (call: Call): Promise<Answer> => {
    const { sizeBytes, stream } = await exportContents(call.cloud.directory, await fileOf(call));
    return { status: 200, body: stream, headers: { "Content-Length": String(sizeBytes) } };
  },
  sha256: async (call: Call): Promise<Answer> =>
    ok(await hashContents(call.cloud.directory, await fileOf(call))),
  digest: async (call: Call): Promise<Answer> =>
    ok(await digestContents(call.cloud.directory, await fileOf(call))),
  read: async (call: Call): Promise<Answer> => {
    const range = { offset: numberOf(call, "offset", 0), length: numberOf(call, "length") };
    if (range.length > READ_BYTES_MAX) throw new ApiError(413, "at most 64 MiB at once");
    const bytes = await readContents(call.cloud.directory, await fileOf(call), range);
    return { status: 200, body: bytes };
  },
});

/** Writes into a volume that nobody has attached. */
async function writeVolume(call: Call): Promise<Answer> {
  const file = await volumeFileAt(call);
  const volume = call.cloud.state.volumes.get(param(call, "id"));
  if (volume.status !== "available") throw new ApiError(409, `volume ${volume.id} is ${volume.status}`);
  const bytes = await bodyBytes(call);
  const folder = join(call.cloud.directory, "tmp");
  mkdirSync(folder, { recursive: true });
  const piece = join(folder, newId());
  try {
    await writeFile(piece, bytes);
    const command = `write -s ${piece} ${numberOf(call, "offset", 0)} ${bytes.length}`;
    await runCommand("qemu-io", ["-f", file.format, "-c", command, file.path]);
  } finally {
    rmSync(piece, { force: true });
  }
  return ok({ written: bytes.length });
}

const disks = "/instances/:id/disks/:device";
const ofDisk = reading(diskFile);
const ofVolume = reading(volumeFileAt);

/** Reading and writing the disks of instances and volumes. */
export const diskHooks: readonly Route[] = [
  route(`POST ${disks}/write`, "", "open", write),
  route(`POST ${disks}/zero`, "", "open", zero("write -z")),
  route(`POST ${disks}/discard`, "", "open", zero("discard")),
  route(`GET ${disks}/export`, "", "open", ofDisk.export),
  route(`GET ${disks}/sha256`, "", "open", ofDisk.sha256),
  route(`GET ${disks}/digest`, "", "open", ofDisk.digest),
  route(`GET ${disks}/read`, "", "open", ofDisk.read),
  route("GET /volumes/:id/export", "", "open", ofVolume.export),
  route("GET /volumes/:id/sha256", "", "open", ofVolume.sha256),
  route("GET /volumes/:id/digest", "", "open", ofVolume.digest),
  route("GET /volumes/:id/read", "", "open", ofVolume.read),
  route("POST /volumes/:id/write", "", "open", writeVolume),
];
