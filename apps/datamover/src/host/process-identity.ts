import { readFile, stat } from "node:fs/promises";
import { assert, hasCode } from "@cairn/kernel";

/** A process beyond doubt: process ids are used again, the start time (in clock ticks since boot) is not. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
}

/** The identity of the process that now has this id; nothing when there is none or it is a zombie. */
export async function findProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const text = await readGone(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // proc(5): the second field is the name in brackets and may hold anything; after it state is field 3, start
  // time 22.
  const [state, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startTicks = rest[18];
  return state === "Z" || startTicks === undefined ? undefined : { pid, startTicks };
}

/** This process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const found = await findProcess(process.pid);
  assert(found !== undefined, "/proc knows a process that reads it");
  return found;
}

/** Whether exactly this process still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await findProcess(identity.pid))?.startTicks === identity.startTicks;
}

/** Who the process runs as, so that files made for it can be given to it. */
export async function ownerOf(pid: number): Promise<{ readonly uid: number; readonly gid: number }> {
  const { uid, gid } = await stat(`/proc/${pid}`);
  return { uid, gid };
}

/** The words of a process's command line; none when it has gone. */
export async function commandLineOf(pid: number): Promise<readonly string[]> {
  return ((await readGone(`/proc/${pid}/cmdline`)) ?? "").split("\0");
}

async function readGone(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    // ESRCH: the process ended between open and read.
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ESRCH")) return undefined;
    throw cause;
  }
}
