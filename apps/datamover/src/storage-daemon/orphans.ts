import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import { type Clock, Fault, hasCode } from "@cairn/kernel";
import { commandLineOf, findProcess, isRunning, type ProcessIdentity } from "../host/process-identity.ts";

const GONE_TIMEOUT_MS = 5_000;
const POLL_MS = 10;

/**
 * Kills storage daemons of a dead datamover: those whose monitor lies under our scratch folder. Nobody else
 * puts a socket there, so neither a process id that is used again nor another host's daemon can be meant.
 * Gives how many.
 */
export async function killOrphans(scratchPath: string, clock: Clock, signal: AbortSignal): Promise<number> {
  const orphans = await findOrphans(scratchPath);
  for (const orphan of orphans) kill(orphan);
  const until = clock.now() + GONE_TIMEOUT_MS;
  for (const orphan of orphans) {
    while (await isRunning(orphan)) {
      if (clock.now() > until)
        throw new Fault("orphan-alive", `killing storage daemon ${orphan.pid}`, "later");
      await clock.sleep(POLL_MS, signal);
    }
  }
  return orphans.length;
}

async function findOrphans(scratchPath: string): Promise<readonly ProcessIdentity[]> {
  const mark = `path=${scratchPath.replaceAll(",", ",,")}/`;
  const found: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const identity = await findProcess(Number(name));
    if (identity === undefined) continue;
    const [program = "", ...words] = await commandLineOf(identity.pid);
    const isOurs = basename(program) === "qemu-storage-daemon" && words.some((word) => word.includes(mark));
    if (isOurs) found.push(identity);
  }
  return found;
}

function kill(orphan: ProcessIdentity): void {
  try {
    process.kill(orphan.pid, "SIGKILL");
  } catch (cause) {
    if (!hasCode(cause, "ESRCH")) throw cause;
  }
}
