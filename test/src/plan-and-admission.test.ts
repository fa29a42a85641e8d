import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BootedInstance } from "@cairn/embedded";
import { asId } from "@cairn/kernel";
import {
  beginRestore,
  beginSnapshot,
  bootFromImage,
  endOfRestore,
  endOfSnapshot,
  makeWorkload,
  takeSnapshot,
  whenIdle,
} from "./job.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

/* What is told beforehand, and what is held back: with everything running. */

const STEP_MS = 120_000;

let tree: Tree;
let instance: BootedInstance;
let workload: string;

before(async () => {
  tree = await startTree();
  instance = await bootFromImage(tree, "planned", "az1");
  workload = await makeWorkload(tree, "planned", [instance.id]);
});

after(async () => tree.close());

test("a planned restore is taken as it is, and brings the instance back beside the original", async (t) => {
  await explained(t, tree, async () => {
    const snapshot = await takeSnapshot(tree, workload);
    const params = { snapshot_id: snapshot.id };
    const plan = await tree.api.planRestore({ params, body: { plan: {} } });
    assert.deepEqual(plan.warnings, []);
    assert.equal(plan.mapping.networks[0]?.target_network.name, "private");
    const restore = await endOfRestore(tree, await beginRestore(tree, snapshot.id, plan.restore.options));
    assert.equal(restore.status, "available", restore.error_msg ?? "");
    const [made] = restore.instances;
    assert.ok(made !== undefined && made.id !== instance.id);
    await tree.cloud.nova.servers.delete(asId(made.id), tree.signal);
    const back = await tree.api.planRestore({ params, body: { plan: { restore_type: "inplace" } } });
    assert.equal(back.restore.options.openstack.instances[0]?.restore_boot_disk, true);
  });
});

test("with no place in the cloud a snapshot waits and says why; with one it is taken", async (t) => {
  await explained(t, tree, async () => {
    const root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
    const cap = (max: number) => ({ body: { rule: { kind: "cap", scope: "host", max } as const } });
    await assert.rejects(tree.api.createAdmissionRule(cap(0)), { status: 403 });
    await root.createAdmissionRule(cap(0));
    const id = await beginSnapshot(tree, workload);
    const held = await until("the reason to wait", STEP_MS, async () => {
      const { snapshot } = await tree.api.showSnapshot({ params: { snapshot_id: id } });
      return snapshot.waiting?.code === "cap" ? snapshot : undefined;
    });
    assert.match(held.progress_msg ?? "", /0 of 0 snapshots of host .+ run \(place 1\)/);
    const shown = await tree.api.showWorkload({ params: { workload_id: workload } });
    assert.equal(shown.workload.waiting_reason, held.waiting?.reason);
    const { queue } = await root.showAdmissionQueue({});
    assert.deepEqual(
      queue.map((each) => each.snapshot_id),
      [id],
    );
    await root.createAdmissionRule(cap(1));
    const taken = await endOfSnapshot(tree, id);
    assert.equal(taken.status, "available", taken.error_msg ?? "");
    assert.equal(taken.waiting, null);
    for (const rule of (await root.listAdmissionRules({})).rules) {
      await root.deleteAdmissionRule({ params: { rule_id: rule.id } });
    }
  });
});

test("an instance whose metadata a rule names joins the workload by itself", async (t) => {
  await explained(t, tree, async () => {
    const other = await bootFromImage(tree, "joins", "az1");
    await tree.cloud.nova.servers.setMetadata(asId(other.id), { backup: "daily" }, tree.signal);
    const rule = { workload_id: workload, metadata_key: "backup", metadata_value: "daily" };
    await tree.api.createProtectionRule({ body: { protection_rule: rule } });
    await until("the instance to join", STEP_MS, async () => {
      const { workload: shown } = await tree.api.showWorkload({ params: { workload_id: workload } });
      return shown.instances.some(({ id }) => id === other.id) ? true : undefined;
    });
    await whenIdle(tree);
  });
});
