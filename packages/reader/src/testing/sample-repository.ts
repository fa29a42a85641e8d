import { createHash } from "node:crypto";
import { KiB, MiB, TiB } from "@cairn/kernel";
import {
  type Commit,
  createKeySet,
  initRepository,
  type NewSlot,
  type RepositoryHandle,
  writeCommit,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type BlockSource, changedExtents, memoryDisk, openTransfer } from "@cairn/transfer";

/** A small repository with two snapshots of two disks, to try readers on. */
export interface SampleRepository {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly first: Commit;
  readonly latest: Commit;
  /** What the disks of the latest snapshot hold. Empty when a huge disk was asked for. */
  readonly contents: readonly Buffer[];
}

export interface SampleOptions {
  readonly slots?: readonly NewSlot[];
  readonly repositoryId?: string;
  /** Makes one disk of this size instead, with 64 KiB of 0x5a at 2 TiB. */
  readonly hugeBytes?: number;
}

/** The key file that opens a sample unless other slots were given. */
export const SAMPLE_KEY = Buffer.alloc(32, 7);
export const SAMPLE_WORKLOAD = "22222222-2222-4222-8222-222222222222";
const REPOSITORY = "11111111-1111-4111-8111-111111111111";
const PROJECT = "33333333-3333-4333-8333-333333333333";
const INSTANCE = "44444444-4444-4444-8444-444444444444";
const VOLUME = "55555555-5555-4555-8555-555555555555";
const never = new AbortController().signal;

/**
 * A disk of 70.1 MiB and one of half a region and a sector: with whole regions, pieces of regions, holes
 * within and between regions, and short last regions, compressible and not.
 */
export async function sampleRepository(store: Store, options: SampleOptions = {}): Promise<SampleRepository> {
  const repositoryId = options.repositoryId ?? REPOSITORY;
  const slots = options.slots ?? [{ kind: "key-file", label: "sample", key: SAMPLE_KEY }];
  const keySet = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 0 });
  await initRepository(store, { repositoryId, keySet: keySet.bytes });
  const handle: RepositoryHandle = { repositoryId, keys: keySet.keys };
  if (options.hugeBytes !== undefined) {
    const source = hugeDisk(options.hugeBytes);
    const { commit } = await takeSnapshot(store, handle, {
      number: 1,
      sources: [source],
      previous: undefined,
    });
    return { store, handle, first: commit, latest: commit, contents: [] };
  }
  const [system, data] = [firstSystemDisk(), noise("data", 512 * KiB + 512)];
  const one = await takeSnapshot(store, handle, {
    number: 1,
    sources: [memoryDisk(system), memoryDisk(data)],
    previous: undefined,
  });
  const dirty = changeSystemDisk(system);
  const two = await takeSnapshot(store, handle, {
    number: 2,
    sources: [memoryDisk(system, changedExtents(system.length, dirty)), memoryDisk(data)],
    previous: one,
  });
  return { store, handle, first: one.commit, latest: two.commit, contents: [system, data] };
}

function firstSystemDisk(): Buffer {
  const disk = Buffer.alloc(70 * MiB + 100 * KiB);
  noise("boot", 3 * MiB).copy(disk, 0);
  disk.fill("compressible text of a log file\n", 10 * MiB, 11 * MiB);
  noise("hole within a region", 64 * KiB).copy(disk, 20 * MiB + 128 * KiB);
  noise("tail", 100 * KiB).copy(disk, 70 * MiB);
  return disk;
}

/** Small changes, so that regions are put together from pieces; returns where. */
function changeSystemDisk(disk: Buffer): Parameters<typeof changedExtents>[1] {
  const changes: readonly (readonly [at: number, bytes: Buffer])[] = [
    [MiB + 192 * KiB, noise("piece", 128 * KiB)],
    [MiB + 640 * KiB, Buffer.alloc(64 * KiB)],
    [40 * MiB + 512 * KiB, noise("new", 64 * KiB)],
    [70 * MiB + 64 * KiB, noise("short grain", 36 * KiB)],
  ];
  for (const [at, bytes] of changes) bytes.copy(disk, at);
  return changes.map(([offset, bytes]) => ({
    offset,
    length: bytes.length,
    kind: bytes.every((byte) => byte === 0) ? "zero" : "data",
  }));
}

/** Bytes that do not compress, the same for the same name. */
function noise(name: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 32) {
    createHash("sha256").update(`${name} ${at}`).digest().copy(bytes, at);
  }
  return bytes;
}

function hugeDisk(sizeBytes: number): BlockSource {
  return {
    sizeBytes,
    async *extents() {
      yield { offset: 0, length: 2 * TiB, kind: "zero" };
      yield { offset: 2 * TiB, length: 64 * KiB, kind: "data" };
      yield { offset: 2 * TiB + 64 * KiB, length: sizeBytes - 2 * TiB - 64 * KiB, kind: "zero" };
    },
    read: async (_, length) => Buffer.alloc(length, 0x5a),
  };
}

interface Taken {
  readonly commit: Commit;
}

async function takeSnapshot(
  store: Store,
  handle: RepositoryHandle,
  taking: {
    readonly number: number;
    readonly sources: readonly BlockSource[];
    readonly previous: Taken | undefined;
  },
): Promise<Taken> {
  const { number, sources, previous } = taking;
  const indexSegments = previous?.commit.indexSegments ?? [];
  const transfer = await openTransfer({ store, ...handle, indexSegments, workers: 0, signal: never });
  try {
    const roots: string[] = [];
    for (const [index, source] of sources.entries()) {
      const previousRoot = previous?.commit.disks[index]?.root;
      const stored = await transfer.storeDisk({
        source,
        ...(previousRoot === undefined ? {} : { previousRoot }),
        auditBytes: 0,
        signal: never,
      });
      roots.push(stored.root);
    }
    const sealed = await transfer.seal(never);
    const commit = commitOf(number, { sources, roots, indexSegments: sealed.indexSegments });
    await writeCommit(store, { ...handle, commit });
    return { commit };
  } finally {
    await transfer.close();
  }
}

function commitOf(
  number: number,
  stored: {
    readonly sources: readonly BlockSource[];
    readonly roots: readonly string[];
    readonly indexSegments: readonly string[];
  },
): Commit {
  return {
    formatVersion: 1,
    snapshotId: `0000000${number}-0000-4000-8000-00000000000${number}`,
    workloadId: SAMPLE_WORKLOAD,
    projectId: PROJECT,
    createdAt: `2026-03-0${number}T02:30:00.000Z`,
    type: number === 1 ? "full" : "incremental",
    metadata: {
      version: 1,
      workload: { id: SAMPLE_WORKLOAD, name: "shop" },
      instances: [{ id: INSTANCE, name: "web-1", flavor: { name: "m1.small" } }],
    },
    disks: stored.sources.map(({ sizeBytes }, index) => ({
      diskId: index === 0 ? `${INSTANCE}-vda` : VOLUME,
      instanceId: INSTANCE,
      device: index === 0 ? "vda" : "vdb",
      sizeBytes,
      root: stored.roots[index] ?? "",
    })),
    indexSegments: stored.indexSegments,
  };
}
