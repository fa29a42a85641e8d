import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { Fault, MiB } from "@cairn/kernel";
import { QmpClient } from "@cairn/qmp";
import { OrderBench, protectOrder } from "../testing/bench-of-orders.ts";
import { TestNode } from "../testing/test-node.ts";

const real = Reflect.get<QmpClient, "execute">(QmpClient.prototype, "execute");

/** More commands than a point of two disks takes. */
const COMMANDS_MAX = 100;

void test("an order that is cancelled after any command to QEMU leaves nothing there", async (context) => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([
    { device: "vda", format: "qcow2", sizeBytes: 4 * MiB },
    { device: "vdb", format: "raw", sizeBytes: 4 * MiB },
  ]);
  await instance.write("vda", 0, randomBytes(MiB));
  const first = await bench.protect(instance);
  const kept = await instance.bitmaps();
  const seen: string[] = [];
  for (let last = 0; last < COMMANDS_MAX; last += 1) {
    const cancel = new AbortController();
    const reason = new Fault("order-cancelled", `after command ${last}`, "never");
    let count = 0;
    const spy = context.mock.method(
      QmpClient.prototype,
      "execute",
      async function (this: QmpClient, ...all: Parameters<QmpClient["execute"]>) {
        const answer = real.apply(this, all);
        // Sent, but not answered yet.
        if (count === last) cancel.abort(reason);
        if (count === last) seen.push(all[0]);
        count += 1;
        return answer;
      },
    );
    const outcome = await bench
      .perform(protectOrder(instance, first), { signal: cancel.signal })
      .catch((cause: unknown) => cause);
    spy.mock.restore();
    assert.deepEqual(await readdir(node.scratchFolder), [], seen.join());
    assert.deepEqual(await instance.leftovers(), [], seen.join());
    if (!cancel.signal.aborted) {
      assert.ok(seen.includes("nbd-server-start") && seen.includes("transaction"), seen.join());
      return;
    }
    // Beyond the last proof of the point the order may be cancelled too late to matter.
    if (outcome === reason) assert.deepEqual(await instance.bitmaps(), kept, seen.join());
    else await abandonAll(bench, instance.id, kept);
  }
  assert.fail("the point never ended");
});

void test("what could not be taken down is found and taken down by the next attempt", async (context) => {
  await using node = await TestNode.open();
  const bench = await OrderBench.open(node);
  const instance = await node.boot([{ device: "vda", format: "qcow2", sizeBytes: 4 * MiB }]);
  const attempts = [
    async () => bench.protect(instance),
    async () => bench.hypervisor.reconcile(AbortSignal.timeout(20_000)),
  ];
  for (const next of attempts) {
    const spy = context.mock.method(
      QmpClient.prototype,
      "execute",
      async function (this: QmpClient, ...all: Parameters<QmpClient["execute"]>) {
        if (all[0] === "block-export-del") throw new Fault("qmp-timeout", "waiting for the answer", "later");
        return real.apply(this, all);
      },
    );
    const outcome = await bench.perform(protectOrder(instance));
    spy.mock.restore();
    assert.ok(outcome.kind === "failed" && outcome.code === "teardown-failed", JSON.stringify(outcome));
    assert.equal((await readdir(node.scratchFolder)).length, 1, "its socket tells whose the server is");
    await next();
    assert.deepEqual(await readdir(node.scratchFolder), []);
    assert.deepEqual(await instance.leftovers(), []);
  }
});

async function abandonAll(
  bench: OrderBench,
  instanceId: string,
  kept: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const keepBitmaps = Object.values(kept).flat();
  await bench.perform({ kind: "settle-instance", instanceId, keepBitmaps });
}
