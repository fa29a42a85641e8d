import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, QUOTA_TYPE_INFO } from "@cairn/contract";
import type { BootedInstance } from "@cairn/embedded";
import { asId } from "@cairn/kernel";
import { bootFromImage, takeSnapshot, whenAvailable, whenIdle } from "./job.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

/*
 * What operators prescribe to projects, with everything running: the lines 14 and 15 of the acceptance list.
 */

const STEP_MS = 120_000;

let tree: Tree;
let root: ApiClient;
let project: string;
let instance: BootedInstance;
let policy: string;
let workload: string;

before(async () => {
  tree = await startTree();
  root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
  project = await tree.cloud.projectId();
  instance = await bootFromImage(tree, "governed", "az1");
});

after(async () => tree.close());

async function make(asked: object): Promise<string> {
  const instances = [{ "instance-id": instance.id }];
  const made = await tree.api.createWorkload({ body: { workload: { name: "g", instances, ...asked } } });
  await whenAvailable(tree, made.workload.id);
  return made.workload.id;
}

async function jobschedule(): Promise<Record<string, unknown>> {
  const { workload: shown } = await tree.api.showWorkload({ params: { workload_id: workload } });
  return shown.jobschedule;
}

async function limit(type: keyof typeof QUOTA_TYPE_INFO, allowed_value: number, high_watermark: number) {
  const quota_type_id = QUOTA_TYPE_INFO[type].id;
  const { allowed_quotas } = await root.createQuotas({
    params: { project_or_quota_id: project },
    body: { allowed_quotas: [{ quota_type_id, allowed_value, high_watermark }] },
  });
  return allowed_quotas[0]?.id ?? "";
}

/** Tells the engine that the schedule's first run is due: nobody can wait for a clock that shows hours. */
async function makeDue(): Promise<void> {
  const due = new Date(Math.floor(Date.now() / 60_000) * 60_000);
  const [year, month, day] = due.toISOString().slice(0, 10).split("-");
  const start = { start_date: `${month}/${day}/${year}`, start_time: due.toISOString().slice(11, 19) };
  await tree.api.modifyWorkload({
    params: { workload_id: workload },
    body: { workload: { jobschedule: { ...start, timezone: "UTC" } } },
  });
  await tree.database.handle
    .updateTable("schedule")
    .set({ due_at: due, look_at: due })
    .where("workload_id", "=", asId<"workload">(workload))
    .execute();
}

test("line 14: a project that has a policy follows it, and its schedule runs by it", async (t) => {
  await explained(t, tree, async () => {
    const field_values = { interval: "12 hrs", retention_policy_value: "2", fullbackup_interval: "0" };
    const made = await root.createPolicy({
      body: { workload_policy: { display_name: "gold", field_values } },
    });
    policy = made.policy.id;
    await assert.rejects(make({ policy_id: policy }), { status: 400, field: "workload.policy_id" });
    const change = {
      params: { policy_id: policy },
      body: { policy: { add_projects: [project, "nowhere"] } },
    };
    assert.deepEqual((await root.assignPolicy(change)).failed_ids, ["nowhere"]);
    const own = { jobschedule: { enabled: true, interval: "1 hr" } };
    await assert.rejects(make(own), { status: 400, field: "workload.jobschedule" });
    workload = await make({ ...own, policy_id: policy });
    assert.deepEqual((await jobschedule())["interval"], "12 hrs");
    await makeDue();
    const [taken] = await until("a scheduled snapshot", STEP_MS, async () => {
      const { snapshots } = await tree.api.listSnapshots({ query: { workload_id: workload } });
      return snapshots[0]?.status === "available" ? snapshots : undefined;
    });
    await whenIdle(tree);
    assert.deepEqual([taken?.name, taken?.snapshot_type], ["jobscheduler", "full"]);
  });
});

