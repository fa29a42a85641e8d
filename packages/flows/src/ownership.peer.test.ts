import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  findOwnershipJob,
  findWorkload,
  listFound,
  listWorkloadInstances,
  type OwnershipJobKind,
  openOwnershipJob,
  removeWorkload,
} from "@cairn/database";
import { CAPTURED_VERSION } from "@cairn/domain";
import { asId, Fault, newId, systemClock } from "@cairn/kernel";
import {
  createKeySet,
  FORMAT_VERSION,
  initRepository,
  type RepositoryHandle,
  readOwner,
  writeCommit,
} from "@cairn/repository";
import { directoryStore, type Store } from "@cairn/store";
import { doOwnershipJob, type ImportResult, type OwnershipWorld, type ReassignResult } from "./index.ts";
import { createWorld, type World } from "./testing/world.ts";

const HERE = "cloud-one";
const SHOP = "1".repeat(32);
const NEW = "2".repeat(32);
const ANNA = "anna";
const BERT = "bert";

let world: World;
let store: Store;
let projects: Set<string>;
let users: Set<string>;
/** Instances that Nova has: by id, the project's. */
let servers: Map<string, string>;

before(async () => {
  world = await createWorld(process.env);
  store = directoryStore(world.targetPath);
  projects = new Set([SHOP, NEW]);
  users = new Set([ANNA, BERT]);
  servers = new Map();
});

after(async () => world[Symbol.asyncDispose]());

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Keystone and Nova, as far as these jobs ask them. */
function adminCloud(): OwnershipWorld["admin"] {
  const keystone = {
    projects: { find: async (id: string) => (projects.has(id) ? { id } : undefined) },
    users: { find: async (id: string) => (users.has(id) ? { id } : undefined) },
  };
  const nova = {
    servers: {
      find: async (id: string) => {
        const projectId = servers.get(id);
        return projectId === undefined ? undefined : { id, projectId, metadata: {} };
      },
      setMetadata: async () => {},
      deleteMetadata: async () => {},
    },
  };
  return { keystone, nova, userId: async () => HERE } as unknown as OwnershipWorld["admin"];
}

interface Made {
  readonly workloadId: string;
  readonly snapshotIds: readonly string[];
  readonly instanceId: string;
  readonly handle: RepositoryHandle;
}

async function makeRepository(): Promise<RepositoryHandle> {
  const repositoryId = newId<"repository">();
  const slots = [{ kind: "key-file", label: "engine", key: world.masterKey.reveal() }] as const;
  const keySet = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 1 });
  await initRepository(store, { repositoryId, keySet: keySet.bytes });
  return { repositoryId, keys: keySet.keys };
}

/** A workload of one instance with snapshots, as an engine of that cloud would have written it. */
async function makeWorkload(
  handle: RepositoryHandle,
  owner: { readonly projectId: string; readonly userId: string; readonly cloudId?: string },
  count = 1,
): Promise<Made> {
  const workloadId = newId<"workload">();
  const instanceId = newId<"instance">();
  const snapshotIds: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const snapshotId = newId<"snapshot">();
    snapshotIds.push(snapshotId);
    const createdAt = new Date(Date.parse("2026-03-01T00:00:00Z") + index * 60_000).toISOString();
    const { userId, cloudId } = owner;
    const record = {
      workload: {
        userId,
        ...(cloudId === undefined ? {} : { cloudId }),
        description: "kept",
        typeId: null,
        jobschedule: { enabled: true, interval: "24 hrs" },
        metadata: { policy_id: "gold" },
      },
      snapshot: { userId, name: "nightly", description: "", requestedAt: createdAt },
    };
    const instance = {
      id: instanceId,
      name: "web",
      nics: [],
      disks: [],
      omitted: [],
      availabilityZone: null,
    };
    const flavor = { name: "m1", vcpus: 1, ramMiB: 64, diskGiB: 0 };
    const metadata = {
      version: CAPTURED_VERSION,
      workload: { id: workloadId, name: "shop" },
      record,
      instances: [{ ...instance, flavor }],
      securityGroups: [],
      disks: [],
    };
    const commit = {
      formatVersion: FORMAT_VERSION,
      snapshotId,
      workloadId,
      projectId: owner.projectId,
      createdAt,
      type: "full" as const,
      metadata,
      disks: [],
      indexSegments: [],
    };
    await writeCommit(store, { ...handle, commit });
  }
  return { workloadId, snapshotIds, instanceId, handle };
}

