import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode, MiB } from "@cairn/kernel";
import type { Store } from "./store.ts";

/**
 * A full target cannot be cleared up without writing: a tombstone, the end of a session, a state that says
 * what is removed, an index segment without it. So a registered directory keeps files that are given up for
 * those, one at a time: room and, where those are scarce, inodes.
 */
const FILES = 8;
/** Of random bytes: a file system that compresses would keep no room for others. */
const FILE_BYTES = MiB;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const MAY_NOT = ["EACCES", "EPERM", "EROFS"];

/** The store, but where it keeps a reserve, what is put may use it. For what clears up and frees room. */
export function fromReserve(store: Store): Store {
  const put: Store["put"] = async (name, parts, signal) =>
    store.putFromReserve === undefined
      ? store.put(name, parts, signal)
      : store.putFromReserve(name, parts, signal);
  return { ...store, put };
}

/** The dot keeps it out of every listing. */
function reserveFile(root: string, index: number): string {
  return join(root, `.cairn-reserve-${index}`);
}

/**
 * Makes what is missing of the reserve. Throws what the file system says when it is full: then nothing else
 * should be stored either. Who may not write in the root leaves it to who may.
 */
export async function keepReserve(root: string): Promise<void> {
  // Made from the first to the last, and given up from the last to the first: with the last, all are there.
  if (await isThere(reserveFile(root, FILES - 1))) return;
  try {
    for (let index = 0; index < FILES; index += 1) await makeFile(reserveFile(root, index));
  } catch (cause) {
    if (!MAY_NOT.some((code) => hasCode(cause, code))) throw cause;
  }
}

/** Gives up one file; whether there was one. Two that spend at once may spend the same. */
export async function spendReserve(root: string): Promise<boolean> {
  for (let index = FILES - 1; index >= 0; index -= 1) {
    const path = reserveFile(root, index);
    if (!(await isThere(path))) continue;
    await rm(path, { force: true });
    return true;
  }
  return false;
}

async function makeFile(path: string): Promise<void> {
  try {
    await using file = await open(path, NEW_FILE, 0o600);
    await file.writeFile(randomBytes(FILE_BYTES));
    await file.sync();
  } catch (cause) {
    if (hasCode(cause, "EEXIST")) return;
    await rm(path, { force: true });
    throw cause;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false;
    throw cause;
  }
}
