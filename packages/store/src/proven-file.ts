import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { allocatePages, Fault, hasCode, MiB } from "@cairn/kernel";

/** Direct writes and reads begin, end and lie in memory at multiples of a page (open(2), O_DIRECT). */
const BLOCK_BYTES = 4096;
const ROOM_BYTES = 4 * MiB;
/** A writer has a pack of chunks and one of pages under way. */
const ROOMS_SPARE = 2;
/** Below this the page cache costs less than the detour. */
const DIRECT_BYTES_MIN = MiB;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const MODE = 0o600;

/** Parts as the one sequence of bytes that they are. */
class Sequence {
  readonly length: number;
  readonly #parts: readonly Uint8Array[];

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
    this.length = parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** Copies from `offset` on into `room`, and says how much. */
  copy(offset: number, room: Buffer): number {
    let done = 0;
    for (const piece of this.#pieces(offset, room.length)) {
      room.set(piece, done);
      done += piece.length;
    }
    return done;
  }

  /** Whether these bytes stand at `offset`. */
  has(offset: number, bytes: Buffer): boolean {
    let done = 0;
    for (const piece of this.#pieces(offset, bytes.length)) {
      if (bytes.compare(piece, 0, piece.length, done, done + piece.length) !== 0) return false;
      done += piece.length;
    }
    return done === bytes.length;
  }

  *#pieces(offset: number, length: number): Generator<Uint8Array> {
    let begin = 0;
    for (const part of this.#parts) {
      const from = Math.max(offset - begin, 0);
      const to = Math.min(offset + length - begin, part.length);
      if (from < to) yield part.subarray(from, to);
      begin += part.length;
    }
  }
}

/**
 * Writes new files durably and proves what it wrote.
 *
 * Large files go past the page cache (`O_DIRECT`) where the file system can: a backup is not read again
 * soon, the memory belongs to the guests of the host, copying into fresh cache pages costs more CPU time
 * than hashing and encrypting together, and what is read back then comes from the target and not from our
 * own memory.
 */
export class ProvenFiles {
  readonly #rooms: Buffer[] = [];
  /** Until a file system or a memory that cannot has been met. */
  #direct = true;

  /**
   * Writes a file that must not exist, syncs it, and reads it back. Faults: `store-io`; system errors pass.
   */
  async write(path: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    const sequence = new Sequence(parts);
    if (this.#direct && sequence.length >= DIRECT_BYTES_MIN) {
      if (await this.#writeDirect(path, sequence, signal)) return;
    }
    const roomBytes = Math.min(Math.ceil(sequence.length / BLOCK_BYTES) * BLOCK_BYTES, ROOM_BYTES);
    const way: Way = { path, flags: 0, room: Buffer.allocUnsafe(roomBytes), signal };
    await writeAll(way, sequence);
    await readBack(way, sequence);
  }

  /** Whether it could be done this way. */
  async #writeDirect(path: string, sequence: Sequence, signal?: AbortSignal): Promise<boolean> {
    const room = this.#rooms.pop() ?? this.#makeRoom();
    if (room === undefined) return false;
    const way: Way = { path, flags: constants.O_DIRECT, room, signal };
    try {
      await writeAll(way, sequence);
      await readBack(way, sequence);
      return true;
    } catch (cause) {
      // What the file system says when it does not know O_DIRECT, or wants another alignment.
      if (!hasCode(cause, "EINVAL")) throw cause;
      this.#direct = false;
      await rm(path, { force: true });
      return false;
    } finally {
      if (this.#rooms.length < ROOMS_SPARE) this.#rooms.push(room);
    }
  }

  #makeRoom(): Buffer | undefined {
    const room = allocatePages(ROOM_BYTES);
    if (room === undefined) this.#direct = false;
    return room;
  }
}

interface Way {
  readonly path: string;
  readonly flags: number;
  readonly room: Buffer;
  readonly signal: AbortSignal | undefined;
}

async function writeAll({ path, flags, room, signal }: Way, sequence: Sequence): Promise<void> {
  await using file = await open(path, NEW_FILE | flags, MODE);
  for (let offset = 0; offset < sequence.length; offset += room.length) {
    signal?.throwIfAborted();
    const bytes = sequence.copy(offset, room);
    const whole = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
    room.fill(0, bytes, whole);
    await writeRoom(file, room.subarray(0, whole), offset);
  }
  // The last block was filled up.
  await file.truncate(sequence.length);
  await file.sync();
}

async function writeRoom(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    if (bytesWritten === 0)
      throw new Fault("store-io", `the file takes no more at ${offset + done}`, "later");
    done += bytesWritten;
  }
}

async function readBack({ path, flags, room, signal }: Way, sequence: Sequence): Promise<void> {
  const differs = (offset: number): Fault =>
    new Fault("store-io", `what was just written reads back differently near byte ${offset}`, "later");
  await using file = await open(path, constants.O_RDONLY | flags);
  if ((await file.stat()).size !== sequence.length) throw differs(0);
  for (let offset = 0; offset < sequence.length; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(room, 0, room.length, offset);
    if (bytesRead === 0 || !sequence.has(offset, room.subarray(0, bytesRead))) throw differs(offset);
    offset += bytesRead;
  }
}
