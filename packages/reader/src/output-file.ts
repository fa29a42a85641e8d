import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Fault, hasCode, Rejection } from "@cairn/kernel";

/** What of a file that is being made can be seen: a name that begins with a dot and ends in this. */
export const PARTIAL = ".cairn-partial";

export interface OutputFile {
  readonly path: string;
  /** Whether a file of this name may be replaced. */
  readonly force: boolean;
}

/**
 * Makes a file that is either whole or not there: `write` fills one of another name beside it, which is
 * synced and then takes the name. When `write` fails, that file is removed. A killed process leaves
 * `.<name>.<…>.cairn-partial` behind, which nobody needs.
 *
 * Rejections: the file exists and `force` is not set; there is no such folder. Faults: `destination-full`,
 * `destination-failed`.
 */
export async function makeFile<Result>(
  output: OutputFile,
  write: (path: string) => Promise<Result>,
): Promise<Result> {
  await refuseTaken(output);
  const folder = dirname(output.path);
  const name = `.${basename(output.path)}.${randomBytes(4).toString("hex")}${PARTIAL}`;
  const partial = join(folder, name);
  try {
    const result = await write(partial);
    await syncPath(partial, constants.O_RDWR);
    await takeName(partial, output);
    await syncPath(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    return result;
  } catch (cause) {
    throw explained(output.path, cause);
  } finally {
    await rm(partial, { force: true });
  }
}

async function refuseTaken({ path, force }: OutputFile): Promise<void> {
  const folder = dirname(path);
  if (!(await isFolder(folder))) {
    throw new Rejection(`There is no folder ${folder}.`, {
      status: 400,
      field: "--output",
      value: path,
      remedy: "Make it first.",
    });
  }
  if (await isFolder(path)) throw taken(path, "is a folder", "Give the name of a file in it.");
  if (!force && (await exists(path))) throw taken(path, "exists already", "Use --force to replace it.");
}

function taken(path: string, what: string, remedy: string): Rejection {
  return new Rejection(`${path} ${what}.`, { status: 409, field: "--output", value: path, remedy });
}

/** Without `force` by a link, which never replaces what somebody else made meanwhile. */
async function takeName(partial: string, { path, force }: OutputFile): Promise<void> {
  if (force) {
    await rename(partial, path);
    return;
  }
  try {
    await link(partial, path);
  } catch (cause) {
    if (hasCode(cause, "EEXIST")) throw taken(path, "exists already", "Use --force to replace it.");
    // Some file systems (FAT, some network ones) have no links.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].some((code) => hasCode(cause, code))) throw cause;
    await refuseTaken({ path, force });
    await rename(partial, path);
  }
}

async function syncPath(path: string, flags: number): Promise<void> {
  const file: FileHandle = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR")) return false;
    throw cause;
  }
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

const FULL = ["ENOSPC", "EDQUOT", "EFBIG", "destination-full"];

function explained(path: string, cause: unknown): unknown {
  if (FULL.some((code) => hasCode(cause, code))) {
    const message = `writing ${path}: no space is left; nothing was kept of it`;
    return new Fault("destination-full", message, "after-operator", cause);
  }
  if (cause instanceof Fault || !(cause instanceof Error) || !("syscall" in cause)) return cause;
  return new Fault("destination-failed", `writing ${path}`, "after-operator", cause);
}
