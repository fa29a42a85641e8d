import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, Rejection, systemClock } from "@cairn/kernel";
import { type Credential, repositoryNames, writeTombstone } from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import { findSnapshot, openSnapshot, readCatalogue } from "./catalogue.ts";
import { SAMPLE_KEY, SAMPLE_WORKLOAD, sampleRepository } from "./testing/sample-repository.ts";
import { verifyRepositories } from "./verify.ts";

const signal = new AbortController().signal;
const KEY: Credential = { kind: "key-file", key: SAMPLE_KEY };
const OTHER = "99999999-9999-4999-8999-999999999999";

async function sampleStore(): Promise<Store> {
  const store = memoryStore();
  await sampleRepository(store);
  return store;
}

test("a key shows workloads by name, and snapshots with their disks, newest first", async () => {
  const { repositories } = await readCatalogue({ store: await sampleStore(), credentials: [KEY], signal });
  const [repository] = repositories;
  assert.deepEqual(repository?.access, { kind: "opened", rights: "all", by: "key-file sample" });
  const [workload] = repository.workloads;
  assert.equal(workload?.name, "shop");
  assert.deepEqual(
    workload.snapshots.map(({ createdAt, type, disks }) => ({ createdAt, type, disks })),
    [
      { createdAt: "2026-03-02T02:30:00.000Z", type: "incremental", disks: 2 },
      { createdAt: "2026-03-01T02:30:00.000Z", type: "full", disks: 2 },
    ],
  );
});

test("without a key, names and headers tell which snapshots there are and when they were taken", async () => {
  const { repositories } = await readCatalogue({ store: await sampleStore(), credentials: [], signal });
  assert.deepEqual(repositories[0]?.access, { kind: "locked" });
  const [newest] = repositories[0].workloads[0]?.snapshots ?? [];
  assert.equal(newest?.createdAt, "2026-03-02T02:30:00.000Z");
  assert.deepEqual([newest.type, newest.disks, newest.workloadName], [undefined, undefined, undefined]);
});

test("a repository that the key does not open is told, and does not hide the others", async () => {
  const store = await sampleStore();
  const slots = [{ kind: "key-file", label: "another", key: Buffer.alloc(32, 9) }] as const;
  await sampleRepository(store, { repositoryId: OTHER, slots, hugeBytes: 3 * 2 ** 40 });
  const { repositories } = await readCatalogue({ store, credentials: [KEY], signal });
  assert.deepEqual(
    repositories.map(({ access }) => access.kind),
    ["opened", "refused"],
  );
  assert.equal(repositories[1]?.workloads.length, 1);
});

test("a damaged commit and a snapshot whose deletion was asked for say so", async () => {
  const store = await sampleStore();
  const { handle, first, latest } = await sampleRepository(memoryStore());
  const names = repositoryNames(handle.repositoryId);
  await store.remove(names.commit(SAMPLE_WORKLOAD, latest.snapshotId));
  await store.put(names.commit(SAMPLE_WORKLOAD, latest.snapshotId), [Buffer.from("CAIRNCMT, or so")]);
  const opened = await openSnapshot({ store, credentials: [KEY], snapshot: first.snapshotId, signal });
  await writeTombstone(store, {
    ...opened.handle,
    tombstone: {
      snapshotId: first.snapshotId,
      workloadId: SAMPLE_WORKLOAD,
      requestedAt: "2026-03-03T00:00:00Z",
      requestedBy: "anna",
      notBefore: "2026-03-03T00:00:00Z",
    },
  });
  const { repositories } = await readCatalogue({ store, credentials: [KEY], signal });
  const problems = repositories[0]?.workloads[0]?.snapshots.map(({ problem }) => problem) ?? [];
  assert.deepEqual(problems[0], "its deletion was asked for");
  assert.match(problems[1] ?? "", /checksum/);
});

test("a snapshot is found by its id, the beginning of it, or as the latest", async () => {
  const store = await sampleStore();
  const find = async (snapshot: string) => (await findSnapshot({ store, snapshot, signal })).snapshotId;
  const id = "00000001-0000-4000-8000-000000000001";
  assert.equal(await find(id), id);
  assert.equal(await find("00000001"), id);
  assert.equal(await find("latest"), "00000002-0000-4000-8000-000000000002");
  const refused = async (snapshot: string, status: number): Promise<void> => {
    await assert.rejects(
      async () => find(snapshot),
      (error) => error instanceof Rejection && error.status === status && error.remedy !== "",
    );
  };
  await refused("0000", 400);
  await refused("00", 400);
  await refused("ffff", 404);
});

test("latest must say of which workload, where there are several", async () => {
  const store = await sampleStore();
  await sampleRepository(store, { repositoryId: OTHER, hugeBytes: 3 * 2 ** 40 });
  await assert.rejects(findSnapshot({ store, snapshot: "latest", signal }), /2 workloads/);
  const found = await findSnapshot({ store, snapshot: "latest", repositoryId: OTHER, signal });
  assert.equal(found.repositoryId, OTHER);
});

test("a key with the right to the structure lists and verifies structure, and opens no disk", async () => {
  const store = memoryStore();
  const key = Buffer.alloc(32, 3);
  const slots = [
    { kind: "key-file", label: "all", key: SAMPLE_KEY },
    { kind: "key-file", label: "maintenance", rights: "structure", key },
  ] as const;
  await sampleRepository(store, { slots });
  const credentials: Credential[] = [{ kind: "key-file", key }];
  const { repositories } = await readCatalogue({ store, credentials, signal });
  assert.deepEqual(repositories[0]?.access, {
    kind: "opened",
    rights: "structure",
    by: "key-file maintenance",
  });
  assert.equal(repositories[0].workloads[0]?.snapshots[0]?.disks, 2);
  await assert.rejects(
    openSnapshot({ store, credentials, snapshot: "latest", signal }),
    (error) => error instanceof Rejection && error.status === 403,
  );
  const what = { store, credentials, signal, clock: systemClock };
  const [verified] = await verifyRepositories({ ...what, level: "packs" });
  assert.equal(verified?.report.sound, true);
  await assert.rejects(
    verifyRepositories({ ...what, level: "data" }),
    (error) => error instanceof Fault && error.code === "wrong-key",
  );
});

test("a verification names what is damaged, and of whom", async () => {
  const store = await sampleStore();
  const [pack = ""] = await Array.fromAsync(store.list("11111111-1111-4111-8111-111111111111/p/"));
  const bytes = Buffer.from(await store.get(pack));
  bytes[70] = (bytes[70] ?? 0) ^ 1;
  await store.remove(pack);
  await store.put(pack, [bytes]);
  const what = { store, credentials: [KEY], signal, clock: systemClock, level: "data" } as const;
  const [verified] = await verifyRepositories(what);
  assert.equal(verified?.report.sound, false);
  assert.ok(verified.report.damage.some(({ object }) => object === pack));
  assert.ok(verified.report.degraded.length > 0);
  await assert.rejects(verifyRepositories({ ...what, workloadId: OTHER }), /no snapshot of workload/);
});
