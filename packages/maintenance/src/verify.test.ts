import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode, newId } from "@cairn/kernel";
import {
  beginSession,
  createRepositoryKeys,
  EMPTY_STATE,
  endSession,
  repositoryNames,
  structureOnlyKeys,
  writeRelocations,
  writeState,
  writeTombstone,
} from "@cairn/repository";
import { faultyStore, type Store } from "@cairn/store";
import { scrub } from "./scrub.ts";
import {
  flip,
  neverAborted,
  objectsOf,
  seeded,
  storeSnapshot,
  type TestRepository,
  testRepository,
} from "./test-repository.ts";
import { verifySnapshot, verifyTarget, verifyWorkload } from "./verify.ts";
import type { VerifyLevel, VerifyReport } from "./verify-report.ts";

const LEVELS: readonly VerifyLevel[] = ["structure", "packs", "data"];
const KiB = 1024;

async function verify(
  repository: TestRepository,
  level: VerifyLevel,
  options: { readonly store?: Store; readonly recordBytes?: number } = {},
): Promise<VerifyReport> {
  const { handle, clock } = repository;
  const store = options.store ?? repository.store;
  const limits = options.recordBytes === undefined ? {} : { limits: { recordBytes: options.recordBytes } };
  return verifyTarget({ store, handle, clock, level, signal: neverAborted, ...limits });
}

/** Two snapshots of one workload that share two of their chunks. */
async function twoSnapshots() {
  const repository = await testRepository();
  const first = await storeSnapshot(repository, ["a", "b", "c", "", "d"]);
  const { workloadId } = first;
  const second = await storeSnapshot(repository, ["a", "B", "c"], {
    base: first,
    workloadId,
    type: "incremental",
  });
  return { repository, first, second, workloadId };
}

