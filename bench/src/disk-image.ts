import { randomBytes, randomInt } from "node:crypto";
import { copyFile, link, lstat, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { GiB, hasCode, KiB, MiB } from "@cairn/kernel";
import { type Meter, measure } from "./measure.ts";

/** Where real files are taken from, in this order, each at most once. */
const SOURCES = ["/usr", "/opt", "/var/lib", "/srv", "/boot"];
const BLOCK_BYTES = 4096;
const GRAIN_BYTES = 64 * KiB;
/** So many random writes for a disk of 10 GiB; for smaller ones in proportion. */
const WRITES_FOR_10_GIB = 1200;

export interface DiskImage {
  readonly path: string;
  readonly sizeBytes: number;
  /** What the files occupy in blocks of 4 KiB. */
  readonly fileBytes: number;
  readonly files: number;
}

/**
 * Makes an ext4 image of real files of this machine: about `wantedBytes` of them, or as many as there are.
 */
export async function makeImage(meter: Meter, folder: string, wantedBytes: number): Promise<DiskImage> {
  const tree = join(folder, "tree");
  const taken = await takeFiles(tree, folder, wantedBytes, meter.signal);
  const path = join(folder, "disk.img");
  const sizeBytes = Math.ceil((taken.bytes * 1.4 + 128 * MiB) / MiB) * MiB;
  const inodes = String(Math.ceil(taken.files * 1.5) + 2000);
  const parameters = ["-q", "-F", "-t", "ext4", "-N", inodes, "-d", tree, path, `${sizeBytes / KiB}k`];
  await measure(meter, { program: "mke2fs", parameters });
  await rm(tree, { recursive: true, force: true });
  return { path, sizeBytes, fileBytes: taken.bytes, files: taken.files };
}

interface Taken {
  bytes: number;
  files: number;
}

/** Links files into a tree (copies them where a link is not possible), never the same file twice. */
async function takeFiles(
  tree: string,
  folder: string,
  wantedBytes: number,
  signal: AbortSignal,
): Promise<Taken> {
  const taken: Taken = { bytes: 0, files: 0 };
  const seen = new Set<string>();
  for (const source of SOURCES) {
    for await (const path of filesUnder(source, folder)) {
      signal.throwIfAborted();
      if (taken.bytes >= wantedBytes) return taken;
      const facts = await lstat(path);
      const key = `${facts.dev}:${facts.ino}`;
      if (seen.has(key) || facts.size === 0) continue;
      seen.add(key);
      if (!(await take(path, join(tree, relative("/", path))))) continue;
      taken.bytes += Math.ceil(facts.size / BLOCK_BYTES) * BLOCK_BYTES;
      taken.files += 1;
    }
  }
  return taken;
}

/** Regular files in the order of the directories. What may not be read, or has just gone, is passed over. */
async function* filesUnder(folder: string, except: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield path;
    else if (entry.isDirectory() && path !== except) yield* filesUnder(path, except);
  }
}

async function take(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
    return true;
  } catch {
    // Another file system, or a file of another user where the kernel protects links.
    return copyIfReadable(from, to);
  }
}

async function copyIfReadable(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to);
    return true;
  } catch (cause) {
    if (["EACCES", "EPERM", "ENOENT"].some((code) => hasCode(cause, code))) return false;
    throw cause;
  }
}

/** Random 64 KiB of random bytes at random grains, none twice. */
export function planWrites(
  sizeBytes: number,
): readonly { readonly offset: number; readonly bytes: Buffer }[] {
  const grains = Math.floor(sizeBytes / GRAIN_BYTES);
  const count = Math.max(10, Math.round((WRITES_FOR_10_GIB * sizeBytes) / (10 * GiB)));
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(randomInt(grains));
  return [...chosen].map((grain) => ({ offset: grain * GRAIN_BYTES, bytes: randomBytes(GRAIN_BYTES) }));
}

/** Reads a file once, so that whoever reads it next finds it in memory. */
export async function warm(path: string): Promise<void> {
  await using file = await open(path, "r");
  const buffer = Buffer.allocUnsafe(4 * MiB);
  for (let bytesRead = 1; bytesRead > 0; ) ({ bytesRead } = await file.read(buffer, 0, buffer.length));
}

/** The first byte at which two files differ, or `undefined`. */
export async function firstDifference(one: string, other: string): Promise<number | undefined> {
  await using left = await open(one, "r");
  await using right = await open(other, "r");
  const buffers = [Buffer.allocUnsafe(4 * MiB), Buffer.allocUnsafe(4 * MiB)] as const;
  const size = (await left.stat()).size;
  if ((await right.stat()).size !== size) return Math.min(size, (await right.stat()).size);
  for (let offset = 0; offset < size; offset += buffers[0].length) {
    const length = Math.min(buffers[0].length, size - offset);
    await left.read(buffers[0], 0, length, offset);
    await right.read(buffers[1], 0, length, offset);
    if (!buffers[0].subarray(0, length).equals(buffers[1].subarray(0, length))) return offset;
  }
  return undefined;
}

/** The bytes of all files under a folder. */
export async function folderBytes(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) sum += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return sum;
}
