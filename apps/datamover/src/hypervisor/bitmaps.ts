import { isRefusal } from "@cairn/qmp";
import type { Monitor } from "./monitor.ts";
import { PREFIX } from "./names.ts";
import { listNodes } from "./nodes.ts";

/** QEMU's words for a thing that is not there: then it is removed already. */
const ABSENT = /not found|does not exist|cannot find|no such|unable to find|server not running/i;
/** A bitmap in a backing file: it comes back within reach when the file is written again, and goes then. */
const OUT_OF_REACH = /read-?only/i;

/** Removes bitmaps of ours that `isUnwanted` names, on all nodes. */
export async function removeBitmaps(
  monitor: Monitor,
  isUnwanted: (name: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const node of await listNodes(monitor, signal)) {
    const unwanted = node.bitmaps.filter(
      (bitmap) => bitmap.name.startsWith(PREFIX) && isUnwanted(bitmap.name),
    );
    for (const { name } of unwanted) {
      const command = monitor.execute("block-dirty-bitmap-remove", { node: node.name, name }, { signal });
      await tolerateAbsent(command, OUT_OF_REACH);
    }
  }
}

/**
 * Whether the command was carried out; false when QEMU says that the thing is not there, or what `also` says.
 */
export async function tolerateAbsent(command: Promise<unknown>, also?: RegExp): Promise<boolean> {
  try {
    await command;
    return true;
  } catch (cause) {
    if (isRefusal(cause, ABSENT) || (also !== undefined && isRefusal(cause, also))) return false;
    throw cause;
  }
}
