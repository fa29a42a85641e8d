import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import type { SnapshotDetail } from "@cairn/contract";
import { type BootedInstance, bootInstance, loseInstance } from "@cairn/embedded";
import { asId, newId } from "@cairn/kernel";
import { makeWorkload, takeSnapshot, whenIdle } from "../job.ts";
import { explained, until } from "../tree.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/*
 * For how long guests are frozen, and how far apart the points of a workload's instances are, on a real Nova
 * with real guests. The tests follow each other.
 */

const BOOT_MS = 240_000;
/** What is promised of hosts that have a core for each guest: of three snapshots the middle one counts. */
const FREEZE_MS = 500;
const WINDOW_MS = 2_000;
/** Of it, what is not the guest's agent's: that holds on a busy host, too, where guests are interpreted. */
const OURS_MS = 400;
const ROUNDS = 3;
const prefix = `meet-${newId<"instance">().slice(-8)}`;

let tree: CloudTree;
const booted: BootedInstance[] = [];
const snapshots: string[] = [];
const workloads: string[] = [];
/** Points whose parts were told. */
let told = 0;

before(async () => {
  const folder = process.env["CAIRN_TEST_CLOUD"];
  assert.ok(folder !== undefined, "this test needs a real cloud: ./cairn test --cloud testcloud");
  tree = await startCloudTree(folder);
  const types = await tree.cloud.cinder.volumeTypes.list(tree.signal);
  const hasCeph = types.some(({ name }) => name === "ceph");
  for (let number = 1; number <= 4; number += 1) {
    // The first one has three disks, of every kind that the cloud has.
    const volumes = (hasCeph ? ["nfs", "ceph"] : ["nfs", "nfs"]).map((volumeType, index) => ({
      name: `${prefix}-${String(index)}`,
      sizeGiB: 1,
      volumeType,
    }));
    const sample = {
      name: `${prefix}-${String(number)}`,
      flavor: "t1.disk",
      network: "priv",
      zone: "nova",
      boot: { kind: "image", imageId: tree.imageId },
      volumes: number === 1 ? volumes : [],
    } as const;
    booted.push(await bootInstance(tree.cloud, sample, tree.signal));
  }
  // What a guest's own script does when it is frozen is not what is measured.
  for (const instance of booted) await inGuest(instance, "echo '#!/bin/sh' > /etc/qemu/fsfreeze-hook");
});

/** Ends workloads with their snapshots: an instance is in one workload at most. */
async function emptied(): Promise<void> {
  for (const id of snapshots.splice(0)) {
    await tree.api.deleteSnapshot({ params: { snapshot_id: id } });
    await whenIdle(tree);
  }
  for (const id of workloads.splice(0)) {
    await tree.api.deleteWorkload({ params: { workload_id: id } });
    await whenIdle(tree);
  }
}

after(async () => {
  await emptied();
  for (const instance of booted) await loseInstance(tree.cloud, instance, tree.signal);
  await tree.close();
});

async function inGuest(instance: BootedInstance | undefined, script: string): Promise<string> {
  assert.ok(instance !== undefined);
  const guest = await tree.guests.of(instance.id, { withinMs: BOOT_MS, signal: tree.signal });
  return guest.run(script, tree.signal);
}

async function snapshot(workload: string): Promise<SnapshotDetail> {
  const taken = await takeSnapshot(tree, workload);
  snapshots.push(taken.id);
  return taken;
}

/** Whether guests wait for processors: then their agents' time says nothing of Cairn. */
function isBusy(): boolean {
  return (loadavg()[0] ?? 0) > availableParallelism() + 1;
}

/** Tells of what the new points consist, and gives the times that are not the agent's. */
async function tellParts(t: TestContext): Promise<readonly number[]> {
  const oursMs: number[] = [];
  const { logs } = tree.embedded.layout;
  for (const name of await readdir(logs)) {
    const lines = (await readFile(join(logs, name), "utf8")).split("\n");
    const points = lines.filter((line) => line.includes('"point.taken"')).slice(told);
    told += points.length;
    for (const line of points) {
      const { disks, freeze_ms, asked_ms, cut_ms, thaw_ms } = JSON.parse(line) as Record<string, number>;
      if (freeze_ms === undefined) continue;
      oursMs.push(freeze_ms - (asked_ms ?? 0) - (thaw_ms ?? 0));
      const parts = `freeze ${String(asked_ms)}, cut ${String(cut_ms)}, thaw ${String(thaw_ms)}`;
      t.diagnostic(`${String(disks)} disks, ${String(freeze_ms)} ms: ${parts}`);
    }
  }
  return oursMs;
}

