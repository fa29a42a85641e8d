import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Rejection } from "@cairn/kernel";
import {
  EMPTY_STATE,
  readState,
  repositoryNames,
  structureOnlyKeys,
  writeState,
  writeTombstone,
} from "@cairn/repository";
import { faultyStore, type SimulatedBucket, type Store, simulatedBucket } from "@cairn/store";
import { checkLocks, extendLocks } from "./locks.ts";
import { checkRule, chooseSamples, costOf, nothingDue, planLock } from "./locks-plan.ts";
import type { ExtendLocksReport, ExtendLocksRequest } from "./locks-report.ts";
import {
  neverAborted,
  storeSnapshot,
  type TestRepository,
  type TestSnapshot,
  testClock,
  testRepository,
} from "./test-repository.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const WINDOW_MS = 21 * DAY_MS;
const PROMISE_MS = 14 * DAY_MS;
const INTERVAL_MS = DAY_MS;
const PRICES = { perThousandReads: 0.0004, perThousandWrites: 0.005, perThousandLists: 0.005 };

interface Bench {
  readonly bucket: SimulatedBucket;
  readonly repository: TestRepository;
  readonly snapshot: TestSnapshot;
}

async function bench(): Promise<Bench> {
  const clock = testClock();
  const bucket = simulatedBucket({ clock, lock: { mode: "compliance", windowMs: WINDOW_MS } });
  const repository = await testRepository({ store: bucket.store(), clock });
  return { bucket, repository, snapshot: await storeSnapshot(repository, ["a", "b"]) };
}

async function extend(
  { repository }: Bench,
  more: Partial<ExtendLocksRequest> = {},
): Promise<ExtendLocksReport> {
  const { store, handle, clock } = repository;
  const blind = { ...handle, keys: structureOnlyKeys(handle.keys) };
  const rule = { promiseMs: PROMISE_MS, intervalMs: INTERVAL_MS, prices: PRICES };
  return extendLocks({ store, handle: blind, clock, signal: neverAborted, ...rule, ...more });
}

async function lockedUntil(store: Store, name: string): Promise<number> {
  return (await store.lock?.lockedUntil(name)) ?? 0;
}

describe("extending locks", () => {
  it("keeps every object of a snapshot locked for the promise, for months", async () => {
    const all = await bench();
    const { repository, snapshot } = all;
    const { store, handle, clock } = repository;
    const names = repositoryNames(handle.repositoryId);
    const objects = [
      names.marker,
      names.pack(snapshot.chunks[0]?.pack ?? ""),
      names.pagePack(snapshot.root.pack),
      names.commit(snapshot.workloadId, snapshot.snapshotId),
    ];
    let extended = 0;
    for (let day = 0; day < 120; day += 1) {
      const report = await extend(all);
      extended += report.extended;
      assert.deepEqual(report.tooShort, []);
      clock.pass(INTERVAL_MS);
      for (const name of objects) {
        assert.ok((await lockedUntil(store, name)) >= clock.now() + PROMISE_MS, `${name} on day ${day}`);
      }
      // An incremental refers to the packs of the first snapshot, however old they are.
      if (day === 60) await storeSnapshot(repository, ["a", "b", "c"], { base: snapshot });
    }
    // 7 objects at first; each is extended about every seventh day.
    assert.ok(extended < (120 / 6) * 12, `${extended} extensions`);
  });

  it("asks for the state alone while nothing is due", async () => {
    const all = await bench();
    const first = await extend(all);
    assert.deepEqual([first.nothingDue, first.extended], [false, 0]);
    assert.ok(first.objects >= 6);
    const second = await extend(all);
    assert.deepEqual([second.nothingDue, second.objects], [true, 0]);
    assert.ok(second.requests.reads <= 4, JSON.stringify(second.requests));
    assert.equal((await readState(all.repository.store, all.repository.handle)).lockFloor, first.lockFloor);
  });

  it("shows what it would do and cost, and does nothing, in a dry run", async () => {
    const all = await bench();
    const { store, clock } = all.repository;
    clock.pass(10 * DAY_MS);
    const dry = await extend(all, { dryRun: true });
    assert.ok(dry.extended >= 6 && dry.cost !== undefined && dry.cost > 0);
    const name = repositoryNames(all.repository.handle.repositoryId).marker;
    assert.equal(await lockedUntil(store, name), clock.now() + WINDOW_MS - 10 * DAY_MS);
    assert.equal((await extend(all)).extended, dry.extended);
    assert.equal(await lockedUntil(store, name), clock.now() + WINDOW_MS);
  });

  it("lets lapse what nothing can lead to any more and snapshots that are to be removed", async () => {
    const all = await bench();
    const { repository, snapshot } = all;
    const { store, handle, clock } = repository;
    const names = repositoryNames(handle.repositoryId);
    const dead = await storeSnapshot(repository, ["dead"]);
    const pack = dead.chunks[0]?.pack ?? "";
    const at = new Date(clock.now()).toISOString();
    const { workloadId, snapshotId } = dead;
    await writeTombstone(store, {
      ...handle,
      tombstone: { workloadId, snapshotId, requestedAt: at, requestedBy: "me", notBefore: at },
    });
    const condemned = [
      { pack, kind: "chunk", epoch: 1, at: clock.now(), bytes: 777, why: "unreferenced", settled: true },
    ] as const;
    await writeState(store, handle, {
      state: { ...EMPTY_STATE, epoch: 1, at: clock.now(), by: "test", condemned },
    });
    const until = await lockedUntil(store, names.pack(pack));
    clock.pass(10 * DAY_MS);
    const report = await extend(all);
    assert.deepEqual([report.deadBytes, report.deadPacks], [777, 1]);
    assert.equal(await lockedUntil(store, names.pack(pack)), until);
    assert.equal(await lockedUntil(store, names.commit(workloadId, snapshotId)), until);
    assert.ok((await lockedUntil(store, names.commit(snapshot.workloadId, snapshot.snapshotId))) > until);
  });

  it("keeps a snapshot locked whose packs were condemned just before it was committed", async () => {
    const all = await bench();
    const { repository, snapshot } = all;
    const { store, handle, clock } = repository;
    const names = repositoryNames(handle.repositoryId);
    const pack = snapshot.chunks[0]?.pack ?? "";
    const condemned = [
      { pack, kind: "chunk", epoch: 1, at: clock.now(), bytes: 777, why: "unreferenced" },
    ] as const;
    await writeState(store, handle, {
      state: { ...EMPTY_STATE, epoch: 1, at: clock.now(), by: "test", condemned },
    });
    for (let day = 0; day < 30; day += 1) {
      await extend(all);
      clock.pass(INTERVAL_MS);
      for (const name of [names.pack(pack), names.state(1)]) {
        assert.ok((await lockedUntil(store, name)) >= clock.now() + PROMISE_MS, `${name} on day ${day}`);
      }
    }
  });

  it("does not rest on what listings may not have shown yet", async () => {
    const all = await bench();
    const { store, handle } = all.repository;
    const hidden = repositoryNames(handle.repositoryId).pack(all.snapshot.chunks[0]?.pack ?? "");
    const late: Store = {
      ...store,
      async *list(prefix, signal) {
        for await (const name of store.list(prefix, signal)) if (name !== hidden) yield name;
      },
    };
    all.repository.clock.pass(DAY_MS);
    const { lockFloor } = await extend({ ...all, repository: { ...all.repository, store: late } });
    assert.ok(lockFloor <= (await lockedUntil(store, hidden)));
  });

  it("tells what was locked for less than promised when it came too late", async () => {
    const all = await bench();
    all.repository.clock.pass(8 * DAY_MS);
    const report = await extend(all);
    assert.equal(report.tooShort.length, report.objects);
  });

  it("goes on after a failure at any call", async () => {
    const all = await bench();
    const { repository } = all;
    for (let index = 0; ; index += 1) {
      repository.clock.pass(7 * DAY_MS);
      let failures = 0;
      const store = faultyStore(repository.store, (call) => {
        if (call.index !== index) return undefined;
        failures += 1;
        return { when: "before", error: new Error("crash") };
      });
      const outcome = await extend({ ...all, repository: { ...repository, store } }).then(
        () => "done",
        String,
      );
      assert.match(outcome, failures > 0 ? /crash/ : /^done$/);
      await extend(all);
      const { handle, clock } = repository;
      const scope = { store: repository.store, handle, clock, signal: neverAborted, promiseMs: PROMISE_MS };
      assert.deepEqual((await checkLocks(scope, () => 0)).tooShort, []);
      if (failures === 0) return;
    }
  });

  it("refuses a target without locks, and a window that cannot keep the promise", async () => {
    const all = await bench();
    await assert.rejects(extend({ ...all, repository: await testRepository() }), Rejection);
    await assert.rejects(extend(all, { promiseMs: WINDOW_MS }), Rejection);
  });
});