describe("verifying", () => {
  for (const level of LEVELS) {
    it(`finds nothing in a sound repository at the level of ${level}`, async () => {
      const { repository } = await twoSnapshots();
      const report = await verify(repository, level);
      assert.deepEqual([report.damage, report.degraded, report.sound], [[], [], true]);
      assert.deepEqual([report.snapshots, report.disks, report.records], [2, 2, 5]);
      assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    });
  }

  it("needs structure keys for structure and packs, and data keys for data", async () => {
    const { repository } = await twoSnapshots();
    const handle = { ...repository.handle, keys: structureOnlyKeys(repository.handle.keys) };
    assert.equal((await verify({ ...repository, handle }, "structure")).sound, true);
    assert.equal((await verify({ ...repository, handle }, "packs")).sound, true);
    await assert.rejects(verify({ ...repository, handle }, "data"), (cause) => hasCode(cause, "wrong-key"));
  });

  it("names the snapshots, the disks and the stretches of each that a damaged chunk takes away", async () => {
    const { repository, first, second } = await twoSnapshots();
    const chunk = first.chunks[0];
    assert.ok(chunk !== undefined);
    const pack = repositoryNames(repository.handle.repositoryId).pack(chunk.pack);
    await flip(repository.store, pack, chunk.offset + 1000);
    const report = await verify(repository, "data");
    assert.deepEqual(
      report.damage.map(({ kind, object, code, record }) => ({ kind, object, code, record })),
      [
        {
          kind: "chunk",
          object: pack,
          code: "object-damaged",
          record: { id: chunk.id.toString("hex"), offset: chunk.offset, storedBytes: chunk.storedBytes },
        },
      ],
    );
    const places = report.degraded.map(({ snapshotId, disks }) => ({ snapshotId, disks }));
    const ranges = [{ offset: 0, length: 64 * KiB, damage: 0 }];
    const disk = {
      instanceId: "instance",
      diskId: "disk",
      device: "vda",
      damagedBytes: 64 * KiB,
      ranges,
      rangesOmitted: 0,
    };
    const expected = [
      { snapshotId: first.snapshotId, disks: [{ ...disk, sizeBytes: 320 * KiB }] },
      { snapshotId: second.snapshotId, disks: [{ ...disk, sizeBytes: 192 * KiB }] },
    ];
    assert.deepEqual(sorted(places), sorted(expected));
  });

  it("blames the whole pack when it may not open the records", async () => {
    const { repository, first } = await twoSnapshots();
    const chunk = first.chunks[3];
    assert.ok(chunk !== undefined);
    await flip(
      repository.store,
      repositoryNames(repository.handle.repositoryId).pack(chunk.pack),
      chunk.offset + 1000,
    );
    const report = await verify(repository, "packs");
    assert.deepEqual(
      report.damage.map(({ kind }) => kind),
      ["chunk-pack"],
    );
    assert.deepEqual(
      sorted(report.degraded.map(({ snapshotId, disks }) => [snapshotId, disks[0]?.damagedBytes])),
      sorted(
        report.degraded.map(({ snapshotId }) => [
          snapshotId,
          snapshotId === first.snapshotId ? 256 * KiB : 128 * KiB,
        ]),
      ),
    );
  });

  it("takes a missing pack of pages for the loss of what its pages describe", async () => {
    const { repository, second } = await twoSnapshots();
    await repository.store.remove(repositoryNames(repository.handle.repositoryId).pagePack(second.root.pack));
    const report = await verify(repository, "structure");
    assert.equal(report.sound, false);
    assert.deepEqual(
      report.damage.map(({ kind, code }) => [kind, code]),
      [["page", "object-missing"]],
    );
    assert.deepEqual(
      report.degraded.map(({ snapshotId, disks }) => [snapshotId, disks[0]?.damagedBytes]),
      [[second.snapshotId, 192 * KiB]],
    );
  });

  it("knows no more of a snapshot whose commit is damaged, and verifies the others", async () => {
    const { repository, first, workloadId } = await twoSnapshots();
    await flip(
      repository.store,
      repositoryNames(repository.handle.repositoryId).commit(workloadId, first.snapshotId),
      100,
    );
    const report = await verify(repository, "data");
    assert.deepEqual(
      report.damage.map(({ kind }) => kind),
      ["commit"],
    );
    assert.deepEqual(report.degraded, [
      { workloadId, snapshotId: first.snapshotId, commitDamage: 0, disks: [] },
    ]);
  });

  it("verifies one workload or one snapshot alone", async () => {
    const { repository, first, second, workloadId } = await twoSnapshots();
    const other = await storeSnapshot(repository, ["x"]);
    const { store, handle, clock } = repository;
    await store.remove(repositoryNames(handle.repositoryId).pack(other.chunks[0]?.pack ?? ""));
    const request = { store, handle, clock, level: "data", signal: neverAborted } as const;
    assert.equal((await verifyWorkload({ ...request, workloadId })).snapshots, 2);
    assert.equal((await verifyWorkload({ ...request, workloadId })).sound, true);
    assert.equal((await verifySnapshot({ ...request, ...second })).sound, true);
    assert.equal((await verifySnapshot({ ...request, ...other })).sound, false);
    const none = { workloadId, snapshotId: newId() };
    await assert.rejects(verifySnapshot({ ...request, ...none }), (cause) =>
      hasCode(cause, "object-missing"),
    );
    assert.ok(first.chunks.length > 0);
  });

  it("walks the trees several times rather than taking more memory than it may", async () => {
    const repository = await testRepository();
    for (let index = 0; index < 12; index += 1) await storeSnapshot(repository, [`a${index}`, `b${index}`]);
    const lost = await storeSnapshot(repository, ["lost"]);
    await repository.store.remove(
      repositoryNames(repository.handle.repositoryId).pack(lost.chunks[0]?.pack ?? ""),
    );
    const whole = await verify(repository, "data");
    const parts = await verify(repository, "data", { recordBytes: 512 });
    assert.equal(parts.records, whole.records);
    assert.deepEqual(parts.damage, whole.damage);
    assert.deepEqual(parts.degraded, whole.degraded);
  });

  it("reads each pack once however many snapshots share it", async () => {
    const repository = await testRepository();
    const pieces = ["a", "b", "c", "d"];
    const first = await storeSnapshot(repository, pieces);
    const alone = await verify(repository, "data");
    for (let index = 0; index < 10; index += 1) await storeSnapshot(repository, pieces, { base: first });
    const many = await verify(repository, "data");
    assert.ok(
      many.bytesRead < alone.bytesRead + 11 * 16 * KiB,
      `${alone.bytesRead} and ${many.bytesRead} bytes read`,
    );
  });

  it("finds chunks and pages that were moved, and proves them where they lie now", async () => {
    const { repository, first } = await twoSnapshots();
    const { store, handle, clock } = repository;
    const names = repositoryNames(handle.repositoryId);
    const copy = await storeSnapshot(repository, ["a", "b", "c", "", "d"]);
    const entries = copy.chunks.map((chunk) => chunk);
    const segment = await writeRelocations(store, handle, { kind: "chunk", entries });
    const pages = await writeRelocations(store, handle, {
      kind: "page",
      entries: [{ ...copy.root, plainBytes: 1 }],
    });
    await writeState(store, handle, {
      state: {
        ...EMPTY_STATE,
        epoch: 1,
        at: clock.now(),
        by: "test",
        relocations: [segment.name, pages.name],
      },
    });
    await store.remove(names.pack(first.chunks[0]?.pack ?? ""));
    const report = await verify(repository, "data");
    assert.deepEqual([report.damage, report.relocated > 0], [[], true]);
    await flip(store, names.pack(copy.chunks[1]?.pack ?? ""), (copy.chunks[1]?.offset ?? 0) + 50);
    const after = await verify(repository, "data");
    assert.equal(after.sound, false);
    assert.ok(after.degraded.some(({ snapshotId }) => snapshotId === first.snapshotId));
  });

  it("ends with the target's fault when the target does not answer", async () => {
    const { repository } = await twoSnapshots();
    for (let index = 0; ; index += 1) {
      let failures = 0;
      const store = faultyStore(repository.store, (call) => {
        if (call.index !== index) return undefined;
        failures += 1;
        return { when: "before", error: new Error("the network is away") };
      });
      const outcome = await verify(repository, "data", { store }).then(() => "done", String);
      assert.match(outcome, failures > 0 ? /the network is away/ : /^done$/);
      if (failures === 0) return;
    }
  });
});

