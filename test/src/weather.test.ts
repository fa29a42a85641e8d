import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import type { RestoreDetail } from "@cairn/contract";
import { yieldOrders } from "@cairn/database";
import {
  type BootedInstance,
  bootInstance,
  COMPUTE_HOSTS,
  isDiskIdentical,
  loseInstance,
  networkId,
  type SandboxFault,
} from "@cairn/embedded";
import { asId, Fault, MiB } from "@cairn/kernel";
import {
  beginRestore,
  beginSnapshot,
  endOfRestore,
  endOfSnapshot,
  fill,
  makeWorkload,
  restoreOptions,
  takeSnapshot,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { SmallDisk } from "./small-disk.ts";
import { keepDiskFile, openStored } from "./stored.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

const FOREVER = 1_000_000;
const VOLUME_BYTES = 24 * MiB;

let tree: Tree;
let storage: SmallDisk;
let instance: BootedInstance;
let workload: string;
let snapshot: string;
/** A file with what the volume holds, and every restored one must. */
let content: string;

before(async () => {
  tree = await startTree({}, async (folder) => {
    storage = await SmallDisk.mount(join(folder, "small-storage"));
    await mkdir(join(folder, "cloud"));
    await symlink(storage.path, join(folder, "cloud", "cinder"));
  });
  const boot = { kind: "image", imageId: tree.imageId } as const;
  const volumes = [{ name: "data", sizeGiB: 1, volumeType: "nfs-qcow2" }];
  const wanted = { name: "weather", zone: "az1", boot, flavor: "m1.nano", network: "private", volumes };
  instance = await bootInstance(tree.cloud, wanted, tree.signal);
  await fill(tree, instance.id, "vdb", VOLUME_BYTES);
  workload = await makeWorkload(tree, "weather", [instance.id]);
  content = await keepDiskFile(tree, instance.id, "vdb");
  snapshot = (await takeSnapshot(tree, workload, true)).id;
});

after(async () => {
  await storage.makeRoom();
  await tree.close();
  await storage.close();
});

/** A test that ends with fair weather and nothing left over. */
function weather(name: string, work: () => Promise<void>): void {
  test(name, async (context: TestContext) => {
    await explained(context, tree, async () => {
      try {
        await work();
      } finally {
        await fairWeather();
      }
      assert.deepEqual(await leftovers(tree), []);
    });
  });
}

/** No fault, and plenty of everything. */
async function fairWeather(): Promise<void> {
  const { sandbox } = tree.embedded;
  await sandbox.clearFaults();
  await sandbox.setStorage(10_000);
  await sandbox.setQuota(await tree.cloud.projectId(), { gigabytes: 4096 });
  for (const host of COMPUTE_HOSTS) await sandbox.setHostCapacity(host, { memory_mb: 262_144 });
  await storage.makeRoom();
}

async function fault(wanted: SandboxFault): Promise<void> {
  await tree.embedded.sandbox.addFault({ times: FOREVER, ...wanted });
}

/** Everything of a tenant that a restore could leave, by its id. */
async function tenantThings(): Promise<string[]> {
  const { nova, cinder, neutron, glance } = tree.cloud;
  const projectId = await tree.cloud.projectId();
  const ports = (await neutron.ports.list({})).filter((port) => port.projectId === projectId);
  const lists = [nova.servers.list(), cinder.volumes.list({}), glance.images.list({ isHidden: true })];
  const found: { id: string }[] = (await Promise.all(lists)).flat();
  return [...found, ...ports].map(({ id }) => id).toSorted();
}

const copy = (fields: object = {}) =>
  restoreOptions("selective", [{ id: instance.id, include: true, name: "copy", ...fields }]);

interface Trouble {
  readonly options?: ReturnType<typeof restoreOptions>;
  /** What is done as soon as the restore has begun. */
  readonly meanwhile?: (restoreId: string) => Promise<void>;
}

async function restore({ options = copy(), meanwhile }: Trouble): Promise<RestoreDetail> {
  const id = await beginRestore(tree, snapshot, options);
  await meanwhile?.(id);
  return endOfRestore(tree, id);
}

/** A restore that fails with these words, and leaves the tenant's cloud as it was. */
async function refused(says: RegExp, trouble: Trouble = {}): Promise<void> {
  const found = await tenantThings();
  const ended = await restore(trouble);
  await fairWeather();
  assert.equal(ended.status, "error", JSON.stringify(ended));
  assert.match(ended.error_msg ?? "", says);
  assert.deepEqual(await tenantThings(), found);
}

/** A restore that becomes available whatever happens, and holds what the snapshot holds. */
async function survives(trouble: Trouble): Promise<void> {
  const ended = await restore(trouble);
  assert.equal(ended.status, "available", ended.error_msg ?? "");
  const made = (await tree.cloud.nova.servers.list()).filter(({ name }) => name === "copy");
  assert.equal(made.length, 1);
  const id = made[0]?.id ?? "";
  const volume = { instanceId: id, device: "vdb" };
  assert.ok(await isDiskIdentical(tree.embedded.sandbox, volume, content));
  const attached = await tree.cloud.nova.volumeAttachments.list(asId(id));
  const volumeIds = attached.map(({ volumeId }) => asId<"volume">(volumeId));
  await loseInstance(tree.cloud, { id: asId(id), name: "copy", volumeIds }, tree.signal);
}

/** Waits until requests have failed so often: more than one request of ours is repeated by itself. */
async function untilMet(hits: number): Promise<void> {
  await until(`${String(hits)} requests that failed`, 60_000, async () => {
    const counts = await tree.embedded.sandbox.faultHits();
    return counts.some((count) => count >= hits) ? true : undefined;
  });
}

/** The restore's run may have ended by then: its last step is short. */
async function untilStarted(restoreId: string, kind: string): Promise<void> {
  await until(`a step ${kind}`, 120_000, async () => {
    const { handle } = tree.database;
    const rows = await handle
      .selectFrom("step")
      .innerJoin("run", "run.id", "step.run_id")
      .select("step.key")
      .where("run.restore_id", "=", asId<"restore">(restoreId))
      .execute();
    if (rows.some(({ key }) => key.startsWith(kind))) return true;
    const { restore: row } = await tree.api.showRestore({ params: { restore_id: restoreId } });
    assert.notEqual(row.status, "error", row.error_msg ?? "");
    return undefined;
  });
}

const KEYSTONE_AWAY: SandboxFault = { service: "keystone", effect: { kind: "drop" } };
/** Requests of one attempt, and the first of the next one. */
const TWO_ATTEMPTS = 4;

/** Holds volumes up, so that the world can change between plan and deed. */
async function beforeVolumes(change: () => Promise<void>): Promise<(id: string) => Promise<void>> {
  await fault({
    service: "cinder",
    method: "POST",
    path: "/volumes$",
    effect: { kind: "delay", ms: 1_500 },
    times: 1,
  });
  return async (id) => {
    await untilStarted(id, "volume-");
    await change();
  };
}

weather("a snapshot waits for Keystone and goes on when it is back", async () => {
  await tree.cloud.token();
  await fault({ ...KEYSTONE_AWAY, method: "POST" });
  const id = await beginSnapshot(tree, workload, true);
  await untilMet(TWO_ATTEMPTS);
  await tree.embedded.sandbox.clearFaults();
  const ended = await endOfSnapshot(tree, id);
  assert.equal(ended.status, "available", ended.error_msg ?? "");
  assert.ok(await (await openStored(tree, id)).equals(instance.id, "vdb", content));
});

weather("a restore whose tokens end while Keystone is away waits, and goes on when it is back", async () => {
  const meanwhile = async (id: string): Promise<void> => {
    await untilStarted(id, "write-");
    await fault(KEYSTONE_AWAY);
    await tree.embedded.sandbox.expireTokens("cairn");
    await untilMet(TWO_ATTEMPTS);
    await tree.embedded.sandbox.clearFaults();
  };
  await survives({ meanwhile });
});

weather("a restore outlives its tokens, whenever they end", async () => {
  const meanwhile = async (id: string): Promise<void> => {
    for (const step of ["volume-", "write-", "server-", "stop-", "finish-"]) {
      await untilStarted(id, step);
      await tree.embedded.sandbox.expireTokens("cairn");
    }
  };
  await survives({ meanwhile });
});

weather("an instance that Nova fails to build is built once more", async () => {
  await fault({ effect: { kind: "host-fails", message: "Failed to allocate the network(s)" }, times: 1 });
  await survives({});
  assert.deepEqual(await tree.embedded.sandbox.faultHits(), [1]);
});

weather(
  "an instance that Nova fails to build again and again ends the restore, with Nova's reason",
  async () => {
    await fault({ effect: { kind: "host-fails", message: "internal error: no room" } });
    await refused(/internal error: no room/);
  },
);

weather("a restore that cannot be undone while Cinder is away is undone when it is back", async () => {
  const meanwhile = async (id: string): Promise<void> => {
    await untilStarted(id, "write-");
    await fault({ service: "cinder", effect: { kind: "status", status: 503 } });
    await tree.api.cancelRestore({ params: { restore_id: id } });
    await untilMet(TWO_ATTEMPTS);
    await tree.embedded.sandbox.clearFaults();
  };
  const found = await tenantThings();
  assert.equal((await restore({ meanwhile })).status, "cancelled");
  assert.deepEqual(await tenantThings(), found);
});

weather("a job that makes way for Nova is begun again when the instance is at rest", async () => {
  const id = await beginSnapshot(tree, workload, true);
  const yielded = await until("an order to ask", 30_000, async () => {
    const subject = { instanceId: instance.id };
    const asked = await tree.database.transaction((transaction) => yieldOrders(transaction, subject));
    return asked.length > 0 ? asked : undefined;
  });
  assert.deepEqual(
    yielded.map(({ host }) => host),
    ["compute1"],
  );
  const { servers } = tree.cloud.nova;
  await servers.stop(instance.id);
  await servers.waitFor(instance.id, "SHUTOFF", { withinMs: 30_000 });
  const ended = await endOfSnapshot(tree, id);
  assert.equal(ended.status, "available", ended.error_msg ?? "");
  assert.ok(await (await openStored(tree, id)).equals(instance.id, "vdb", content));
  await servers.start(instance.id);
  await servers.waitFor(instance.id, "ACTIVE", { withinMs: 30_000 });
});

weather("while Keystone is away the API says so, and what to do", async () => {
  const cloud = tree.embedded.cloud("demo", "demo");
  const api = await apiOf(tree.embedded, cloud);
  await fault(KEYSTONE_AWAY);
  const asked = api.listWorkloads({});
  const says = /^OpenStack gave no answer while this was asked of it: validating a token/;
  await assert.rejects(asked, (cause) => cause instanceof Fault && says.test(cause.message));
});

weather("a Cinder quota that others used up since the plan is named, and nothing is left", async () => {
  const projectId = await tree.cloud.projectId();
  const { sandbox } = tree.embedded;
  const meanwhile = await beforeVolumes(async () => sandbox.setQuota(projectId, { gigabytes: 1 }));
  await refused(/exceeds allowed gigabytes quota/, { meanwhile });
  await sandbox.setQuota(projectId, { gigabytes: 1 });
  await refused(/quota of GiB of volumes would be exceeded: 1 needed, 1 of 1 in use/);
});

weather("an address that somebody took since the plan is named, and nothing is left", async () => {
  const ipAddress = "10.10.0.77";
  const network = await networkId(tree.cloud, "private", tree.signal);
  const [subnet] = (await tree.cloud.neutron.subnets.list({})).filter((each) => each.networkId === network);
  const nic = { id: network, network: { id: network, subnet: { id: subnet?.id } }, ip_address: ipAddress };
  let taken = "";
  const meanwhile = await beforeVolumes(async () => {
    const fixedIps = [{ subnetId: subnet?.id ?? "", ipAddress }];
    taken = (await tree.cloud.neutron.ports.create({ networkId: network, fixedIps })).id;
  });
  const id = await beginRestore(tree, snapshot, copy({ nics: [nic] }));
  await meanwhile(id);
  const ended = await endOfRestore(tree, id);
  assert.match(
    ended.error_msg ?? "",
    /port with 10\.10\.0\.77 on network .+: it cannot be had any more; free it/,
  );
  await tree.cloud.neutron.ports.delete(taken);
});

weather("storage that fills up while a volume is written is named, and nothing is left", async () => {
  await storage.leave({ bytes: 8 * MiB });
  await refused(/Writing disk .+: the storage under it is full: have room made there, or restore to another/);
  await survives({});
});

weather("a volume for which Cinder has no storage any more is named with Cinder's reason", async () => {
  const { sandbox } = tree.embedded;
  const meanwhile = await beforeVolumes(async () => sandbox.setStorage(0));
  await refused(
    /^Making volume data of 1 GiB and type nfs-qcow2: Cinder says "schedule allocate volume:Could not/,
    { meanwhile },
  );
  await sandbox.setStorage(0);
  await refused(/Volume type nfs-qcow2 has no room for disk vdb of instance copy: 1 GiB needed, 0 GiB in/);
});

weather("a host that has no room any more is named, before and after anything is made", async () => {
  const { sandbox } = tree.embedded;
  const small = { memory_mb: 32 };
  const meanwhile = await beforeVolumes(async () => sandbox.setHostCapacity("compute1", small));
  await refused(
    /Making instance copy: no compute node in availability zone az1 is up, has room and suits it/,
    { meanwhile },
  );
  for (const host of COMPUTE_HOSTS) await sandbox.setHostCapacity(host, small);
  await refused(/Flavor m1\.nano for instance copy fits no compute node now: 1 vCPUs, 64 MiB/);
});

weather("answers that are lost on the way make nothing twice", async () => {
  const lost = { method: "POST", effect: { kind: "apply-then-fail", drop: true }, times: 1 };
  await fault({ ...lost, service: "cinder", path: "/volumes$" });
  await fault({ ...lost, service: "neutron", path: "/ports$" });
  await fault({ ...lost, service: "nova", path: "/servers$" });
  await fault({
    service: "cinder",
    method: "POST",
    path: "/attachments$",
    effect: { kind: "status", status: 500 },
    times: 2,
  });
  const found = await tenantThings();
  await survives({});
  const left = (await tenantThings()).filter((id) => !found.includes(id));
  assert.equal(left.length, 2, "the hidden image and the port outlive the instance");
});

weather("a compute host that goes down while a restore runs is named, and nothing is left", async () => {
  const { sandbox } = tree.embedded;
  const meanwhile = await beforeVolumes(async () => sandbox.vanishHost("compute1"));
  const trouble = { meanwhile };
  await refused(/no compute node in availability zone az1 is up, has room and suits it/, trouble);
  await sandbox.returnHost("compute1");
  await tree.cloud.nova.servers.start(instance.id);
  await tree.cloud.nova.servers.waitFor(instance.id, "ACTIVE", { withinMs: 30_000 });
});
