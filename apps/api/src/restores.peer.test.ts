import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type ApiClient, CreateRestore, connectApi, normaliseBody, parseAs } from "@cairn/contract";
import { asId, Rejection, type SnapshotId, type WorkloadId } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { makeSampleSnapshot, NETWORK, VOLUME, WEB } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);

let api: TestApi;
let client: ApiClient;
let workloadId: WorkloadId;
let snapshotId: SnapshotId;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  api.cloud.networks.set("target", ["target-subnet"]);
  api.cloud.flavors.set("tiny", { ram: 64, disk: 1 });
  api.cloud.flavors.set("large", { ram: 4096, disk: 40 });
  client = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "member" });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** Each test gets a committed snapshot of an instance with a local root disk and one volume. */
beforeEach(async () => {
  api.cloud.servers.clear();
  api.cloud.networks.delete(NETWORK);
  const made = await makeSampleSnapshot(api.database, { projectId: PROJECT, userId: "anna" });
  ({ workloadId, snapshotId } = made);
});

/** Asks as an old client would: without the parts that the contract wants. */
async function restore(options: Record<string, unknown>) {
  const body = parseAs(CreateRestore, normaliseBody("createRestore", { restore: { options } }));
  return client.createRestore({ params: { workload_id: workloadId, snapshot_id: snapshotId }, body });
}

async function refusal(options: Record<string, unknown>): Promise<Rejection> {
  try {
    await restore(options);
  } catch (cause) {
    if (cause instanceof Rejection) return cause;
    throw cause;
  }
  throw new Error("it was not refused");
}

function selective(instance: Record<string, unknown>, networks: unknown[] = []) {
  const openstack = { instances: [{ id: WEB, ...instance }], networks_mapping: { networks } };
  return { type: "openstack", restore_type: "selective", openstack };
}

function inplace(instance: Record<string, unknown>) {
  return { type: "openstack", restore_type: "inplace", openstack: { instances: [{ id: WEB, ...instance }] } };
}

const MAPPED = [
  { snapshot_network: { id: NETWORK }, target_network: { id: "target", subnet: "target-subnet" } },
];

void test("a snapshot shows instances and disks as clients know them, and how each was read", async () => {
  const { snapshot } = await client.showSnapshot({ params: { snapshot_id: snapshotId } });
  assert.equal(snapshot.status, "available");
  assert.equal(snapshot.progress_percent, 100);
  const [instance] = snapshot.instances;
  assert.equal(instance?.name, "wéb 网");
  assert.equal(instance.metadata["availability_zone"], "nova");
  assert.equal(instance.nics[0]?.network.subnet?.cidr, "10.0.0.0/24");
  assert.equal(instance.flavor["disk"], 2);
  const [root, data] = instance.vdisks;
  assert.equal(root?.image_name, "debian");
  assert.equal(root.volume_id, undefined);
  assert.equal(data?.volume_id, VOLUME);
  assert.deepEqual(data.read, { mode: "full", because: "first snapshot" });
  assert.equal(data.stored_bytes, 250);
  assert.equal(instance.consistency?.quality, "crash");
});

void test("a one-click restore is opened when the originals are gone, and locks the snapshot", async () => {
  const made = await restore({ restore_type: "oneclick", oneclickrestore: "True", openstack: {} });
  assert.equal(made.restore.status, "executing");
  assert.equal(made.restore.restore_type, "restore");
  assert.equal(made.restore.restore_options.restore_type, "oneclick");
  const { snapshot } = await client.showSnapshot({ params: { snapshot_id: snapshotId } });
  assert.equal(snapshot.status, "restoring");
  const second = await refusal({ restore_type: "oneclick" });
  assert.equal(second.status, 409);
  await client.cancelRestore({ params: { restore_id: made.restore.id } });
  const { restores } = await client.listRestores({ query: { snapshot_id: snapshotId } });
  assert.deepEqual(
    restores.map((each) => each.status),
    ["cancelling"],
  );
  const of = async (id: string) => (await client.listRestores({ query: { workload_id: id } })).restores;
  assert.deepEqual([(await of(workloadId)).length, (await of("nobody")).length], [1, 0]);
});

void test("a one-click restore is refused while an original exists", async () => {
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
  const refused = await refusal({ restore_type: "oneclick" });
  assert.equal(refused.status, 400);
  assert.match(refused.message, /still exists/);
});

