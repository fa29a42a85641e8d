import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { ApiClient, SnapshotDetail } from "@cairn/contract";
import type { BootedInstance } from "@cairn/embedded";
import { bootFromImage, takeSnapshot, whenAvailable, whenIdle } from "./job.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

/*
 * What operators rule by and look at, with everything running. The numbers are those of the acceptance list
 * that existing clients are held to.
 */

const STEP_MS = 60_000;

let tree: Tree;
let root: ApiClient;
let instance: BootedInstance;
let workload: string;
let snapshot: SnapshotDetail;

before(async () => {
  tree = await startTree();
  root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
  instance = await bootFromImage(tree, "operated", "az1");
  const instances = [{ "instance-id": instance.id }];
  const made = await tree.api.createWorkload({ body: { workload: { name: "shop", instances } } });
  workload = made.workload.id;
  await whenAvailable(tree, workload);
  snapshot = await takeSnapshot(tree, workload);
});

after(async () => tree.close());

async function taken(): Promise<SnapshotDetail> {
  const params = { workload_id: workload };
  const { snapshot: begun } = await tree.api.takeSnapshot({ params, query: {}, body: { snapshot: {} } });
  return until("the end of a snapshot", STEP_MS, async () => {
    const shown = await tree.api.showSnapshot({ params: { snapshot_id: begun.id } });
    return ["available", "error"].includes(shown.snapshot.status) ? shown.snapshot : undefined;
  });
}

/** Where it runs; only an administrator sees that. */
async function hostOf({ id }: BootedInstance): Promise<string> {
  const { host } = await tree.embedded.cloud("admin", "admin").nova.servers.get(id);
  assert.ok(host !== undefined, "the sandbox tells an administrator the host");
  return host;
}

test("10.F 13: a disabled node gets no new work; with all disabled no valid host is found", async (t) => {
  await explained(t, tree, async () => {
    await assert.rejects(tree.api.updateService({ body: { node_name: "compute1", status: 1 } }), {
      status: 403,
      message: "User does not have admin privileges",
    });
    const { nodes } = await root.listNodes({});
    assert.deepEqual(
      nodes.map(({ service, status, disabled }) => `${service} ${status} ${String(disabled)}`),
      ["cairn-engine Up false", "cairn-datamover Up false", "cairn-datamover Up false"],
    );
    assert.ok(nodes.every(({ version, last_seen_at: seen }) => version !== "" && seen !== null));
    const host = await hostOf(instance);
    await root.updateService({ body: { node_name: host, status: 1, reason: "new disks" } });
    const refused = await taken();
    assert.equal(refused.status, "error");
    assert.match(refused.error_msg ?? "", /^No valid host was found\. .*whose datamover is disabled/);
    await root.updateService({ body: { node_name: host, status: 0 } });
    const engine = nodes.find(({ service }) => service === "cairn-engine")?.node ?? "";
    const { nodes: off } = await root.updateService({
      body: { node_name: engine, status: 1, reason: "moves" },
    });
    assert.deepEqual(
      off.map(({ disabled, disabled_reason: reason }) => [disabled, reason]),
      [[true, "moves"]],
    );
    const failed = await taken();
    assert.equal(failed.error_msg, "No valid host was found. ");
    const shown = await tree.api.showWorkload({ params: { workload_id: workload } });
    assert.equal(shown.workload.status, "available");
    await root.updateService({ body: { node_name: engine, status: 0 } });
    assert.equal((await taken()).status, "available");
    await whenIdle(tree);
  });
});

test("10.F 27: the audit log has an entry for a snapshot that was just taken, and is whole", async (t) => {
  await explained(t, tree, async () => {
    const { auditlog } = await root.listAudit({ query: { time_in_minutes: 10, object_id: snapshot.id } });
    const asked = auditlog.find(({ Action }) => Action === "workload:workload_snapshot");
    assert.deepEqual([asked?.ObjectName, asked?.Outcome], [snapshot.name, "accepted"]);
    const ended = auditlog.find(({ Action }) => Action === "engine:run_ended");
    assert.equal(ended?.Details, `run ended, snapshot ${snapshot.name}: accepted (snapshot succeeded)`);
    await assert.rejects(tree.api.listAudit({ query: {} }), { status: 403 });
    const whole = await until("all entries in the chain", STEP_MS, async () => {
      const { auditlog: newest } = await root.listAudit({ query: { limit: 1 } });
      const found = await root.verifyAudit({ query: {} });
      return newest[0]?.Position === found.position ? found : undefined;
    });
    assert.equal(whole.is_intact, true);
    assert.ok(whole.checked >= 5);
  });
});

test("10.F 28: storage usage tells the capacity, tenants' usage the project and the sum", async (t) => {
  await explained(t, tree, async () => {
    const usage = await until("the first measurement", STEP_MS, async () => {
      const { storage_usage: targets } = await root.showStorageUsage({});
      return targets[0]?.total_capacity === null ? undefined : targets[0];
    });
    assert.match(usage.total_capacity_humanized, /^[\d.]+ [KMGTP]iB$/);
    assert.ok((usage.total_capacity ?? 0) > (usage.available_capacity ?? 0));
    assert.ok(usage.full.snap_count >= 1 && usage.full.usage > 0);
    const projectId = await tree.cloud.projectId();
    const { global_usage: all, tenants_usage: tenants } = await root.showTenantsUsage({});
    const own = tenants[projectId];
    assert.deepEqual(
      [own?.tenant_name, own?.vms_protected, own?.workloads, own?.used_capacity],
      ["demo", 1, 1, usage.snapshots_utilization],
    );
    assert.ok((all.total_vms ?? 0) >= 1 && all.vms_protected === 1);
    const charges = (await root.showTenantsChargeback({}))[projectId];
    const vm = charges?.workloads[workload]?.protected_vms[instance.id];
    assert.equal(charges?.size, usage.snapshots_utilization);
    assert.ok(vm !== undefined && vm.name === "operated" && vm.size > 0);
    assert.ok(Object.values(vm.volumes).every((disk) => disk.provisioned_size > 0));
    const { protected_vms: vms } = await tree.api.listProtectedVms({});
    assert.deepEqual(
      vms.map(({ id, workload_name: name }) => [id, name]),
      [[instance.id, "shop"]],
    );
    const { recentactivities } = await root.listRecentActivities({ query: { time_in_minutes: 10 } });
    assert.ok(recentactivities.some(({ object_id: id }) => id === snapshot.id));
    assert.match((await root.checkLicense({})).message, /License is valid/);
  });
});

test("10.F 21: roles of one's own in policy.yaml count at once, against administrators too", async (t) => {
  await explained(t, tree, async () => {
    const rules = 'backup_api: role:backup\n"workload:workload_reset": rule:backup_api\n';
    await writeFile(tree.embedded.layout.policyFile, rules);
    const params = { workload_id: workload };
    const words = "Policy doesn't allow workload:workload_reset to be performed.";
    for (const api of [tree.api, root]) {
      await until("the refusal", STEP_MS, async () => {
        const refusal = await api.resetWorkload({ params }).then(
          () => undefined,
          (cause: Error) => cause.message,
        );
        await whenIdle(tree);
        return refusal === words ? true : undefined;
      });
    }
    await writeFile(tree.embedded.layout.policyFile, "# as it comes\n");
    await until("the reset", STEP_MS, async () =>
      tree.api.resetWorkload({ params }).then(
        () => true,
        () => undefined,
      ),
    );
    await whenIdle(tree);
  });
});
