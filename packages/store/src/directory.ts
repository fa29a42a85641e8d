import { randomBytes } from "node:crypto";
import { constants, type Dirent } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import { assertMounted } from "./mounted.ts";
import { assertName, assertPrefix, isName } from "./names.ts";
import { ProvenFiles } from "./proven-file.ts";
import { keepReserve, spendReserve } from "./reserve.ts";
import type { Store } from "./store.ts";

const COMPARE_BYTES = 4 * 1024 * 1024;
/** Temporary files begin with a dot, which no object name does, so that no listing shows them. */
const TEMPORARY = ".cairn-";
const STALE_ATTEMPTS = 3;
/** With each object of this size it is looked whether the reserve is whole. */
const LARGE_BYTES = 1024 * 1024;

/**
 * A store in a directory of a local file system or an NFS mount (mounted `hard`). The directory must exist: a
 * target that is not mounted must not become a directory on the root disk.
 *
 * How an object becomes durable: a temporary file in the same directory is written, synced and read back,
 * then linked to its name (which never overwrites), then the directory is synced. A crash leaves a
 * temporary file or the whole object, never a part of it.
 *
 * A `marker` names the directory that was registered: without it an export that is not mounted would look
 * like an empty target. A stale NFS handle is given up, and what needed it is done again a few times.
 * A registered directory keeps a reserve, from which `putFromReserve` takes.
 */
export function directoryStore(path: string, marker?: string): Store {
  const root: Root = { path, marker };
  const shared = { root, files: new ProvenFiles(), syncedFolders: new Set<string>() };
  const at = (name: string): string => {
    assertName(name);
    return join(path, name);
  };
  const wrapped = async <Result>(doing: string, perform: () => Promise<Result>): Promise<Result> => {
    try {
      return await unlessStale(perform);
    } catch (cause) {
      throw await explain(root, doing, cause);
    }
  };
  return {
    ...directoryPuts({ ...shared, wrapped, at }),
    get: async (name, signal) => {
      signal?.throwIfAborted();
      return wrapped(`reading ${name}`, async () => {
        await using file = await open(at(name), "r");
        return await file.readFile();
      });
    },
    getRange: async (name, offset, length, signal) => {
      signal?.throwIfAborted();
      return wrapped(`reading ${length} bytes at ${offset} of ${name}`, async () => {
        await using file = await open(at(name), "r");
        return await readExactly(file, offset, length);
      });
    },
    size: async (name, signal) => {
      signal?.throwIfAborted();
      return wrapped(`looking for ${name}`, async () => sizeOf(root, at(name)));
    },
    remove: async (name, signal) => {
      signal?.throwIfAborted();
      await wrapped(`removing ${name}`, async () => removeFile(root, at(name)));
    },
    list: (prefix, signal) => listDirectory(root, prefix, signal),
    folders: (signal) => listFolders(root, signal),
    checkedPuts: true,
    time: async (signal) => {
      signal?.throwIfAborted();
      return wrapped("asking the target's clock", async () => sparing(path, async () => timeOf(root)));
    },
  };
}

interface Puts extends Omit<Target, "file" | "name"> {
  readonly at: (name: string) => string;
  readonly wrapped: <Result>(doing: string, perform: () => Promise<Result>) => Promise<Result>;
}

