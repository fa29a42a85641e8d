import { randomUUID } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { GiB, MiB } from "@cairn/kernel";
import {
  beginSession,
  createKeySet,
  endSession,
  FORMAT_VERSION,
  initRepository,
  type RepositoryHandle,
  writeCommit,
} from "@cairn/repository";
import { openStore, requestCounter, type Store, startCeph } from "@cairn/store";
import { type BlockSource, openTransfer } from "@cairn/transfer";
import { atMost, type Family } from "./rows.ts";

const WORKLOAD = "00000000-0000-4000-8000-000000000000";
const REQUESTS_MAX = 30;

/**
 * What snapshots ask of a bucket, all of it: the engine's session and commit, the datamover's packs and
 * index. The bucket is one of a real Ceph, whose store lies in memory; the requests are counted on the wire,
 * repeated ones included. In between, nothing asks a bucket anything: when maintenance is due stands in the
 * database.
 */
export const bucketRows: Family = {
  name: "bucket",
  measure: async (place) => {
    const { signal } = place.meter;
    await using ceph = await startCeph(signal);
    await using image = await open(place.image.path);
    const { maintainer, writer } = await ceph.makeBucket();
    const counter = requestCounter();
    const repositoryId = randomUUID();
    const slots = [{ kind: "key-file", label: "bench", key: Buffer.alloc(32, 1) } as const];
    const { keys, bytes } = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 0 });
    const engine = openStore(maintainer, { counter });
    await initRepository(engine, { repositoryId, keySet: bytes });
    const at: At = { engine, mover: openStore(writer, { counter }), handle: { repositoryId, keys }, signal };
    const source = await dataOf(image, signal);
    const before = counter.total();
    const first = await snapshot(at, source);
    const requests = counter.total() - before;
    const newGiB = source.sizeBytes / GiB;
    await snapshot(at, source, first);
    const kinds = Object.entries(counter.counts).filter(([, count]) => count > 0);
    const all = kinds.map(([kind, count]) => `${String(count)} ${kind}`).join(", ");
    place.tell(
      `bucket      cairn  ${String(requests)} requests for ${newGiB.toFixed(2)} GiB of data; ` +
        `${all} with a second snapshot of the same`,
    );
    const work = "bucket";
    const figure = "S3 requests for each GiB of new data";
    const lists = "S3 LIST requests of both snapshots";
    return [
      atMost(REQUESTS_MAX, { work, figure, is: requests / newGiB, unit: "" }),
      atMost(0, { work, figure: lists, is: counter.counts.list, unit: "" }),
    ];
  },
};

interface At {
  readonly engine: Store;
  readonly mover: Store;
  readonly handle: RepositoryHandle;
  readonly signal: AbortSignal;
}

interface Taken {
  readonly snapshotId: string;
  readonly root: string;
  readonly indexSegments: readonly string[];
}

/** The first GiB of an image that is not zero, or as much as there is, as a disk without holes. */
async function dataOf(image: FileHandle, signal: AbortSignal): Promise<BlockSource> {
  const regions: number[] = [];
  const { size } = await image.stat();
  const region = Buffer.allocUnsafe(MiB);
  const zeros = Buffer.alloc(MiB);
  for (let at = 0; at + MiB <= size && regions.length < GiB / MiB; at += MiB) {
    signal.throwIfAborted();
    await image.read(region, 0, MiB, at);
    if (!region.equals(zeros)) regions.push(at);
  }
  const sizeBytes = regions.length * MiB;
  return {
    sizeBytes,
    async *extents() {
      yield { offset: 0, length: sizeBytes, kind: "data" };
    },
    read: async (offset, length) => {
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length; ) {
        const at = (regions[Math.floor((offset + done) / MiB)] ?? 0) + ((offset + done) % MiB);
        const part = Math.min(length - done, MiB - ((offset + done) % MiB));
        const { bytesRead } = await image.read(bytes, done, part, at);
        done += bytesRead;
      }
      return bytes;
    },
  };
}

/** Takes a snapshot as engine and datamover do, with the requests of both. */
async function snapshot(at: At, source: BlockSource, base?: Taken): Promise<Taken> {
  const { engine, mover, handle, signal } = at;
  const snapshotId = randomUUID();
  const bases = base === undefined ? [] : [base.snapshotId];
  const sessionId = randomUUID();
  const { state } = await beginSession(engine, handle, { sessionId, bases, hint: 0, signal });
  const known = base?.indexSegments ?? [];
  const transfer = await openTransfer({
    ...handle,
    store: mover,
    indexSegments: known,
    stateHint: state.epoch,
    signal,
  });
  try {
    const previous = base === undefined ? {} : { previousRoot: base.root };
    const { root } = await transfer.storeDisk({ source, ...previous, auditBytes: 0, signal });
    const { indexSegments } = await transfer.seal(signal);
    const sizeBytes = source.sizeBytes;
    const commit = {
      formatVersion: FORMAT_VERSION,
      snapshotId,
      workloadId: WORKLOAD,
      projectId: "bench",
      createdAt: new Date(0).toISOString(),
      type: base === undefined ? "full" : "incremental",
      metadata: {},
      disks: [{ diskId: "disk", instanceId: "instance", device: "vda", sizeBytes, root }],
      indexSegments: [...indexSegments],
    } as const;
    await writeCommit(engine, { ...handle, commit, signal });
    await endSession(engine, handle, { sessionId, commit: { workloadId: WORKLOAD, snapshotId }, signal });
    return { snapshotId, root, indexSegments: [...known, ...indexSegments] };
  } finally {
    await transfer.close();
  }
}
