import { type ChildProcess, execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import type { Scratch } from "../../host/scratch.ts";
import type { RbdImage } from "../image-node.ts";

/** Metadata takes milliseconds; monitors that are away would hold it for minutes. */
const COMMAND_TIMEOUT_MS = 60_000;
/** The list of changes of a disk of some TiB, an object a line. */
const OUTPUT_MAX_BYTES = 256 * 1024 * 1024;
/** errno(3) of what is not there, which `rbd` exits with. */
const ENOENT = 2;

/** Where the tool finds what it needs. */
export interface RbdPlace {
  readonly scratch: Scratch;
  readonly keyOf: (secretUuid: string) => Promise<Buffer>;
}

/** Ceph's `rbd` with the user, key and monitors of one image; dispose of it, for a file holds the key. */
export interface RbdTool extends AsyncDisposable {
  /** What it printed; undefined when it says that the thing is not there. */
  readonly ask: (words: readonly string[], signal: AbortSignal) => Promise<string | undefined>;
}

/** The key goes into a file that only this process' user can read: a command line is everybody's to see. */
export async function openRbdTool(image: RbdImage, place: RbdPlace): Promise<RbdTool> {
  const { scratch } = place;
  // What a datamover that died left by such a name is removed before any order.
  const name = `w-${randomBytes(4).toString("hex")}`;
  const folder = await scratch.open(name);
  try {
    const how = [...monitorsOf(image), ...(await identityOf(image, folder, place))];
    return {
      ask: async (words, signal) => run([...how, ...words], signal),
      [Symbol.asyncDispose]: async () => scratch.remove(name),
    };
  } catch (cause) {
    await scratch.remove(name);
    throw cause;
  }
}

/** The host's own ceph.conf counts, as for QEMU, but for who and where. */
function monitorsOf({ hosts }: RbdImage): readonly string[] {
  if (hosts.length === 0) return [];
  const addresses = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  return ["-m", addresses.join(",")];
}

async function identityOf(
  { user, secretUuid }: RbdImage,
  folder: string,
  { keyOf }: RbdPlace,
): Promise<readonly string[]> {
  if (user === undefined) return [];
  if (secretUuid === undefined) return ["--id", user];
  const key = (await keyOf(secretUuid)).toString("base64");
  const path = join(folder, "keyring");
  try {
    await writeFile(path, `[client.${user}]\n\tkey = ${key}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new Fault("scratch-unusable", `writing ${path}`, "after-operator", cause);
  }
  return ["--id", user, "--keyring", path];
}

async function run(words: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  const options = { signal, timeout: COMMAND_TIMEOUT_MS, maxBuffer: OUTPUT_MAX_BYTES } as const;
  const ended = Promise.withResolvers<string | undefined>();
  const child: ChildProcess = execFile("rbd", [...words], options, (failure, stdout, stderr) => {
    if (failure === null) ended.resolve(stdout);
    else if (hasCode(failure, "ENOENT"))
      ended.reject(new Fault("rbd-failed", "running rbd, which is not installed", "after-operator"));
    else if (child.exitCode === ENOENT) ended.resolve(undefined);
    else ended.reject(signal.aborted ? signal.reason : refusal(words, stderr, failure));
  });
  return ended.promise;
}

function refusal(words: readonly string[], stderr: string, failure: Error): Fault {
  const said = stderr.trim().split("\n").at(-1) ?? "";
  const what = words.filter((word) => !word.startsWith("-")).join(" ");
  // `failure` repeats the whole command line, which tells where the key lies and nothing else.
  const cause = new Error(said === "" ? failure.name : said.slice(-500));
  return new Fault("rbd-failed", `running rbd ${what}`, "later", cause);
}
