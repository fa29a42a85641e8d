import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Fault, hasCode } from "@cairn/kernel";
import type { BlockDestination } from "./device.ts";
import { unwritten } from "./fetch-chunks.ts";

export interface FileDestinationOptions {
  readonly path: string;
  readonly sizeBytes: number;
  /**
   * - `new`: made here; it must not exist yet. Zeroes are holes.
   * - `existing`: a file or block device that is as large already; zeroes are written.
   */
  readonly kind: "new" | "existing";
  /** Whether `flush` makes the file durable. Else that is left to the system, as `cp` does. */
  readonly durable: boolean;
}

/** A raw image on a file system, or a block device. Worker threads write to it directly. */
export interface FileDestination extends BlockDestination, AsyncDisposable {
  /** Closes the file; call it after `writeDisk` has ended. May be called twice. */
  close(): Promise<void>;
}

/** As much is written before the kernel is told to begin with the medium, so that the last flush is short. */
const WRITE_BACK_BYTES = 64 * 1024 * 1024;
const ZEROES = Buffer.alloc(1024 * 1024);

/**
 * Opens a raw file to write a disk to. Faults: `destination-exists`, `destination-too-small` (existing ones),
 * `destination-full`, `destination-failed`.
 */
export async function fileDestination(options: FileDestinationOptions): Promise<FileDestination> {
  const file = await opened(options);
  try {
    if (options.kind === "new") await file.truncate(options.sizeBytes);
    return new RawFile({ ...options, file, direct: await openedDirectly(options.path) });
  } catch (cause) {
    await file.close();
    throw explained(cause);
  }
}

async function opened({ path, kind }: FileDestinationOptions): Promise<FileHandle> {
  const make = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  try {
    return await open(path, kind === "new" ? make : constants.O_RDWR, 0o600);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") {
      throw new Fault("destination-exists", `making ${path}: it exists already`, "after-operator", cause);
    }
    throw explained(cause);
  }
}

/** The same file past the page cache, where the file system can. */
async function openedDirectly(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_WRONLY | constants.O_DIRECT);
  } catch (cause) {
    if (hasCode(cause, "EINVAL")) return undefined;
    throw cause;
  }
}

function explained(cause: unknown): unknown {
  if (!(cause instanceof Error) || !("syscall" in cause)) return cause;
  return unwritten("code" in cause ? String(cause.code) : "", cause.message);
}

interface OpenFile extends FileDestinationOptions {
  readonly file: FileHandle;
  /** Opened with `O_DIRECT`. */
  readonly direct: FileHandle | undefined;
}

class RawFile implements FileDestination {
  readonly sizeBytes: number;
  readonly file: NonNullable<BlockDestination["file"]>;
  readonly #file: FileHandle;
  readonly #options: OpenFile;
  #unsyncedBytes = 0;
  #writeBack: Promise<unknown> | undefined;
  #closed = false;

  constructor(options: OpenFile) {
    const { file, direct, sizeBytes, kind } = options;
    this.#file = file;
    this.#options = options;
    this.sizeBytes = sizeBytes;
    this.file = {
      fd: file.fd,
      ...(direct === undefined ? {} : { directFd: direct.fd }),
      sparse: kind === "new",
      // What went past the page cache needs no writing back.
      wrote: (bytes) => {
        if (direct === undefined) this.#wrote(bytes);
      },
    };
  }

  async read(offset: number, length: number, signal: AbortSignal): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      signal.throwIfAborted();
      const { bytesRead } = await this.#file.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) {
        const message = `${this.#options.path} ends at ${offset + done}, not at ${this.sizeBytes}`;
        throw new Fault("destination-too-small", message, "after-operator");
      }
      done += bytesRead;
    }
    return bytes;
  }

  async write(offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        signal.throwIfAborted();
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    } catch (cause) {
      throw explained(cause);
    }
    this.#wrote(bytes.length);
  }

  async zero(offset: number, length: number, signal: AbortSignal): Promise<void> {
    // Nothing is written twice into a new file, so what was not written is a hole.
    if (this.#options.kind === "new") return;
    for (let done = 0; done < length; done += ZEROES.length) {
      await this.write(offset + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)), signal);
    }
  }

  async flush(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#options.durable) return;
    try {
      await this.#writeBack;
      await this.#file.sync();
    } catch (cause) {
      throw explained(cause);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writeBack?.catch(() => undefined);
    await this.#options.direct?.close();
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Node has no `sync_file_range`: a sync beside the writers has the kernel begin, one at a time. */
  #wrote(bytes: number): void {
    this.#unsyncedBytes += bytes;
    const due = this.#options.durable && this.#unsyncedBytes >= WRITE_BACK_BYTES;
    if (!due || this.#writeBack !== undefined || this.#closed) return;
    this.#unsyncedBytes = 0;
    const begun = this.#file.datasync();
    this.#writeBack = begun;
    // A failure is kept for `flush`: the kernel tells of a lost write only once.
    begun.then(
      () => {
        this.#writeBack = undefined;
      },
      () => undefined,
    );
  }
}