/** Both ways to store: the one sees that there is a reserve, the other uses it. */
function directoryPuts(puts: Puts): Pick<Store, "put" | "putFromReserve"> {
  const { root, at, wrapped } = puts;
  let reserved = false;
  const store = async (name: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> =>
    putFile({ ...puts, file: at(name), name }, parts, signal);
  const reserve = async (parts: readonly Uint8Array[]): Promise<void> => {
    if (root.marker === undefined || (reserved && !isLarge(parts))) return;
    await assertMounted(root.path, root.marker);
    await keepReserve(root.path);
    reserved = true;
  };
  return {
    put: async (name, parts, signal) => {
      signal?.throwIfAborted();
      await wrapped(`storing ${name}`, async () => {
        await reserve(parts);
        await store(name, parts, signal);
      });
    },
    // What keeps no reserve has no second way, which wrappers would have to know of.
    ...(root.marker !== undefined && {
      putFromReserve: async (name, parts, signal) => {
        signal?.throwIfAborted();
        await wrapped(`storing ${name}`, async () =>
          sparing(root.path, async () => store(name, parts, signal)),
        );
      },
    }),
  };
}

function isLarge(parts: readonly Uint8Array[]): boolean {
  return parts.reduce((sum, part) => sum + part.length, 0) >= LARGE_BYTES;
}

/** Performs; when the file system is full, gives up the reserve, file by file, until there is room. */
async function sparing<Result>(root: string, perform: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await perform();
    } catch (cause) {
      if (!FULL.some((code) => hasCode(cause, code)) || !(await spendReserve(root))) throw cause;
    }
  }
}

interface Root {
  readonly path: string;
  readonly marker: string | undefined;
}

interface Target {
  readonly files: ProvenFiles;
  /** Folders whose entries in their parents are known to be durable. */
  readonly syncedFolders: Set<string>;
  readonly root: Root;
  readonly file: string;
  readonly name: string;
}

async function putFile(target: Target, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
  const folder = dirname(target.file);
  await makeFolders(target, folder);
  const temporary = join(folder, `${TEMPORARY}${randomBytes(8).toString("hex")}`);
  try {
    await target.files.write(temporary, parts, signal);
    try {
      await link(temporary, target.file);
    } catch (cause) {
      if (!hasCode(cause, "EEXIST")) throw cause;
      // A repeated put, or a put whose answer was lost: success if the bytes are the same. Whoever made the
      // file may have died before syncing it, so both syncs are done (again).
      await compareFile(target, parts, signal);
      await using file = await open(target.file, "r");
      await file.sync();
    }
    await syncDirectory(folder);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function compareFile(
  target: Target,
  parts: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<void> {
  const differs = (): Fault =>
    new Fault("object-exists", `storing ${target.name}: the name is taken by other bytes`, "never");
  await using file = await open(target.file, "r");
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if ((await file.stat()).size !== length) throw differs();
  let offset = 0;
  for (const part of parts) {
    for (let done = 0; done < part.length; done += COMPARE_BYTES) {
      signal?.throwIfAborted();
      const expected = part.subarray(done, done + COMPARE_BYTES);
      const found = await readExactly(file, offset, expected.length);
      if (!found.equals(expected)) throw differs();
      offset += expected.length;
    }
  }
}

/**
 * Makes the folders between the root and `folder`; each is synced into its parent, or its files could be lost
 * with it. One that is there already is synced, too, once a store: who made it may have died before doing so.
 */
async function makeFolders(target: Target, folder: string): Promise<void> {
  const { root, syncedFolders } = target;
  if (folder === root.path) {
    await assertMounted(root.path, root.marker);
    return;
  }
  const there = await exists(folder);
  if (there && syncedFolders.has(folder)) return;
  const parent = dirname(folder);
  await makeFolders(target, parent);
  try {
    if (!there) await mkdir(folder, { mode: 0o700 });
  } catch (cause) {
    if (!hasCode(cause, "EEXIST")) throw cause;
  }
  await syncDirectory(parent);
  syncedFolders.add(folder);
}

async function syncDirectory(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new Fault("object-short", `the object ends at ${offset + done}`, "never");
    done += bytesRead;
  }
  return bytes;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false;
    throw cause;
  }
}

/** Absent only if the target itself is there: an unmounted target would otherwise look like an empty one. */
async function sizeOf(root: Root, file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw cause;
    await assertMounted(root.path, root.marker);
    return undefined;
  }
}

/**
 * What the file server's clock says: the time it gives a fresh file. Our own would be that of an NFS
 * client.
 */
async function timeOf(root: Root): Promise<number> {
  await assertMounted(root.path, root.marker);
  const path = join(root.path, `${TEMPORARY}${randomBytes(8).toString("hex")}`);
  try {
    await using file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await file.write(Buffer.from("?"));
    await file.sync();
    return Math.floor((await file.stat()).mtimeMs);
  } finally {
    await rm(path, { force: true });
  }
}

