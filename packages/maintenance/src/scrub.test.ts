import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { repositoryNames, structureOnlyKeys } from "@cairn/repository";
import { scrub } from "./scrub.ts";
import { afterPack, afterShard, firstCursor, planScrub, SHARDS } from "./scrub-plan.ts";
import type { ScrubCursor, ScrubReport, ScrubRequest } from "./scrub-report.ts";
import { flip, neverAborted, storeSnapshot, type TestRepository, testRepository } from "./test-repository.ts";
import { fullBucket, takeTokens } from "./token-bucket.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const MiB = 1024 * 1024;

function requestOf(repository: TestRepository, more: Partial<ScrubRequest> = {}): ScrubRequest {
  const { store, handle, clock } = repository;
  const rate = { bytesPerSecond: 1000 * MiB };
  return {
    store,
    handle,
    clock,
    signal: neverAborted,
    goalMs: 30 * DAY_MS,
    rate,
    budgetMs: 60 * DAY_MS,
    ...more,
  };
}

async function fivePacks(): Promise<TestRepository> {
  const repository = await testRepository();
  for (const piece of ["a", "b", "c", "d", "e"]) await storeSnapshot(repository, [piece]);
  return repository;
}

describe("scrubbing", () => {
  it("reads every byte of every pack in a pass, then begins the next", async () => {
    const repository = await fivePacks();
    const report = await scrub(requestOf(repository));
    assert.equal(report.passFinished, true);
    assert.deepEqual([report.packs, report.damage, report.alarm], [10, [], undefined]);
    assert.equal(report.cursor.pass, 2);
    assert.equal(report.cursor.lastPass?.packs, 10);
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  });

  it("goes on where it was stopped, after any pack", async () => {
    const repository = await fivePacks();
    const cursors: ScrubCursor[] = [];
    await scrub(requestOf(repository, { onProgress: (cursor) => cursors.push(cursor) }));
    for (const cursor of cursors.slice(0, -1)) {
      const rest = await scrub(requestOf(repository, { cursor: structuredClone(cursor) }));
      assert.equal(rest.cursor.lastPass?.packs, 10);
      assert.equal(rest.packs, 10 - cursor.packs);
    }
  });

  it("keeps to its rate and stops when its time is over", async () => {
    const repository = await fivePacks();
    const rate = { bytesPerSecond: 20_000 };
    const startedAt = repository.clock.now();
    const reports: ScrubReport[] = [];
    // The goal is far too near, so that it goes as fast as it may.
    let cursor: ScrubCursor | undefined;
    do {
      const more = cursor === undefined ? {} : { cursor };
      const report = await scrub(requestOf(repository, { ...more, rate, goalMs: 10, budgetMs: 1000 }));
      reports.push(report);
      cursor = report.cursor;
    } while (reports.at(-1)?.passFinished === false && reports.length < 100);
    const bytes = reports.reduce((sum, report) => sum + report.bytesRead, 0);
    const seconds = (repository.clock.now() - startedAt) / 1000;
    assert.ok(reports.length > 2);
    // Each call may begin with a burst of one second, and ends with debt that it does not wait for.
    assert.ok(bytes / 20_000 <= seconds + 5 * reports.length, `${bytes} bytes in ${seconds} s`);
    assert.ok(reports.some(({ alarm }) => alarm !== undefined));
  });

  it("names damaged chunks with data keys, and damaged packs without", async () => {
    const repository = await testRepository();
    const { store, handle } = repository;
    const { chunks } = await storeSnapshot(repository, ["a", "b"]);
    const name = repositoryNames(handle.repositoryId).pack(chunks[1]?.pack ?? "");
    await flip(store, name, (chunks[1]?.offset ?? 0) + 500);
    const named = await scrub(requestOf(repository));
    const kinds = named.damage.map(({ kind, object, record }) => [kind, object, record?.offset]);
    assert.deepEqual(kinds, [["chunk", name, chunks[1]?.offset]]);
    const blind = { ...repository, handle: { ...handle, keys: structureOnlyKeys(handle.keys) } };
    const unnamed = await scrub(requestOf(blind));
    assert.deepEqual(
      unnamed.damage.map(({ kind, object }) => [kind, object]),
      [["chunk-pack", name]],
    );
  });
});

describe("the plan of a scrub", () => {
  /** A pass that has come so far through shards of so many bytes each. */
  function cursorAt(shard: number, bytesPerShard: number): ScrubCursor {
    let cursor = firstCursor(0);
    while (cursor.shard < shard) {
      cursor = afterShard(afterPack(cursor, { id: "aa", bytes: bytesPerShard, damaged: 0 }), 0);
    }
    return cursor;
  }

  it("reads as slowly as the goal lets it", () => {
    const cursor = cursorAt(128, 100 * MiB);
    const plan = planScrub(12 * DAY_MS, cursor, 30 * DAY_MS, { bytesPerSecond: 100 * MiB });
    assert.equal(plan.alarm, undefined);
    const left = 128 * 100 * MiB;
    assert.equal(Math.round(plan.bytesPerSecond), Math.round(left / ((12 * DAY_MS) / 1000)));
  });

  it("raises an alarm when the allowed rate cannot meet the goal, and says what would", () => {
    const cursor = cursorAt(128, 1000 * MiB);
    const plan = planScrub(29 * DAY_MS, cursor, 30 * DAY_MS, { bytesPerSecond: MiB / 10 });
    assert.equal(plan.bytesPerSecond, MiB / 10);
    assert.ok(plan.alarm?.kind === "goal-out-of-reach");
    assert.equal(plan.alarm.neededBytesPerSecond, Math.ceil((128 * 1000 * MiB) / (DAY_MS / 1000)));
  });

  it("says that it is overdue when nothing was read for twice the goal", () => {
    const plan = planScrub(61 * DAY_MS, firstCursor(0), 30 * DAY_MS, { bytesPerSecond: MiB });
    assert.deepEqual(plan.alarm, { kind: "overdue", oldestReadAt: 0 });
  });

  it("goes through all shards and no more", () => {
    const end = cursorAt(SHARDS - 1, 1);
    const next = afterShard(end, 77);
    assert.deepEqual([next.pass, next.shard, next.passStartedAt, next.lastPass?.finishedAt], [2, 0, 77, 77]);
  });
});

describe("a limit of speed", () => {
  it("lets one thing of any size through, then makes the next wait for it", () => {
    const speed = { perSecond: 10, burst: 10 };
    const first = takeTokens(fullBucket(speed, 0), speed, { now: 0, units: 30 });
    assert.equal(first.waitMs, 0);
    const second = takeTokens(first.bucket, speed, { now: 0, units: 1 });
    assert.equal(second.waitMs, 2000);
  });

  it("is above its rate by no more than a burst each time that the clock jumps", () => {
    const speed = { perSecond: 7, burst: 7 };
    let bucket = fullBucket(speed, 0);
    let now = 0;
    let units = 0;
    for (let step = 0; step < 1000; step += 1) {
      const taken = takeTokens(bucket, speed, {
        now: step % 10 === 9 ? now - 5000 : now,
        units: 1 + (step % 5),
      });
      bucket = taken.bucket;
      now += taken.waitMs;
      units += 1 + (step % 5);
    }
    assert.ok(units <= 7 * (now / 1000 + 1) + 100 * (7 + 5), `${units} units in ${now} ms`);
  });
});
