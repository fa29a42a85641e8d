import assert from "node:assert/strict";
import { newId } from "@cairn/kernel";
import {
  beginSession,
  endSession,
  packsToAvoid,
  removeCommit,
  repositoryNames,
  writeTombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import {
  neverAborted,
  restoreSnapshot,
  storeSnapshot,
  type TestRepository,
  type TestSnapshot,
} from "../test-repository.ts";
import type { SweepOptions } from "./options.ts";
import type { SweepReport } from "./report.ts";
import { sweep } from "./sweep.ts";

export const HOUR_MS = 60 * 60 * 1000;
export const DAY_MS = 24 * HOUR_MS;

/** Sweeps a test's repository, without asking for a person's word. */
export async function sweepOnce(
  repository: TestRepository,
  options: Partial<SweepOptions> = {},
): Promise<SweepReport> {
  const { store, handle, clock } = repository;
  const { limits, ...rest } = options;
  return sweep({
    store,
    remover: store,
    handle,
    clock,
    by: "test",
    signal: neverAborted,
    limits: { confirmShare: 1, markBytes: 64 * 1024, ...limits },
    ...rest,
  });
}

/** Removes a snapshot as its owner does: tombstone, commit. */
export async function removeSnapshot(repository: TestRepository, snapshot: TestSnapshot): Promise<void> {
  const { store, handle, clock } = repository;
  const { workloadId, snapshotId } = snapshot;
  const at = new Date(clock.now()).toISOString();
  const tombstone = { workloadId, snapshotId, requestedAt: at, requestedBy: "test", notBefore: at };
  await writeTombstone(store, { ...handle, tombstone });
  await removeCommit(store, { ...handle, workloadId, snapshotId });
}

/**
 * Stores a snapshot as a writer does: in a session, sharing the chunks of `base` unless the state that it saw
 * tells it to avoid their packs.
 */
export async function writeInSession(
  repository: TestRepository,
  pieces: readonly string[],
  options: { readonly base?: TestSnapshot; readonly store?: Store; readonly sessionId?: string } = {},
): Promise<TestSnapshot> {
  const { handle } = repository;
  const store = options.store ?? repository.store;
  const sessionId = options.sessionId ?? newId();
  const { base } = options;
  const session = await beginSession(store, handle, { sessionId, bases: [] });
  const avoid = packsToAvoid(session.state);
  const chunks = base?.chunks.filter(({ pack }) => !avoid.has(pack)) ?? [];
  const snapshot = await storeSnapshot(repository, pieces, {
    store,
    ...(base === undefined ? {} : { base: { ...base, chunks } }),
  });
  const { workloadId, snapshotId } = snapshot;
  await endSession(store, handle, { sessionId, commit: { workloadId, snapshotId } });
  return snapshot;
}

/** Every one of these snapshots restores to what it was stored from. */
export async function assertReadable(
  repository: TestRepository,
  snapshots: readonly TestSnapshot[],
): Promise<void> {
  for (const snapshot of snapshots) {
    const found = await restoreSnapshot(repository.store, repository.handle, snapshot);
    assert.ok(found.equals(snapshot.content), `snapshot ${snapshot.snapshotId} reads differently`);
  }
}

/** Names of a kind of object within the repository: `p`, `m`, `i`, `g` … */
export async function namesOf({ store, handle }: TestRepository, kind: string): Promise<string[]> {
  const prefix = repositoryNames(handle.repositoryId).within(`${kind}/`);
  return (await Array.fromAsync(store.list(prefix)))
    .map((name) => name.slice(handle.repositoryId.length + 1))
    .toSorted();
}

/** Pieces of a disk: so many different ones of a word. */
export function piecesOf(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${word} ${index}`);
}

/** A call of a store, before which something else happens. */
export type BeforeCall = (index: number) => Promise<void>;

/**
 * A store whose every call waits for what `before` does first: the moments at which others can come between.
 */
export function interleaved(store: Store, before: BeforeCall): Store {
  let calls = 0;
  const step = async (): Promise<void> => {
    const index = calls;
    calls += 1;
    await before(index);
  };
  const after = async <Result>(perform: () => Promise<Result>): Promise<Result> => {
    await step();
    return perform();
  };
  return {
    ...store,
    put: async (name, parts, signal) => after(async () => store.put(name, parts, signal)),
    get: async (name, signal) => after(async () => store.get(name, signal)),
    getRange: async (name, offset, length, signal) =>
      after(async () => store.getRange(name, offset, length, signal)),
    size: async (name, signal) => after(async () => store.size(name, signal)),
    remove: async (name, signal) => after(async () => store.remove(name, signal)),
    async *list(prefix, signal) {
      await step();
      yield* store.list(prefix, signal);
    },
  };
}
