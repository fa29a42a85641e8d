import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { assert, type Clock, hasCode } from "@cairn/kernel";
import { commandLineOf, findProcess, isRunning, type ProcessIdentity } from "../host/process-identity.ts";
import type { StartedGuard } from "./client.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const POLL_MS = 20;
/** A guard that is told to end first takes down what its dead datamover left: then it is asked no more. */
const RETIRE_MS_MAX = 20_000;

/**
 * Starts a guard in a session of its own, so that no signal to the datamover's group reaches it. Its log goes
 * where the datamover's goes; it needs nothing of the environment.
 */
export function launchGuard(scratchPath: string): StartedGuard {
  const child = spawn(process.execPath, ["--max-semi-space-size=1", MAIN, flagOf(scratchPath)], {
    cwd: "/",
    detached: true,
    env: {},
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  const channel = child.stdio[3];
  assert(channel instanceof Duplex, "a pipe of Node's is a socket that can be read and written");
  child.unref();
  return { channel, exited, kill: () => child.kill("SIGKILL") };
}

/**
 * Ends guards that dead datamovers of this scratch folder left, before their successor makes points of the
 * same names. A guard that is asked to end thaws and takes down at once.
 */
export async function retireGuards(scratchPath: string, clock: Clock, signal: AbortSignal): Promise<number> {
  const guards = await findGuards(scratchPath);
  for (const guard of guards) send(guard, "SIGTERM");
  const untilMs = clock.now() + RETIRE_MS_MAX;
  for (const guard of guards) {
    while (await isRunning(guard)) {
      if (clock.now() > untilMs) send(guard, "SIGKILL");
      await clock.sleep(POLL_MS, signal);
    }
  }
  return guards.length;
}

/** Guards of this scratch folder that run now. */
export async function findGuards(scratchPath: string): Promise<readonly ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const identity = await findProcess(Number(name));
    if (identity === undefined) continue;
    const words = await commandLineOf(identity.pid);
    if (words.includes(MAIN) && words.includes(flagOf(scratchPath))) found.push(identity);
  }
  return found;
}

/** The mark by which a later datamover finds it. */
function flagOf(scratchPath: string): string {
  return `--scratch-dir=${scratchPath}`;
}

function send(guard: ProcessIdentity, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(guard.pid, signal);
  } catch (cause) {
    if (!hasCode(cause, "ESRCH")) throw cause;
  }
}
