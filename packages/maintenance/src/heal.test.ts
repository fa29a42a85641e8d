import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newId } from "@cairn/kernel";
import { readState, repositoryNames, structureOnlyKeys } from "@cairn/repository";
import { faultyStore, type Store } from "@cairn/store";
import { heal } from "./heal.ts";
import type { HealReport } from "./heal-report.ts";
import { recordDamage } from "./record-damage.ts";
import { locateDamage } from "./survey.ts";
import { DAY_MS, namesOf, piecesOf, removeSnapshot, sweepOnce } from "./sweep/testing.ts";
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
import type { VerifyLevel, VerifyReport } from "./verify-report.ts";

interface Bench {
  readonly repository: TestRepository;
  readonly snapshot: TestSnapshot;
  readonly mirror: Store;
}

async function bench(): Promise<Bench> {
  const repository = await testRepository();
  const snapshot = await storeSnapshot(repository, ["a", "b", "c", "", "d"]);
  return { repository, snapshot, mirror: await copyStore(repository.store, repository.clock) };
}

async function verify(
  repository: TestRepository,
  level: VerifyLevel = "data",
  store?: Store,
): Promise<VerifyReport> {
  const { handle, clock } = repository;
  return verifyTarget({ store: store ?? repository.store, handle, clock, level, signal: neverAborted });
}

/** Verifies, records what is damaged, heals. */
async function mend(
  repository: TestRepository,
  options: { readonly mirror?: Store; readonly store?: Store; readonly structureOnly?: boolean } = {},
): Promise<HealReport> {
  const { clock } = repository;
  const store = options.store ?? repository.store;
  const keys =
    options.structureOnly === true ? structureOnlyKeys(repository.handle.keys) : repository.handle.keys;
  const handle = { ...repository.handle, keys };
  const scope = { store, handle, clock, signal: neverAborted };
  const level = options.structureOnly === true ? "packs" : "data";
  const { damage } = await verifyTarget({ ...scope, level });
  await recordDamage({ ...scope, damage, by: "test" });
  return heal({
    ...scope,
    sessionId: newId(),
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
  });
}

/** Ways to damage the snapshot; each returns the object. */
const WOUNDS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  "a chunk": async ({ repository: { store, handle }, snapshot: { chunks } }) =>
    flip(
      store,
      repositoryNames(handle.repositoryId).pack(chunks[1]?.pack ?? ""),
      (chunks[1]?.offset ?? 0) + 99,
    ),
  "a pack's trailer": async ({ repository: { store, handle }, snapshot: { chunks } }) => {
    const name = repositoryNames(handle.repositoryId).pack(chunks[1]?.pack ?? "");
    await flip(store, name, ((await store.size(name)) ?? 0) - 40);
  },
  "a whole pack": async ({ repository: { store, handle }, snapshot: { chunks } }) =>
    store.remove(repositoryNames(handle.repositoryId).pack(chunks[1]?.pack ?? "")),
  "a root page": async ({ repository: { store, handle }, snapshot: { root } }) =>
    flip(store, repositoryNames(handle.repositoryId).pagePack(root.pack), root.offset + 30),
  "a whole pack of pages and a chunk": async (all) => {
    const {
      repository: { store, handle },
      snapshot: { root, chunks },
    } = all;
    await store.remove(repositoryNames(handle.repositoryId).pagePack(root.pack));
    await flip(store, repositoryNames(handle.repositoryId).pack(chunks[0]?.pack ?? ""), 2000);
  },
};

