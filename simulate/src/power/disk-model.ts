import { dirname } from "node:path";
import { assert } from "@cairn/kernel";
import type { Chance } from "../chance.ts";

/** One thing that a program asked of the file system and that was done. */
export type DiskOperation =
  | { readonly kind: "mkdir"; readonly path: string }
  | { readonly kind: "create"; readonly path: string; readonly inode: number }
  | { readonly kind: "write"; readonly inode: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly inode: number; readonly size: number }
  | { readonly kind: "sync"; readonly inode: number }
  | { readonly kind: "link"; readonly path: string; readonly inode: number }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "sync-folder"; readonly path: string };

/** What the power's failure leaves of the things that were not synced. */
export type Loss = "everything-unsynced" | "nothing" | "anything";

/** A sector: what is written of a block that was under way is a number of whole ones. */
const SECTOR_BYTES = 512;

type Change = Extract<DiskOperation, { readonly kind: "write" | "truncate" }>;
type Entry = { readonly kind: "file"; readonly inode: number } | { readonly kind: "folder" };
type EntryChange = { readonly name: string; readonly entry: Entry | undefined };

interface File {
  synced: Buffer;
  unsynced: Change[];
}

interface Folder {
  readonly synced: Map<string, Entry>;
  unsynced: EntryChange[];
}

/**
 * What a file system owes after a power failure, and no more: a file's bytes that were synced, a folder's
 * entries that were synced into it. What was not may be there, in part, or in another order (POSIX fsync(2);
 * real file systems are kinder, and differ in how).
 */
export class DiskModel {
  readonly #root: string;
  readonly #files = new Map<number, File>();
  readonly #folders = new Map<string, Folder>();

  constructor(root: string) {
    this.#root = root;
    this.#folders.set(root, { synced: new Map(), unsynced: [] });
  }

  apply(operation: DiskOperation): void {
    switch (operation.kind) {
      case "mkdir":
        this.#folders.set(operation.path, { synced: new Map(), unsynced: [] });
        this.#changeEntry(operation.path, { kind: "folder" });
        break;
      case "create":
        this.#files.set(operation.inode, { synced: Buffer.alloc(0), unsynced: [] });
        this.#changeEntry(operation.path, { kind: "file", inode: operation.inode });
        break;
      case "write":
      case "truncate":
        this.#file(operation.inode).unsynced.push(operation);
        break;
      case "sync": {
        const file = this.#file(operation.inode);
        file.synced = file.unsynced.reduce(changed, file.synced);
        file.unsynced = [];
        break;
      }
      case "link":
        this.#changeEntry(operation.path, { kind: "file", inode: operation.inode });
        break;
      case "unlink":
        this.#changeEntry(operation.path, undefined);
        break;
      case "sync-folder": {
        const folder = this.#folder(operation.path);
        for (const { name, entry } of folder.unsynced) setEntry(folder.synced, name, entry);
        folder.unsynced = [];
        break;
      }
    }
  }

  /** The files that are there after the power failed and came back: path within the root, and bytes. */
  afterPowerLoss(loss: Loss, chance: Chance): ReadonlyMap<string, Buffer> {
    const files = new Map<string, Buffer>();
    const survives = (): boolean => loss === "nothing" || (loss === "anything" && chance.often(0.5));
    const visit = (path: string, within: string): void => {
      const folder = this.#folder(path);
      const entries = new Map(folder.synced);
      for (const { name, entry } of folder.unsynced) if (survives()) setEntry(entries, name, entry);
      for (const [name, entry] of entries) {
        if (entry.kind === "folder") visit(`${path}/${name}`, `${within}${name}/`);
        else files.set(within + name, contentAfter(this.#file(entry.inode), survives, chance));
      }
    };
    visit(this.#root, "");
    return files;
  }

  #changeEntry(path: string, entry: Entry | undefined): void {
    this.#folder(dirname(path)).unsynced.push({ name: path.slice(dirname(path).length + 1), entry });
  }

  #file(inode: number): File {
    const file = this.#files.get(inode);
    assert(file !== undefined, `inode ${inode}`);
    return file;
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path);
    assert(folder !== undefined, `folder ${path}`);
    return folder;
  }
}

function setEntry(entries: Map<string, Entry>, name: string, entry: Entry | undefined): void {
  if (entry === undefined) entries.delete(name);
  else entries.set(name, entry);
}

function changed(bytes: Buffer, change: Change): Buffer {
  switch (change.kind) {
    case "truncate": {
      const result = Buffer.alloc(change.size);
      bytes.copy(result);
      return result;
    }
    case "write": {
      const result = Buffer.alloc(Math.max(bytes.length, change.offset + change.bytes.length));
      bytes.copy(result);
      change.bytes.copy(result, change.offset);
      return result;
    }
  }
}

/** Changes survive one by one; of a write that is torn, a beginning of whole sectors. */
function contentAfter(file: File, survives: () => boolean, chance: Chance): Buffer {
  let { synced: bytes } = file;
  for (const change of file.unsynced) {
    if (!survives()) continue;
    const torn = change.kind === "write" && !survives();
    if (!torn) bytes = changed(bytes, change);
    else {
      const sectors = chance.below(Math.ceil(change.bytes.length / SECTOR_BYTES) + 1);
      bytes = changed(bytes, { ...change, bytes: change.bytes.subarray(0, sectors * SECTOR_BYTES) });
    }
  }
  return bytes;
}
