import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, KiB, MiB } from "@cairn/kernel";
import { sweep } from "@cairn/maintenance";
import {
  beginSession,
  type Commit,
  changeKeySet,
  chunkId,
  chunkIdKey,
  createEscrow,
  createKeySet,
  endSession,
  FORMAT_VERSION,
  formatEscrow,
  initRepository,
  type KeySet,
  type RepositoryHandle,
  randomId,
  readPackEntries,
  removeCommit,
  writeCommit,
  writeTombstone,
  writingEpoch,
} from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import { type Extent, openTransfer } from "@cairn/transfer";
import {
  diskSource,
  drawnFrom,
  type Expected,
  type ExpectedSnapshot,
  FIXTURE,
  never,
  packFixture,
  sha256,
} from "./format-fixture.ts";

/*
 * Makes test/fixtures/format-1: `node test/src/make-format-fixture.ts`. It was run once, when version 1
 * became final. What it wrote stays: run it again only into another folder, for another version.
 */

const HOUR_MS = 60 * 60 * 1000;
const random = drawnFrom("format 1");
const repositoryId = randomId(random);
let now = Date.parse("2026-11-22T12:00:00.000Z");
const clock = { now: () => now, sleep: async () => undefined };
const store = memoryStore(clock);
const secretId = randomId(random);
const secrets = { keyFile: random(32), structureKeyFile: random(32), secret: random(32) };
const passphrase = "nine stones upon a hill";
const escrow = createEscrow(random);
const segments: string[] = [];
const expected: ExpectedSnapshot[] = [];

interface Taken {
  readonly commit: Commit;
  readonly snapshot: ExpectedSnapshot;
}

/** Takes a snapshot of one disk as a datamover and an engine do, in a session. */
async function takeSnapshot(
  keySet: KeySet,
  workloadId: string,
  disk: { readonly content: Buffer; readonly changed?: readonly Extent[]; readonly base?: Taken },
): Promise<Taken> {
  now += HOUR_MS;
  const handle: RepositoryHandle = { repositoryId, keys: keySet.keys, random };
  const [sessionId, snapshotId] = [randomId(random), randomId(random)];
  const bases = disk.base === undefined ? [] : [disk.base.commit.snapshotId];
  await beginSession(store, handle, { sessionId, workloadId, snapshotId, bases });
  const transfer = await openTransfer(
    { store, ...handle, random, indexSegments: segments, workers: 0, signal: never },
    () => 0,
  );
  try {
    const previousRoot = disk.base?.commit.disks[0]?.root;
    const source = diskSource(disk.content, disk.changed);
    const base = previousRoot === undefined ? {} : { previousRoot };
    const { root } = await transfer.storeDisk({ source, ...base, auditBytes: 0, signal: never });
    const { indexSegments } = await transfer.seal(never);
    segments.push(...indexSegments);
    const type = disk.changed === undefined ? "full" : "incremental";
    const commit: Commit = {
      formatVersion: FORMAT_VERSION,
      snapshotId,
      workloadId,
      projectId: "0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f",
      createdAt: new Date(now).toISOString(),
      type,
      metadata: { workload: { name: "fixture ☕" } },
      disks: [{ diskId: "disk", instanceId: "i", device: "vda", sizeBytes: disk.content.length, root }],
      indexSegments,
    };
    await writeCommit(store, { ...handle, commit });
    await endSession(store, handle, { sessionId, commit: { workloadId, snapshotId } });
    const content = { diskId: "disk", sizeBytes: disk.content.length, sha256: sha256(disk.content) };
    const keyEpoch = writingEpoch(keySet.keys);
    return { commit, snapshot: { workloadId, snapshotId, type, keyEpoch, disks: [content] } };
  } finally {
    await transfer.close();
  }
}

async function makeKeys(): Promise<KeySet> {
  const set = await createKeySet({
    repositoryId,
    slots: [
      { kind: "key-file", label: "engine", key: secrets.keyFile },
      { kind: "passphrase", label: "operator", passphrase, costLog2: 12 },
      { kind: "barbican", label: "project", secretId, key: secrets.secret },
      { kind: "escrow", label: "escrow", publicKey: escrow.publicKey },
      { kind: "key-file", label: "sweep", rights: "structure", key: secrets.structureKeyFile },
    ],
    at: now,
    random,
  });
  await initRepository(store, { repositoryId, keySet: set.bytes });
  return set;
}

/** Whole regions that compress, zero runs, and a short last region. */
function systemDisk(): Buffer {
  const disk = Buffer.alloc(7 * MiB + 512);
  disk.fill("a cairn is a pile of stones\n", 0, MiB);
  disk.fill("boot loader\n", 2 * MiB, 4 * MiB);
  drawnFrom("noise")(8 * KiB).copy(disk, 5 * MiB + 3 * KiB);
  disk.fill("the last sector\n", 7 * MiB);
  return disk;
}

