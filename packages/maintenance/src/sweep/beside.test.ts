import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode } from "@cairn/kernel";
import {
  beginSession,
  endSession,
  type OpenSession,
  packsToAvoid,
  readSegment,
  readState,
} from "@cairn/repository";
import { delayedStore, faultyStore } from "@cairn/store";
import {
  restoreSnapshot,
  storeSnapshot,
  type TestRepository,
  type TestSnapshot,
  testRepository,
} from "../test-repository.ts";
import type { SweepFlaws } from "./options.ts";
import {
  assertReadable,
  DAY_MS,
  HOUR_MS,
  interleaved,
  namesOf,
  piecesOf,
  removeSnapshot,
  sweepOnce,
  writeInSession,
} from "./testing.ts";

/** A repository in which one snapshot stays, and one that shares nothing with it is gone. */
async function withSomethingToSweep(): Promise<{
  readonly repository: TestRepository;
  readonly kept: TestSnapshot;
  readonly gone: TestSnapshot;
}> {
  const repository = await testRepository();
  const kept = await storeSnapshot(repository, piecesOf("a", 2));
  const gone = await storeSnapshot(repository, piecesOf("b", 3));
  await sweepOnce(repository);
  await removeSnapshot(repository, gone);
  return { repository, kept, gone };
}

/**
 * A writer that wants to share the chunks of `gone`, in two parts: it begins and reads the index at one
 * moment, commits at another.
 */
class Writer {
  readonly #repository: TestRepository;
  readonly #gone: TestSnapshot;
  readonly #indexed = new Set<string>();
  #session: OpenSession | undefined;
  written: TestSnapshot | undefined;

  constructor(repository: TestRepository, gone: TestSnapshot) {
    this.#repository = repository;
    this.#gone = gone;
  }

