import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode, newId } from "@cairn/kernel";
import {
  EMPTY_STATE,
  listCommits,
  readOwner,
  readState,
  repositoryNames,
  structureOnlyKeys,
  writeOwner,
  writeRelocations,
  writeState,
} from "@cairn/repository";
import { delayedStore, faultyStore, memoryStore, type Store, simulatedBucket } from "@cairn/store";
import { heal } from "./heal.ts";
import { checkLocks } from "./locks.ts";
import { mirror } from "./mirror.ts";
import type { MirrorReport, MirrorRequest } from "./mirror-report.ts";
import { recordDamage } from "./record-damage.ts";
import {
  copyStore,
  flip,
  neverAborted,
  objectsOf,
  restoreSnapshot,
  storeSnapshot,
  type TestRepository,
  type TestSnapshot,
  testRepository,
} from "./test-repository.ts";
import { verifyTarget } from "./verify.ts";

interface Bench {
  readonly repository: TestRepository;
  readonly snapshots: readonly TestSnapshot[];
  readonly target: Store;
}

async function bench(): Promise<Bench> {
  const repository = await testRepository();
  const first = await storeSnapshot(repository, ["a", "b", "c", "", "d"]);
  repository.clock.pass(60_000);
  const second = await storeSnapshot(repository, ["a", "B", "c"], {
    base: first,
    workloadId: first.workloadId,
  });
  repository.clock.pass(60_000);
  const other = await storeSnapshot(repository, ["x", "y"]);
  return { repository, snapshots: [first, second, other], target: memoryStore(repository.clock) };
}

async function run({ repository, target }: Bench, more: Partial<MirrorRequest> = {}): Promise<MirrorReport> {
  const { store, clock, handle } = repository;
  // Mirroring is done by somebody who cannot read tenants' data.
  const blind = { ...handle, keys: structureOnlyKeys(handle.keys) };
  return mirror({
    source: store,
    target,
    handle: blind,
    clock,
    signal: neverAborted,
    sessionId: newId(),
    ...more,
  });
}

/** Everything that is visible at the target is whole, and restores from the target alone. */
async function check(
  { repository, target, snapshots }: Bench,
  expected: readonly TestSnapshot[],
): Promise<void> {
  const { handle, clock } = repository;
  const there = await Array.fromAsync(listCommits(target, handle));
  assert.deepEqual(
    there.map(({ snapshotId }) => snapshotId).sort(),
    expected.map(({ snapshotId }) => snapshotId).sort(),
  );
  for (const snapshot of snapshots) {
    if (!expected.includes(snapshot)) continue;
    assert.ok((await restoreSnapshot(target, handle, snapshot)).equals(snapshot.content));
  }
  const marker = await target.size(repositoryNames(handle.repositoryId).marker);
  if (marker === undefined) {
    assert.equal(expected.length, 0);
    return;
  }
  const report = await verifyTarget({ store: target, handle, clock, level: "data", signal: neverAborted });
  assert.deepEqual([report.damage, report.degraded], [[], []]);
}