/** Changes grains, so that regions are put together; one becomes zero. */
function change(disk: Buffer, word: string, grains: readonly number[], zero: number): Extent[] {
  const size = 64 * KiB;
  for (const grain of grains) disk.fill(`${word} ${grain}\n`, grain * size, (grain + 1) * size);
  disk.fill(0, zero * size, (zero + 1) * size);
  return [...grains, zero]
    .toSorted((a, b) => a - b)
    .map((grain) => ({
      offset: grain * size,
      length: size,
      kind: grain === zero ? ("zero" as const) : ("data" as const),
    }));
}

/** Three snapshots of one disk, the last one after a rotation. */
async function chain(first: KeySet): Promise<KeySet> {
  const workloadId = randomId(random);
  const disk = systemDisk();
  const full = await takeSnapshot(first, workloadId, { content: disk });
  const one = change(disk, "changed", [3, 4, 36, 111], 70);
  const second = await takeSnapshot(first, workloadId, { content: disk, changed: one, base: full });
  const rotated = await changeKeySet(store, first, { rotate: true, at: now, random });
  const two = change(disk, "rotated", [5, 90], 33);
  const third = await takeSnapshot(rotated, workloadId, { content: disk, changed: two, base: second });
  expected.push(full.snapshot, second.snapshot, third.snapshot);
  return rotated;
}

/** A pack of which little is left in use: compaction moves that, and a relocation says where. */
async function relocated(keySet: KeySet): Promise<string> {
  const [gone, stays] = [randomId(random), randomId(random)];
  const shared = drawnFrom("shared")(4 * KiB);
  const large = Buffer.alloc(2 * MiB);
  drawnFrom("large")(90 * KiB).copy(large);
  shared.copy(large, MiB);
  const removed = await takeSnapshot(keySet, gone, { content: large });
  const small = Buffer.alloc(MiB);
  shared.copy(small);
  const kept = await takeSnapshot(keySet, stays, { content: small });
  expected.push(kept.snapshot);
  const { workloadId, snapshotId } = removed.commit;
  const handle = { repositoryId, keys: keySet.keys, random };
  const at = new Date(now).toISOString();
  const tombstone = { workloadId, snapshotId, requestedAt: at, requestedBy: "user", notBefore: at };
  await writeTombstone(store, { ...handle, tombstone });
  await removeCommit(store, { ...handle, workloadId, snapshotId });
  for (let round = 0; round < 3; round += 1) {
    now += 30 * HOUR_MS;
    const options = { store, remover: store, handle, clock, by: `fixture ${round}`, signal: never };
    const report = await sweep({ ...options, limits: { confirmShare: 1 } });
    segments.splice(
      0,
      segments.length,
      ...segments.filter((each) => !report.indexSegments.removed.includes(each)),
    );
    segments.push(...report.indexSegments.added);
  }
  return snapshotId;
}

/** One record of a pack with a flipped bit: everything else of the snapshot reads. */
async function damaged(keySet: KeySet): Promise<Expected["damage"]> {
  const disk = Buffer.alloc(2 * MiB);
  drawnFrom("sound")(3 * KiB).copy(disk);
  drawnFrom("lost")(3 * KiB).copy(disk, MiB);
  const before = new Set(await Array.fromAsync(store.list("")));
  const { commit, snapshot } = await takeSnapshot(keySet, randomId(random), { content: disk });
  expected.push(snapshot);
  const prefix = `${repositoryId}/p/`;
  const added = (await Array.fromAsync(store.list(prefix))).filter((name) => !before.has(name));
  const [name] = added;
  assert(name !== undefined && added.length === 1, "the snapshot has one pack of chunks");
  const packId = name.split("/").at(-1) ?? "";
  const handle = { repositoryId, keys: keySet.keys };
  const entries = await readPackEntries(store, handle, { packId, kind: "chunk" });
  const lost = chunkId(chunkIdKey(handle.keys), disk.subarray(MiB));
  const record = entries.find(({ id }) => id.equals(lost));
  assert(record !== undefined && entries.length === 2, "the pack has two records");
  await flip(store, name, record.offset + 100);
  return { snapshotId: commit.snapshotId, offset: MiB, length: MiB, pack: packId };
}

async function flip(target: Store, name: string, offset: number): Promise<void> {
  const bytes = await target.get(name);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
  await target.remove(name);
  await target.put(name, [bytes]);
}

const rotated = await chain(await makeKeys());
const removed = await relocated(rotated);
const damage = await damaged(rotated);
const told: Expected = {
  repositoryId,
  keySetId: rotated.id,
  at: now + HOUR_MS,
  secrets: {
    keyFile: secrets.keyFile.toString("base64"),
    structureKeyFile: secrets.structureKeyFile.toString("base64"),
    passphrase,
    secretId,
    secret: secrets.secret.toString("base64"),
    escrow: await formatEscrow(escrow),
  },
  snapshots: expected,
  removed,
  damage,
};
const folder = process.argv[2] ?? FIXTURE;
await packFixture(store, join(folder, "repository.tar"));
await writeFile(join(folder, "expected.json"), `${JSON.stringify(told, null, 2)}\n`);
