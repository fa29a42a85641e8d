import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "@cairn/kernel";

/*
 * Each reading has a folder for sockets and scratch. It is named after its process, so that what one that was
 * killed left behind is told from what another one is using.
 */

/** Process ids mean something in one namespace only; containers may share the folder for temporary files. */
async function ownPrefix(): Promise<string> {
  const namespace = /\d+/.exec(await readlink("/proc/self/ns/pid"))?.[0] ?? "0";
  return `cairn-files-${namespace}-`;
}

/** Makes a folder for a reading of this process. */
export async function makeReadingFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${await ownPrefix()}${String(process.pid)}-`));
}

/** Removes the folders of processes that are gone. */
export async function removeOrphanedFolders(): Promise<void> {
  const prefix = await ownPrefix();
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(prefix) ? /^\d+(?=-)/.exec(name.slice(prefix.length))?.[0] : undefined;
    if (pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    // Somebody else's process is one, too.
    return hasCode(cause, "EPERM");
  }
}
