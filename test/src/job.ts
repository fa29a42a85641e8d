import { randomBytes } from "node:crypto";
import type { RestoreDetail, SnapshotDetail } from "@cairn/contract";
import { type BootedInstance, bootInstance } from "@cairn/embedded";
import { asId, KiB, MiB, type RunId } from "@cairn/kernel";
import { type Tree, until } from "./tree.ts";

/** A real cloud on the same machine takes minutes when that is busy. */
const RUN_MS = 300_000;

/**
 * Boots an image-booted instance; on `az1` its disk is qcow2, on `az2` raw. With `m1.nano` the disk is as
 * large as the image, with other flavors as the flavor says.
 */
export async function bootFromImage(
  tree: Tree,
  name: string,
  zone: "az1" | "az2",
  flavor = "m1.nano",
): Promise<BootedInstance> {
  const boot = { kind: "image", imageId: tree.imageId } as const;
  return bootInstance(tree.cloud, { name, zone, boot, flavor, network: "private", volumes: [] }, tree.signal);
}

/** Makes a workload of instances and waits until it can be used. */
export async function makeWorkload(
  tree: Tree,
  name: string,
  instanceIds: readonly string[],
): Promise<string> {
  const instances = instanceIds.map((id) => ({ "instance-id": id }));
  const { workload } = await tree.api.createWorkload({
    body: { workload: { name, instances, jobschedule: { enabled: false } } },
  });
  await whenAvailable(tree, workload.id);
  return workload.id;
}

/** Waits until a workload is `available` again. */
export async function whenAvailable(tree: Tree, workloadId: string): Promise<void> {
  await until(`workload ${workloadId}`, RUN_MS, async () => {
    const { workload } = await tree.api.showWorkload({ params: { workload_id: workloadId } });
    return workload.status === "available" ? true : undefined;
  });
}

/** Writes random pieces into an instance's disk while it runs. */
export async function scribble(tree: Tree, instanceId: string, device: string, pieces = 8): Promise<void> {
  for (let index = 0; index < pieces; index += 1) {
    const offset = (randomBytes(2).readUInt16BE() % 300) * 64 * KiB;
    await tree.embedded.sandbox.write(instanceId, device, offset, randomBytes(48 * KiB));
  }
}

/** Fills a part of a disk with data that cannot be compressed, so that moving it takes a while. */
export async function fill(tree: Tree, instanceId: string, device: string, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += 16 * MiB) {
    await tree.embedded.sandbox.write(instanceId, device, at, randomBytes(Math.min(16 * MiB, bytes - at)));
  }
}

/** Asks for a snapshot; its run has begun when this resolves. */
export async function beginSnapshot(tree: Tree, workloadId: string, full = false): Promise<string> {
  const { snapshot } = await tree.api.takeSnapshot({
    params: { workload_id: workloadId },
    query: { full },
    body: { snapshot: { name: "test" } },
  });
  return snapshot.id;
}

/** The run that makes a snapshot or a restore. */
export async function runOf(tree: Tree, table: "snapshot" | "restore", id: string): Promise<RunId> {
  const { handle } = tree.database;
  const row =
    table === "snapshot"
      ? await handle
          .selectFrom("snapshot")
          .select("run_id")
          .where("id", "=", asId<"snapshot">(id))
          .executeTakeFirst()
      : await handle
          .selectFrom("restore")
          .select("run_id")
          .where("id", "=", asId<"restore">(id))
          .executeTakeFirst();
  if (row === undefined) throw new Error(`there is no ${table} ${id}`);
  return row.run_id;
}

/** Waits until a snapshot has ended, and its workload is free again. */
export async function endOfSnapshot(tree: Tree, snapshotId: string): Promise<SnapshotDetail> {
  const ended = await until(`the end of snapshot ${snapshotId}`, RUN_MS, async () => {
    const { snapshot } = await tree.api.showSnapshot({ params: { snapshot_id: snapshotId } });
    return ["available", "error", "cancelled"].includes(snapshot.status) ? snapshot : undefined;
  });
  await whenAvailable(tree, ended.workload_id);
  await whenIdle(tree);
  return ended;
}

/** Takes a snapshot and waits for its end; fails when it did not become available. */
export async function takeSnapshot(tree: Tree, workloadId: string, full = false): Promise<SnapshotDetail> {
  const snapshot = await endOfSnapshot(tree, await beginSnapshot(tree, workloadId, full));
  if (snapshot.status !== "available") throw new Error(`${snapshot.status}: ${snapshot.error_msg ?? ""}`);
  return snapshot;
}

type RestoreOptions = Parameters<Tree["api"]["createRestore"]>[0]["body"]["restore"]["options"];

/** The options of a restore of a kind with these instances. */
export function restoreOptions(
  kind: RestoreOptions["restore_type"],
  instances: RestoreOptions["openstack"]["instances"] = [],
  networks: RestoreOptions["openstack"]["networks_mapping"]["networks"] = [],
): RestoreOptions {
  return {
    type: "openstack",
    restore_type: kind,
    oneclickrestore: kind === "oneclick",
    openstack: { instances, restore_topology: false, networks_mapping: { networks } },
  };
}

/** Asks for a restore; its run has begun when this resolves. */
export async function beginRestore(tree: Tree, snapshotId: string, options: RestoreOptions): Promise<string> {
  const { restore } = await tree.api.createRestore({
    params: { snapshot_id: snapshotId },
    body: { restore: { name: "test", options } },
  });
  return restore.id;
}

/** Waits until a restore has ended, and nothing runs any more. */
export async function endOfRestore(tree: Tree, restoreId: string): Promise<RestoreDetail> {
  const ended = await until(`the end of restore ${restoreId}`, RUN_MS, async () => {
    const { restore } = await tree.api.showRestore({ params: { restore_id: restoreId } });
    return ["available", "error", "cancelled"].includes(restore.status) ? restore : undefined;
  });
  await whenIdle(tree);
  return ended;
}

/** Waits until no run and no order is going on: what follows a run (settling) is over too. */
export async function whenIdle(tree: Tree): Promise<void> {
  await until("the end of all runs", RUN_MS, async () => {
    const { handle } = tree.database;
    const run = await handle
      .selectFrom("run")
      .select("id")
      .where("state", "!=", "concluded")
      .executeTakeFirst();
    const order = await handle
      .selectFrom("datamover_order")
      .select("id")
      .where("state", "not in", ["finished", "cancelled"])
      .executeTakeFirst();
    return run === undefined && order === undefined ? true : undefined;
  });
}