async function job<Result>(kind: OwnershipJobKind, request: unknown): Promise<Result> {
  const { database, masterKey } = world;
  const wanted = { kind, request, askedBy: asId<"user">("root") };
  const { id } = await database.transaction(async (transaction) => openOwnershipJob(transaction, wanted));
  const engine: OwnershipWorld = {
    database,
    masterKey,
    clock: systemClock,
    log: silent,
    admin: adminCloud(),
    engine: "test",
  };
  assert.equal(await doOwnershipJob(engine, new AbortController().signal), true);
  const done = await findOwnershipJob(database.handle, id);
  // Told: the same once more is another job.
  await database.handle
    .updateTable("ownership_job")
    .set({ told_at: new Date() })
    .where("id", "=", id)
    .execute();
  if (done?.state !== "done") throw new Fault("job-failed", done?.error_message ?? "", "never");
  return done.result as Result;
}

async function found(standings: Parameters<typeof listFound>[1]["standings"]): Promise<string[]> {
  await job("look", {});
  const rows = await listFound(world.database.handle, { standings }, { limit: 100 });
  return rows.map((row) => row.workload_id);
}

async function rowOf(workloadId: string) {
  const row = await findWorkload(world.database.handle, { id: workloadId });
  const snapshots = await world.database.handle
    .selectFrom("snapshot")
    .select(["id", "project_id", "repository_id", "status"])
    .where("workload_id", "=", asId<"workload">(workloadId))
    .execute();
  return { row, snapshots };
}

const OURS = { projectId: SHOP, userId: ANNA, cloudId: HERE };

describe("importing", () => {
  test("sees only this cloud's workloads; orphans are the rest (checklist line 20)", async () => {
    const handle = await makeRepository();
    const ours = await makeWorkload(handle, OURS);
    const legacy = await makeWorkload(handle, { projectId: SHOP, userId: ANNA });
    const projectGone = await makeWorkload(handle, { ...OURS, projectId: "9".repeat(32) });
    const userGone = await makeWorkload(handle, { ...OURS, userId: "nobody" });
    const foreign = await makeWorkload(await makeRepository(), { ...OURS, cloudId: "cloud-two" });
    const ids = (...made: Made[]) => made.map(({ workloadId }) => workloadId).toSorted();
    assert.deepEqual(await found(["ours"]), ids(ours, legacy));
    assert.deepEqual(await found(["project-gone", "user-gone"]), ids(projectGone, userGone));
    assert.deepEqual(await found(["other-cloud"]), ids(foreign));
    const all = await job<ImportResult>("import", { workloadIds: [] });
    assert.deepEqual(all.imported.map(({ id }) => id).toSorted(), ids(ours, legacy));
    assert.deepEqual([all.failed, all.skipped], [[], []]);
    assert.deepEqual(await found(["ours"]), []);
  });

  test("names each workload that it cannot import, with the reason, and imports the others", async () => {
    const handle = await makeRepository();
    const [good, gone] = [
      await makeWorkload(handle, OURS, 3),
      await makeWorkload(handle, { ...OURS, userId: "nobody" }),
    ];
    const unknown = newId();
    const wanted = { workloadIds: [gone.workloadId, unknown, good.workloadId, good.workloadId] };
    const done = await job<ImportResult>("import", wanted);
    assert.deepEqual(
      done.imported.map(({ id, status, snapshots }) => [id, status, snapshots]),
      [[good.workloadId, "available", 3]],
    );
    assert.deepEqual(
      done.failed.map(({ id }) => id),
      [gone.workloadId, unknown],
    );
    assert.match(done.failed[0]?.reason ?? "", /user nobody does not exist any more; reassign it/);
    assert.match(done.failed[1]?.reason ?? "", /not on the backup target/);
    const { row, snapshots } = await rowOf(good.workloadId);
    assert.deepEqual(
      [row?.name, row?.description, row?.project_id, row?.user_id, row?.jobschedule, row?.metadata],
      ["shop", "kept", SHOP, ANNA, { enabled: false, interval: "24 hrs" }, { policy_id: "gold" }],
    );
    assert.ok(snapshots.every(({ status, project_id }) => status === "available" && project_id === SHOP));
    const members = await listWorkloadInstances(world.database.handle, [asId(good.workloadId)]);
    assert.deepEqual(
      members.map(({ instance_id }) => instance_id),
      [good.instanceId],
    );
  });

  test("again changes nothing, and brings what an import that was cut off had left out", async () => {
    const made = await makeWorkload(await makeRepository(), OURS, 3);
    await job("import", { workloadIds: [made.workloadId] });
    const lost = asId<"snapshot">(made.snapshotIds[1] ?? "");
    await world.database.handle.deleteFrom("snapshot").where("id", "=", lost).execute();
    const again = await job<ImportResult>("import", { workloadIds: [made.workloadId] });
    assert.deepEqual(
      again.imported.map(({ snapshots }) => snapshots),
      [1],
    );
    const third = await job<ImportResult>("import", { workloadIds: [made.workloadId] });
    assert.deepEqual(
      third.imported.map(({ snapshots }) => snapshots),
      [0],
    );
    assert.equal((await rowOf(made.workloadId)).snapshots.length, 3);
  });

  test("of a project that began another repository meanwhile goes on in that one", async () => {
    const projectId = "5".repeat(32);
    projects.add(projectId);
    const [first, second] = [await makeRepository(), await makeRepository()];
    const owner = { ...OURS, projectId };
    const [one, two] = [await makeWorkload(first, owner), await makeWorkload(second, owner)];
    await job("import", { workloadIds: [one.workloadId] });
    await job("import", { workloadIds: [two.workloadId] });
    const rows = await world.database.handle
      .selectFrom("repository")
      .select(["id", "is_current", "is_foreign"])
      .where("project_id", "=", asId<"project">(projectId))
      .execute();
    const flags = new Map(rows.map((row) => [row.id as string, [row.is_current, row.is_foreign]]));
    assert.deepEqual(flags.get(first.repositoryId), [true, false]);
    assert.deepEqual(flags.get(second.repositoryId), [false, false]);
    assert.deepEqual(
      [(await rowOf(one.workloadId)).row?.next_full, (await rowOf(two.workloadId)).row?.next_full],
      [false, true],
    );
  });
});

