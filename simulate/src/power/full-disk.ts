import { execFile } from "node:child_process";
import files, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { promisify } from "node:util";

/** A folder that takes so many bytes and no more. */
export interface SmallFolder extends AsyncDisposable {
  /** Whether it is a file system of its own; else this process refuses for it. */
  readonly kind: "file-system" | "imitation";
  /** Gives it room without an end. */
  grow(): Promise<void>;
}

const run = promisify(execFile);

/**
 * A tmpfs of this size where this process may mount one, else an imitation in front of `node:fs/promises`.
 */
export async function smallFolder(path: string, bytes: number): Promise<SmallFolder> {
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${Math.ceil(bytes / 4096) * 4096}`, "cairn-small", path]);
  } catch {
    // No right to mount, as in most containers.
    return imitation(path, bytes);
  }
  return {
    kind: "file-system",
    grow: async () => {
      await run("mount", ["-o", "remount,size=64m", path]);
    },
    [Symbol.asyncDispose]: async () => {
      await run("umount", ["-l", path]);
    },
  };
}

/** Writes below the folder fail with ENOSPC when its bytes are used up; removing gives nothing back. */
export function imitation(path: string, bytes: number): SmallFolder {
  const { open } = files;
  let left = bytes;
  const limited = async (...args: Parameters<typeof open>): Promise<FileHandle> => {
    const handle = await open(...args);
    if (!String(args[0]).startsWith(path)) return handle;
    const write = handle.write.bind(handle) as (
      ...all: readonly unknown[]
    ) => Promise<{ bytesWritten: number }>;
    const refusing = async (
      buffer: Buffer,
      start = 0,
      length = buffer.length - start,
      at: number | null = null,
    ) => {
      const room = Math.min(length, left);
      if (room <= 0 && length > 0) throw noSpace();
      left -= room;
      return write(buffer, start, room, at);
    };
    return Object.assign(handle, { write: refusing });
  };
  Object.assign(files, { open: limited });
  syncBuiltinESMExports();
  return {
    kind: "imitation",
    grow: async () => {
      left = Number.POSITIVE_INFINITY;
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => {
      Object.assign(files, { open });
      syncBuiltinESMExports();
      return Promise.resolve();
    },
  };
}

function noSpace(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
    syscall: "write",
  });
}
