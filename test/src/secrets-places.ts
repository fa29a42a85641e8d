import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { dumpTables, loadRepository } from "@cairn/database";
import { hasCode, Secret, systemClock } from "@cairn/kernel";
import { secretSeal } from "@cairn/openstack";
import { chunkIdKey, dataKey, openKeySet, structureKey } from "@cairn/repository";
import type { Place, Planted } from "./planted.ts";
import type { World } from "./secrets-world.ts";
import type { Tree } from "./tree.ts";

/** What every program of the tree has logged. */
export async function logsOf({ embedded: { layout } }: Tree): Promise<Place[]> {
  const names = await readdir(layout.logs);
  return Promise.all(
    names.map(async (name) => ({ name: `log ${name}`, content: await readFile(join(layout.logs, name)) })),
  );
}

/** All rows: the audit log, notices, orders and jobs among them. */
export async function tablesOf({ database }: Tree): Promise<Place[]> {
  const tables = await dumpTables(database.handle);
  return [...tables].map(([name, content]) => ({ name: `table ${name}`, content }));
}

/**
 * Every file of ours, deleted rows and the database's own log with them. Not the sandbox's, which is another
 * service's, and not the folder of secrets, which others than its owner may not enter.
 */
export async function filesBelow({ folder, embedded: { layout } }: Tree): Promise<Place[]> {
  assert.equal((await stat(layout.secrets)).mode & 0o077, 0, "the folder of secrets is its owner's");
  const elsewhere = [layout.secrets, layout.sandbox, layout.logs];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const places: Place[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || elsewhere.some((each) => path.startsWith(`${each}/`))) continue;
    const content = await readIfThere(path);
    places.push({ name: `file ${relative(folder, path)}`, content });
  }
  return places;
}

/** Files of a running database come and go. */
async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return Buffer.alloc(0);
    throw cause;
  }
}

/** Looks at the processes of a tree again and again. */
export interface ProcessWatch {
  seen(): Place[];
  stop(): Promise<void>;
}

const LOOK_MS = 150;
/** Programs that are told a secret by their environment, which only their account can read. */
const OURS = /\/apps\/(api|engine|datamover-api|datamover|sandbox)\/src\/main\.ts/;

/** Keeps each command line that it sees, and the environments of all but the programs themselves. */
export function watchProcesses(folder: string): ProcessWatch {
  const seen = new Map<string, Place>();
  const stopped = new AbortController();
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      for (const pid of await readdir("/proc")) {
        if (/^\d+$/.test(pid) && pid !== String(process.pid)) await look(folder, pid, seen);
      }
      await systemClock.sleep(LOOK_MS);
    }
  })();
  const stop = async (): Promise<void> => {
    stopped.abort();
    await watching;
  };
  return { seen: () => [...seen.values()], stop };
}

async function look(folder: string, pid: string, seen: Map<string, Place>): Promise<void> {
  const [command = "", environment = ""] = await Promise.all(
    ["cmdline", "environ"].map(async (name) => readFile(join("/proc", pid, name), "utf8").catch(() => "")),
  );
  if (!command.includes(folder) && !environment.includes(folder)) return;
  const name = `process ${command.replaceAll("\0", " ").slice(0, 120)}`;
  seen.set(command, { name, content: OURS.test(command) ? command : command + environment });
}

/** The keys of every repository of the tree. */
export async function repositoryKeys(tree: Tree): Promise<Planted[]> {
  const { handle } = tree.database;
  const masterKey = Buffer.from(await readFile(tree.embedded.layout.keyFile, "utf8"), "base64");
  const rows = await handle.selectFrom("repository").select("id").execute();
  const found = await Promise.all(
    rows.map(async ({ id }) => {
      const loaded = await loadRepository(handle, id);
      assert.ok(loaded !== undefined, `the repository ${id} is there`);
      const { keys } = await openKeySet({
        repositoryId: id,
        bytes: loaded.repository.wrapped_keys,
        credentials: [{ kind: "key-file", key: masterKey }],
      });
      return [dataKey(keys), structureKey(keys), chunkIdKey(keys)];
    }),
  );
  assert.equal(found.length, 2, "one on each target");
  return found.flat().map((value) => ({ name: "repository's key", value }));
}

const TRUSTS_MAY_BE_IN =
  /^(table public\.(trust|audit_)|file postgres|log api|reply.*(trusts|auditlog|recentactivities))/;

/**
 * The secrets of application credentials that the service made, and the ids of trusts. Such an id is what
 * people call a trust by, and of no use without the service user's password; it still belongs nowhere else.
 */
export async function sealedSecrets({ tree, secrets }: World): Promise<Planted[]> {
  const rows = await tree.database.handle.selectFrom("trust").selectAll().execute();
  const seal = secretSeal(new Secret(secrets.servicePassword));
  const isTold = (place: string): boolean => TRUSTS_MAY_BE_IN.test(place);
  const planted = rows.map(({ trust_id: trustId, credential_id: id, credential_sealed: sealed }): Planted => {
    if (trustId !== null) return { name: "trust", value: trustId, mayBeIn: isTold };
    return { name: "application credential", value: seal.open(sealed ?? "", id ?? "").reveal() };
  });
  assert.equal(planted.length, 2, "a trust, and an application credential");
  return planted;
}
