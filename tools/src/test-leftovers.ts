import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that was told to end may still be on its way out when its test ends. */
const GRACE_MS = 2_000;

interface Process {
  readonly pid: number;
  readonly command: string;
}

/** Files and folders of ours that a test file left in its TMPDIR. */
export function leftoverEntries(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith("cairn-"))
    .map((name) => `left ${name} in its temporary folder`);
}

/**
 * Ends and reports the processes that a test file left running: those whose environment or arguments name its
 * temporary folder. Empty at once when there are none.
 */
export async function leftoverProcesses(folder: string): Promise<string[]> {
  await gone(folder);
  const found = processesOf(folder);
  for (const { pid } of found) end(pid);
  if (found.length > 0) await gone(folder);
  return found.map(({ pid, command }) => `left process ${pid} running: ${command.slice(0, 300)}`);
}

async function gone(folder: string): Promise<void> {
  for (let waitedMs = 0; processesOf(folder).length > 0 && waitedMs < GRACE_MS; waitedMs += 50)
    await sleep(50);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (cause) {
    // It ended by itself after all; it is reported nevertheless.
    if (!(cause instanceof Error && "code" in cause && cause.code === "ESRCH")) throw cause;
  }
}

function processesOf(folder: string): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = readProc(name, "cmdline").replaceAll("\0", " ").trim();
      const environment = readProc(name, "environ");
      const isOurs = command.includes(`${folder}/`) || environment.includes(`CAIRN_TEST_MARK=${folder}\0`);
      // A zombie has no command line: it has ended, and only its parent has not noticed yet.
      return isOurs && command !== "" ? [{ pid: Number(name), command }] : [];
    });
}

function readProc(pid: string, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (cause) {
    // The process ended meanwhile, or belongs to another user: not ours either way.
    if (cause instanceof Error && "code" in cause) return "";
    throw cause;
  }
}
