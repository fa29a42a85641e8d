import { randomBytes, randomUUID } from "node:crypto";
import { createKeySet, initRepository, type RepositoryHandle } from "@cairn/repository";
import { memoryStore, type Store } from "@cairn/store";
import type { Extent } from "./device.ts";
import { openTransfer, type Transfer, type WrittenDisk } from "./index.ts";
import { memoryDisk } from "./memory-disk.ts";

/** A repository for tests, and what to do with it in one call each. */
export interface Workbench {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  /** Segments of all that was sealed, oldest first. */
  readonly indexSegments: string[];
}

export const neverAborted = new AbortController().signal;

/** An initialised repository on a store. */
export async function setUp(store: Store = memoryStore()): Promise<Workbench> {
  const repositoryId = randomUUID();
  const slots = [{ kind: "key-file", label: "test", key: randomBytes(32) } as const];
  const { keys, bytes } = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 0 });
  await initRepository(store, { repositoryId, keySet: bytes });
  return { store, handle: { repositoryId, keys }, indexSegments: [] };
}

/** Opens a transfer, lends it, and closes it whatever happens. */
export async function withTransfer<Result>(
  bench: Workbench,
  use: (transfer: Transfer) => Promise<Result>,
  store: Store = bench.store,
): Promise<Result> {
  const { handle, indexSegments } = bench;
  const transfer = await openTransfer({ store, ...handle, indexSegments, workers: 0, signal: neverAborted });
  try {
    return await use(transfer);
  } finally {
    await transfer.close();
  }
}

export interface Stored {
  readonly root: string;
  readonly readBytes: number;
  readonly changedBytes: number;
  readonly auditedBytes: number;
  readonly storedBytes: number;
  /** Pages, index and frames. */
  readonly sealedBytes: number;
}

/** Stores one disk and seals. */
export async function store(
  bench: Workbench,
  content: Buffer,
  options: {
    readonly extents?: readonly Extent[];
    readonly previousRoot?: string;
    readonly auditBytes?: number;
  } = {},
): Promise<Stored> {
  return withTransfer(bench, async (transfer) => {
    const stored = await transfer.storeDisk({
      source: memoryDisk(content, options.extents),
      ...(options.previousRoot === undefined ? {} : { previousRoot: options.previousRoot }),
      auditBytes: options.auditBytes ?? 0,
      signal: neverAborted,
    });
    const sealed = await transfer.seal(neverAborted);
    bench.indexSegments.push(...sealed.indexSegments);
    return { ...stored, sealedBytes: sealed.storedBytes };
  });
}

/** Writes a stored disk onto another. */
export async function restore(
  bench: Workbench,
  root: string,
  destination: Buffer,
  mode: "whole" | "differences" = "whole",
): Promise<WrittenDisk> {
  return withTransfer(bench, async (transfer) =>
    transfer.writeDisk({ root, destination: memoryDisk(destination), mode, signal: neverAborted }),
  );
}

export { changedExtents as changes } from "./memory-disk.ts";
