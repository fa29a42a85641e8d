import { execFile } from "node:child_process";
import { copyFile, mkdir, opendir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { assert, KiB, MiB } from "@cairn/kernel";

const run = promisify(execFile);

/** Folders of any Debian or Ubuntu machine that hold plenty of ordinary files. */
const SOURCES = ["/usr/bin", "/usr/lib", "/usr/share"] as const;
/** Small files cost time to copy and add little; their share of the bytes is small on any machine. */
const FILE_BYTES_MIN = 24 * KiB;
const FILE_BYTES_MAX = 8 * MiB;
const DEPTH_MAX = 6;

/** A file of this machine, and its size in bytes. */
export interface RealFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Real files of this machine, up to `bytes` in all, in the order of the folders. Links, devices and what
 * cannot be read are passed over.
 */
export async function collectRealFiles(bytes: number, signal: AbortSignal): Promise<RealFile[]> {
  const files: RealFile[] = [];
  let left = bytes;
  for (const source of SOURCES) {
    for await (const file of walk(source, 0)) {
      signal.throwIfAborted();
      if (file.bytes > left) continue;
      files.push(file);
      left -= file.bytes;
      if (left < MiB) return files;
    }
  }
  return files;
}

async function* walk(folder: string, depth: number): AsyncGenerator<RealFile> {
  if (depth > DEPTH_MAX) return;
  // What may not be read, or has just gone, is passed over: there are files enough.
  const entries = await opendir(folder).catch(() => undefined);
  if (entries === undefined) return;
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, depth + 1);
    if (!entry.isFile()) continue;
    const facts = await stat(path).catch(() => undefined);
    if (facts !== undefined && facts.size >= FILE_BYTES_MIN && facts.size <= FILE_BYTES_MAX)
      yield { path, bytes: facts.size };
  }
}

/**
 * Makes an ext4 file system of `sizeBytes` in a raw image file and fills it with copies of the files
 * (`mke2fs -d`, which needs neither root nor a mount).
 */
export async function makeFileSystem(
  image: string,
  sizeBytes: number,
  files: readonly RealFile[],
  signal: AbortSignal,
): Promise<void> {
  assert(sizeBytes % MiB === 0, "a file system's size is whole MiB");
  const tree = `${image}.tree`;
  try {
    for (const [index, file] of files.entries()) {
      const folder = join(tree, `files-${String(Math.floor(index / 500))}`);
      if (index % 500 === 0) await mkdir(folder, { recursive: true });
      await copyFile(file.path, join(folder, `${String(index)}-${file.path.split("/").at(-1) ?? "file"}`));
    }
    await mkdir(tree, { recursive: true });
    await run("mke2fs", ["-q", "-F", "-t", "ext4", "-d", tree, image, `${String(sizeBytes / MiB)}M`], {
      signal,
    });
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
