import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { type BootedInstance, bootInstance, loseInstance } from "@cairn/embedded";
import { asId, newId } from "@cairn/kernel";
import {
  beginRestore,
  endOfRestore,
  makeWorkload,
  restoreOptions,
  runOf,
  takeSnapshot,
  whenIdle,
} from "../job.ts";
import { explained, until } from "../tree.ts";
import { removeNamed } from "./our-things.ts";
import { Outage, VolumePool } from "./outage.ts";
import { inventory } from "./short-inventory.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/* Parts of a real cloud go away in the midst of restores, which wait for them and go on. */

const BOOT_MS = 180_000;
const STEP_MS = 180_000;
const GONE_MS = 180_000;
/** An outage lasts so long that several requests have met it. */
const OUTAGE_MS = 15_000;
const DATA_MIB = 64;
const name = `weather-${newId<"instance">().slice(-8)}`;
const copyName = `${name}-copy`;

let folder: string;
let tree: CloudTree;
let nothing: readonly string[];
let instance: BootedInstance;
let workload: string;
let snapshot: string;
let digest: string;

before(async () => {
  folder = process.env["CAIRN_TEST_CLOUD"] ?? "";
  assert.ok(folder !== "", "this test needs a real cloud: ./cairn test --cloud testcloud");
  tree = await startCloudTree(folder);
  nothing = await inventory(tree);
  instance = await bootInstance(
    tree.cloud,
    {
      name,
      flavor: "t1.disk",
      network: "priv",
      zone: "nova",
      boot: { kind: "image", imageId: tree.imageId },
      volumes: [{ name: `${name}-data`, sizeGiB: 1, volumeType: "ceph" }],
    },
    tree.signal,
  );
  const fill = `dd if=/dev/urandom of=/dev/vdb bs=1048576 count=${String(DATA_MIB)} conv=fsync 2>/dev/null`;
  await inGuest(instance.id, fill);
  digest = await digestOf(instance.id);
  workload = await makeWorkload(tree, name, [instance.id]);
  snapshot = (await takeSnapshot(tree, workload, true)).id;
});

after(async () => {
  await removeNamed(tree, name);
  await tree.close();
});

async function inGuest(id: string, script: string): Promise<string> {
  const guest = await tree.guests.of(id, { withinMs: BOOT_MS, signal: tree.signal });
  return guest.run(script, tree.signal);
}

async function digestOf(id: string): Promise<string> {
  const read = `dd if=/dev/vdb bs=1048576 count=${String(DATA_MIB)} 2>/dev/null | sha256sum`;
  return (await inGuest(id, `echo 3 > /proc/sys/vm/drop_caches; ${read}`)).trim();
}

async function begin(): Promise<string> {
  const copy = { id: instance.id, include: true, name: copyName };
  return beginRestore(tree, snapshot, restoreOptions("selective", [copy]));
}

async function untilStarted(restoreId: string, step: string): Promise<void> {
  const run = await runOf(tree, "restore", restoreId);
  await until(`a step ${step}`, STEP_MS, async () => {
    const rows = await tree.database.handle
      .selectFrom("step")
      .select("key")
      .where("run_id", "=", run)
      .execute();
    return rows.some(({ key }) => key.startsWith(step)) ? true : undefined;
  });
}

/** The restore has what the snapshot has; then its copy goes, and the hidden image that it was born from. */
async function succeeds(restoreId: string): Promise<void> {
  const ended = await endOfRestore(tree, restoreId);
  assert.equal(ended.status, "available", ended.error_msg ?? "");
  const copies = await tree.cloud.nova.servers.list({ name: copyName }, tree.signal);
  assert.equal(copies.length, 1, "nothing was made twice");
  const id = asId<"instance">(copies[0]?.id ?? "");
  assert.equal(await digestOf(id), digest);
  const attached = await tree.cloud.nova.volumeAttachments.list(id, tree.signal);
  const volumeIds = attached.map(({ volumeId }) => asId<"volume">(volumeId));
  await loseInstance(tree.cloud, { id, name: copyName, volumeIds }, tree.signal);
  const run = await runOf(tree, "restore", restoreId);
  const { images } = tree.cloud.glance;
  for (const image of await images.list({ isHidden: true }, tree.signal))
    if (image.name.includes(run)) await images.delete(image.id, tree.signal);
}

/** A service is away from this step of a restore on, or from its planning, and comes back. */
async function outlives(context: TestContext, service: string, step: string | undefined): Promise<void> {
  await explained(context, tree, async () => {
    const id = await begin();
    if (step !== undefined) await untilStarted(id, step);
    await using outage = await Outage.begin(folder, service);
    await tree.embedded.pause(OUTAGE_MS);
    await outage.end();
    await succeeds(id);
  });
}

test("a restore waits for a Keystone that goes down as soon as it has begun, and goes on", async (t) => {
  await outlives(t, "keystone", undefined);
});

test("a restore waits for a compute service that is down when its instance is made", async (t) => {
  await outlives(t, "nova-compute", "server-");
});

test("a restore outlives the message bus, whenever it goes away", async (t) => {
  await outlives(t, "rabbitmq", undefined);
  await outlives(t, "rabbitmq", "write-");
});

test("a restore to a Ceph pool that fills up waits for room and goes on", async (t) => {
  await explained(t, tree, async () => {
    const pool = await VolumePool.open(folder);
    const id = await begin();
    await untilStarted(id, "write-");
    await using full = await pool.fill();
    await until("a full pool", STEP_MS, async () => ((await pool.isFull()) ? true : undefined));
    await tree.embedded.pause(OUTAGE_MS);
    await full.end();
    await succeeds(id);
  });
});

test("a restore that waits for a full Ceph pool can be cancelled, and leaves nothing", async (t) => {
  await explained(t, tree, async () => {
    const before = await inventory(tree);
    const pool = await VolumePool.open(folder);
    const id = await begin();
    await untilStarted(id, "write-");
    await using full = await pool.fill();
    await until("a full pool", STEP_MS, async () => ((await pool.isFull()) ? true : undefined));
    await tree.api.cancelRestore({ params: { restore_id: id } });
    await tree.embedded.pause(OUTAGE_MS);
    await full.end();
    const ended = await endOfRestore(tree, id);
    assert.equal(ended.status, "cancelled", ended.error_msg ?? "");
    assert.deepEqual(await inventory(tree), before);
  });
});

test("nothing is left behind", async (t) => {
  await explained(t, tree, async () => {
    await loseInstance(tree.cloud, instance, tree.signal);
    await tree.api.deleteSnapshot({ params: { snapshot_id: snapshot } });
    await whenIdle(tree);
    await tree.api.deleteWorkload({ params: { workload_id: workload } });
    await whenIdle(tree);
    // A restored port outlives its instance, as any does that was given to one.
    for (const port of await tree.cloud.neutron.ports.list({}, tree.signal)) {
      const isFree = (port.deviceId ?? "") === "" && !nothing.some((line) => line.includes(port.id));
      if (isFree) await tree.cloud.neutron.ports.delete(port.id, tree.signal);
    }
    await until("the former state", GONE_MS, async () => {
      const left = (await inventory(tree)).filter((line) => !nothing.includes(line));
      return left.length === 0 ? true : undefined;
    });
  });
});
