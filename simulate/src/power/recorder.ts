import files, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { asError, assert } from "@cairn/kernel";
import type { DiskOperation } from "./disk-model.ts";

type Open = (path: string, flags?: string | number, mode?: number) => Promise<FileHandle>;

/**
 * Writes down what this process does to the file system below a folder, while it is in use. The imports of
 * `node:fs/promises` in all modules change with it, so the code under test is the product's own.
 */
export class Recorder implements Disposable {
  readonly operations: DiskOperation[] = [];
  readonly #root: string;
  readonly #inodes = new Map<string, number>();
  readonly #real = { ...files };
  readonly #open = new Set<FileHandle>();
  #inodeCount = 0;
  /** How many operations are still done; then the process is as good as dead: nothing of it returns. */
  #left = Number.POSITIVE_INFINITY;

  constructor(root: string) {
    this.#root = root;
    const { mkdir, link, rm, rename } = this.#real;
    Object.assign(files, {
      open: this.#openWatched,
      mkdir: async (path: string, options?: object) => {
        await this.#turn();
        await mkdir(path, options);
        this.#note(path, { kind: "mkdir", path });
      },
      link: async (from: string, to: string) => {
        await this.#turn();
        await link(from, to);
        const inode = this.#inodeOf(from);
        this.#inodes.set(to, inode);
        this.#note(to, { kind: "link", path: to, inode });
      },
      rm: async (path: string, options?: object) => {
        await this.#turn();
        const there = this.#inodes.delete(path);
        await rm(path, options);
        if (there) this.#note(path, { kind: "unlink", path });
      },
      rename: async (from: string, to: string) => {
        assert(!from.startsWith(root), "the model knows no renaming");
        await rename(from, to);
      },
    });
    syncBuiltinESMExports();
  }

  [Symbol.dispose](): void {
    Object.assign(files, this.#real);
    syncBuiltinESMExports();
  }

  /** After so many more operations the process dies (the machine does not): no call returns any more. */
  dieAfter(operations: number): void {
    this.#left = operations;
  }

  /** Another process goes on; the kernel has closed what the dead one had open. */
  async revive(): Promise<void> {
    this.#left = Number.POSITIVE_INFINITY;
    await Promise.all([...this.#open].map(async (handle) => handle.close()));
    this.#open.clear();
  }

  async #turn(): Promise<void> {
    this.#left -= 1;
    if (this.#left < 0) await new Promise(() => undefined);
  }

  #note(path: string, operation: DiskOperation): void {
    if (path.startsWith(this.#root)) this.operations.push(operation);
  }

  #inodeOf(path: string): number {
    const inode = this.#inodes.get(path);
    assert(inode !== undefined, `${path} was made before the recording`);
    return inode;
  }

  readonly #openWatched: Open = async (path, flags, mode) => {
    const { O_CREAT, O_DIRECTORY } = files.constants;
    const writes = typeof flags === "number" && (flags & O_CREAT) !== 0;
    const isFolder = typeof flags === "number" && (flags & O_DIRECTORY) !== 0;
    if (!path.startsWith(this.#root)) return this.#real.open(path, flags, mode);
    if (writes) await this.#turn();
    const handle = await this.#real.open(path, flags, mode);
    if (writes) {
      this.#inodeCount += 1;
      this.#inodes.set(path, this.#inodeCount);
      this.#note(path, { kind: "create", path, inode: this.#inodeCount });
    }
    return this.#watched(handle, path, isFolder);
  };

  /** A handle whose changes are written down. */
  #watched(handle: FileHandle, path: string, isFolder: boolean): FileHandle {
    const inode = isFolder ? 0 : (this.#inodes.get(path) ?? 0);
    const turn = async (): Promise<void> => this.#turn();
    const note = (operation: DiskOperation): void => this.#note(path, operation);
    this.#open.add(handle);
    const close = async (): Promise<void> => {
      if (this.#open.delete(handle)) await handle.close();
    };
    const watched = {
      write: async (
        bytes: Buffer,
        start = 0,
        length = bytes.length - start,
        position: number | null = null,
      ) => {
        await turn();
        const result = await handle.write(bytes, start, length, position);
        const written = Buffer.from(bytes.subarray(start, start + result.bytesWritten));
        note({ kind: "write", inode, offset: position ?? 0, bytes: written });
        return result;
      },
      truncate: async (size = 0) => {
        await turn();
        await handle.truncate(size);
        note({ kind: "truncate", inode, size });
      },
      sync: async () => {
        await turn();
        await handle.sync();
        note(isFolder ? { kind: "sync-folder", path } : { kind: "sync", inode });
      },
      stat: async () => handle.stat(),
      read: async (bytes: Buffer, start: number, length: number, position: number) =>
        handle.read(bytes, start, length, position),
      readFile: async () => handle.readFile(),
      datasync: async () => refuse("datasync"),
      writeFile: async () => refuse("writeFile"),
      close,
      [Symbol.asyncDispose]: close,
    };
    return watched as unknown as FileHandle;
  }
}

function refuse(what: string): never {
  throw asError(`bug: the model of power failures does not know ${what}`);
}
