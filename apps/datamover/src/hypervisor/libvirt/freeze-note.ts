import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";

/** How long a guest's file systems are frozen at most: a Windows guest gives up by itself after 10 s. */
export const FROZEN_MAX_MS = 5_000;
/** When the guard thaws: it looks every 250 ms at most, and the agent has to answer. */
export const GUARD_THAWS_MS = 4_000;
/** When we thaw, before the guard does: two who ask an agent at once get in each other's way. */
export const THAWS_MS = 3_500;

const NAME = /^frozen-(?<instanceId>[0-9a-f-]{36})$/;

/**
 * Says that a guest may be frozen, from before the freeze until after the thaw: a datamover that starts thaws
 * those that a dead one left. Until then the guard thaws; the note is for the day on which it died, too. Not
 * synced: after a crash of the host there is no guest.
 */
export async function noteFreeze(scratchPath: string, instanceId: string): Promise<void> {
  const path = notePath(scratchPath, instanceId);
  try {
    await writeFile(path, "", { mode: 0o600 });
  } catch (cause) {
    throw new Fault("scratch-unusable", `writing ${path}`, "after-operator", cause);
  }
}

/** Absent is removed. */
export async function removeFreezeNote(scratchPath: string, instanceId: string): Promise<void> {
  await rm(notePath(scratchPath, instanceId), { force: true });
}

/** The instances whose guests may be frozen, of freezes that were noted before then. */
export async function notedFreezes(
  scratchPath: string,
  beforeMs = Number.POSITIVE_INFINITY,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await readdir(scratchPath)) {
    const instanceId = NAME.exec(name)?.groups?.["instanceId"];
    if (instanceId !== undefined && (await notedAtMs(join(scratchPath, name))) < beforeMs)
      found.push(instanceId);
  }
  return found;
}

async function notedAtMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return Number.POSITIVE_INFINITY;
    throw cause;
  }
}

function notePath(scratchPath: string, instanceId: string): string {
  return join(scratchPath, `frozen-${instanceId}`);
}