describe("healing from a mirror", () => {
  for (const [what, wound] of Object.entries(WOUNDS)) {
    it(`brings back ${what}: the snapshot restores and verifies clean at every level`, async () => {
      const all = await bench();
      const { repository, snapshot, mirror } = all;
      await wound(all);
      let report = await mend(repository, { mirror });
      // Behind a lost page more may be damaged, which nobody could see.
      if (!(await verify(repository)).sound) report = await mend(repository, { mirror });
      assert.deepEqual([report.unhealed, report.degraded], [[], []]);
      for (const level of ["structure", "packs", "data"] as const) {
        const { damage, degraded } = await verify(repository, level);
        assert.deepEqual([damage, degraded], [[], []], level);
      }
      const found = await restoreSnapshot(repository.store, repository.handle, snapshot);
      assert.ok(found.equals(snapshot.content));
    });
  }

  it("needs structure keys alone when the mirror's packs are sound", async () => {
    const all = await bench();
    const { repository, snapshot, mirror } = all;
    await WOUNDS["a chunk"]?.(all);
    const report = await mend(repository, { mirror, structureOnly: true });
    assert.deepEqual(report.unhealed, []);
    assert.equal((await verify(repository)).sound, true);
    assert.ok(
      (await restoreSnapshot(repository.store, repository.handle, snapshot)).equals(snapshot.content),
    );
  });

  it("does not take what is damaged on the mirror, too", async () => {
    const all = await bench();
    const { repository, mirror, snapshot } = all;
    await WOUNDS["a chunk"]?.(all);
    await WOUNDS["a chunk"]?.({ ...all, repository: { ...repository, store: mirror } });
    const report = await mend(repository, { mirror });
    assert.deepEqual(
      report.unhealed.map(({ id }) => id),
      [snapshot.chunks[1]?.id.toString("hex")],
    );
    assert.deepEqual(
      report.degraded.map(({ disks }) => disks[0]?.damagedBytes),
      [64 * 1024],
    );
  });

  it("changes no object, and may be repeated", async () => {
    const all = await bench();
    const { repository, mirror } = all;
    await WOUNDS["a chunk"]?.(all);
    const before = await objectsOf(repository.store);
    await mend(repository, { mirror });
    const after = await objectsOf(repository.store);
    for (const [name, bytes] of before) assert.deepEqual(after.get(name), bytes, name);
    const again = await mend(repository, { mirror });
    assert.deepEqual([again.healed, again.unhealed, again.degraded], [[], [], []]);
  });

  for (const when of ["before", "after"] as const) {
    it(`can be repeated, whichever call of the store it dies at (${when} it took effect)`, async () => {
      const all = await bench();
      const { repository, mirror, snapshot } = all;
      await WOUNDS["a chunk"]?.(all);
      const { clock, handle } = repository;
      const scope = { store: repository.store, handle, clock, signal: neverAborted };
      await recordDamage({ ...scope, damage: (await verify(repository)).damage, by: "test" });
      for (let index = 0; ; index += 1) {
        const copy = await copyStore(repository.store, clock);
        let failures = 0;
        const store = faultyStore(copy, (call) => {
          if (call.index !== index) return undefined;
          failures += 1;
          return { when, error: new Error("crash") };
        });
        const outcome = await heal({ ...scope, store, sessionId: newId(), mirror }).then(
          () => "done",
          String,
        );
        if (failures === 0) {
          assert.equal(outcome, "done");
          return;
        }
        const report = await heal({ ...scope, store: copy, sessionId: newId(), mirror });
        assert.deepEqual([report.unhealed, report.degraded], [[], []]);
        assert.equal((await verify(repository, "data", copy)).sound, true, `crash at call ${index}`);
        assert.ok((await restoreSnapshot(copy, handle, snapshot)).equals(snapshot.content));
      }
    });
  }
});

/** A snapshot whose first chunks a sweep has moved into another pack, and the old pack is gone. */
async function movedBench(): Promise<Bench & { readonly into: string }> {
  const repository = await testRepository();
  const full = await storeSnapshot(repository, piecesOf("a", 12));
  const snapshot = await storeSnapshot(repository, [...piecesOf("a", 2), "", "own"], { base: full });
  await removeSnapshot(repository, full);
  await sweepOnce(repository);
  repository.clock.pass(DAY_MS);
  await sweepOnce(repository);
  const packs = (await namesOf(repository, "p")).map((name) => name.slice("p/00/".length));
  const own = snapshot.chunks.at(-1)?.pack;
  const [into = assert.fail("nothing was moved"), ...more] = packs.filter((pack) => pack !== own);
  assert.deepEqual(more, []);
  assert.notEqual(snapshot.chunks[0]?.pack, into);
  return { repository, snapshot, into, mirror: await copyStore(repository.store, repository.clock) };
}

const MOVED_WOUNDS: Readonly<Record<string, (store: Store, name: string) => Promise<void>>> = {
  "is gone": async (store, name) => store.remove(name),
  "has a damaged record": async (store, name) => flip(store, name, 2000),
  "has a damaged trailer": async (store, name) => flip(store, name, ((await store.size(name)) ?? 0) - 40),
};

