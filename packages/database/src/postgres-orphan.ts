import { readFile, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode, systemClock } from "@cairn/kernel";

const ORPHAN_DEADLINE_MS = 30_000;

/**
 * Takes a directory for this process. A server that runs on it is an orphan when the process that started it
 * is gone: it is ended (immediate shutdown, the next start recovers). When that process lives, the directory
 * is in use, and that is a Fault.
 */
export async function stopOrphan(directory: string, data: string, signal?: AbortSignal): Promise<void> {
  const ownerPath = join(directory, "owner");
  const owner = (await readIfThere(ownerPath))?.trim();
  const self = `${process.pid} ${await startTicks(process.pid)}`;
  if (owner !== undefined && owner !== "" && owner !== self && (await isAlive(owner))) {
    const pid = owner.split(" ")[0] ?? "";
    throw new Fault("postgres-in-use", `${directory} is in use by process ${pid}`, "after-operator");
  }
  await endServerOf(data, signal);
  await writeFile(ownerPath, `${self}\n`);
}

/** Forgets that this process owns a directory. */
export async function releaseDirectory(directory: string): Promise<void> {
  await rm(join(directory, "owner"), { force: true });
}

async function endServerOf(data: string, signal?: AbortSignal): Promise<void> {
  const first = (await readIfThere(join(data, "postmaster.pid")))?.split("\n")[0];
  const pid = Number(first);
  if (!Number.isInteger(pid) || pid <= 1 || !(await isServerOn(pid, data))) return;
  process.kill(pid, "SIGQUIT");
  const deadline = systemClock.now() + ORPHAN_DEADLINE_MS;
  while (await isServerOn(pid, data)) {
    if (systemClock.now() > deadline) {
      throw new Fault("postgres-in-use", `the former PostgreSQL ${pid} does not end`, "after-operator");
    }
    await systemClock.sleep(50, signal);
  }
}

/**
 * A postmaster's working directory is its data; a number that was given to another process is not touched.
 */
async function isServerOn(pid: number, data: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(data));
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "EACCES") || hasCode(cause, "ESRCH")) return false;
    throw cause;
  }
}

async function isAlive(owner: string): Promise<boolean> {
  const [pid, ticks] = owner.split(" ");
  return ticks !== undefined && (await startTicks(Number(pid))) === ticks;
}

/**
 * When a process began, in ticks since boot: tells it from a later one of the same number. Empty when it is
 * gone.
 */
async function startTicks(pid: number): Promise<string> {
  const text = await readIfThere(`/proc/${pid}/stat`);
  // After the name in parentheses, which may hold blanks: field 3 on; the start is field 22.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" ? "" : (fields?.[19] ?? "");
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ESRCH")) return undefined;
    throw cause;
  }
}
