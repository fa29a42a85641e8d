import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, test } from "node:test";
import { makeWorkload } from "../job.ts";
import { inDatabase, onTarget } from "../leftovers.ts";
import { explained, until } from "../tree.ts";
import { storageInventory, tracesOf } from "./host.ts";
import { makeFlavors, removeNamed } from "./our-things.ts";
import { type InstanceState, type Operation, planOperations } from "./plan.ts";
import { inventory } from "./short-inventory.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";
import { TruthInstance, type TruthWish } from "./truth-instance.ts";
import { type TruthMember, TruthRun } from "./truth-run.ts";

/*
 * Guests write without pause, everything happens to their instances that can happen in a cloud, snapshots are
 * taken all the while: each one that is committed holds what the guest had written, to the byte.
 * `--seed` and `--operations` choose the history.
 */

const seed = Number(process.env["CAIRN_TRUTH_SEED"] ?? randomInt(1_000_000));
const operations = Number(process.env["CAIRN_TRUTH_OPERATIONS"] ?? 60);
const cloudFolder = process.env["CAIRN_TEST_CLOUD"] ?? "";
const again = `./cairn test --cloud testcloud truth --seed ${seed} --operations ${operations}`;
const GONE_MS = 120_000;
const prefix = `truth-${seed}`;

let tree: CloudTree;
let nothing: readonly string[];
const members: TruthMember[] = [];

before(async () => {
  tree = await startCloudTree(cloudFolder);
  // Of a run that was killed.
  await removeNamed(tree, "truth-");
  nothing = await everything();
});

after(async () => {
  try {
    await removeNamed(tree, prefix);
  } finally {
    await tree.close();
  }
});

async function makeMembers(): Promise<void> {
  const types = (await tree.cloud.cinder.volumeTypes.list(tree.signal)).map(({ name }) => name);
  const hasCeph = types.includes("ceph");
  const flavors = await makeFlavors(tree, prefix);
  const flavor = `${prefix}-small`;
  // Ceph's volumes can be extended while they are attached; the file driver's cannot.
  const wishes: readonly TruthWish[] = [
    {
      name: `${prefix}-a`,
      seed,
      boot: "image",
      hasExtra: hasCeph,
      flavor,
      rootType: "",
      volumeTypes: hasCeph ? ["nfs", "ceph", "ceph"] : ["nfs"],
    },
    {
      name: `${prefix}-b`,
      seed: seed + 1,
      boot: "volume",
      hasExtra: false,
      flavor,
      rootType: hasCeph ? "ceph" : "nfs",
      volumeTypes: ["nfs"],
    },
  ];
  const made = await Promise.all(
    wishes.map(async (wish): Promise<TruthMember> => {
      const instance = await TruthInstance.boot(tree, wish);
      const workloadId = await makeWorkload(tree, wish.name, [instance.id]);
      return { instance, workloadId, flavors, state: "active" };
    }),
  );
  members.push(...made);
}

async function bitmapsInUse(): Promise<ReadonlySet<string>> {
  const rows = await tree.database.handle.selectFrom("disk_base").select("base").execute();
  return new Set(JSON.stringify(rows).match(/cairn-[\w-]+/g) ?? []);
}

test("every committed snapshot is what its guest had written, whatever happens meanwhile", async (t) => {
  await explained(t, tree, async () => {
    await makeMembers();
    const steps = planOperations(
      seed,
      operations,
      members.map(({ instance }) => instance.wish),
    );
    const run = new TruthRun(tree, cloudFolder, members);
    try {
      for (const [index, step] of steps.entries()) await run.perform(step, index);
    } catch (cause) {
      throw new Error(`again by: ${again}`, { cause });
    }
    const { committed, incremental, frozen, refused } = run.tally;
    t.diagnostic(`seed ${seed}: ${steps.length} operations, ${committed} snapshots are equal`);
    t.diagnostic(`${incremental} of them read by bitmaps, ${frozen} with the guest frozen`);
    for (const line of refused) t.diagnostic(`refused: ${line}`);
    assert.ok(committed > 0);
  });
});

test("afterwards every instance can be stopped, started, rebooted, resized and deleted", async (t) => {
  await explained(t, tree, async () => {
    const run = new TruthRun(tree, cloudFolder, members);
    const inUse = await bitmapsInUse();
    await Promise.all(
      members.map(async (member) => {
        for (const [operation, leaves] of LAST_OPERATIONS) await run.operate(member, operation, leaves);
        assert.deepEqual(await tracesOf(member.instance.id, inUse), []);
      }),
    );
    await removeNamed(tree, prefix);
  });
});

const LAST_OPERATIONS: readonly (readonly [Operation, InstanceState])[] = [
  ["stop", "stopped"],
  ["start", "active"],
  ["soft-reboot", "active"],
  ["hard-reboot", "active"],
  ["resize", "active"],
];

test("Nova, Cinder, Ceph, libvirt and the host hold nothing of ours", async (t) => {
  await explained(t, tree, async () => {
    assert.deepEqual(await inDatabase(tree), []);
    assert.deepEqual(await onTarget(tree), []);
    // Nova and Neutron take domains and ports away a while after they have answered.
    let now: readonly string[] = [];
    await until("the former state", GONE_MS, async () => {
      now = await everything();
      return now.join("\n") === nothing.join("\n") ? true : undefined;
    }).catch(() => {
      assert.deepEqual(now, nothing);
    });
  });
});

async function everything(): Promise<readonly string[]> {
  return [...(await inventory(tree)), ...(await storageInventory(cloudFolder))];
}