  async begin(): Promise<void> {
    const { store, handle } = this.#repository;
    this.#session = await beginSession(store, handle, { sessionId: "writer", bases: [] });
    for (const name of await namesOf(this.#repository, "i")) {
      await readSegment(store, handle, { name }, ({ pack }) => this.#indexed.add(pack));
    }
  }

  async commit(): Promise<void> {
    const { store, handle } = this.#repository;
    if (this.#session === undefined) throw new Error("the writer has not begun");
    const avoid = packsToAvoid(this.#session.state);
    const chunks = this.#gone.chunks.filter(({ pack }) => this.#indexed.has(pack) && !avoid.has(pack));
    this.written = await storeSnapshot(this.#repository, piecesOf("b", 3), {
      base: { ...this.#gone, chunks },
    });
    const { workloadId, snapshotId } = this.written;
    await endSession(store, handle, { sessionId: "writer", commit: { workloadId, snapshotId } });
  }
}

/** Three sweeps, a day apart, of which a writer begins and commits before the given calls of the store. */
async function threeSweepsBesideAWriter(
  at: { readonly begin: number; readonly commit: number },
  flaws: SweepFlaws = {},
): Promise<{ readonly calls: number; readonly lost: boolean }> {
  const { repository, kept, gone } = await withSomethingToSweep();
  const writer = new Writer(repository, gone);
  let calls = 0;
  const store = interleaved(repository.store, async () => {
    const index = calls;
    calls += 1;
    if (index === at.begin) await writer.begin();
    if (index === at.commit) await writer.commit();
  });
  let refused = false;
  for (let day = 0; day < 3; day += 1) {
    try {
      await sweepOnce(repository, { store, remover: store, flaws });
    } catch (cause) {
      // What a snapshot leads to is gone: the damage is done.
      if (!hasCode(cause, "mark-incomplete")) throw cause;
      refused = true;
    }
    repository.clock.pass(DAY_MS + HOUR_MS);
  }
  const snapshots = writer.written === undefined ? [kept] : [kept, writer.written];
  const lost = refused || (await isLost(repository, snapshots));
  if (!lost) {
    repository.clock.pass(9 * DAY_MS);
    await sweepOnce(repository, { flaws });
    await assertReadable(repository, snapshots);
  }
  return { calls, lost };
}

async function isLost(repository: TestRepository, snapshots: readonly TestSnapshot[]): Promise<boolean> {
  for (const snapshot of snapshots) {
    try {
      await restoreSnapshot(repository.store, repository.handle, snapshot);
    } catch {
      return true;
    }
  }
  return false;
}

describe("a sweep beside a writer", () => {
  it("loses nothing, whenever the writer begins and commits", async () => {
    const { calls } = await threeSweepsBesideAWriter({ begin: -1, commit: -1 });
    for (let begin = 0; begin < calls; begin += 4) {
      for (let commit = begin; commit < calls; commit += 11) {
        const { lost } = await threeSweepsBesideAWriter({ begin, commit });
        assert.ok(!lost, `the writer began before call ${begin} and committed before call ${commit}`);
      }
    }
  });

  it("that does not wait loses something, which shows that the test above would tell", async () => {
    const { calls } = await threeSweepsBesideAWriter({ begin: -1, commit: -1 });
    let losses = 0;
    for (let begin = 0; begin < calls && losses === 0; begin += 3) {
      const { lost } = await threeSweepsBesideAWriter({ begin, commit: begin + 8 }, { neverWaits: true });
      if (lost) losses += 1;
    }
    assert.ok(losses > 0);
  });
});

describe("two sweeps at once", () => {
  const mayHappen = ["state-outrun", "mark-incomplete", "object-missing", "object-exists"];

  it("lose nothing and leave a repository that the next sweep finishes", async () => {
    for (let moment = 0; ; moment += 1) {
      const { repository, kept } = await withSomethingToSweep();
      await sweepOnce(repository);
      repository.clock.pass(DAY_MS);
      let calls = 0;
      const store = interleaved(repository.store, async () => {
        const index = calls;
        calls += 1;
        if (index === moment) await sweepOnce(repository, { by: "the other" });
      });
      try {
        await sweepOnce(repository, { store, remover: store, by: "the one" });
      } catch (cause) {
        assert.ok(
          mayHappen.some((code) => hasCode(cause, code)),
          String(cause),
        );
      }
      repository.clock.pass(DAY_MS);
      const last = await sweepOnce(repository);
      assert.deepEqual([last.waiting, last.condemned], [[], []], `moment ${moment}`);
      await assertReadable(repository, [kept]);
      if (calls <= moment) return;
    }
  });
});

/** A month of snapshots, removals and sweeps on a target whose listings are up to 20 hours behind. */
async function monthOfStaleListings(seed: number): Promise<number> {
  const repository = await testRepository();
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  const { clock } = repository;
  const store = delayedStore(repository.store, { clock, random, listMs: 20 * HOUR_MS, readMs: 0 });
  const delayed = { ...repository, store };
  const alive: TestSnapshot[] = [await storeSnapshot(delayed, piecesOf("a", 2))];
  let removed = 0;
  for (let step = 0; step < 24; step += 1) {
    clock.pass(random() * 16 * HOUR_MS);
    const choice = random();
    if (choice < 0.4) {
      const base = alive.at(-1);
      const pieces = [...piecesOf("a", 1), ...piecesOf(`${step % 5}`, 1)];
      alive.push(await writeInSession(delayed, pieces, base === undefined ? {} : { base }));
    } else if (choice < 0.6 && alive.length > 0) {
      for (const oldest of alive.splice(0, 1)) await removeSnapshot(delayed, oldest);
    } else removed += await removedUnlessSuspect(delayed);
    await assertReadable(repository, alive);
  }
  return removed;
}

async function removedUnlessSuspect(repository: TestRepository): Promise<number> {
  try {
    return (await sweepOnce(repository)).removed.length;
  } catch (cause) {
    // A listing of a moment before the last one's, in a repository that was all but empty then.
    if (!hasCode(cause, "listing-suspect")) throw cause;
    return 0;
  }
}

describe("a sweep whose listings are out of date", () => {
  it("loses nothing as long as they are so by less than the grace, and gets on", async () => {
    let removed = 0;
    for (let seed = 1; seed <= 12; seed += 1) removed += await monthOfStaleListings(seed);
    assert.ok(removed > 50, `${removed} objects were removed`);
  });
});

describe("a sweep whose listing is wrong", () => {
  it("refuses to go on when it shows far less than the last sweep saw", async () => {
    const { repository } = await withSomethingToSweep();
    const { store } = repository;
    const blind = (what: string) => ({
      ...store,
      async *list(prefix: string, signal?: AbortSignal) {
        if (!prefix.endsWith(what)) yield* store.list(prefix, signal);
      },
    });
    for (const what of ["/p/", "/m/"]) {
      const sweeping = sweepOnce(repository, { store: blind(what) });
      await assert.rejects(sweeping, (error) => hasCode(error, "listing-suspect"), what);
    }
  });

  it("finds the snapshots and sessions that it knew all the same", async () => {
    const { repository, kept } = await withSomethingToSweep();
    const { store, handle } = repository;
    await beginSession(store, handle, { sessionId: "writer", bases: [] });
    await sweepOnce(repository);
    repository.clock.pass(DAY_MS);
    const blind = {
      ...store,
      async *list(prefix: string, signal?: AbortSignal) {
        if (!/\/[sw]\/$/.test(prefix)) yield* store.list(prefix, signal);
      },
    };
    const report = await sweepOnce(repository, { store: blind });
    assert.equal(report.found.liveSessions, 1);
    assert.equal(report.found.snapshots, 1);
    await assertReadable(repository, [kept]);
    const flawed = await sweepOnce(repository, { store: blind, flaws: { trustsListings: true } });
    assert.equal(flawed.found.snapshots, 0);
  });

  it("does not count what it has just removed, though a listing still shows it", async () => {
    const { repository } = await withSomethingToSweep();
    const { store } = repository;
    await sweepOnce(repository);
    repository.clock.pass(DAY_MS);
    const dies = faultyStore(store, ({ operation }) =>
      operation === "remove" ? { when: "before", error: new Error("killed") } : undefined,
    );
    await assert.rejects(sweepOnce(repository, { remover: dies }), /killed/);
    const before = await Array.fromAsync(store.list(`${repository.handle.repositoryId}/`));
    const behind = {
      ...store,
      async *list(prefix: string) {
        yield* before.filter((name) => name.startsWith(prefix) && /\/[pm]\/$/.test(prefix));
        if (!/\/[pm]\/$/.test(prefix)) yield* store.list(prefix);
      },
    };
    await sweepOnce(repository, { store: behind });
    const left = (await namesOf(repository, "p")).length;
    assert.ok(left < before.filter((name) => name.includes("/p/")).length, "the journal was finished");
    // What is counted here and missed by the next sweep makes it stop, for good.
    assert.equal((await readState(store, repository.handle)).seen?.chunkPacks, left);
  });

  it("stops when it breaks off, and when a snapshot is gone without a tombstone", async () => {
    const { repository, kept } = await withSomethingToSweep();
    const { store, handle } = repository;
    const broken = faultyStore(store, ({ operation }) =>
      operation === "list" ? { when: "after", error: new Error("the connection broke") } : undefined,
    );
    await assert.rejects(sweepOnce(repository, { store: broken }), /the connection broke/);
    await store.remove(`${handle.repositoryId}/s/${kept.workloadId}/${kept.snapshotId}`);
    await assert.rejects(sweepOnce(repository), (error) => hasCode(error, "object-vanished"));
  });
});