async function removeFile(root: Root, file: string): Promise<void> {
  await assertMounted(root.path, root.marker);
  await rm(file, { force: true });
  if (await exists(dirname(file))) await syncDirectory(dirname(file));
}

async function* listDirectory(root: Root, prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
  assertPrefix(prefix);
  const { path, marker } = root;
  try {
    await assertMounted(path, marker);
    yield* walk(path, prefix.slice(0, -1), signal);
    // A folder that was not there held nothing, unless all of them went away at once.
    await assertMounted(path, marker);
  } catch (cause) {
    throw await explain(root, `listing ${prefix}`, cause);
  }
}

async function* listFolders({ path, marker }: Root, signal?: AbortSignal): AsyncGenerator<string> {
  signal?.throwIfAborted();
  try {
    await assertMounted(path, marker);
    for (const entry of await entriesOf(path))
      if (entry.isDirectory() && isName(entry.name)) yield entry.name;
    await assertMounted(path, marker);
  } catch (cause) {
    throw await explain({ path, marker }, "listing the folders", cause);
  }
}

async function* walk(root: string, folder: string, signal?: AbortSignal): AsyncGenerator<string> {
  signal?.throwIfAborted();
  for (const entry of await entriesOf(join(root, folder))) {
    const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
    // Temporary files and `.nfs…` files of removed open ones are no objects.
    if (!isName(name)) continue;
    if (entry.isDirectory()) yield* walk(root, name, signal);
    else if (entry.isFile()) yield name;
  }
}

/** A folder that is not there holds nothing: folders are made with their first object. */
async function entriesOf(path: string): Promise<readonly Dirent[]> {
  try {
    return await unlessStale(async () => readdir(path, { withFileTypes: true }));
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return [];
    throw cause;
  }
}

const FULL = ["ENOSPC", "EDQUOT"];

const CODES: Readonly<Record<string, readonly [code: string, retry: Fault["retry"]]>> = {
  ENOENT: ["object-missing", "never"],
  ENOSPC: ["store-full", "after-operator"],
  EDQUOT: ["store-full", "after-operator"],
  EFBIG: ["store-full", "after-operator"],
  EACCES: ["store-denied", "after-operator"],
  EPERM: ["store-denied", "after-operator"],
  EROFS: ["store-denied", "after-operator"],
  ESTALE: ["store-stale", "later"],
};

/**
 * The Fault for what went wrong. An object that is missing because the whole target is away is not missing.
 */
async function explain({ path, marker }: Root, doing: string, cause: unknown): Promise<unknown> {
  if (FULL.some((code) => hasCode(cause, code))) {
    const remedy = "remove snapshots and let a sweep run, enlarge it, or raise its quota";
    return toFault(`${doing}: the target's directory ${path} is full (${remedy})`, cause);
  }
  if (!hasCode(cause, "ENOENT")) return toFault(doing, cause);
  try {
    await assertMounted(path, marker);
  } catch (away) {
    return toFault(doing, away);
  }
  return toFault(doing, cause);
}

/**
 * Performs again when a handle is stale: the file server was restarted or the export moved, and opening by
 * name again finds what is there now. All operations of the port may be repeated.
 */
async function unlessStale<Result>(perform: () => Promise<Result>): Promise<Result> {
  for (let done = 1; ; done += 1) {
    try {
      return await perform();
    } catch (cause) {
      if (!hasCode(cause, "ESTALE") || done >= STALE_ATTEMPTS) throw cause;
    }
  }
}

/** The Fault for what the file system said: the table in store.ts. Anything else passes as it is. */
export function toFault(doing: string, cause: unknown): unknown {
  if (cause instanceof Fault || !(cause instanceof Error) || !("syscall" in cause)) return cause;
  const [code, retry] = CODES["code" in cause ? String(cause.code) : ""] ?? ["store-io", "later"];
  return new Fault(code, doing, retry, cause);
}