describe("reassigning", () => {
  const to = (fields: object) => ({
    reassignments: [
      { workloadIds: [], oldProjectIds: [], projectId: NEW, userId: BERT, migratesCloud: false, ...fields },
    ],
    by: "root",
  });

  test("rewrites the owner on the target and in the database (checklist line 20)", async () => {
    const handle = await makeRepository();
    const made = await makeWorkload(handle, { ...OURS, projectId: "9".repeat(32) }, 2);
    const done = await job<ReassignResult>("reassign", to({ workloadIds: [made.workloadId] }));
    assert.deepEqual(
      done.reassigned.map(({ id, status, projectId, userId }) => [id, status, projectId, userId]),
      [[made.workloadId, "available", NEW, BERT]],
    );
    const record = await readOwner(store, { ...handle, workloadId: made.workloadId });
    assert.deepEqual(record?.owner, { projectId: NEW, userId: BERT, cloudId: HERE });
    const { row, snapshots } = await rowOf(made.workloadId);
    assert.deepEqual([row?.project_id, row?.user_id, row?.next_full], [NEW, BERT, true]);
    assert.equal(row?.jobschedule["enabled"], false);
    assert.ok(snapshots.every(({ project_id }) => project_id === NEW));
    // The target alone tells, to whoever imports it after this database is gone.
    await world.database.transaction(async (transaction) =>
      removeWorkload(transaction, asId(made.workloadId)),
    );
    const again = await job<ImportResult>("import", { workloadIds: [made.workloadId] });
    assert.deepEqual(
      again.imported.map(({ projectId, userId }) => [projectId, userId]),
      [[NEW, BERT]],
    );
  });

  test("of a workload that is here moves it, and forgets its disks' bases; and back", async () => {
    const made = await makeWorkload(await makeRepository(), OURS);
    await job("import", { workloadIds: [made.workloadId] });
    const { handle } = world.database;
    const done = await job<ReassignResult>("reassign", to({ workloadIds: [made.workloadId] }));
    assert.equal(done.reassigned[0]?.status, "available");
    const { row, snapshots } = await rowOf(made.workloadId);
    assert.deepEqual([row?.project_id, snapshots[0]?.project_id], [NEW, NEW]);
    const bases = await handle
      .selectFrom("disk_base")
      .select("disk_id")
      .where("workload_id", "=", asId<"workload">(made.workloadId))
      .execute();
    assert.deepEqual(bases, []);
    assert.equal((await listWorkloadInstances(handle, [asId(made.workloadId)])).length, 1, "it is gone");
    const record = await readOwner(store, { ...made.handle, workloadId: made.workloadId });
    assert.deepEqual(record?.former, OURS);
    // Back again, the same way.
    const back = to({ workloadIds: [made.workloadId], projectId: SHOP, userId: ANNA });
    await job<ReassignResult>("reassign", back);
    assert.equal((await rowOf(made.workloadId)).row?.project_id, SHOP);
    const second = await readOwner(store, { ...made.handle, workloadId: made.workloadId });
    assert.deepEqual([second?.sequence, (second?.at ?? 0) > record.at], [2, true]);
  });

  test("by old projects takes all of theirs; of other clouds only with migrate_cloud", async () => {
    const old = "7".repeat(32);
    const handle = await makeRepository();
    const owner = { projectId: old, userId: "cara", cloudId: "cloud-two" };
    const [one, two] = [await makeWorkload(handle, owner), await makeWorkload(handle, owner)];
    const without = await job<ReassignResult>("reassign", to({ oldProjectIds: [old] }));
    assert.deepEqual([without.reassigned, without.failed], [[], []]);
    const refused = await job<ReassignResult>("reassign", to({ workloadIds: [one.workloadId] }));
    assert.match(refused.failed[0]?.reason ?? "", /another cloud \(cloud-two\); ask with migrate_cloud/);
    const first = to({ workloadIds: [one.workloadId], migratesCloud: true });
    assert.equal((await job<ReassignResult>("reassign", first)).reassigned.length, 1);
    const isForeign = async () =>
      world.database.handle
        .selectFrom("repository")
        .select("is_foreign")
        .where("id", "=", asId<"repository">(handle.repositoryId))
        .executeTakeFirstOrThrow();
    assert.equal((await isForeign()).is_foreign, true, "the other workload is still the other cloud's");
    const rest = to({ oldProjectIds: [old], migratesCloud: true });
    const done = await job<ReassignResult>("reassign", rest);
    assert.deepEqual(
      done.reassigned.map(({ id }) => id),
      [two.workloadId],
    );
    assert.equal((await isForeign()).is_foreign, false, "all in it is this cloud's");
  });

  test("refuses a workload whose run goes on, and touches neither target nor database", async () => {
    const made = await makeWorkload(await makeRepository(), OURS);
    await job("import", { workloadIds: [made.workloadId] });
    await world.database.handle
      .updateTable("workload")
      .set({ status: "locked" })
      .where("id", "=", asId<"workload">(made.workloadId))
      .execute();
    const done = await job<ReassignResult>("reassign", to({ workloadIds: [made.workloadId] }));
    assert.match(done.failed[0]?.reason ?? "", /it is locked/);
    assert.equal(await readOwner(store, { ...made.handle, workloadId: made.workloadId }), undefined);
  });
});

