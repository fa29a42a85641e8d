import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { before, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { hasCode, KiB, MiB, newId } from "@cairn/kernel";
import { sweep, verifyTarget } from "@cairn/maintenance";
import {
  type Commit,
  type Credential,
  listCommits,
  openRepository,
  type RepositoryHandle,
  readCommit,
  readKeySet,
  readState,
  readTombstone,
  removeCommit,
  repositoryNames,
  writeCommit,
  writeTombstone,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { openTransfer } from "@cairn/transfer";
import {
  diskSource,
  type Expected,
  never,
  openFixture,
  readDisk,
  readExpected,
  sha256,
} from "./format-fixture.ts";

/*
 * The promise of format version 1: this build reads, extends, sweeps and verifies a repository that was
 * made when the version became final.
 */

const HOUR_MS = 60 * 60 * 1000;
let expected: Expected;
let store: Store;
let now: number;
const clock = { now: () => now, sleep: async () => undefined };

before(async () => {
  expected = await readExpected();
  now = expected.at;
  store = await openFixture(clock);
});

const bytes = (text: string): Buffer => Buffer.from(text, "base64");

function credentials(): Record<string, Credential> {
  const { secrets } = expected;
  return {
    "key-file": { kind: "key-file", key: bytes(secrets.keyFile) },
    passphrase: { kind: "passphrase", passphrase: secrets.passphrase },
    barbican: { kind: "barbican", provider: { fetch: async () => bytes(secrets.secret) } },
    escrow: { kind: "escrow", privateKey: createPrivateKey(secrets.escrow) },
  };
}

async function open(credential?: Credential, from = store): Promise<RepositoryHandle> {
  const { repositoryId } = expected;
  const one = credential ?? credentials()["key-file"];
  assert.ok(one !== undefined);
  const { keys } = await readKeySet(from, { repositoryId, credentials: [one], atLeast: 2 });
  return { repositoryId, keys };
}

async function commitOf(handle: RepositoryHandle, snapshotId: string, from = store): Promise<Commit> {
  const snapshot = expected.snapshots.find((each) => each.snapshotId === snapshotId);
  assert.ok(snapshot !== undefined);
  return readCommit(from, { ...handle, workloadId: snapshot.workloadId, snapshotId });
}

function soundSnapshots(): Expected["snapshots"] {
  return expected.snapshots.filter(({ snapshotId }) => snapshotId !== expected.damage.snapshotId);
}

async function assertReads(handle: RepositoryHandle, from = store, but = ""): Promise<void> {
  for (const { snapshotId, disks } of soundSnapshots()) {
    if (snapshotId === but) continue;
    const commit = await commitOf(handle, snapshotId, from);
    for (const [index, disk] of commit.disks.entries()) {
      assert.equal(sha256(await readDisk(from, handle, disk)), disks[index]?.sha256, snapshotId);
    }
  }
}

describe("a repository of format version 1", () => {
  it("is one with all that the format has", async () => {
    const handle = await open();
    const types = expected.snapshots.map(({ type, keyEpoch }) => `${type} ${keyEpoch}`);
    assert.deepEqual(new Set(types), new Set(["full 0", "incremental 0", "incremental 1", "full 1"]));
    const state = await readState(store, handle);
    assert.ok(state.relocations.length > 0, "a relocation");
    const tombstone = await readTombstone(store, { ...handle, snapshotId: expected.removed });
    assert.equal(tombstone?.requestedBy, "user");
    assert.ok(soundSnapshots().some(({ disks }) => disks.some(({ sizeBytes }) => sizeBytes % MiB === 512)));
  });

  it("opens by every kind of slot, and by the structure alone", async () => {
    const [first, ...others] = await Promise.all(
      Object.values(credentials()).map(async (each) => open(each)),
    );
    for (const other of others) assert.deepEqual(other.keys, first?.keys);
    assert.equal(first?.keys.epochs.length, 2);
    const structure = { kind: "key-file", key: bytes(expected.secrets.structureKeyFile) } as const;
    assert.equal((await open(structure)).keys.chunkId, undefined);
  });

  it("reads: every snapshot is what was stored, through pieces, key epochs and a relocation", async () => {
    const handle = await open();
    const listed = await Array.fromAsync(listCommits(store, handle));
    assert.deepEqual(
      listed.map(({ snapshotId }) => snapshotId).toSorted(),
      expected.snapshots.map(({ snapshotId }) => snapshotId).toSorted(),
    );
    await assertReads(handle);
  });

  it("never hands out what is damaged", async () => {
    const handle = await open();
    const commit = await commitOf(handle, expected.damage.snapshotId);
    const [disk] = commit.disks;
    assert.ok(disk !== undefined);
    await assert.rejects(readDisk(store, handle, disk), (error) => hasCode(error, "chunk-damaged"));
  });

  it("verifies: the damage is named by snapshot, disk and offset, and there is nothing else", async () => {
    const handle = await open();
    const report = await verifyTarget({ store, handle, clock, signal: never, level: "data" });
    assert.equal(report.sound, false);
    const [snapshot, ...more] = report.degraded;
    assert.deepEqual([snapshot?.snapshotId, more.length], [expected.damage.snapshotId, 0]);
    const [range, ...others] = snapshot?.disks[0]?.ranges ?? [];
    assert.deepEqual(
      [range?.offset, range?.length, others.length],
      [expected.damage.offset, expected.damage.length, 0],
    );
    assert.ok(report.damage.some(({ object }) => object.endsWith(expected.damage.pack)));
    assert.ok(report.relocated > 0);
  });

  it("is extended by a snapshot of this build, which shares what is there", async () => {
    const mine = await openFixture(clock);
    const handle = await open(undefined, mine);
    const base = expected.snapshots.findLast(({ type }) => type === "incremental");
    assert.ok(base !== undefined);
    const commit = await commitOf(handle, base.snapshotId, mine);
    const [disk] = commit.disks;
    assert.ok(disk !== undefined);
    const content = await readDisk(mine, handle, disk);
    content.fill("this build\n", 128 * KiB, 192 * KiB);
    const changed = [{ offset: 128 * KiB, length: 64 * KiB, kind: "data" as const }];
    const { indexSegments } = commit;
    const transfer = await openTransfer({ store: mine, ...handle, indexSegments, workers: 0, signal: never });
    const source = diskSource(content, changed);
    const stored = await transfer.storeDisk({
      source,
      previousRoot: disk.root,
      auditBytes: 0,
      signal: never,
    });
    const sealed = await transfer.seal(never);
    await transfer.close();
    assert.equal(stored.changedBytes, 64 * KiB);
    const snapshotId = newId<"snapshot">();
    const disks = [{ ...disk, root: stored.root }];
    await writeCommit(mine, {
      ...handle,
      commit: {
        ...commit,
        snapshotId,
        disks,
        indexSegments: sealed.indexSegments,
        createdAt: new Date(now).toISOString(),
      },
    });
    const [written] = (await readCommit(mine, { ...handle, workloadId: base.workloadId, snapshotId })).disks;
    assert.ok(written !== undefined);
    assert.ok((await readDisk(mine, handle, written)).equals(content));
    await assertReads(handle, mine);
  });

  it("is swept with the structure key alone: what is removed goes, and all that stays reads", async () => {
    const mine = await openFixture(clock);
    const handle = await open(undefined, mine);
    const structure = { kind: "key-file", key: bytes(expected.secrets.structureKeyFile) } as const;
    const sweeper = await open(structure, mine);
    const [gone] = expected.snapshots;
    assert.ok(gone !== undefined);
    const { workloadId, snapshotId } = gone;
    const at = new Date(now).toISOString();
    const tombstone = { workloadId, snapshotId, requestedAt: at, requestedBy: "test", notBefore: at };
    await writeTombstone(mine, { ...handle, tombstone });
    await removeCommit(mine, { ...handle, workloadId, snapshotId });
    const before = await Array.fromAsync(mine.list(""));
    for (let round = 0; round < 3; round += 1) {
      now += 30 * HOUR_MS;
      const options = {
        store: mine,
        remover: mine,
        handle: sweeper,
        clock,
        by: `test ${round}`,
        signal: never,
      };
      const report = await sweep({ ...options, limits: { confirmShare: 1 } });
      assert.deepEqual(report.missingPacks, []);
    }
    const after = new Set(await Array.fromAsync(mine.list("")));
    assert.ok(
      before.some((name) => !after.has(name)),
      "something went",
    );
    await assertReads(handle, mine, snapshotId);
  });

  it("with an unknown required feature is refused, with an unknown optional one it is read", async () => {
    const { repositoryId } = expected;
    const { marker } = repositoryNames(repositoryId);
    const withBit = async (offset: number): Promise<Store> => {
      const mine = await openFixture(clock);
      const changed = await mine.get(marker);
      changed.writeUInt8(changed.readUInt8(offset) | 0x80, offset);
      changed.writeUInt32LE(crc32(changed.subarray(0, changed.length - 4)), changed.length - 4);
      await mine.remove(marker);
      await mine.put(marker, [changed]);
      return mine;
    };
    const refused = openRepository(await withBit(10), { repositoryId });
    await assert.rejects(refused, (error) => hasCode(error, "format-unknown"));
    const mine = await withBit(18);
    await openRepository(mine, { repositoryId });
    await assertReads(await open(undefined, mine), mine);
  });
});
