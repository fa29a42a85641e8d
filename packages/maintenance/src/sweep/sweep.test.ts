import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode } from "@cairn/kernel";
import { beginSession, readState, repositoryNames, writeState } from "@cairn/repository";
import { type Store, simulatedBucket } from "@cairn/store";
import { storeSnapshot, testClock, testRepository } from "../test-repository.ts";
import {
  assertReadable,
  DAY_MS,
  HOUR_MS,
  namesOf,
  piecesOf,
  removeSnapshot,
  sweepOnce,
  writeInSession,
} from "./testing.ts";

const withCode = (code: string) => (error: unknown) => {
  assert.ok(hasCode(error, code), `expected ${code}, got ${String(error)}`);
  return true;
};

describe("a sweep", () => {
  it("leaves a repository alone in which everything is in use, and writes no second state", async () => {
    const repository = await testRepository();
    const snapshot = await storeSnapshot(repository, piecesOf("a", 20));
    const first = await sweepOnce(repository);
    assert.equal(first.epochAfter, 1);
    repository.clock.pass(2 * DAY_MS);
    const report = await sweepOnce(repository);
    assert.deepEqual([report.epochBefore, report.epochAfter], [1, 1]);
    assert.deepEqual([report.condemned, report.removed, report.waiting], [[], [], []]);
    assert.deepEqual([report.found.chunks, report.found.pages, report.found.passes], [20, 2, 1]);
    await assertReadable(repository, [snapshot]);
  });

  it("condemns what a removed snapshot alone needed, and removes it a day later", async () => {
    const repository = await testRepository();
    const kept = await storeSnapshot(repository, piecesOf("a", 20));
    const gone = await storeSnapshot(repository, [...piecesOf("a", 10), ...piecesOf("b", 10)], {
      base: kept,
    });
    await sweepOnce(repository);
    await removeSnapshot(repository, gone);
    const first = await sweepOnce(repository);
    assert.equal(first.condemned.length, 2);
    assert.deepEqual(first.removed, []);
    repository.clock.pass(23 * HOUR_MS);
    const early = await sweepOnce(repository);
    assert.deepEqual(early.removed, []);
    assert.deepEqual(
      early.waiting.map(({ waitsFor }) => waitsFor.kind),
      ["grace", "grace"],
    );
    repository.clock.pass(HOUR_MS);
    const second = await sweepOnce(repository);
    const packs = second.removed.filter(({ name }) => /^[pm]\//.test(name));
    assert.equal(packs.length, 2);
    for (const { why, lastNeededBy } of packs) {
      assert.equal(why, "unreferenced since state 2");
      assert.deepEqual(lastNeededBy, [gone.snapshotId]);
    }
    assert.ok(second.removedBytes > 10 * 64 * 1024);
    const left = [...(await namesOf(repository, "p")), ...(await namesOf(repository, "m"))];
    assert.equal(left.length, 2);
    assert.equal((await namesOf(repository, "i")).length, 1);
    const state = await readState(repository.store, repository.handle);
    assert.deepEqual([state.deleting, state.condemned, state.released], [[], [], []]);
    await assertReadable(repository, [kept]);
  });

  it("finds the packs of a writer that died before it listed them anywhere", async () => {
    const repository = await testRepository();
    await storeSnapshot(repository, piecesOf("a", 4));
    const { handle, clock } = repository;
    const dying: Store = {
      ...repository.store,
      put: async (name, parts, signal) => {
        if (name.includes("/i/")) throw new Error("killed");
        await repository.store.put(name, parts, signal);
      },
    };
    await assert.rejects(storeSnapshot(repository, piecesOf("b", 4), { store: dying }), /killed/);
    assert.equal((await namesOf(repository, "p")).length, 2);
    await sweepOnce(repository);
    clock.pass(DAY_MS);
    const report = await sweepOnce(repository);
    assert.equal(report.removed.length, 1);
    assert.deepEqual(report.removed[0]?.lastNeededBy, []);
    assert.equal((await namesOf(repository, "p")).length, 1);
    assert.equal((await readState(repository.store, handle)).condemned.length, 0);
  });

  it("waits for a session that had not seen the condemnation, and rescues what it commits", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const base = await storeSnapshot(repository, piecesOf("a", 8));
    await sweepOnce(repository);
    await beginSession(store, handle, { sessionId: "slow", workloadId: "w", snapshotId: "s", bases: [] });
    await removeSnapshot(repository, base);
    await sweepOnce(repository);
    clock.pass(2 * DAY_MS);
    const waiting = await sweepOnce(repository);
    assert.deepEqual(
      waiting.waiting.map(({ waitsFor }) => waitsFor),
      [
        { kind: "session", sessionId: "slow" },
        { kind: "session", sessionId: "slow" },
      ],
    );
    // It had read the index before the packs were condemned, and its state did not list them.
    const late = await storeSnapshot(repository, piecesOf("a", 8), {
      base,
      workloadId: "w",
      snapshotId: "s",
    });
    clock.pass(7 * DAY_MS);
    const rescue = await sweepOnce(repository);
    assert.equal(rescue.rescued.length, 1);
    assert.equal(rescue.rescued[0]?.kind, "chunk");
    await assertReadable(repository, [late]);
  });

  it("lets a later session do without what is condemned", async () => {
    const repository = await testRepository();
    const base = await storeSnapshot(repository, piecesOf("a", 8));
    await sweepOnce(repository);
    await removeSnapshot(repository, base);
    await sweepOnce(repository);
    const again = await writeInSession(repository, piecesOf("a", 8), { base });
    repository.clock.pass(DAY_MS);
    const report = await sweepOnce(repository);
    assert.equal(report.removed.filter(({ name }) => name.startsWith("p/")).length, 1);
    await assertReadable(repository, [again]);
  });

  it("waits for a live session whose base is gone", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const base = await storeSnapshot(repository, piecesOf("a", 4));
    const other = await storeSnapshot(repository, piecesOf("b", 4));
    await removeSnapshot(repository, other);
    await sweepOnce(repository);
    await beginSession(store, handle, { sessionId: "now", bases: [base.snapshotId] });
    await removeSnapshot(repository, base);
    clock.pass(2 * DAY_MS);
    const report = await sweepOnce(repository);
    assert.deepEqual(report.removed, []);
    assert.deepEqual(report.waiting[0]?.waitsFor, {
      kind: "base",
      sessionId: "now",
      snapshotId: base.snapshotId,
    });
  });

  it("removes snapshots whose tombstones are due, but none that a live session builds on", async () => {
    const repository = await testRepository();
    const { store, handle, clock } = repository;
    const base = await storeSnapshot(repository, piecesOf("a", 4));
    const { workloadId, snapshotId } = base;
    await beginSession(store, handle, {
      sessionId: "now",
      workloadId,
      bases: [snapshotId],
      lifetimeMs: DAY_MS,
    });
    const names = repositoryNames(handle.repositoryId);
    await removeSnapshot({ ...repository, store: { ...store, remove: async () => undefined } }, base);
    await sweepOnce(repository);
    assert.ok((await store.size(names.commit(workloadId, snapshotId))) !== undefined);
    clock.pass(DAY_MS + 20 * 60 * 1000);
    // The session did not say what it would commit: it counts for a grace longer.
    await sweepOnce(repository);
    assert.ok((await store.size(names.commit(workloadId, snapshotId))) !== undefined);
    clock.pass(DAY_MS);
    const held = await sweepOnce(repository, { heldSnapshots: new Set([snapshotId]) });
    assert.deepEqual(held.removed, []);
    const report = await sweepOnce(repository);
    assert.deepEqual(
      report.removed.map(({ why }) => why),
      ["its tombstone is due"],
    );
    assert.equal(await store.size(names.commit(workloadId, snapshotId)), undefined);
  });

  it("in a dry run tells all that and changes nothing", async () => {
    const repository = await testRepository();
    const gone = await storeSnapshot(repository, piecesOf("a", 20));
    const thin = await storeSnapshot(repository, piecesOf("b", 20));
    await storeSnapshot(repository, piecesOf("b", 3), { base: thin });
    await sweepOnce(repository);
    await removeSnapshot(repository, gone);
    await sweepOnce(repository, { limits: { compactBelowShare: 0 } });
    await removeSnapshot(repository, thin);
    repository.clock.pass(DAY_MS);
    const before = await Array.fromAsync(repository.store.list(""));
    const report = await sweepOnce(repository, { dryRun: true });
    assert.deepEqual(await Array.fromAsync(repository.store.list("")), before);
    assert.equal(report.dryRun, true);
    assert.deepEqual(
      report.removed.map(({ lastNeededBy }) => lastNeededBy),
      [[gone.snapshotId], [gone.snapshotId]],
    );
    assert.equal(report.compacted.length, 1);
    assert.equal(report.compacted[0]?.kind, "chunk");
    assert.equal(report.condemned.length, 1);
  });

  it("wants a person's word before it removes more than its share, and does the rest without", async () => {
    const repository = await testRepository();
    const gone = await storeSnapshot(repository, piecesOf("a", 40));
    const kept = await storeSnapshot(repository, piecesOf("b", 20));
    await removeSnapshot(repository, gone);
    await sweepOnce(repository);
    repository.clock.pass(DAY_MS);
    const limits = { confirmShare: 0.3 };
    const asked = await sweepOnce(repository, { limits });
    assert.ok(asked.confirmationNeeded !== undefined && asked.confirmationNeeded.share > 0.6);
    assert.deepEqual(asked.removed, []);
    assert.equal(asked.waiting[0]?.waitsFor.kind, "confirmation");
    const { bytes } = asked.confirmationNeeded;
    const less = await sweepOnce(repository, { limits, confirmedBytes: bytes - 1 });
    assert.deepEqual(less.removed, []);
    const confirmed = await sweepOnce(repository, { limits, confirmedBytes: bytes });
    assert.equal(confirmed.confirmationNeeded, undefined);
    assert.ok(confirmed.removedBytes >= bytes);
    await assertReadable(repository, [kept]);
  });

  it("stops when the clocks are apart", async () => {
    const repository = await testRepository();
    const late = { ...repository.clock, now: () => repository.clock.now() - 6 * 60 * 1000 };
    await assert.rejects(sweepOnce(repository, { clock: late }), withCode("clock-skew"));
  });

  it("stops when a page cannot be read, because nobody knows what it leads to", async () => {
    const repository = await testRepository();
    await storeSnapshot(repository, piecesOf("a", 4));
    const [pack = ""] = await namesOf(repository, "m");
    const name = repositoryNames(repository.handle.repositoryId).within(pack);
    const bytes = await repository.store.get(name);
    await repository.store.remove(name);
    await assert.rejects(sweepOnce(repository), withCode("mark-incomplete"));
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    await repository.store.put(name, [bytes]);
    await assert.rejects(sweepOnce(repository), withCode("mark-incomplete"));
  });

  it("names packs of chunks that are in use and missing, and goes on", async () => {
    const repository = await testRepository();
    await storeSnapshot(repository, piecesOf("a", 4));
    const [pack = ""] = await namesOf(repository, "p");
    await repository.store.remove(repositoryNames(repository.handle.repositoryId).within(pack));
    const report = await sweepOnce(repository);
    assert.deepEqual(report.missingPacks, [{ pack: pack.slice(5), kind: "chunk" }]);
  });

  it("keeps what an earlier state says of damage and relocations", async () => {
    const repository = await testRepository();
    const { store, handle } = repository;
    await storeSnapshot(repository, piecesOf("a", 4));
    const state = await readState(store, handle);
    const damaged = [{ pack: "ab".repeat(16), kind: "chunk", ids: ["cd".repeat(32)] }] as const;
    await writeState(store, handle, { state: { ...state, epoch: 1, damaged, lockFloor: 17 } });
    await sweepOnce(repository);
    const after = await readState(store, handle);
    assert.deepEqual([after.epoch, after.damaged, after.lockFloor], [2, damaged, 17]);
  });

  it("marks in several passes when the records do not fit, with the same result", async () => {
    const repository = await testRepository();
    const first = await storeSnapshot(repository, piecesOf("a", 60));
    const second = await storeSnapshot(repository, [...piecesOf("a", 10), ...piecesOf("b", 60)], {
      base: first,
    });
    const third = await storeSnapshot(repository, [...piecesOf("b", 5), ...piecesOf("c", 60)], {
      base: second,
    });
    await removeSnapshot(repository, first);
    await removeSnapshot(repository, second);
    const one = await sweepOnce(repository, { dryRun: true });
    const many = await sweepOnce(repository, { dryRun: true, limits: { markBytes: 128 } });
    assert.equal(one.found.passes, 1);
    assert.ok(many.found.passes > 1, `${many.found.passes} passes`);
    assert.deepEqual(many.compacted, one.compacted);
    assert.deepEqual(many.found.liveBytes, one.found.liveBytes);
    assert.equal(many.found.chunks, one.found.chunks);
    await assertReadable(repository, [third]);
  });
});

