import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import {
  completeMount,
  endMount,
  findMount,
  findRun,
  keepMounted,
  registerDatamover,
  releaseWorkload,
  touchDatamover,
} from "@cairn/database";
import { asId, Rejection, Secret, type SnapshotId, type WorkloadId } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { makeSampleSnapshot, VOLUME, WEB } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const RECOVERY = fakeId("recovery");
const COPY = fakeId("copy");

let api: TestApi;
let client: ApiClient;
let reader: ApiClient;
let stranger: ApiClient;
let workloadId: WorkloadId;
let snapshotId: SnapshotId;

before(async () => {
  api = await startTestApi(process.env);
  const { tokens } = api.cloud;
  tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  tokens.set("reader", { userId: "rita", projectId: PROJECT, roles: ["reader"] });
  tokens.set("stranger", { userId: "eve", projectId: "2".repeat(32), roles: ["member"] });
  const as = (token: string, project: string): ApiClient =>
    connectApi({ endpoint: `${api.url}/v1/${project}`, token: async () => token });
  client = as("member", PROJECT);
  reader = as("reader", PROJECT);
  stranger = as("stranger", "2".repeat(32));
  await registerDatamover(api.database.handle, asId("compute-1"), new Secret("token"));
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** Each test gets a snapshot, and an instance that runs where a datamover is. */
beforeEach(async () => {
  const { handle } = api.database;
  await handle.deleteFrom("snapshot_mount").execute();
  await touchDatamover(handle, asId("compute-1"));
  api.cloud.servers.clear();
  setRecovery({});
  const made = await makeSampleSnapshot(api.database, { projectId: PROJECT, userId: "anna" });
  ({ workloadId, snapshotId } = made);
});

function setRecovery({
  status = "ACTIVE",
  host = "compute-1",
  projectId = PROJECT,
}: {
  status?: string;
  host?: string;
  projectId?: string;
}): void {
  const fields = { status, "OS-EXT-SRV-ATTR:host": host };
  api.cloud.servers.set(RECOVERY, { name: "recovery", projectId, metadata: {}, volumes: [], fields });
}

async function mount(of: ApiClient = client, id: string = snapshotId): Promise<void> {
  await of.mountSnapshot({
    params: { snapshot_id: id },
    body: { mount: { mount_vm_id: RECOVERY, options: {} } },
  });
}

async function dismount(of: ApiClient = client): Promise<void> {
  await of.dismountSnapshot({ params: { snapshot_id: snapshotId } });
}

async function refused(work: Promise<unknown>): Promise<Rejection> {
  try {
    await work;
  } catch (cause) {
    if (cause instanceof Rejection) return cause;
    throw cause;
  }
  throw new Error("it was not refused");
}

async function seen() {
  return (await client.showSnapshot({ params: { snapshot_id: snapshotId } })).snapshot;
}

/** What an engine writes when the guest has mounted the volume's file system. */
async function engineMounts(): Promise<void> {
  const { database } = api;
  const folder = `/mnt/cairn/${snapshotId}/w_b___${WEB}`;
  const row = await findMount(database.handle, snapshotId);
  assert.ok(row !== undefined);
  await database.transaction(async (transaction) => {
    await completeMount(transaction, snapshotId, {
      copies: [{ volumeId: COPY, diskId: VOLUME, instanceId: WEB, instanceName: "wéb 网", device: "vdb" }],
      fileSystems: [{ volumeId: COPY, path: `${folder}/vdb.mnt`, fileSystem: "ext4" }],
      url: `sftp://172.24.4.7/mnt/cairn/${snapshotId}`,
      warning: "Partition vda2 was not mounted.",
    });
    await conclude(transaction, row.run_id);
  });
}

async function conclude(transaction: Parameters<typeof releaseWorkload>[0], runId: string): Promise<void> {
  await releaseWorkload(transaction, { workloadId, runId: asId(runId) });
  await transaction
    .updateTable("run")
    .set({ state: "concluded", result: JSON.stringify({ kind: "succeeded" }) })
    .where("id", "=", asId<"run">(runId))
    .execute();
}

void test("line 18: a mount is answered with an empty 200, and goes through all of its states", async () => {
  const asked = await fetch(`${api.url}/v1/${PROJECT}/snapshots/${snapshotId}/mount`, {
    method: "POST",
    headers: { "x-auth-token": "member", "content-type": "application/json" },
    body: JSON.stringify({ mount: { mount_vm_id: RECOVERY, options: {} } }),
  });
  assert.equal(asked.status, 200);
  assert.equal(asked.headers.get("content-length"), "0");
  assert.match(asked.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(await asked.text(), "");

  const mounting = await seen();
  assert.equal(mounting.status, "mounting");
  assert.equal(mounting.mount?.instance_id, RECOVERY);
  assert.deepEqual((await client.listMountedSnapshots()).mounted_snapshots, [], "not yet");
  const row = await findMount(api.database.handle, snapshotId);
  const run = await findRun(api.database.handle, asId(row?.run_id ?? ""));
  assert.equal(run?.flow, "snapshot-mount");

  await engineMounts();
  const url = `sftp://172.24.4.7/mnt/cairn/${snapshotId}`;
  const entry = {
    snapshot_id: snapshotId,
    snapshot_name: "nightly",
    workload_id: workloadId,
    mounturl: url,
    status: "mounted",
  };
  assert.deepEqual((await client.listMountedSnapshots()).mounted_snapshots, [entry]);
  const path = `${api.url}/v1/${PROJECT}/workloads/${workloadId}/snapshots/mounted/list`;
  const ofWorkload = await fetch(path, { headers: { "x-auth-token": "member" } });
  assert.deepEqual(await ofWorkload.json(), { mounted_snapshots: [entry] });
  const mounted = await seen();
  assert.equal(mounted.progress_percent, 100);
  assert.match(mounted.warning_msg ?? "", /vda2 was not mounted/);
  assert.equal(mounted.instances[0]?.vm_mount_path, `/mnt/cairn/${snapshotId}/w_b___${WEB}`);
  assert.deepEqual(mounted.mount?.file_systems, [
    {
      vm_id: WEB,
      vm_name: "wéb 网",
      disk: "vdb",
      path: `/mnt/cairn/${snapshotId}/w_b___${WEB}/vdb.mnt`,
      file_system: "ext4",
    },
  ]);

  await dismount();
  const going = await seen();
  assert.equal(going.status, "mounted", "until it is done");
  assert.equal(going.mount?.dismounting, true);
  await api.database.transaction(async (transaction) => endMount(transaction, snapshotId, {}));
  assert.equal((await seen()).status, "available");
  assert.deepEqual((await client.listMountedSnapshots()).mounted_snapshots, []);
});

void test("what is mounted is neither deleted nor restored, and its workload stays", async () => {
  await mount();
  await engineMounts();
  const params = { snapshot_id: snapshotId };
  const tries: readonly (() => Promise<unknown>)[] = [
    async () => client.deleteSnapshot({ params }),
    async () =>
      client.createRestore({
        params,
        body: {
          restore: {
            options: {
              type: "openstack",
              restore_type: "oneclick",
              oneclickrestore: true,
              openstack: { instances: [], restore_topology: false, networks_mapping: { networks: [] } },
            },
          },
        },
      }),
    async () => mount(),
    async () =>
      client.deleteWorkload({ params: { workload_id: workloadId }, query: { database_only: true } }),
  ];
  for (const each of tries) {
    const { status, message, remedy } = await refused(each());
    assert.equal(status, 409);
    assert.match(message, new RegExp(`mounted in the instance recovery \\(${RECOVERY}\\)`));
    assert.match(remedy, /^Dismount it first: .*cairn snapshot dismount/);
  }
  const { workload } = await client.showWorkload({ params: { workload_id: workloadId } });
  assert.equal(workload.status, "available", "nothing was locked");
});

void test("an instance has one snapshot", async () => {
  await mount();
  const other = await makeSampleSnapshot(api.database, { projectId: PROJECT, userId: "anna" });
  const { status, message, remedy } = await refused(mount(client, other.snapshotId));
  assert.equal(status, 409);
  assert.match(message, new RegExp(`has the snapshot ${snapshotId} mounted already`));
  assert.match(remedy, new RegExp(`dismount ${snapshotId}`));
  const { workload } = await client.showWorkload({ params: { workload_id: other.workloadId } });
  assert.equal(workload.status, "available", "nothing was locked");
});

void test("the mount instance must be the project's own, run, and be within reach", async () => {
  const field = "mount.mount_vm_id";
  setRecovery({ projectId: "2".repeat(32) });
  const foreign = await refused(mount());
  api.cloud.servers.delete(RECOVERY);
  const unknown = await refused(mount());
  const odd = { mount: { mount_vm_id: "detail" } };
  const noId = await refused(client.mountSnapshot({ params: { snapshot_id: snapshotId }, body: odd }));
  assert.equal(noId.status, 404);
  assert.deepEqual([foreign.status, foreign.field, foreign.message], [404, field, unknown.message]);
  setRecovery({ status: "SHUTOFF" });
  const stopped = await refused(mount());
  assert.deepEqual([stopped.status, stopped.field], [409, field]);
  assert.match(stopped.message, /is SHUTOFF/);
  assert.match(stopped.remedy, /^Start it/);
  setRecovery({ host: "compute-9" });
  const away = await refused(mount());
  assert.deepEqual([away.status, away.field], [409, field]);
  assert.match(away.message, /No datamover is live/);
  assert.equal((await seen()).status, "available");
  const missing = await refused(
    client.mountSnapshot({ params: { snapshot_id: snapshotId }, body: { mount: {} as never } }),
  );
  assert.equal(missing.status, 400);
});

void test("readers look, strangers see nothing, and neither mounts", async () => {
  assert.equal((await refused(mount(reader))).status, 403);
  assert.equal((await refused(mount(stranger))).status, 404);
  await mount();
  await engineMounts();
  assert.equal((await refused(dismount(reader))).status, 403);
  assert.equal((await refused(dismount(stranger))).status, 404);
  assert.equal((await reader.listMountedSnapshots()).mounted_snapshots.length, 1);
  assert.deepEqual((await stranger.listMountedSnapshots()).mounted_snapshots, []);
  const other = await refused(stranger.listMountedSnapshots({ query: { workload_id: workloadId } }));
  assert.equal(other.status, 404);
});

void test("only what is mounted is dismounted; a mount on its way is cancelled", async () => {
  const early = await refused(dismount());
  assert.deepEqual([early.status, early.value], [409, "available"]);
  assert.match(early.message, /is not mounted: it is available/);
  await mount();
  const going = await refused(dismount());
  assert.match(going.remedy, /^Cancel that: POST/);
  await client.cancelSnapshot({ params: { snapshot_id: snapshotId } });
  const row = await findMount(api.database.handle, snapshotId);
  const run = await findRun(api.database.handle, asId(row?.run_id ?? ""));
  assert.notEqual(run?.cancel_requested_at, null);
});

void test("a mount or a dismount that came to nothing says why", async () => {
  await mount();
  const row = await findMount(api.database.handle, snapshotId);
  await api.database.transaction(async (transaction) => {
    await endMount(transaction, snapshotId, { error: "The snapshot was not mounted. No quota." });
    await conclude(transaction, row?.run_id ?? "");
  });
  const failed = await seen();
  assert.deepEqual(
    [failed.status, failed.error_msg],
    ["available", "The snapshot was not mounted. No quota."],
  );
  await mount();
  assert.equal((await seen()).error_msg, null, "the next one begins anew");
  await engineMounts();
  await dismount();
  const second = await findMount(api.database.handle, snapshotId);
  await api.database.transaction(async (transaction) => {
    await keepMounted(transaction, snapshotId, "The snapshot is still mounted: Nova is away.");
    await conclude(transaction, second?.run_id ?? "");
  });
  const kept = await seen();
  assert.equal(kept.status, "mounted");
  assert.equal(kept.mount?.dismounting, false);
  assert.match(kept.error_msg ?? "", /still mounted: Nova is away/);
});

void test("a mount and a dismount are in the audit log", async () => {
  await mount();
  const rows = await api.database.handle
    .selectFrom("audit_inbox")
    .select(["action", "outcome"])
    .where("object_id", "=", snapshotId)
    .execute();
  assert.deepEqual(rows, [{ action: "snapshot:snapshot_mount", outcome: "accepted" }]);
});