describe("healing what was moved before", () => {
  for (const [what, wound] of Object.entries(MOVED_WOUNDS)) {
    it(`names the pack that it was moved into, which ${what}, and heals it from the mirror`, async () => {
      const { repository, snapshot, mirror, into } = await movedBench();
      const { store, handle } = repository;
      const name = repositoryNames(handle.repositoryId).pack(into);
      await wound(store, name);
      const found = await verify(repository);
      assert.deepEqual([...new Set(found.damage.map(({ object }) => object))], [name]);
      const report = await mend(repository, { mirror });
      assert.deepEqual([report.unhealed, report.degraded], [[], []]);
      assert.ok((await restoreSnapshot(store, handle, snapshot)).equals(snapshot.content));
      const { damage, degraded } = await verify(repository);
      assert.deepEqual([damage, degraded], [[], []]);
    });
  }

  it("tells which snapshot suffers as long as there is no other copy", async () => {
    const { repository, snapshot, into } = await movedBench();
    const { store, handle, clock } = repository;
    await store.remove(repositoryNames(handle.repositoryId).pack(into));
    const report = await mend(repository);
    assert.ok(report.unhealed.length > 0 && report.unhealed.every(({ pack }) => pack === into));
    const suffering = [[snapshot.snapshotId, 2 * 64 * 1024]];
    const told = ({ snapshotId, disks }: (typeof report.degraded)[number]) => [
      snapshotId,
      disks[0]?.damagedBytes,
    ];
    assert.deepEqual(report.degraded.map(told), suffering);
    const state = await readState(store, handle);
    assert.deepEqual(
      state.damaged.map(({ pack }) => pack),
      [into],
    );
    const scope = { store, handle, clock, signal: neverAborted };
    assert.deepEqual((await locateDamage(scope, state)).map(told), suffering);
  });

  it("heals again what was healed into a pack that is lost since", async () => {
    const all = await bench();
    const { repository, snapshot, mirror } = all;
    const { store, handle } = repository;
    await WOUNDS["a whole pack"]?.(all);
    const [first] = (await mend(repository, { mirror })).healed;
    assert.ok(first !== undefined);
    await store.remove(repositoryNames(handle.repositoryId).pack(first.into));
    assert.equal((await verify(repository)).sound, false);
    const report = await mend(repository, { mirror });
    assert.deepEqual([report.unhealed, report.degraded], [[], []]);
    assert.equal((await verify(repository)).sound, true);
    assert.ok((await restoreSnapshot(store, handle, snapshot)).equals(snapshot.content));
  });
});

describe("healing by the next backup", () => {
  it("finds the chunk that was stored again, and moves nothing", async () => {
    const all = await bench();
    const { repository, snapshot } = all;
    await WOUNDS["a chunk"]?.(all);
    const first = await mend(repository);
    assert.equal(first.unhealed.length, 1);
    assert.deepEqual(
      first.degraded.map(({ snapshotId }) => snapshotId),
      [snapshot.snapshotId],
    );
    const again = await storeSnapshot(repository, ["b"]);
    const second = await mend(repository);
    assert.deepEqual(
      second.healed.map(({ from, into }) => [from, into]),
      [["repository", again.chunks[0]?.pack]],
    );
    assert.deepEqual(second.degraded, []);
    assert.equal((await verify(repository)).sound, true);
    assert.ok(
      (await restoreSnapshot(repository.store, repository.handle, snapshot)).equals(snapshot.content),
    );
  });

  it("strikes off a pack that reads well again", async () => {
    const { repository, snapshot } = await bench();
    const { store, handle, clock } = repository;
    const pack = snapshot.chunks[0]?.pack ?? "";
    const object = repositoryNames(handle.repositoryId).pack(pack);
    const damage = [{ kind: "chunk-pack", object, code: "store-io", what: "a bad cable" }] as const;
    await recordDamage({ store, handle, clock, signal: neverAborted, damage, by: "test" });
    const report = await heal({ store, handle, clock, signal: neverAborted, sessionId: newId() });
    assert.deepEqual(report.readable, [pack]);
    assert.deepEqual((await readState(store, handle)).damaged, []);
  });

  it("tells where the damage of a state lies, until it is healed", async () => {
    const all = await bench();
    const { repository, snapshot, mirror } = all;
    await WOUNDS["a chunk"]?.(all);
    const { store, handle, clock } = repository;
    const scope = { store, handle, clock, signal: neverAborted };
    await recordDamage({ ...scope, damage: (await verify(repository)).damage, by: "test" });
    const before = await locateDamage(scope, await readState(store, handle));
    assert.deepEqual(
      before.map(({ snapshotId, disks }) => [snapshotId, disks[0]?.ranges]),
      [[snapshot.snapshotId, [{ offset: 64 * 1024, length: 64 * 1024, damage: 0 }]]],
    );
    await heal({ ...scope, sessionId: newId(), mirror });
    assert.deepEqual(await locateDamage(scope, await readState(store, handle)), []);
  });
});
