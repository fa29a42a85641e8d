import { KiB, MiB } from "@cairn/kernel";
import {
  type Commit,
  changeKeySet,
  createKeySet,
  EMPTY_STATE,
  initRepository,
  type KeySet,
  type NewSlot,
  openPack,
  PackBuilder,
  type RecordKind,
  type RepositoryHandle,
  repositoryNames,
  type SegmentEntry,
  writeCommit,
  writeRelocations,
  writeState,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type BlockSource, changedExtents, memoryDisk, openTransfer } from "@cairn/transfer";
import { drawnFrom } from "./format-fixture.ts";

/** A repository that uses everything that the format document knows, and what is in its newest snapshot. */
export interface RichRepository {
  readonly repositoryId: string;
  readonly snapshotId: string;
  readonly disks: readonly { readonly diskId: string; readonly content: Buffer }[];
}

const REPOSITORY = "aaaaaaaa-0000-4000-8000-00000000000a";
const WORKLOAD = "bbbbbbbb-0000-4000-8000-00000000000b";
const never = new AbortController().signal;

/**
 * Two snapshots of two disks, the second one with pieces of regions, holes and short last regions; between
 * them the key set changes and a key epoch begins; after them all packs of the first snapshot are moved, so
 * that relocations alone say where its records are.
 */
export async function richRepository(store: Store, slots: readonly NewSlot[]): Promise<RichRepository> {
  const repositoryId = REPOSITORY;
  const first = await createKeySet({ repositoryId, slots: slots.slice(0, 1), withoutEscrow: true, at: 1 });
  await initRepository(store, { repositoryId, keySet: first.bytes });
  const disks = [systemDisk(), drawnFrom("data")(3 * MiB + 512)];
  const whole = disks.map((disk) => memoryDisk(disk));
  const one = await takeSnapshot(store, first, { number: 1, sources: whole });
  const old = await packsOf(store, first);
  const second = await changeKeySet(store, first, {
    add: slots.slice(1),
    rotate: true,
    withoutEscrow: true,
    at: 2,
  });
  const changed = disks.map((disk, index) =>
    memoryDisk(disk, changedExtents(disk.length, index === 0 ? change(disk) : [])),
  );
  const two = await takeSnapshot(store, second, { number: 2, sources: changed, previous: one });
  await moveRecords(store, second, old);
  const contents = two.disks.map(({ diskId }, index) => {
    return { diskId, content: disks[index] ?? Buffer.alloc(0) };
  });
  return { repositoryId, snapshotId: two.snapshotId, disks: contents };
}

function systemDisk(): Buffer {
  const disk = Buffer.alloc(300 * MiB + 100 * KiB);
  drawnFrom("boot")(2 * MiB).copy(disk, 0);
  disk.fill("a line of a log file\n", 10 * MiB, 12 * MiB);
  drawnFrom("in the second leaf")(MiB).copy(disk, 270 * MiB);
  drawnFrom("short region")(100 * KiB).copy(disk, 300 * MiB);
  return disk;
}

/** Changes a disk here and there, and says where. */
function change(disk: Buffer): Parameters<typeof changedExtents>[1] {
  const changes: readonly (readonly [offset: number, bytes: Buffer])[] = [
    [MiB + 192 * KiB, drawnFrom("piece")(128 * KiB)],
    [MiB + 640 * KiB, Buffer.alloc(64 * KiB)],
    [11 * MiB + 64 * KiB, drawnFrom("other piece")(64 * KiB)],
    [40 * MiB + 512 * KiB, drawnFrom("alone in its region")(64 * KiB)],
    [300 * MiB + 64 * KiB, drawnFrom("short grain")(36 * KiB)],
  ];
  for (const [offset, bytes] of changes) bytes.copy(disk, offset);
  return changes.map(([offset, bytes]) => {
    return { offset, length: bytes.length, kind: bytes.every((byte) => byte === 0) ? "zero" : "data" };
  });
}

async function takeSnapshot(
  store: Store,
  { repositoryId, keys }: KeySet,
  taking: { readonly number: number; readonly sources: readonly BlockSource[]; readonly previous?: Commit },
): Promise<Commit> {
  const { number, sources, previous } = taking;
  const handle: RepositoryHandle = { repositoryId, keys };
  const transfer = await openTransfer({
    store,
    ...handle,
    indexSegments: previous?.indexSegments ?? [],
    workers: 0,
    signal: never,
  });
  try {
    const disks: Commit["disks"][number][] = [];
    for (const [index, disk] of sources.entries()) {
      const previousRoot = previous?.disks[index]?.root;
      const base = previousRoot === undefined ? {} : { previousRoot };
      const { root } = await transfer.storeDisk({ source: disk, ...base, auditBytes: 0, signal: never });
      const device = `vd${"ab".charAt(index)}`;
      const { sizeBytes } = disk;
      disks.push({ diskId: `disk-${device}`, instanceId: "web", device, sizeBytes, root });
    }
    const { indexSegments } = await transfer.seal(never);
    const commit: Commit = {
      formatVersion: 1,
      snapshotId: `cccccccc-0000-4000-8000-00000000000${number}`,
      workloadId: WORKLOAD,
      projectId: "shop",
      createdAt: `2026-01-0${number}T00:00:00.000Z`,
      type: number === 1 ? "full" : "incremental",
      metadata: { workload: { name: "läden" }, note: null },
      disks,
      indexSegments,
    };
    await writeCommit(store, { ...handle, commit });
    return commit;
  } finally {
    await transfer.close();
  }
}

interface FoundPack {
  readonly kind: RecordKind;
  readonly name: string;
}

async function packsOf(store: Store, { repositoryId }: KeySet): Promise<FoundPack[]> {
  const names = repositoryNames(repositoryId);
  const found: FoundPack[] = [];
  for (const kind of ["chunk", "page"] as const) {
    for await (const name of store.list(names.packs(kind))) found.push({ kind, name });
  }
  return found;
}

/**
 * Moves all records of some packs into new packs without opening them, and removes the old ones, as a sweep
 * does.
 */
async function moveRecords(
  store: Store,
  { repositoryId, keys }: KeySet,
  packs: readonly FoundPack[],
): Promise<void> {
  const handle: RepositoryHandle = { repositoryId, keys };
  const relocations: string[] = [];
  for (const { kind, name } of packs) {
    const bytes = await store.get(name);
    const builder = new PackBuilder(handle, kind, Buffer.alloc(bytes.length + 4 * MiB));
    // The last record first, so that hardly anything lies where it was.
    const { entries } = openPack(handle, { packId: name.slice(-32), kind, bytes });
    const moved = entries.toReversed().map(({ id, offset, storedBytes, plainBytes }): SegmentEntry => {
      const record = bytes.subarray(offset, offset + storedBytes);
      return { id, pack: builder.packId, plainBytes, ...builder.addSealed(id, record, plainBytes) };
    });
    await store.put(builder.name, [Buffer.from(builder.finish())]);
    relocations.push((await writeRelocations(store, handle, { kind, entries: moved })).name);
  }
  const state = { ...EMPTY_STATE, by: "test", at: 3, relocations };
  await writeState(store, handle, { state: { ...state, epoch: 1, relocations: [] } });
  await writeState(store, handle, { state: { ...state, epoch: 2 } });
  for (const { name } of packs) await store.remove(name);
}