describe("a look at a target", () => {
  test("names a repository that the key file does not open, and finds everything else", async () => {
    const repositoryId = newId<"repository">();
    const slots = [{ kind: "key-file", label: "other", key: Buffer.alloc(32, 7) }] as const;
    const keySet = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 1 });
    await initRepository(store, { repositoryId, keySet: keySet.bytes });
    const locked = await makeWorkload({ repositoryId, keys: keySet.keys }, OURS);
    const open = await makeWorkload(await makeRepository(), OURS);
    const result = await job<{ skipped: string[] }>("look", {});
    assert.equal(result.skipped.length, 1);
    assert.match(result.skipped[0] ?? "", new RegExp(repositoryId));
    const ids = await found(["ours"]);
    assert.ok(ids.includes(open.workloadId) && !ids.includes(locked.workloadId));
  });

  test("asked for again while it goes on is the same job", async () => {
    const { database } = world;
    const wanted = { kind: "look" as const, request: { targetIds: [] }, askedBy: asId<"user">("root") };
    const open = async () =>
      database.transaction(async (transaction) => openOwnershipJob(transaction, wanted));
    const [one, other] = await Promise.all([open(), open()]);
    assert.equal(one.id, other.id);
    const somebody = { ...wanted, askedBy: asId<"user">("else") };
    const theirs = await database.transaction(async (transaction) => openOwnershipJob(transaction, somebody));
    assert.notEqual(theirs.id, one.id);
  });
});
