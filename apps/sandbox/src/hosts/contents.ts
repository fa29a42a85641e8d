import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Fault, MiB, newId } from "@cairn/kernel";
import type { QmpClient } from "@cairn/qmp";
import { convertImage, type ImageFile, type MappedExtent, mapRaw, runCommand } from "./qemu-img.ts";

const PIECE_BYTES = 8 * MiB;
const DIGEST_BLOCK_BYTES = 65_536;
const ZEROES = Buffer.alloc(DIGEST_BLOCK_BYTES);

/** A raw copy of a disk's present content, removed on disposal. */
interface RawCopy extends Disposable {
  readonly path: string;
  readonly sizeBytes: number;
}

async function copyRaw(directory: string, file: ImageFile): Promise<RawCopy> {
  const folder = join(directory, "tmp");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${newId()}.raw`);
  const remove = (): void => {
    rmSync(path, { force: true });
  };
  try {
    await convertImage(file, { path, format: "raw" });
  } catch (cause) {
    remove();
    throw cause;
  }
  return { path, sizeBytes: statSync(path).size, [Symbol.dispose]: remove };
}

/** The whole content as a stream of raw bytes. */
export async function exportContents(
  directory: string,
  file: ImageFile,
): Promise<{ readonly sizeBytes: number; readonly stream: Readable }> {
  using copy = await copyRaw(directory, file);
  // The open descriptor keeps the content after the name has gone.
  const handle = await open(copy.path, "r");
  return { sizeBytes: copy.sizeBytes, stream: handle.createReadStream() };
}

/** SHA-256 of the whole content. */
export async function hashContents(directory: string, file: ImageFile): Promise<object> {
  using copy = await copyRaw(directory, file);
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(copy.path, { highWaterMark: 4 * MiB }))
    hash.update(bytes as Buffer);
  return { size_bytes: copy.sizeBytes, sha256: hash.digest("hex") };
}

/**
 * SHA-256 over the blocks of 64 KiB that are not all zero, each after its offset (8 bytes, big-endian),
 * and the size at the end: equal exactly when the contents are equal, and quick on a sparse terabyte.
 */
export async function digestContents(directory: string, file: ImageFile): Promise<object> {
  using copy = await copyRaw(directory, file);
  const hash = createHash("sha256");
  let dataBytes = 0;
  for (const block of dataBlocks(copy.path, await mapRaw(copy.path), copy.sizeBytes)) {
    hash.update(bigEndian(block.offset)).update(block.bytes);
    dataBytes += block.bytes.length;
  }
  hash.update(bigEndian(copy.sizeBytes));
  return { size_bytes: copy.sizeBytes, digest: hash.digest("hex"), data_bytes: dataBytes };
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** The numbers of the blocks that hold data, ascending, each once. */
function* dataBlockNumbers(extents: readonly MappedExtent[]): Generator<number> {
  let next = 0;
  for (const extent of extents.filter((each) => each.data)) {
    const end = Math.ceil((extent.offset + extent.length) / DIGEST_BLOCK_BYTES);
    next = Math.max(next, Math.floor(extent.offset / DIGEST_BLOCK_BYTES));
    for (; next < end; next += 1) yield next;
  }
}

function* dataBlocks(
  path: string,
  extents: readonly MappedExtent[],
  sizeBytes: number,
): Generator<{ readonly offset: number; readonly bytes: Buffer }> {
  const descriptor = openSync(path, "r");
  try {
    for (const block of dataBlockNumbers(extents)) {
      const offset = block * DIGEST_BLOCK_BYTES;
      const bytes = Buffer.alloc(Math.min(DIGEST_BLOCK_BYTES, sizeBytes - offset));
      readSync(descriptor, bytes, 0, bytes.length, offset);
      if (!bytes.equals(ZEROES.subarray(0, bytes.length))) yield { offset, bytes };
    }
  } finally {
    closeSync(descriptor);
  }
}

/** A part of the content, cut off at the disk's end. */
export async function readContents(
  directory: string,
  file: ImageFile,
  range: { readonly offset: number; readonly length: number },
): Promise<Buffer> {
  const blockBytes = 4096;
  const skip = Math.floor(range.offset / blockBytes);
  const count = Math.ceil((range.offset + range.length) / blockBytes) - skip;
  const folder = join(directory, "tmp");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${newId()}.part`);
  try {
    const place = [`bs=${blockBytes}`, `skip=${skip}`, `count=${skip + count}`];
    await runCommand("qemu-img", [
      "dd",
      "-U",
      "-f",
      file.format,
      "-O",
      "raw",
      ...place,
      `if=${file.path}`,
      `of=${path}`,
    ]);
    const handle = await open(path, "r");
    try {
      const bytes = Buffer.alloc(range.length);
      const { bytesRead } = await handle.read(bytes, 0, range.length, range.offset - skip * blockBytes);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } finally {
    rmSync(path, { force: true });
  }
}

/** A device of a running QEMU, reached as its guest would reach it. */
export interface GuestDevice {
  readonly client: QmpClient;
  readonly folder: string;
  readonly qdevId: string;
}

/** One `qemu-io` command on the device; what it says goes to QEMU's standard output, our `qemu.log`. */
async function guestCommand(device: GuestDevice, command: string): Promise<void> {
  const log = join(device.folder, "qemu.log");
  const beforeBytes = statSync(log).size;
  await device.client.executeHmp(`qemu-io -d ${device.qdevId} "${command}"`);
  const said = await tailOf(log, beforeBytes);
  if (command !== "flush" && !/^(wrote|discard) (\d+)\/\2 bytes/m.test(said))
    throw new Fault("guest-write", `${command}: ${said.trim()}`, "never");
}

async function tailOf(path: string, fromBytes: number): Promise<string> {
  const handle = await open(path, "r");
  try {
    const bytes = Buffer.alloc(4096);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, fromBytes);
    return bytes.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Writes bytes through the device, so that bitmaps and jobs see a guest's write. */
export async function guestWrite(device: GuestDevice, offset: number, bytes: Buffer): Promise<void> {
  const piece = join(device.folder, "piece.bin");
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const part = bytes.subarray(at, at + PIECE_BYTES);
      writeFileSync(piece, part);
      // QEMU's working folder is the instance's, so the name needs no quoting.
      await guestCommand(device, `write -s piece.bin ${offset + at} ${part.length}`);
    }
    await guestFlush(device);
  } finally {
    rmSync(piece, { force: true });
  }
}

export async function guestZero(
  device: GuestDevice,
  command: "write -z" | "discard",
  range: { readonly offset: number; readonly length: number },
): Promise<void> {
  // qemu-io takes at most 2 GiB at once.
  const stepBytes = 1024 * MiB;
  for (let at = 0; at < range.length; at += stepBytes) {
    await guestCommand(device, `${command} ${range.offset + at} ${Math.min(stepBytes, range.length - at)}`);
  }
}

/** Brings QEMU's cached metadata to the file, so that another process reads the present content from it. */
export async function guestFlush(device: GuestDevice): Promise<void> {
  await guestCommand(device, "flush");
}
