import { MiB } from "@cairn/kernel";
import { FORMAT_VERSION, importKeys, type PortableKeys, writeCommit } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { type BlockSource, openTransfer, type Transfer } from "@cairn/transfer";
import { connectDisk, nbdSource } from "./nbd-disk.ts";

/** What the bench asks one process of Cairn to do. */
export interface CairnWork {
  readonly store: string;
  readonly repositoryId: string;
  readonly keys: PortableKeys;
  readonly indexSegments: readonly string[];
  readonly socket: string;
  readonly exportName: string;
  readonly work:
    | { readonly kind: "full"; readonly snapshotId: string }
    | {
        readonly kind: "incremental";
        readonly snapshotId: string;
        readonly previousRoot: string;
        readonly bitmap: string;
        readonly auditBytes: number;
      }
    /** The whole disk is read and compared by hash with the last snapshot. */
    | { readonly kind: "scan"; readonly snapshotId: string; readonly previousRoot: string }
    /** Nothing: the programs are loaded once, as in a datamover that runs since yesterday. */
    | { readonly kind: "start" };
}

/** What it answers, as JSON on its standard output. */
export interface CairnResult {
  readonly root: string;
  readonly indexSegments: readonly string[];
  readonly readBytes: number;
  /** What was added to the repository. */
  readonly storedBytes: number;
}

const WORKLOAD = "00000000-0000-4000-8000-000000000000";

/** Does one piece of work as the datamover does it, commit included, in a process of its own. */
async function perform(request: CairnWork): Promise<CairnResult> {
  const { repositoryId, indexSegments } = request;
  const store = directoryStore(request.store);
  const keys = importKeys(request.keys);
  const { signal } = new AbortController();
  const transfer = await openTransfer({ store, repositoryId, keys, indexSegments, stateHint: 0, signal });
  try {
    if (request.work.kind === "start") return await start(transfer, signal);
    const stored = await protect(transfer, request, request.work, signal);
    const disk = { diskId: "disk", instanceId: "instance", device: "vda", sizeBytes: stored.sizeBytes };
    const commit = {
      formatVersion: FORMAT_VERSION,
      snapshotId: request.work.snapshotId,
      workloadId: WORKLOAD,
      projectId: "bench",
      createdAt: new Date(0).toISOString(),
      type: request.work.kind === "full" ? ("full" as const) : ("incremental" as const),
      metadata: {},
      disks: [{ ...disk, root: stored.root }],
      indexSegments: stored.indexSegments,
    };
    await writeCommit(store, { repositoryId, keys, commit });
    return stored;
  } finally {
    await transfer.close();
  }
}

async function protect(
  transfer: Transfer,
  request: CairnWork,
  work: Exclude<CairnWork["work"], { readonly kind: "start" }>,
  signal: AbortSignal,
): Promise<CairnResult & { readonly sizeBytes: number }> {
  const bitmap = work.kind === "incremental" ? work.bitmap : undefined;
  await using client = await connectDisk(request.socket, request.exportName, bitmap);
  const base = work.kind === "full" ? {} : { previousRoot: work.previousRoot };
  const auditBytes = work.kind === "incremental" ? work.auditBytes : 0;
  const source = nbdSource(client);
  const { root, readBytes, storedBytes } = await transfer.storeDisk({ source, ...base, auditBytes, signal });
  const sealed = await transfer.seal(signal);
  return {
    root,
    indexSegments: sealed.indexSegments,
    readBytes,
    storedBytes: storedBytes + sealed.storedBytes,
    sizeBytes: client.sizeBytes,
  };
}

async function start(transfer: Transfer, signal: AbortSignal): Promise<CairnResult> {
  const sizeBytes = 4 * MiB;
  const source: BlockSource = {
    sizeBytes,
    async *extents() {
      yield { offset: 0, length: sizeBytes, kind: "data" };
    },
    read: async (_, length) => Buffer.alloc(length),
  };
  const { root, readBytes } = await transfer.storeDisk({ source, auditBytes: 0, signal });
  return { root, indexSegments: [], readBytes, storedBytes: 0 };
}

const result = await perform(JSON.parse(process.argv[2] ?? "{}") as CairnWork);
process.stdout.write(JSON.stringify(result));
