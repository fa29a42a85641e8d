import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type ApiClient, connectApi, WORKLOAD_TYPES } from "@cairn/contract";
import { Rejection, type SnapshotId, type WorkloadId } from "@cairn/kernel";
import { makeSampleSnapshot, NETWORK, SUBNET, VOLUME, WEB } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);

let api: TestApi;
let client: ApiClient;
let workloadId: WorkloadId;
let snapshotId: SnapshotId;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  client = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "member" });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

beforeEach(async () => {
  const { cloud } = api;
  cloud.servers.clear();
  cloud.networks.clear();
  cloud.flavors.clear();
  cloud.cinder.volumes.clear();
  cloud.cinder.volumeTypes.splice(0);
  ({ workloadId, snapshotId } = await makeSampleSnapshot(api.database, {
    projectId: PROJECT,
    userId: "anna",
  }));
});

/** Sends a plan as it came, whole. */
async function restoreAsPlanned(plan: unknown): Promise<number> {
  const reply = await fetch(
    `${api.url}/v1/${PROJECT}/workloads/${workloadId}/snapshots/${snapshotId}/restores`,
    {
      method: "POST",
      headers: { "x-auth-token": "member", "content-type": "application/json" },
      body: JSON.stringify(plan),
    },
  );
  const text = await reply.text();
  assert.equal(reply.status, 202, text);
  return reply.status;
}

void test("a selective plan names a place for everything, and creation takes it as it is", async () => {
  api.cloud.networks.set("alike", ["alike-subnet"]);
  api.cloud.flavors.set("tiny", { ram: 64, disk: 1 });
  api.cloud.flavors.set("large", { ram: 4096, disk: 40 });
  api.cloud.cinder.volumeTypes.push("ceph");
  const plan = await client.planRestore({ params: { snapshot_id: snapshotId }, body: { plan: {} } });
  const [instance] = plan.restore.options.openstack.instances;
  assert.equal(instance?.id, WEB);
  assert.equal(instance.flavor?.id, "large");
  assert.deepEqual(instance.nics, [
    {
      id: NETWORK,
      mac_address: "",
      ip_address: "",
      network: { id: "alike", subnet: { id: "alike-subnet" } },
    },
  ]);
  assert.deepEqual(instance.vdisks, [{ id: VOLUME, new_volume_type: "ceph", availability_zone: "nova" }]);
  assert.equal(instance.restore_boot_disk, undefined);
  assert.equal(plan.warnings.length, 3, plan.warnings.join("\n"));
  assert.deepEqual(
    plan.warnings_by_field.map(({ field, id }) => [field, id]),
    [
      ["network", NETWORK],
      ["flavor", WEB],
      ["volume_type", "nfs"],
    ],
  );
  assert.deepEqual(
    plan.choices.flavors.map(({ name, disk }) => [name, disk]),
    [
      ["flavor-tiny", 1],
      ["flavor-large", 40],
    ],
  );
  assert.deepEqual(plan.choices.volume_types, ["ceph"]);
  assert.equal(plan.choices.networks[0]?.subnets[0]?.id, "alike-subnet");
  assert.deepEqual(plan.mapping.networks[0]?.target_network, {
    id: "alike",
    name: "net-alike",
    cidr: "10.0.0.0/24",
  });
  await restoreAsPlanned(plan);
});

void test("a plan for a project that is as it was warns of nothing", async () => {
  api.cloud.networks.set(NETWORK, [SUBNET]);
  api.cloud.flavors.set("small", { ram: 64, disk: 2 });
  api.cloud.cinder.volumeTypes.push("nfs");
  const plan = await client.planRestore({ params: { snapshot_id: snapshotId }, body: { plan: {} } });
  assert.deepEqual(plan.warnings, []);
  await restoreAsPlanned(plan);
});

void test("a plan without any network or flavor to name is still taken by creation", async () => {
  const plan = await client.planRestore({ params: { snapshot_id: snapshotId }, body: { plan: {} } });
  assert.equal(plan.restore.options.openstack.restore_topology, true);
  assert.equal(plan.restore.options.openstack.instances[0]?.flavor, undefined);
  await restoreAsPlanned(plan);
});