const REFUSED: readonly {
  readonly why: string;
  readonly options: Record<string, unknown>;
  readonly field: RegExp;
  readonly message: RegExp;
}[] = [
  {
    why: "of an instance that the snapshot does not have",
    options: { restore_type: "selective", openstack: { instances: [{ id: fakeId("other") }] } },
    field: /instances\[0\]\.id$/,
    message: /has no instance/,
  },
  {
    why: "that leaves out every instance",
    options: selective({ include: "False" }),
    field: /instances$/,
    message: /names no instance/,
  },
  {
    why: "from a network that is gone and not mapped",
    options: selective({}),
    field: /networks$/,
    message: /no longer exists and is mapped to no other/,
  },
  {
    why: "into an unknown network",
    options: selective({}, [{ snapshot_network: { id: NETWORK }, target_network: { id: "nowhere" } }]),
    field: /networks$/,
    message: /The network nowhere does not exist/,
  },
  {
    why: "into a subnet of another network",
    options: selective({}, [
      { snapshot_network: { id: NETWORK }, target_network: { id: "target", subnet: "x" } },
    ]),
    field: /networks$/,
    message: /has no subnet x/,
  },
  {
    why: "with an unknown flavor",
    options: selective({ flavor: { id: "huge" } }, MAPPED),
    field: /flavor\.id$/,
    message: /does not exist/,
  },
  {
    why: "with a flavor whose disk is too small",
    options: selective({ flavor: { id: "tiny" } }, MAPPED),
    field: /flavor\.id$/,
    message: /too small/,
  },
  {
    why: "of a volume that the snapshot does not have",
    options: selective({ vdisks: [{ id: "v9" }] }, MAPPED),
    field: /vdisks\[0\]\.id$/,
    message: /has no volume v9/,
  },
  {
    why: "in place of an instance that is gone",
    options: inplace({ restore_boot_disk: true }),
    field: /instances$/,
    message: /Unable to find Virtual Machine/,
  },
  {
    why: "in place of nothing",
    options: inplace({ restore_boot_disk: false, vdisks: [{ id: VOLUME }] }),
    field: /instances\[0\]$/,
    message: /Nothing of the instance/,
  },
  { why: "of no kind", options: { type: "openstack" }, field: /restore_type$/, message: /restore_type/ },
];

for (const { why, options, field, message } of REFUSED) {
  void test(`a restore ${why} is refused before anything is written`, async () => {
    const response = await fetch(`${api.url}/v1/${PROJECT}/snapshots/${snapshotId}`, {
      method: "POST",
      headers: { "x-auth-token": "member", "content-type": "application/json" },
      body: JSON.stringify({ restore: { options } }),
    });
    const { badRequest } = (await response.json()) as { badRequest: Record<string, string> };
    assert.equal(response.status, 400);
    assert.match(badRequest["field"] ?? "", field);
    assert.match(badRequest["message"] ?? "", message);
    assert.ok((badRequest["remedy"] ?? "").length > 0);
    assert.ok("value" in badRequest);
    const { snapshot } = await client.showSnapshot({ params: { snapshot_id: snapshotId } });
    assert.equal(snapshot.status, "available");
    const { restores } = await client.listRestores({ query: { snapshot_id: snapshotId } });
    assert.deepEqual(restores, []);
  });
}

void test("a selective restore with another name, flavor and network is opened", async () => {
  const made = await restore(selective({ name: "copy", flavor: { id: "large" }, nics: [] }, MAPPED));
  assert.equal(made.restore.status, "executing");
  assert.equal(made.restore.restore_options.openstack.instances[0]?.name, "copy");
  assert.deepEqual(
    made.restore.restore_options.openstack.networks_mapping.networks[0]?.target_network.subnet,
    {
      id: "target-subnet",
    },
  );
});

/** What is around instances, as the reference restores it: a selective restore of no instance. */
const AROUND = [
  ["restore_topology", "Network Topology Restore"],
  ["restore_security_groups", "Security Groups Restore"],
] as const;

for (const [flag, name] of AROUND) {
  const options = (kind: string) => ({
    type: "openstack",
    restore_type: kind,
    openstack: { instances: [], [flag]: "True" },
  });

  void test(`a restore with ${flag} alone is opened, and is called ${name}`, async () => {
    const made = await restore(options("selective"));
    assert.equal(made.restore.status, "executing");
    assert.equal(made.restore.name, name);
    assert.equal(made.restore.restore_options.openstack[flag], true);
  });

  void test(`in place, ${flag} is refused with a remedy`, async () => {
    const refused = await refusal(options("inplace"));
    assert.equal(refused.status, 400);
    assert.match(refused.message, /changes disks only/);
  });

  void test(`a restore with ${flag} is for the project's own members alone`, async () => {
    api.cloud.tokens.set("rita", { userId: "rita", projectId: PROJECT, roles: ["reader"] });
    api.cloud.tokens.set("eve", { userId: "eve", projectId: "2".repeat(32), roles: ["member"] });
    for (const [token, project, status] of [
      ["rita", PROJECT, 403],
      ["eve", PROJECT, 404],
      ["eve", "2".repeat(32), 404],
    ] as const) {
      const response = await fetch(`${api.url}/v1/${project}/snapshots/${snapshotId}`, {
        method: "POST",
        headers: { "x-auth-token": token, "content-type": "application/json" },
        body: JSON.stringify({ restore: { options: options("selective") } }),
      });
      await response.text();
      assert.equal(response.status, status, `${token} in ${project}`);
    }
  });
}

void test("networks that are gone need no mapping when the topology is restored, too", async () => {
  const options = selective({});
  assert.match((await refusal(options)).message, /no longer exists and is mapped to no other/);
  const made = await restore({ ...options, openstack: { ...options.openstack, restore_topology: true } });
  assert.equal(made.restore.status, "executing");
});

