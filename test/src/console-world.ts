import type { BootedInstance } from "@cairn/embedded";
import { MiB } from "@cairn/kernel";
import { beginSnapshot, bootFromImage, endOfSnapshot, fill, makeWorkload, takeSnapshot } from "./job.ts";
import { apiOf, type Tree } from "./tree.ts";

/** A project as one meets it: something good, something failed, something that nobody protects. */
export interface ConsoleWorld {
  /** Its snapshots are good. */
  readonly shop: string;
  /** Its last snapshot failed. */
  readonly ledger: string;
  readonly shopInstance: BootedInstance;
}

/** Makes the instances `web`, `db` and `spare`, and the workloads `shop` and `ledger` of the first two. */
export async function makeConsoleWorld(tree: Tree): Promise<ConsoleWorld> {
  const [shopInstance, db] = await Promise.all([
    bootFromImage(tree, "web", "az1", "m1.tiny"),
    bootFromImage(tree, "db", "az2"),
    bootFromImage(tree, "spare", "az1"),
  ]);
  const shop = await makeWorkload(tree, "shop", [shopInstance.id]);
  const ledger = await makeWorkload(tree, "ledger", [db.id]);
  await takeSnapshot(tree, shop);
  await takeSnapshot(tree, ledger);
  await failSnapshot(tree, ledger, db);
  return { shop, ledger, shopInstance };
}

/** Has a snapshot fail: its instance's datamover takes no work. */
async function failSnapshot(tree: Tree, workload: string, { id }: BootedInstance): Promise<void> {
  const admin = tree.embedded.cloud("admin", "admin");
  const root = await apiOf(tree.embedded, admin);
  const { host } = await admin.nova.servers.get(id);
  const node = String(host);
  await root.updateService({ body: { node_name: node, status: 1, reason: "new disks" } });
  await endOfSnapshot(tree, await beginSnapshot(tree, workload));
  await root.updateService({ body: { node_name: node, status: 0 } });
}

/** Gives a snapshot enough to read that one can watch it. */
export async function fillDisk(tree: Tree, { id }: BootedInstance): Promise<void> {
  await fill(tree, id, "vda", 900 * MiB);
}