describe("a sweep on a target with object lock", () => {
  it("leaves locked packs for later", async () => {
    const clock = testClock();
    const bucket = simulatedBucket({ clock, lock: { mode: "compliance", windowMs: 10 * DAY_MS } });
    const repository = await testRepository({ store: bucket.store(), clock });
    const gone = await storeSnapshot(repository, piecesOf("a", 4));
    await sweepOnce(repository);
    clock.pass(DAY_MS);
    const { workloadId, snapshotId } = gone;
    await removeSnapshot(
      { ...repository, store: { ...repository.store, remove: async () => undefined } },
      gone,
    );
    const locked = await sweepOnce(repository);
    assert.deepEqual(
      locked.removed.map(({ name }) => name),
      [`s/${workloadId}/${snapshotId}`],
    );
    assert.equal((await readState(repository.store, repository.handle)).deleting.length, 1);
    clock.pass(9 * DAY_MS + HOUR_MS);
    // The lock of the commit has lapsed: now it goes, and what it led to is condemned next.
    await sweepOnce(repository);
    await sweepOnce(repository);
    const condemned = await readState(repository.store, repository.handle);
    assert.deepEqual(
      condemned.condemned.map(({ settled = false }) => settled),
      [false, false],
    );
    for (const name of [...(await namesOf(repository, "p")), ...(await namesOf(repository, "m"))]) {
      const full = repositoryNames(repository.handle.repositoryId).within(name);
      await repository.store.lock?.extend(full, clock.now() + 3 * DAY_MS);
    }
    clock.pass(2 * DAY_MS);
    const waiting = await sweepOnce(repository);
    assert.deepEqual(
      waiting.waiting.map(({ waitsFor }) => waitsFor.kind),
      ["lock", "lock"],
    );
    const { condemned: settled } = await readState(repository.store, repository.handle);
    assert.deepEqual(
      settled.map((pack) => pack.settled),
      [true, true],
    );
    clock.pass(2 * DAY_MS);
    await sweepOnce(repository);
    assert.deepEqual([await namesOf(repository, "p"), await namesOf(repository, "m")], [[], []]);
  });
});