describe("every byte that is flipped", () => {
  it("of every small object is found, and named", async () => {
    const repository = await testRepository();
    const { workloadId, snapshotId } = await storeSnapshot(repository, ["a"]);
    const { store, handle, clock } = repository;
    const ids = { workloadId, snapshotId };
    const dates = {
      requestedAt: new Date(clock.now()).toISOString(),
      notBefore: new Date(clock.now()).toISOString(),
    };
    await writeTombstone(store, { ...handle, tombstone: { ...ids, ...dates, requestedBy: "me" } });
    await beginSession(store, handle, { sessionId: "s1", bases: [] });
    await endSession(store, handle, { sessionId: "s1" });
    await writeState(store, handle, { state: { ...EMPTY_STATE, epoch: 1, at: clock.now(), by: "test" } });
    const objects = await objectsOf(store);
    for (const [name, bytes] of objects) {
      if (name.includes("/p/") || bytes.length > 4096) continue;
      // Of packs, the checksum's own bytes are what only the level that reads it can see.
      const level = name.includes("/m/") ? "packs" : "structure";
      for (let offset = 0; offset < bytes.length; offset += 1) {
        await flip(store, name, offset);
        const report = await verify(repository, level);
        await flip(store, name, offset);
        assert.equal(report.sound, false, `byte ${offset} of ${name}`);
        assert.ok(
          report.damage.some(({ object }) => name.startsWith(object)),
          `byte ${offset} of ${name}: ${JSON.stringify(report.damage)}`,
        );
      }
    }
  });

  it("of packs of chunks is found at both levels that read them, and nothing else is blamed", async () => {
    const { repository, first, second } = await twoSnapshots();
    const { store, handle } = repository;
    const random = seeded("offsets");
    for (const { pack } of [first.chunks[0], second.chunks[1]].filter((chunk) => chunk !== undefined)) {
      const name = repositoryNames(handle.repositoryId).pack(pack);
      const size = (await store.size(name)) ?? 0;
      const offsets = Array.from({ length: 60 }, () => random(4).readUInt32LE() % size);
      for (const offset of [
        ...Array.from({ length: 60 }, (_, index) => index),
        ...offsets,
        ...Array.from({ length: 30 }, (_, index) => size - 1 - index),
      ]) {
        await flip(store, name, offset);
        for (const level of ["packs", "data"] as const) {
          const report = await verify(repository, level);
          assert.ok(
            report.damage.length > 0 && report.damage.every(({ object }) => object === name),
            `byte ${offset} at ${level}`,
          );
        }
        await flip(store, name, offset);
      }
    }
  });
});

function sorted<Item>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe("keys that are older than what they are to open", () => {
  it("are the caller's matter, and no damage", async () => {
    const { repository } = await twoSnapshots();
    const { keys, repositoryId } = repository.handle;
    const fresh = createRepositoryKeys().epochs.map((epoch) => ({ ...epoch, epoch: 1 }));
    const rotated = { repositoryId, keys: { ...keys, epochs: [...keys.epochs, ...fresh] } };
    await storeSnapshot({ ...repository, handle: rotated }, ["new"]);
    assert.equal((await verify({ ...repository, handle: rotated }, "data")).sound, true);
    const { store, clock, handle } = repository;
    const scope = { store, clock, handle, signal: neverAborted };
    const rate = { bytesPerSecond: 2 ** 40 };
    for (const level of LEVELS) {
      await assert.rejects(verify(repository, level), (cause) => hasCode(cause, "wrong-key"));
    }
    const scrubbing = scrub({ ...scope, goalMs: 1e9, rate, budgetMs: 1e9 });
    await assert.rejects(scrubbing, (cause) => hasCode(cause, "wrong-key"));
  });
});
