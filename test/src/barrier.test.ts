import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type BootedInstance, loseInstance } from "@cairn/embedded";
import { asId } from "@cairn/kernel";
import { bootFromImage, makeWorkload, takeSnapshot, whenIdle } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { explained, startTree, type Tree, until } from "./tree.ts";

const STOP_MS = 30_000;
let tree: Tree;
const instances: BootedInstance[] = [];
let workload: string;

before(async () => {
  tree = await startTree();
  // On two hosts, each with a datamover of its own.
  for (const [name, zone] of [
    ["web", "az1"],
    ["app", "az1"],
    ["db", "az2"],
    ["mail", "az2"],
  ] as const)
    instances.push(await bootFromImage(tree, name, zone));
  workload = await makeWorkload(
    tree,
    "shop",
    instances.map(({ id }) => id),
  );
});

after(async () => tree.close());

test("four instances on two hosts take their points together, and the snapshot says how", async (t) => {
  await explained(t, tree, async () => {
    const { instances: taken, warning_msg, workload_point: point } = await takeSnapshot(tree, workload);
    assert.ok(point?.together === true, `${point?.reason ?? "no barrier"} ${warning_msg ?? ""}`);
    assert.equal(warning_msg, null);
    t.diagnostic(`skew ${String(point.skew_ms)} ms, window ${String(point.window_ms)} ms`);
    assert.ok((point.skew_ms ?? Number.NaN) < 2_000 && (point.window_ms ?? Number.NaN) < 4_000);
    const times = taken.map(({ point_at }) => Date.parse(`${point_at ?? ""}Z`));
    assert.ok(Math.max(...times) - Math.min(...times) <= 2_000, times.join(" "));
  });
});

test("a stopped instance is at the barrier, too, and holds up no other one", async (t) => {
  await explained(t, tree, async () => {
    const [web] = instances;
    assert.ok(web !== undefined);
    await tree.cloud.nova.servers.stop(asId(web.id));
    await until("the stop", STOP_MS, async () =>
      (await tree.cloud.nova.servers.get(asId(web.id))).status === "SHUTOFF" ? true : undefined,
    );
    const { instances: taken, workload_point: point } = await takeSnapshot(tree, workload);
    assert.equal(point?.together, true, point?.reason ?? "");
    const stopped = taken.find(({ id }) => id === web.id);
    assert.equal(stopped?.consistency?.reason, "the instance is stopped");
  });
});

test("an instance alone has nobody to meet; nothing is left of any barrier", async (t) => {
  await explained(t, tree, async () => {
    const [web, ...others] = instances;
    assert.ok(web !== undefined);
    await tree.api.modifyWorkload({
      params: { workload_id: workload },
      body: { workload: { instances: [{ "instance-id": web.id }] } },
    });
    await whenIdle(tree);
    for (const other of others) await loseInstance(tree.cloud, other, tree.signal);
    const { workload_point: point } = await takeSnapshot(tree, workload);
    assert.equal(point, null);
    assert.deepEqual(await leftovers(tree), []);
  });
});