void test("an in-place plan ticks what is still there, and creation takes it as it is", async () => {
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [VOLUME] });
  api.cloud.cinder.volumes.set(VOLUME, { projectId: PROJECT, sizeGiB: 1 });
  const body = { plan: { restore_type: "inplace" as const } };
  const plan = await client.planRestore({ params: { snapshot_id: snapshotId }, body });
  assert.deepEqual(plan.warnings, []);
  const [instance] = plan.restore.options.openstack.instances;
  assert.deepEqual(instance, {
    id: WEB,
    include: true,
    restore_boot_disk: true,
    vdisks: [{ id: VOLUME, restore_cinder_volume: true }],
  });
  assert.deepEqual(plan.restore.options.openstack.networks_mapping.networks, []);
  await restoreAsPlanned(plan);
});

void test("a detached volume is not ticked, with a warning, and the rest is taken", async () => {
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
  const body = { plan: { restore_type: "inplace" as const } };
  const plan = await client.planRestore({ params: { snapshot_id: snapshotId }, body });
  assert.equal(plan.mapping.volumes[0]?.restored, false);
  assert.match(plan.warnings.join(), /not attached/);
  await restoreAsPlanned(plan);
});

void test("a plan that could write nothing back is refused with the way out", async () => {
  const body = { plan: { restore_type: "inplace" as const } };
  const planning = client.planRestore({ params: { snapshot_id: snapshotId }, body });
  await assert.rejects(planning, (cause) => {
    assert.ok(cause instanceof Rejection);
    assert.equal(cause.status, 409);
    assert.match(cause.remedy, /selective/);
    return true;
  });
});

void test("an instance that the snapshot has not is named, with those that it has", async () => {
  const planning = client.planRestore({
    params: { snapshot_id: snapshotId },
    body: { plan: { instances: ["nobody"] } },
  });
  await assert.rejects(planning, { status: 400, field: "plan.instances" });
});

void test("a check gathers everything that would refuse a restore, and begins none", async () => {
  api.cloud.networks.set(NETWORK, [SUBNET]);
  api.cloud.flavors.set("tiny", { ram: 64, disk: 1 });
  const params = { snapshot_id: snapshotId };
  const plan = await client.planRestore({ params, body: { plan: {} } });
  const { options } = plan.restore;
  const [instance] = options.openstack.instances;
  assert.ok(instance !== undefined);
  const nic = { network: { id: "nowhere" } };
  const bad = { ...instance, flavor: { id: "tiny" }, nics: [nic, nic] };
  const asked = (instances: typeof options.openstack.instances) => ({
    restore: { options: { ...options, openstack: { ...options.openstack, instances } } },
  });
  const { problems } = await client.checkRestore({ params, body: asked([bad]) });
  assert.equal(problems.length, 2, JSON.stringify(problems));
  assert.match(problems[0]?.message ?? "", /network nowhere does not exist/);
  assert.match(problems[1]?.message ?? "", /flavor-tiny is too small/);
  assert.match(problems[1]?.remedy ?? "", /larger flavor/);
  assert.deepEqual((await client.checkRestore({ params, body: asked([instance]) })).problems, []);
  const none = await client.checkRestore({ params, body: asked([{ ...instance, include: false }]) });
  assert.match(none.problems[0]?.message ?? "", /names no instance/);
  assert.deepEqual((await client.listRestores({ query: { snapshot_id: snapshotId } })).restores, []);
  await client.createRestore({ params, body: asked([instance]) });
  const locked = await client.checkRestore({ params, body: asked([instance]) });
  assert.deepEqual(
    locked.problems.map(({ code }) => code),
    [409],
  );
});

void test("a preview tells what another schedule would keep and when it runs", async () => {
  const params = { workload_id: workloadId };
  const before = await client.previewRetention({ params, body: { preview: {} } });
  assert.equal(before.preview.judged, false);
  assert.deepEqual(before.preview.next_runs, []);
  assert.equal(before.preview.snapshots[0]?.verdict, "keep");
  const jobschedule = {
    enabled: true,
    interval: "6 hrs",
    timezone: "Europe/Rome",
    fullbackup_interval: "-1",
    retention_policy_type: "Number of Snapshots to Keep",
    retention_policy_value: "1",
  };
  const { preview } = await client.previewRetention({ params, body: { preview: { jobschedule, runs: 3 } } });
  assert.equal(preview.judged, true);
  assert.match(preview.snapshots[0]?.reason ?? "", /last \(1 of 1\)/);
  const [reason] = preview.snapshots[0]?.reasons.filter(({ code }) => code === "last") ?? [];
  assert.deepEqual(reason, { code: "last", place: 1, of: 1, by_hand: false });
  const times = preview.next_runs.map((run) => Date.parse(`${run.at}Z`));
  assert.equal(times.length, 3);
  assert.equal((times[1] ?? 0) - (times[0] ?? 0), 6 * 3_600_000);
  const after = await client.showWorkload({ params });
  assert.equal(after.workload.jobschedule["enabled"], false);
  const bad = client.previewRetention({ params, body: { preview: { jobschedule: { interval: "often" } } } });
  await assert.rejects(bad, { status: 400 });
});