test("line 14: while a workload follows it a policy is neither changed nor deleted, then it is", async () => {
  const params = { policy_id: policy };
  const change = { params, body: { policy: { field_values: { interval: "1 hr" } } } };
  await assert.rejects(root.updatePolicy(change), { status: 409, message: /1 workload follows it/ });
  await root.assignPolicy({ params, body: { policy: { remove_projects: [project] } } });
  await assert.rejects(root.deletePolicy({ params }), { status: 409, message: /1 workload follows it/ });
  const body = { workload: { policy_id: "none", jobschedule: { interval: "24 hrs" } } };
  await tree.api.modifyWorkload({ params: { workload_id: workload }, body });
  await root.updatePolicy(change);
  await root.deletePolicy({ params });
  assert.equal((await jobschedule())["interval"], "24 hrs");
});

test("line 15: 0 forbids, a watermark only warns, and without a row there is no limit", async (t) => {
  await explained(t, tree, async () => {
    const none = await limit("workloads", 0, 0);
    await assert.rejects(make({}), { status: 400 }, "its instance is in a workload already");
    const other = await bootFromImage(tree, "one-more", "az1");
    const body = { workload: { name: "more", instances: [{ "instance-id": other.id }] } };
    await assert.rejects(tree.api.createWorkload({ body }), {
      status: 403,
      message: /Quota exceeded: 1 of 0 workloads are used/,
    });
    await root.deleteQuota({ params: { project_or_quota_id: none } });
    await tree.api.createWorkload({ body });

    await limit("snapshots", 2, 1);
    assert.equal((await takeSnapshot(tree, workload)).status, "available");
    const { quota_usage } = await tree.api.showQuotaUsage({ params: { quota_project_id: project } });
    assert.deepEqual(
      quota_usage.flatMap((row) => (row.is_above_watermark ? [[row.quota_type_name, row.used]] : [])),
      [["Snapshots", 2]],
    );
    const refused = takeSnapshot(tree, workload);
    await assert.rejects(refused, { status: 403, message: /2 of 2 snapshots are used/ });
    await makeDue();
    const because = await until("the run to be skipped", STEP_MS, async () => {
      const { skipped_because: why } = await jobschedule();
      return typeof why === "string" ? why : undefined;
    });
    assert.match(because, /2 of 2 snapshots are used/);
  });
});

test("storage is what the snapshots added that are there: it falls as they are deleted", async (t) => {
  await explained(t, tree, async () => {
    const stored = async (): Promise<number> => {
      const { quota_usage } = await tree.api.showQuotaUsage({ params: { quota_project_id: project } });
      return quota_usage.find((row) => row.quota_type_name === "Storage")?.used ?? Number.NaN;
    };
    const listed = await tree.api.listSnapshots({ query: { workload_id: workload } });
    const shown = await Promise.all(
      listed.snapshots.map(async ({ id }) => tree.api.showSnapshot({ params: { snapshot_id: id } })),
    );
    const snapshots = shown.map(({ snapshot }) => snapshot);
    const all = snapshots.reduce((sum, each) => sum + each.stored_bytes, 0);
    assert.ok(all > 0);
    const limited = await limit("storage", all, all);
    assert.equal(await stored(), all);
    const counted = await root.listQuotas({ params: { project_or_quota_id: project } });
    const snapshotLimit = counted.allowed_quotas.find(
      (row) => row.quota_type_id === QUOTA_TYPE_INFO.snapshots.id,
    );
    await root.deleteQuota({ params: { project_or_quota_id: snapshotLimit?.id ?? "" } });
    await assert.rejects(takeSnapshot(tree, workload), { status: 403, message: /of storage are used/ });
    const largest = snapshots.toSorted((a, b) => b.stored_bytes - a.stored_bytes)[0];
    await tree.api.deleteSnapshot({ params: { snapshot_id: largest?.id ?? "" } });
    await whenIdle(tree);
    assert.equal(await stored(), all - (largest?.stored_bytes ?? 0));
    assert.equal((await takeSnapshot(tree, workload)).status, "available");
    await root.deleteQuota({ params: { project_or_quota_id: limited } });
  });
});