describe("checking locks", () => {
  it("raises an alarm for anything in use that is locked for less than promised", async () => {
    const { repository } = await bench();
    const { store, handle, clock } = repository;
    const scope = { store, handle, clock, signal: neverAborted, promiseMs: PROMISE_MS };
    const good = await checkLocks(scope, () => 0);
    assert.deepEqual(
      [good.tooShort, good.checked, good.shortest],
      [[], good.objects, clock.now() + WINDOW_MS],
    );
    clock.pass(8 * DAY_MS);
    const bad = await checkLocks(scope, () => 0);
    assert.equal(bad.tooShort.length, bad.objects);
  });
});

describe("the plan of locks", () => {
  const rule = { now: 1000, windowMs: 100, promiseMs: 50, intervalMs: 10 };
  const cases: readonly [locked: number | undefined, until: number | undefined, short: boolean][] = [
    [undefined, 1100, true],
    [1049, 1100, true],
    [1050, 1100, false],
    [1059, 1100, false],
    [1060, undefined, false],
    [1100, undefined, false],
  ];
  for (const [locked, until, short] of cases) {
    it(`for something that is locked until ${locked} is ${until}${short ? ", and an alarm" : ""}`, () => {
      assert.deepEqual(planLock(rule, locked), { until, short });
    });
  }

  it("needs a window of at least the promise and the time between two runs", () => {
    checkRule({ windowMs: 60, promiseMs: 50, intervalMs: 10 });
    assert.throws(() => checkRule({ windowMs: 59, promiseMs: 50, intervalMs: 10 }), Rejection);
  });

  it("has nothing to do before something is due", () => {
    assert.deepEqual(
      [undefined, 1059, 1060].map((floor) => nothingDue(rule, floor)),
      [false, false, true],
    );
  });

  it("costs what its requests cost", () => {
    assert.equal(costOf({ reads: 1_600_000, writes: 1_600_000, lists: 1600 }, PRICES).toFixed(2), "8.65");
  });

  it("draws each sample once", () => {
    let state = 1;
    const draw = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    assert.equal(chooseSamples(1000, 200, draw).size, 200);
    assert.equal(chooseSamples(5, 200, draw).size, 5);
    assert.equal(chooseSamples(0, 200, draw).size, 0);
  });
});
