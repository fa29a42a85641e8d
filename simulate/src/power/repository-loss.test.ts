import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { Fault } from "@cairn/kernel";
import {
  beginSession,
  type Commit,
  changeKeySet,
  createKeySet,
  endSession,
  GRAIN_BYTES,
  initRepository,
  listCommits,
  openRepository,
  type RepositoryHandle,
  readCommit,
  readKeySet,
  readSessions,
  readState,
  removeCommit,
  writeCommit,
  writeTombstone,
} from "@cairn/repository";
import { directoryStore, type Store } from "@cairn/store";
import { openTransfer } from "@cairn/transfer";
import { Chance } from "../chance.ts";
import { CheckedDisk, changedExtents, type DiskImage, sourceOf, wholeExtents } from "../content.ts";
import { filesStore } from "./files-store.ts";
import { checkEveryMoment, checkFiles, type Ledger, withLedger } from "./ledger.ts";
import { Recorder } from "./recorder.ts";

const WORKLOAD = "11111111-1111-4111-8111-111111111111";
const neverAborted = new AbortController().signal;
const masterKey = randomBytes(32);

function image(values: readonly number[]): DiskImage {
  const grains = new Map(values.flatMap((value, grain) => (value === 0 ? [] : [[grain, value] as const])));
  return { diskId: "disk", sizeBytes: values.length * GRAIN_BYTES, grains };
}

interface Taken {
  readonly snapshotId: string;
  readonly image: DiskImage;
  readonly root: string;
  readonly indexSegments: readonly string[];
}

/** A snapshot as datamover and engine take it. */
async function takeSnapshot(
  store: Store,
  handle: RepositoryHandle,
  what: { readonly snapshotId: string; readonly image: DiskImage; readonly base?: Taken },
): Promise<Taken> {
  const { snapshotId, base } = what;
  const sessionId = `session-${snapshotId}`;
  await beginSession(store, handle, { sessionId, bases: base === undefined ? [] : [base.snapshotId] });
  const transfer = await openTransfer({
    store,
    ...handle,
    indexSegments: base?.indexSegments ?? [],
    workers: 0,
    signal: neverAborted,
  });
  const chance = new Chance(1);
  const extents =
    base === undefined ? wholeExtents(what.image, chance) : changedExtents(what.image, base.image, chance);
  const previous = base === undefined ? {} : { previousRoot: base.root };
  const source = sourceOf(what.image, extents);
  const { root } = await transfer.storeDisk({ source, ...previous, auditBytes: 0, signal: neverAborted });
  const { indexSegments } = await transfer.seal(neverAborted);
  await transfer.close();
  const disk = { diskId: "disk", instanceId: "i", device: "vda", sizeBytes: what.image.sizeBytes, root };
  const commit: Commit = {
    formatVersion: 1,
    snapshotId,
    workloadId: WORKLOAD,
    projectId: "project",
    createdAt: "2026-11-22T12:00:00.000Z",
    type: base === undefined ? "full" : "incremental",
    metadata: {},
    disks: [disk],
    indexSegments,
  };
  await writeCommit(store, { ...handle, commit });
  await endSession(store, handle, { sessionId, commit: { workloadId: WORKLOAD, snapshotId } });
  return { snapshotId, image: what.image, root, indexSegments };
}

async function removeSnapshot(store: Store, handle: RepositoryHandle, snapshotId: string): Promise<void> {
  const at = "2026-11-22T12:00:00.000Z";
  const tombstone = { snapshotId, workloadId: WORKLOAD, requestedAt: at, requestedBy: "test", notBefore: at };
  await writeTombstone(store, { ...handle, tombstone });
  await removeCommit(store, { ...handle, workloadId: WORKLOAD, snapshotId });
}

/** Opens what the power failure has left as a reader does, and restores every snapshot that exists. */
async function checkRepository(
  files: ReadonlyMap<string, Buffer>,
  repositoryId: string,
  images: ReadonlyMap<string, DiskImage>,
): Promise<number> {
  const store = filesStore(files);
  try {
    await openRepository(store, { repositoryId });
  } catch (cause) {
    // Before its founding was over, there is none.
    assert.ok(cause instanceof Fault && cause.code === "repository-missing", String(cause));
    return 0;
  }
  const { keys } = await readKeySet(store, {
    repositoryId,
    credentials: [{ kind: "key-file", key: masterKey }],
  });
  const handle = { repositoryId, keys };
  await readState(store, handle);
  await Array.fromAsync(readSessions(store, handle));
  let snapshots = 0;
  for await (const ids of listCommits(store, handle)) {
    const commit = await readCommit(store, { ...handle, ...ids });
    const expected = images.get(ids.snapshotId);
    assert.ok(expected !== undefined);
    const options = { store, ...handle, indexSegments: [], workers: 0, signal: neverAborted };
    const transfer = await openTransfer(options);
    const destination = new CheckedDisk(expected);
    const root = commit.disks[0]?.root ?? "";
    await transfer.writeDisk({ root, destination, mode: "whole", signal: neverAborted });
    await transfer.close();
    assert.equal(destination.verdict(), undefined);
    snapshots += 1;
  }
  return snapshots;
}

it("a power failure after any operation leaves a repository with all it promised, and snapshots that restore", async () => {
  const root = await mkdtemp(join(tmpdir(), "cairn-power-"));
  try {
    const images = new Map([
      ["22222222-2222-4222-8222-222222222221", image([1, 2, 0, 3])],
      ["22222222-2222-4222-8222-222222222222", image([1, 5, 0, 4])],
    ]);
    const [first = "", second = ""] = images.keys();
    const ledger: Ledger = { entries: [], bytes: new Map() };
    using recorder = new Recorder(root);
    const store = withLedger(directoryStore(root), recorder, ledger);
    const repositoryId = "33333333-3333-4333-8333-333333333333";
    const slot = { kind: "key-file", key: masterKey, label: "operator", rights: "all" } as const;
    const set = await createKeySet({ repositoryId, slots: [slot], withoutEscrow: true, at: 1 });
    await initRepository(store, { repositoryId, keySet: set.bytes });
    const handle = { repositoryId, keys: set.keys };
    const base = await takeSnapshot(store, handle, { snapshotId: first, image: image([1, 2, 0, 3]) });
    const next = await changeKeySet(store, set, { rotate: true, withoutEscrow: true, at: 2 });
    const rotated = { repositoryId, keys: next.keys };
    await takeSnapshot(store, rotated, { snapshotId: second, image: image([1, 5, 0, 4]), base });
    await removeSnapshot(store, rotated, first);
    const states = new Map<string, ReadonlyMap<string, Buffer>>();
    checkEveryMoment(root, recorder.operations, (files, at) => {
      checkFiles(files, ledger, at);
      const objects = new Map([...files].filter(([path]) => !path.includes("/.")));
      states.set([...objects.keys()].sort().join(), objects);
    });
    const counts = new Set<number>();
    for (const files of states.values()) counts.add(await checkRepository(files, repositoryId, images));
    assert.deepEqual(
      [...counts].sort((a, b) => a - b),
      [0, 1, 2],
    );
    assert.ok(recorder.operations.length > 150, `${recorder.operations.length} operations`);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
