import { execFile } from "node:child_process";
import { type FileHandle, open, rm } from "node:fs/promises";
import { promisify } from "node:util";
import type { BlockDestination } from "@cairn/transfer";
import { BLOCK_BYTES, SLOT_BLOCKS, writeThatLeft } from "./guest-writes.ts";
import type { FoundDisk } from "./model.ts";

const run = promisify(execFile);

/** A raw sparse file that remembers where something other than zeroes was written. */
export class SparseFile implements BlockDestination, AsyncDisposable {
  readonly sizeBytes: number;
  readonly path: string;
  /** Numbers of the blocks that hold something. */
  readonly filled = new Set<number>();
  readonly #file: FileHandle;

  private constructor(path: string, sizeBytes: number, file: FileHandle) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#file = file;
  }

  static async make(path: string, sizeBytes: number): Promise<SparseFile> {
    const file = await open(path, "wx+", 0o600);
    await file.truncate(sizeBytes);
    return new SparseFile(path, sizeBytes, file);
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    await this.#file.read(bytes, 0, length, offset);
    return bytes;
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    const zero = Buffer.alloc(BLOCK_BYTES);
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = bytes.subarray(at, at + BLOCK_BYTES);
      if (block.equals(zero.subarray(0, block.length))) continue;
      this.filled.add((offset + at) / BLOCK_BYTES);
      await this.#file.write(block, 0, block.length, offset + at);
    }
  }

  /** Everything that is not written is a hole. */
  async zero(): Promise<void> {
    return Promise.resolve();
  }

  async flush(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/** What a whole disk of numbered writes holds; `strideBlocks` lie between the beginnings of two slots. */
export async function findWrites(
  disk: SparseFile,
  { seed, key, strideBlocks }: { seed: number; key: string; strideBlocks: number },
): Promise<FoundDisk> {
  const slots = Math.ceil(disk.sizeBytes / BLOCK_BYTES / strideBlocks);
  const blocks = new Int32Array(slots * SLOT_BLOCKS);
  const strays: number[] = [];
  for (const place of disk.filled) {
    const [slot, within] = [Math.floor(place / strideBlocks), place % strideBlocks];
    if (within >= SLOT_BLOCKS) {
      strays.push(place * BLOCK_BYTES);
      continue;
    }
    const block = slot * SLOT_BLOCKS + within;
    blocks[block] = writeThatLeft(seed, key, block, await disk.read(place * BLOCK_BYTES, BLOCK_BYTES));
  }
  return { key, blocks, strays };
}

/** The same of a file that holds nothing but slots. */
export function findWritesInFile(bytes: Buffer, { seed, key }: { seed: number; key: string }): FoundDisk {
  const blocks = Int32Array.from({ length: bytes.length / BLOCK_BYTES }, (_, block) =>
    writeThatLeft(seed, key, block, bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)),
  );
  return { key, blocks, strays: [] };
}

/** The guest's root file system, cut out of an image of its disk, as e2fsprogs see it: no code of ours. */
export class RootFileSystem implements AsyncDisposable {
  readonly #image: string;

  private constructor(image: string) {
    this.#image = image;
  }

  /**
   * e2fsck takes an offset as well (`?offset=`), but forgets it when it opens a file system again whose
   * journal it has replayed.
   */
  static async cutFrom(disk: string): Promise<RootFileSystem> {
    const image = `${disk}.root`;
    // build.sh begins the only partition at 1 MiB.
    await run("dd", [`if=${disk}`, `of=${image}`, "bs=1M", "skip=1", "conv=sparse", "status=none"]);
    return new RootFileSystem(image);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#image);
  }

  /** What e2fsck finds wrong; undefined when the file system is clean without any repair. */
  async complaint(): Promise<string | undefined> {
    try {
      await run("e2fsck", ["-f", "-n", this.#image]);
      return undefined;
    } catch (cause) {
      return cause instanceof Error && "stdout" in cause ? String(cause.stdout) : String(cause);
    }
  }

  /** Does what a kernel does that mounts it after a crash. */
  async replayJournal(): Promise<void> {
    // 1 is "errors corrected"; anything else comes up when files are read.
    await run("e2fsck", ["-y", "-E", "journal_only", this.#image]).catch((cause: unknown) => {
      if (!(cause instanceof Error && "code" in cause && cause.code === 1)) throw cause;
    });
  }

  /** A file's content; undefined when there is no such file. */
  async file(path: string): Promise<Buffer | undefined> {
    const options = { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 } as const;
    const { stdout, stderr } = await run("debugfs", ["-R", `cat ${path}`, this.#image], options);
    return stderr.includes("File not found") ? undefined : stdout;
  }
}
