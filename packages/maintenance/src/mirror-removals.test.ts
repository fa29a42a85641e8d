import assert from "node:assert/strict";
import { it } from "node:test";
import { newId } from "@cairn/kernel";
import { listCommits, readTombstone, repositoryNames, structureOnlyKeys } from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import { mirror } from "./mirror.ts";
import { type MirrorRemovals, mirrorRemovals } from "./mirror-removals.ts";
import { sweep } from "./sweep/sweep.ts";
import { removeSnapshot } from "./sweep/testing.ts";
import {
  flip,
  neverAborted,
  restoreSnapshot,
  storeSnapshot,
  type TestRepository,
  type TestSnapshot,
  testRepository,
} from "./test-repository.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

interface Pair {
  readonly repository: TestRepository;
  readonly target: Store;
  readonly first: TestSnapshot;
  readonly second: TestSnapshot;
}

async function mirrored(): Promise<Pair> {
  const repository = await testRepository();
  const first = await storeSnapshot(repository, ["a", "b"]);
  const second = await storeSnapshot(repository, ["a", "c"], { base: first });
  const target = memoryStore(repository.clock);
  const { store: source, clock, handle } = repository;
  await mirror({ source, target, handle, clock, signal: neverAborted, sessionId: newId() });
  return { repository, target, first, second };
}

async function removals({ repository, target }: Pair): Promise<MirrorRemovals> {
  const { handle, store: source } = repository;
  // Whoever mirrors cannot read tenants' data.
  const blind = { ...handle, keys: structureOnlyKeys(handle.keys) };
  return mirrorRemovals({ source, target, handle: blind, keepMs: 7 * DAY_MS, signal: neverAborted });
}

async function snapshotsOf({ repository }: Pair, store: Store): Promise<string[]> {
  const found = await Array.fromAsync(listCommits(store, repository.handle));
  return found.map(({ snapshotId }) => snapshotId).sort();
}

async function sweepMirror({ repository, target }: Pair): Promise<void> {
  const { handle, clock } = repository;
  await sweep({ store: target, remover: target, handle, clock, by: "test", signal: neverAborted });
}

it("a snapshot that was deleted stays at the mirror for its time, and goes with its sweep", async () => {
  const pair = await mirrored();
  const { repository, target, first, second } = pair;
  await removeSnapshot(repository, first);
  assert.deepEqual(await removals(pair), { removed: [first.snapshotId], kept: [] });
  await sweepMirror(pair);
  assert.equal((await snapshotsOf(pair, target)).length, 2, "not before its time");
  assert.deepEqual(await removals(pair), { removed: [first.snapshotId], kept: [] }, "once is enough");
  repository.clock.pass(8 * DAY_MS);
  await sweepMirror(pair);
  assert.deepEqual(await snapshotsOf(pair, target), [second.snapshotId]);
  assert.deepEqual(await restoreSnapshot(target, repository.handle, second), second.content);
});

it("a source that lost its snapshots takes none from the mirror", async () => {
  const pair = await mirrored();
  const { repository, target, first, second } = pair;
  const names = repositoryNames(repository.handle.repositoryId);
  await repository.store.remove(names.commit(first.workloadId, first.snapshotId), neverAborted);
  assert.deepEqual(await removals(pair), { removed: [], kept: [first.snapshotId] });
  const empty = { ...pair, repository: { ...repository, store: memoryStore(repository.clock) } };
  const kept = [first.snapshotId, second.snapshotId].sort();
  const lost = await removals(empty);
  assert.deepEqual({ ...lost, kept: [...lost.kept].sort() }, { removed: [], kept });
  repository.clock.pass(400 * DAY_MS);
  await sweepMirror(pair);
  assert.equal((await snapshotsOf(pair, target)).length, 2);
});

it("a tombstone that cannot be read says nothing", async () => {
  const pair = await mirrored();
  const { repository, target, first } = pair;
  await removeSnapshot(repository, first);
  const names = repositoryNames(repository.handle.repositoryId);
  await flip(repository.store, names.tombstone(first.snapshotId), 20);
  assert.deepEqual(await removals(pair), { removed: [], kept: [first.snapshotId] });
  assert.equal(
    await readTombstone(target, { ...repository.handle, snapshotId: first.snapshotId }),
    undefined,
  );
});
