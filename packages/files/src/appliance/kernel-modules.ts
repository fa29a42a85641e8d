import { execFile } from "node:child_process";
import { glob, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";

/** A module of the kernel, unpacked, under its plain name. */
export interface KernelModule {
  readonly name: string;
  readonly bytes: Buffer;
}

const MODULE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Modules and all that they need, in the order in which they can be loaded. What the kernel has built in, or
 * does not have at all, is left out. `folder` is the kernel's own of `lib/modules`.
 */
export async function loadModules(folder: string, wanted: readonly string[]): Promise<KernelModule[]> {
  const files = new Map<string, string>();
  for await (const path of glob("kernel/**/*.ko*", { cwd: folder })) files.set(moduleName(path), path);
  const loaded = new Map<string, KernelModule>();
  const load = async (name: string): Promise<void> => {
    const path = files.get(name);
    if (path === undefined || loaded.has(name)) return;
    // Each file leads to its needs once.
    files.delete(name);
    const bytes = await readModule(join(folder, path));
    for (const need of needsOf(bytes)) await load(need);
    loaded.set(name, { name, bytes });
  };
  for (const name of wanted) await load(name);
  return [...loaded.values()];
}

/** Files are called with dashes where modules are called with underscores. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\..*)?$/, "")
    .replaceAll("-", "_");
}

/** Distributions pack modules in different ways; Node has no reader for xz. */
async function readModule(path: string): Promise<Buffer> {
  if (path.endsWith(".xz")) {
    const options = { encoding: "buffer", maxBuffer: MODULE_BYTES_MAX } as const;
    return (await promisify(execFile)("xz", ["-dc", path], options)).stdout;
  }
  const bytes = await readFile(path);
  return path.endsWith(".zst") ? promisify(zstdDecompress)(bytes) : bytes;
}

const DEPENDS = Buffer.from("\0depends=");

/** What `modinfo` shows as `depends`: the section `.modinfo` is text that ends with zeroes. */
function needsOf(bytes: Buffer): string[] {
  const at = bytes.indexOf(DEPENDS);
  if (at < 0) return [];
  const from = at + DEPENDS.length;
  const text = bytes.toString("latin1", from, bytes.indexOf(0, from));
  return text === "" ? [] : text.split(",").map((name) => name.replaceAll("-", "_"));
}