describe("a mirror", () => {
  it("has every snapshot, restores them by itself, and takes nothing the second time", async () => {
    const all = await bench();
    const first = await run(all);
    assert.deepEqual([first.mirrored.length, first.heldBack, first.alreadyThere], [3, [], 0]);
    await check(all, all.snapshots);
    const second = await run(all);
    assert.deepEqual([second.mirrored, second.packs, second.bytes, second.alreadyThere], [[], 0, 0, 3]);
  });

  it("takes of a new snapshot only what is new", async () => {
    const all = await bench();
    await run(all);
    const base = all.snapshots[0];
    assert.ok(base !== undefined);
    const next = await storeSnapshot(all.repository, ["a", "b", "c", "", "new"], { base });
    const report = await run(all);
    assert.deepEqual([report.mirrored.length, report.packs], [1, 2]);
    assert.ok(report.bytes < 80 * 1024, `${report.bytes} bytes`);
    await check({ ...all, snapshots: [...all.snapshots, next] }, [...all.snapshots, next]);
  });

  it("may hold some workloads alone", async () => {
    const all = await bench();
    const [first, second] = all.snapshots;
    assert.ok(first !== undefined && second !== undefined);
    await run(all, { workloads: [first.workloadId] });
    await check(all, [first, second]);
  });

  it("knows who owns a workload that was moved, also when it was moved after it was mirrored", async () => {
    const all = await bench();
    const { store, handle } = all.repository;
    const workloadId = all.snapshots[0]?.workloadId ?? "";
    await run(all);
    const owner = { projectId: "new", userId: "bert" };
    const former = { projectId: "old", userId: "anna" };
    const record = { workloadId, sequence: 1, owner, former, at: 1, by: "root" };
    await writeOwner(store, { ...handle, record });
    const second = await run(all);
    assert.deepEqual(await readOwner(all.target, { ...handle, workloadId }), record);
    assert.ok(second.bytes > 0 && second.mirrored.length === 0);
    assert.equal((await run(all)).bytes, 0);
  });

  it("keeps to its limit of speed", async () => {
    const all = await bench();
    const startedAt = all.repository.clock.now();
    const { bytes } = await run(all, { bytesPerSecond: 50_000 });
    const seconds = (all.repository.clock.now() - startedAt) / 1000;
    // A burst of one second at the beginning, and the last pack is not waited for.
    assert.ok(seconds >= (bytes - 450_000) / 50_000 && seconds > 1, `${bytes} bytes in ${seconds} s`);
  });

  for (const when of ["before", "after"] as const) {
    it(`is whole or goes on, whichever call of the target fails (${when} it took effect)`, async () => {
      const all = await bench();
      for (let index = 0; ; index += 1) {
        const target = memoryStore(all.repository.clock);
        let failures = 0;
        const failing = faultyStore(target, (call) => {
          if (call.index !== index) return undefined;
          failures += 1;
          return { when, error: new Error("crash") };
        });
        const outcome = await run({ ...all, target: failing }).then(() => "done", String);
        if (failures === 0) {
          assert.equal(outcome, "done");
          return;
        }
        const there = await Array.fromAsync(listCommits(target, all.repository.handle));
        const visible = all.snapshots.filter(({ snapshotId }) =>
          there.some((each) => each.snapshotId === snapshotId),
        );
        await check({ ...all, target }, visible);
        await run({ ...all, target });
        await check({ ...all, target }, all.snapshots);
      }
    });
  }

  it("is whole as far as it is visible whichever call of the source fails", async () => {
    const all = await bench();
    for (let index = 0; ; index += 3) {
      const target = memoryStore(all.repository.clock);
      let failures = 0;
      const store = faultyStore(all.repository.store, (call) => {
        if (call.index !== index) return undefined;
        failures += 1;
        return { when: "after", error: new Error("crash") };
      });
      await run({ ...all, target, repository: { ...all.repository, store } }).catch(() => undefined);
      if (failures === 0) return;
      const there = await Array.fromAsync(listCommits(target, all.repository.handle));
      await check(
        { ...all, target },
        all.snapshots.filter(({ snapshotId }) => there.some((each) => each.snapshotId === snapshotId)),
      );
    }
  });

  it("stores nothing that a read has spoilt: the next round mirrors everything", async () => {
    // Names are never written twice, so a spoilt copy of any of these would stay.
    for (const kind of ["s/", "i/", "keys/", "repo"]) {
      const place = await bench();
      const { store } = place.repository;
      const spoilt: Store = {
        ...store,
        list: (prefix, signal) => store.list(prefix, signal),
        get: async (name, signal) => {
          const bytes = Buffer.from(await store.get(name, signal));
          if (name.includes(`/${kind}`)) bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 1;
          return bytes;
        },
      };
      await run(place, { source: spoilt }).catch((cause: unknown) => {
        assert.ok(hasCode(cause, "object-damaged"), String(cause));
      });
      await run(place);
      await check(place, place.snapshots);
    }
  });

  it("holds back a snapshot that is damaged at the source, and takes it when it is healed", async () => {
    const all = await bench();
    const { repository, snapshots } = all;
    const { store, handle, clock } = repository;
    const [first, second, other] = snapshots;
    assert.ok(first !== undefined && second !== undefined && other !== undefined);
    const sound = await copyStore(store, clock);
    const chunk = other.chunks[0];
    await flip(
      store,
      repositoryNames(handle.repositoryId).pack(chunk?.pack ?? ""),
      (chunk?.offset ?? 0) + 70,
    );
    const report = await run(all);
    assert.deepEqual(
      report.heldBack.map(({ snapshotId, because }) => [snapshotId, because]),
      [[other.snapshotId, "source-damaged"]],
    );
    await check(all, [first, second]);
    const scope = { store, handle, clock, signal: neverAborted };
    const { damage } = await verifyTarget({ ...scope, level: "data" });
    await recordDamage({ ...scope, damage, by: "test" });
    await heal({ ...scope, sessionId: newId(), mirror: sound });
    const after = await run(all);
    assert.deepEqual([after.heldBack, after.mirrored.length, after.relocated > 0], [[], 1, true]);
    await check(all, snapshots);
  });

  it("carries along where the source has moved records, so that an old snapshot reads", async () => {
    const all = await bench();
    const { store, handle, clock } = all.repository;
    const names = repositoryNames(handle.repositoryId);
    const [first] = all.snapshots;
    assert.ok(first !== undefined);
    // The packs of the first snapshot are compacted away: what was in them lies in another one's.
    const copy = await storeSnapshot(all.repository, ["a", "b", "c", "", "d"]);
    const chunks = await writeRelocations(store, handle, { kind: "chunk", entries: copy.chunks });
    const pages = await writeRelocations(store, handle, {
      kind: "page",
      entries: [{ ...copy.root, plainBytes: 1 }],
    });
    const relocations = [chunks.name, pages.name];
    await writeState(store, handle, {
      state: { ...EMPTY_STATE, epoch: 1, at: clock.now(), by: "test", relocations },
    });
    await store.remove(names.pack(first.chunks[0]?.pack ?? ""));
    const report = await run(all);
    assert.deepEqual(report.heldBack, []);
    assert.ok(report.relocated > 0);
    await check(all, [...all.snapshots, copy]);
    assert.deepEqual((await readState(all.target, handle)).condemned, []);
  });

  it("does not rely on what its own sweep is removing", async () => {
    const all = await bench();
    const { handle, clock } = all.repository;
    const names = repositoryNames(handle.repositoryId);
    await run(all);
    const [first] = all.snapshots;
    assert.ok(first !== undefined);
    // The mirror has dropped all snapshots but keeps their packs until its sweep is through.
    for (const { workloadId, snapshotId } of all.snapshots)
      await all.target.remove(names.commit(workloadId, snapshotId));
    const pack = first.chunks[0]?.pack ?? "";
    const condemned = [
      { pack, kind: "chunk", epoch: 1, at: clock.now(), bytes: 1, why: "unreferenced" },
    ] as const;
    const state = { ...EMPTY_STATE, epoch: 1, at: clock.now(), by: "test", condemned };
    await writeState(all.target, handle, { state });
    const report = await run(all);
    assert.deepEqual(
      report.heldBack.map(({ because }) => because),
      ["target-sweeping", "target-sweeping"],
    );
    assert.equal(report.mirrored.length, 1);
  });

  it("goes by what is there when a sweep of the source removes a snapshot meanwhile", async () => {
    const all = await bench();
    const { store, handle } = all.repository;
    const names = repositoryNames(handle.repositoryId);
    const [, , other] = all.snapshots;
    assert.ok(other !== undefined);
    const sweeping = faultyStore(store, () => undefined);
    const source: Store = {
      ...sweeping,
      get: async (name, signal) => {
        if (name === names.pack(other.chunks[0]?.pack ?? "")) {
          await store.remove(names.commit(other.workloadId, other.snapshotId));
          await store.remove(name);
        }
        return sweeping.get(name, signal);
      },
    };
    const report = await run({ ...all, repository: { ...all.repository, store: source } });
    assert.deepEqual(
      report.heldBack.map(({ because }) => because),
      ["gone"],
    );
    await check(all, all.snapshots.slice(0, 2));
  });

  it("never changes the source, and says when the keys are not the repository's", async () => {
    const all = await bench();
    const before = await objectsOf(all.repository.store);
    await run(all);
    assert.deepEqual(await objectsOf(all.repository.store), before);
    const stranger = await testRepository();
    const handle = { ...all.repository.handle, keys: stranger.handle.keys };
    const report = await run({ ...all, target: memoryStore(all.repository.clock) }, { handle });
    assert.equal(report.mirrored.length, 0);
    assert.ok(report.heldBack.every(({ because }) => because === "source-damaged"));
    const missing = { ...all.repository, handle: { ...handle, repositoryId: newId<"repository">() } };
    await assert.rejects(run(all, { handle: missing.handle }), (cause) =>
      hasCode(cause, "repository-missing"),
    );
  });
});

describe("a mirror on a target whose listings are late", () => {
  it("is whole all the same, and takes no harm from what it is not shown", async () => {
    const all = await bench();
    const { clock } = all.repository;
    let state = 7;
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const target = memoryStore(clock);
    const late = delayedStore(target, { clock, random, listMs: 3_600_000, readMs: 0 });
    await run({ ...all, target: late });
    await check({ ...all, target }, all.snapshots);
    // Right away again: the listing does not show what is there, and the same is copied over itself.
    await run({ ...all, target: late });
    await check({ ...all, target }, all.snapshots);
  });
});

describe("a mirror in a bucket with object lock", () => {
  it("is locked from its first moment", async () => {
    const all = await bench();
    const { clock, handle } = all.repository;
    const bucket = simulatedBucket({ clock, lock: { mode: "governance", windowMs: 1_000_000 } });
    const target = bucket.store({ remove: false });
    await run({ ...all, target });
    await check({ ...all, target }, all.snapshots);
    const scope = { store: target, handle, clock, signal: neverAborted, promiseMs: 900_000 };
    assert.deepEqual((await checkLocks(scope, () => 0)).tooShort, []);
  });
});
