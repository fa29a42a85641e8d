import { readFile, statfs } from "node:fs/promises";
import { describeFault, Fault } from "@cairn/kernel";
import { assertMounted } from "./mounted.ts";
import { s3Store } from "./s3.ts";
import type { TargetAddress } from "./target.ts";

/** What can be told of a target that answers, in bytes. A bucket tells neither. */
export interface TargetMeasure {
  readonly capacityBytes: number | undefined;
  readonly usedBytes: number | undefined;
}

const ATTEMPTS = 2;
/** Stored by nobody: to ask for it takes what reading takes, the right included. */
const NOBODYS = "probe/look";

/**
 * Looks whether a target is there and lets itself be read, and how full its file system is. Nothing is
 * written. Throws the faults of the store. A `hard` mount whose server is away does not answer at all, and no
 * signal ends that: whoever calls limits the time, and does not ask twice meanwhile.
 */
export async function measureTarget(target: TargetAddress, signal?: AbortSignal): Promise<TargetMeasure> {
  if (target.kind === "s3") {
    await s3Store(target, { attempts: ATTEMPTS }).size(NOBODYS, signal);
    return { capacityBytes: undefined, usedBytes: undefined };
  }
  try {
    await assertMounted(target.path, target.marker);
    const { bsize, blocks, bfree } = await statfs(target.path);
    return { capacityBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize };
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("store-io", `looking at ${target.path}: ${describeFault(cause)}`, "later");
  }
}

/** A mount as the kernel lists it. */
export interface Mount {
  readonly at: string;
  readonly type: string;
  readonly source: string;
}

/**
 * The mount that a path lies in, by the text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)): the longest
 * of those that the path begins with, and the last of equals, which covers the others.
 */
export function mountOf(mountinfo: string, path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ");
    const at = unescaped(before?.split(" ")[4] ?? "");
    const [type = "", source = ""] = after?.split(" ") ?? [];
    const holds = at !== "" && (at === "/" || path === at || path.startsWith(`${at}/`));
    if (holds && at.length >= (found?.at.length ?? 0)) found = { at, type, source: unescaped(source) };
  }
  return found;
}

/** Blanks, tabs, line ends and backslashes stand there as `\040` and so on. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** The mount that a path lies in on this host. */
export async function findMount(path: string): Promise<Mount | undefined> {
  return mountOf(await readFile("/proc/self/mountinfo", "utf8"), path);
}