void test("a schedule that no workload has yet is previewed, and what it would keep in the end", async () => {
  const jobschedule = { enabled: true, interval: "24 hrs", start_time: "02:30 AM", timezone: "Europe/Rome" };
  const rules = { retention_policy_type: "Number of days to retain Snapshots", retention_policy_value: "7" };
  const body = { preview: { jobschedule: { ...jobschedule, ...rules }, runs: 2 } };
  const { preview } = await client.previewSchedule({ body });
  assert.equal(preview.timezone, "Europe/Rome");
  assert.deepEqual(
    preview.next_runs.map((run) => run.local_time.slice(11, 16)),
    ["02:30", "02:30"],
  );
  assert.equal(preview.later?.runs, 1000);
  assert.ok([7, 8].includes(preview.later.snapshots), String(preview.later.snapshots));
  const span = Date.parse(`${preview.later.at}Z`) - Date.parse(`${String(preview.later.oldest_at)}Z`);
  assert.ok(span >= 6 * 86_400_000 && span <= 7.1 * 86_400_000, String(span));
  const none = await client.previewSchedule({ body: { preview: {} } });
  assert.deepEqual(none.preview, {
    timezone: "UTC",
    enabled: false,
    next_runs: [],
    later: null,
    simulation: null,
  });
  const bad = client.previewSchedule({ body: { preview: { jobschedule: { interval: "often" } } } });
  await assert.rejects(bad, { status: 400, field: "jobschedule.interval" });
  const unknown = client.previewSchedule({ body: { preview: { policy_id: "nobody" } } });
  await assert.rejects(unknown, { status: 400 });
});

void test("tiers are carried out in thought; each kept snapshot says by which rules", async () => {
  const jobschedule = {
    enabled: true,
    timezone: "Europe/Rome",
    hourly: { interval: "6", retention: "4" },
    daily: { backup_time: ["02:00"], retention: "7" },
    weekly: { backup_day: ["sun"], retention: "4" },
  };
  const { preview } = await client.previewSchedule({ body: { preview: { jobschedule, simulate_days: 90 } } });
  const { simulation } = preview;
  assert.ok(simulation !== null);
  assert.equal(simulation.is_cut, false);
  assert.ok(simulation.taken > 350 && simulation.taken < 460, String(simulation.taken));
  const { hourly, daily, weekly, monthly } = simulation.kept_by;
  assert.deepEqual([hourly, daily, weekly, monthly], [4, 7, 4, 0]);
  const weeks = simulation.kept.flatMap(({ reasons }) => reasons.filter(({ tier }) => tier === "weekly"));
  assert.deepEqual(
    weeks.map(({ place, of }) => [place, of]),
    [1, 2, 3, 4].map((place) => [place, 4]),
  );
  assert.match(weeks[0]?.period ?? "", /^\d{4}-W\d\d$/);
});

void test("a simulation ends where there would be too many runs, and says so", async () => {
  const jobschedule = { enabled: true, interval: "1hrs", retention_policy_value: "30" };
  const { preview } = await client.previewSchedule({
    body: { preview: { jobschedule, simulate_days: 3653 } },
  });
  assert.equal(preview.simulation?.is_cut, true);
  assert.equal(preview.simulation.taken, 10_000);
  assert.equal(preview.simulation.kept.length, 30);
  const none = await client.previewSchedule({ body: { preview: { simulate_days: 3 } } });
  assert.equal(none.preview.simulation, null);
});

void test("the two workload types have the ids that every client knows", async () => {
  const { workload_types: types } = await client.listWorkloadTypes({});
  assert.deepEqual(
    types.map(({ name, id }) => [name, id]),
    [
      ["Serial", WORKLOAD_TYPES.serial],
      ["Parallel", WORKLOAD_TYPES.parallel],
    ],
  );
  const shown = await client.showWorkloadType({ params: { workload_type_id: WORKLOAD_TYPES.serial } });
  assert.equal(shown.workload_type.name, "Serial");
  const unknown = client.showWorkloadType({ params: { workload_type_id: "none" } });
  await assert.rejects(unknown, { status: 404 });
});