const freezes = (taken: SnapshotDetail): (number | undefined)[] =>
  taken.instances.map(({ consistency }) => consistency?.freeze_ms);

/** The middle one of some times. */
function middle(times: readonly (number | undefined)[]): number {
  const sorted = times.map((time) => time ?? Number.POSITIVE_INFINITY).toSorted((one, two) => one - two);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY;
}

async function freezeTimes(t: TestContext, what: string, workload: string): Promise<number> {
  const times: (number | undefined)[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const taken = await snapshot(workload);
    assert.ok(taken.instances.every(({ consistency }) => consistency?.quality === "file-system"));
    times.push(...freezes(taken));
  }
  const oursMs = await tellParts(t);
  t.diagnostic(`${what}: frozen for ${times.map(String).join(", ")} ms, load ${String(loadavg()[0])}`);
  assert.ok(middle(oursMs) < OURS_MS, `${oursMs.join(", ")} ms`);
  return middle(times);
}

test("an instance with three disks is frozen for less than half a second", async (t) => {
  await explained(t, tree, async () => {
    const [first] = booted;
    assert.ok(first !== undefined);
    const format =
      "for d in b c; do mkfs.ext4 -q -F /dev/vd$d && mkdir -p /mnt/$d && mount /dev/vd$d /mnt/$d; done";
    await inGuest(first, `${format}; sync`);
    const workload = await makeWorkload(tree, `${prefix}-one`, [first.id]);
    workloads.push(workload);
    const freezeMs = await freezeTimes(t, "three disks, guest at rest", workload);
    assert.ok(freezeMs < FREEZE_MS || isBusy(), `frozen for ${String(freezeMs)} ms`);
    const write =
      "while [ -e /tmp/busy ]; do dd if=/dev/zero of=/mnt/b/load bs=64k count=64 2>/dev/null; done";
    await inGuest(first, `touch /tmp/busy; (${write}) >/dev/null 2>&1 </dev/null & true`);
    try {
      await freezeTimes(t, "three disks, guest writes", workload);
    } finally {
      await inGuest(first, "rm -f /tmp/busy");
    }
  });
});

test("four instances take their points together, within the skew that the snapshot tells", async (t) => {
  await explained(t, tree, async () => {
    await emptied();
    const workload = await makeWorkload(
      tree,
      `${prefix}-four`,
      booted.map(({ id }) => id),
    );
    workloads.push(workload);
    const windows: (number | undefined)[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const taken = await snapshot(workload);
      const point = taken.workload_point;
      assert.ok(point?.together === true, `${point?.reason ?? "no barrier"}; ${taken.warning_msg ?? ""}`);
      const { skew_ms: skewMs, window_ms: windowMs } = point;
      const each = freezes(taken).map(String).join(", ");
      t.diagnostic(
        `four instances: skew ${String(skewMs)} ms, window ${String(windowMs)} ms, frozen ${each} ms`,
      );
      windows.push(windowMs ?? undefined);
    }
    await tellParts(t);
    assert.ok(middle(windows) < WINDOW_MS || isBusy(), `${windows.map(String).join(", ")} ms`);
  });
});

test("an instance that is stopped, or has no agent that answers, holds up no other one", async (t) => {
  await explained(t, tree, async () => {
    const [, stopped, silent] = booted;
    const workload = workloads.at(-1) ?? "";
    assert.ok(stopped !== undefined);
    await inGuest(silent, "(sleep 1; killall -9 qemu-ga) >/dev/null 2>&1 </dev/null & true");
    await tree.cloud.nova.servers.stop(asId(stopped.id), tree.signal);
    await until("the stop", BOOT_MS, async () =>
      (await tree.cloud.nova.servers.get(asId(stopped.id))).status === "SHUTOFF" ? true : undefined,
    );
    const taken = await snapshot(workload);
    const qualities = taken.instances.map(({ consistency }) => consistency?.reason);
    t.diagnostic(`${JSON.stringify(taken.workload_point)}; ${qualities.join("; ")}`);
    assert.equal(taken.workload_point?.together, true, taken.warning_msg ?? "");
    assert.ok(qualities.includes("the instance is stopped"));
    const unfrozen = taken.instances.filter(({ consistency }) => consistency?.quality === "crash");
    assert.equal(unfrozen.length, 1);
  });
});