void test("a restore shows what it made beside instances, and not among its metadata", async () => {
  const made = await restore(selective({}, MAPPED));
  const networks = [{ id: "n9", original_id: NETWORK }];
  await api.database.handle
    .updateTable("restore")
    .set({ metadata: JSON.stringify({ restored: { networks }, note: "x" }) })
    .where("id", "=", asId<"restore">(made.restore.id))
    .execute();
  const { restore: shown } = await client.showRestore({ params: { restore_id: made.restore.id } });
  assert.deepEqual(shown.networks, networks);
  assert.deepEqual([shown.routers, shown.floating_ips], [[], []]);
  assert.deepEqual(
    shown.metadata.map((row) => row.key),
    ["note"],
  );
});

void test("an in-place restore needs the volume to be attached still", async () => {
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [] });
  const ticked = inplace({
    restore_boot_disk: false,
    vdisks: [{ id: VOLUME, restore_cinder_volume: "True" }],
  });
  assert.match((await refusal(ticked)).message, /is not attached/);
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [VOLUME] });
  const made = await restore(ticked);
  assert.equal(made.restore.status, "executing");
});

const TICKED = { restore_boot_disk: false, vdisks: [{ id: VOLUME, restore_cinder_volume: true }] };

function attachedStill(): void {
  api.cloud.servers.set(WEB, { name: "web", projectId: PROJECT, metadata: {}, volumes: [VOLUME] });
}

void test("an in-place restore takes a safety snapshot first, which is listed as any other", async () => {
  attachedStill();
  const { restore: made } = await restore(inplace(TICKED));
  assert.equal(made.progress?.phase, "safety snapshot: planning");
  const id = made.safety_snapshot_id ?? "";
  const { snapshot } = await client.showSnapshot({ params: { snapshot_id: id } });
  assert.equal(snapshot.name, "Before restore of nightly");
  assert.deepEqual([snapshot.snapshot_type, snapshot.status], ["incremental", "executing"]);
  assert.equal(snapshot.workload_id, workloadId);
  const { snapshots } = await client.listSnapshots({ query: { workload_id: workloadId } });
  assert.deepEqual(snapshots.map((each) => each.id).toSorted(), [id, snapshotId].toSorted());
  const restored = await client.showSnapshot({ params: { snapshot_id: snapshotId } });
  assert.equal(restored.snapshot.status, "restoring");
  const { restores } = await client.listRestores({ query: { snapshot_id: snapshotId } });
  assert.deepEqual(
    restores.map((each) => each.safety_snapshot_id),
    [id],
  );
});

void test("a restore that is cancelled during its safety snapshot cancels that, too", async () => {
  attachedStill();
  const { restore: made } = await restore(inplace(TICKED));
  await client.cancelRestore({ params: { restore_id: made.id } });
  const shown = await client.showRestore({ params: { restore_id: made.id } });
  assert.equal(shown.restore.status, "cancelling");
  const { snapshot } = await client.showSnapshot({ params: { snapshot_id: made.safety_snapshot_id ?? "" } });
  assert.equal(snapshot.status, "cancelling");
});

for (const declined of [false, "False"]) {
  void test(`safety_snapshot ${JSON.stringify(declined)} declines it`, async () => {
    attachedStill();
    const { restore: made } = await restore({ ...inplace(TICKED), safety_snapshot: declined });
    assert.equal(made.safety_snapshot_id, null);
    assert.equal(made.restore_options.safety_snapshot, false);
    const { snapshots } = await client.listSnapshots({ query: { workload_id: workloadId } });
    assert.equal(snapshots.length, 1);
  });
}

void test("a restore that overwrites nothing takes no safety snapshot, and refuses one", async () => {
  const refused = await refusal({ restore_type: "oneclick", safety_snapshot: true });
  assert.equal(refused.status, 400);
  assert.match(refused.message, /Only an in-place restore/);
  const { restore: made } = await restore({ restore_type: "oneclick" });
  assert.equal(made.safety_snapshot_id, null);
});

void test("the name of a safety snapshot is cut to what a name may have", async () => {
  attachedStill();
  const name = "长".repeat(255);
  await api.database.handle
    .updateTable("snapshot")
    .set({ name })
    .where("id", "=", asId<"snapshot">(snapshotId))
    .execute();
  const { restore: made } = await restore(inplace(TICKED));
  const { snapshot } = await client.showSnapshot({ params: { snapshot_id: made.safety_snapshot_id ?? "" } });
  assert.equal(snapshot.name, `Before restore of ${name}`.slice(0, 255));
});

void test("a workload with snapshots is not deleted, and a running restore not removed", async () => {
  await assert.rejects(
    client.deleteWorkload({ params: { workload_id: workloadId }, query: {} }),
    (error: unknown) => error instanceof Rejection && error.status === 409,
  );
  const made = await restore({ restore_type: "oneclick" });
  await assert.rejects(
    client.deleteRestore({ params: { restore_id: made.restore.id } }),
    (error: unknown) => error instanceof Rejection && error.status === 409,
  );
});
