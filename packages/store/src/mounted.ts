import { constants } from "node:fs";
import { link, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";

/** In the root of a registered directory. The dot keeps it out of every listing. */
const MARKER = ".cairn-target";

/**
 * Throws `store-away` unless the target's directory is there, and, of a registered one, is the one that was
 * registered: where an export is not mounted there is an empty directory, or somebody else's.
 */
export async function assertMounted(root: string, marker: string | undefined): Promise<void> {
  try {
    await stat(root);
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw cause;
    throw away(`the target's directory ${root} is not there`, cause);
  }
  if (marker === undefined) return;
  const found = await readMarker(root);
  if (found === marker) return;
  const what = found === undefined ? "has no marker: it is not mounted" : "is another target's";
  throw away(`the target's directory ${root} ${what}`);
}

/** Gives a directory its marker, unless it has one; the marker that it then has. Only for registering it. */
export async function markDirectory(root: string, marker: string): Promise<string> {
  const temporary = join(root, `${MARKER}-${marker}`);
  try {
    {
      await using file = await open(
        temporary,
        constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
        0o600,
      );
      await file.writeFile(`${marker}\n`);
      await file.sync();
    }
    // Two that register at once agree on whose link came first.
    await link(temporary, join(root, MARKER)).catch((cause: unknown) => {
      if (!hasCode(cause, "EEXIST")) throw cause;
    });
  } finally {
    await rm(temporary, { force: true });
  }
  await using folder = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
  return (await readMarker(root)) ?? marker;
}

async function readMarker(root: string): Promise<string | undefined> {
  try {
    return (await readFile(join(root, MARKER), "utf8")).trim();
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw cause;
  }
}

function away(what: string, cause?: unknown): Fault {
  return new Fault("store-away", what, "after-operator", cause);
}
