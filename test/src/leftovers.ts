import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { COMPUTE_HOSTS } from "@cairn/embedded";
import type { Tree } from "./tree.ts";

/**
 * Everything that a run should not have left, as sentences: in the database, in the cloud, on the hosts and
 * the target, and among the processes. An empty list is what every test ends with.
 */
export async function leftovers(tree: Tree): Promise<string[]> {
  const found = await Promise.all([
    inDatabase(tree),
    inCloud(tree),
    onHosts(tree),
    inScratch(tree),
    onTarget(tree),
    processes(tree),
  ]);
  return found.flat();
}

/** Rows in a running state, and what runs say that they kept. */
export async function inDatabase({ database }: Tree): Promise<string[]> {
  const { handle } = database;
  const runs = await handle.selectFrom("run").select(["id", "flow", "state", "leftovers"]).execute();
  const orders = await handle.selectFrom("datamover_order").select(["id", "state"]).execute();
  const workloads = await handle.selectFrom("workload").select(["name", "status"]).execute();
  const snapshots = await handle.selectFrom("snapshot").select(["id", "status"]).execute();
  const restores = await handle.selectFrom("restore").select(["id", "status"]).execute();
  const ended = ["available", "error", "cancelled"];
  return [
    ...runs.filter((run) => run.state !== "concluded").map((run) => `run ${run.flow} is ${run.state}`),
    ...runs.flatMap((run) =>
      run.leftovers.map((left) => `run ${run.flow} kept ${left.key}: ${left.message}`),
    ),
    ...orders
      .filter((order) => !["finished", "cancelled"].includes(order.state))
      .map((order) => `order ${order.state}`),
    ...workloads
      .filter((each) => each.status !== "available")
      .map((each) => `workload ${each.name} is ${each.status}`),
    ...snapshots.filter((each) => !ended.includes(each.status)).map((each) => `snapshot is ${each.status}`),
    ...restores.filter((each) => !ended.includes(each.status)).map((each) => `restore is ${each.status}`),
  ];
}

const MARK = /"cairn[-_][^"]*"?/g;

function marksOf(row: unknown): string[] {
  return JSON.stringify(row).match(MARK) ?? [];
}

/** Whatever carries our mark, or an attachment that belongs to no instance. */
async function inCloud({ embedded }: Tree): Promise<string[]> {
  const state = await embedded.sandbox.state();
  const servers = new Set((state["servers"] ?? []).map((server) => server.id));
  const marked = ["servers", "volumes", "snapshots", "ports", "security_groups", "keypairs"].flatMap((kind) =>
    (state[kind] ?? [])
      .filter((row) => marksOf(row).length > 0)
      .map((row) => `${kind} ${row.id} carries our mark: ${marksOf(row).join(" ")}`),
  );
  const lonely = (state["attachments"] ?? []).filter((row) => {
    const owner = row["instance_id"] ?? row["instance_uuid"] ?? row["instance"];
    return typeof owner !== "string" || !servers.has(owner);
  });
  return [...marked, ...lonely.map((row) => `attachment ${row.id} belongs to no instance`)];
}

async function onHosts({ embedded, database }: Tree): Promise<string[]> {
  const bases = await database.handle.selectFrom("disk_base").select("base").execute();
  const wanted = new Set(
    bases.flatMap(({ base }) =>
      typeof base === "object" && base !== null && "bitmap" in base ? [String(base.bitmap)] : [],
    ),
  );
  const found: string[] = [];
  for (const server of (await embedded.sandbox.state())["servers"] ?? []) {
    const { nodes, bitmaps, jobs, exports } = await embedded.sandbox.nodes(server.id);
    found.push(...nodes.filter((name) => name.startsWith("cairn-")).map((name) => `node ${name}`));
    found.push(
      ...bitmaps
        .filter(({ name }) => name.startsWith("cairn-") && !wanted.has(name))
        .map((each) => `bitmap ${each.name}`),
    );
    if (jobs.length > 0) found.push(`${String(jobs.length)} block jobs of ${server.id}`);
    if (exports.length > 0) found.push(`${String(exports.length)} exports of ${server.id}`);
  }
  return found;
}

async function inScratch({ embedded }: Tree): Promise<string[]> {
  const found: string[] = [];
  for (const host of COMPUTE_HOSTS) {
    const names = await readdir(embedded.layout.scratch(host), { recursive: true });
    // The one thing that belongs there: the running datamover's claim to be the only one on its host.
    const strays = names.filter((name) => name !== "datamover.sock");
    found.push(...strays.map((name) => `scratch ${host}/${name}`));
  }
  return found;
}

/** Writers' sessions that nobody ended: a sweep would wait for them. */
export async function onTarget({ embedded }: Tree): Promise<string[]> {
  const names = await readdir(embedded.layout.target, { recursive: true });
  const begun = names.flatMap((name) => /^(.*\/w\/[^/]+)\/begin$/.exec(name)?.[1] ?? []);
  return begun.filter((name) => !names.includes(`${name}/end`)).map((name) => `session ${name} has no end`);
}

/** Storage daemons that work below this tree's folder. */
async function processes({ folder }: Tree): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(join("/proc", pid, "cmdline"), "utf8").catch(() => "");
    if (command.includes(folder) && /^(?:\S*\/)?qemu-(?:storage-daemon|nbd|img|io)\0/.test(command)) {
      found.push(`process ${pid}: ${command.replaceAll("\0", " ").slice(0, 200)}`);
    }
  }
  return found;
}
