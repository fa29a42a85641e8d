import { asError } from "@cairn/kernel";
import { openRelocations, openRepository, REGION_BYTES } from "@cairn/repository";
import { ChunkLoader, readerClosed } from "./chunk-loader.ts";
import type { DiskReader, DiskReaderOptions, ReadSession, ReadSessionOptions } from "./disk-reader.ts";
import { openPool } from "./pool.ts";
import { SnapshotDisk } from "./snapshot-disk.ts";
import { TreeReader } from "./tree-reader.ts";

/** Pages in memory of each disk: leaves of 64 GiB, about 16 MiB. */
const PAGES_MAX = 256;
const AHEAD_REGIONS_MAX = 32;

/**
 * Opens a repository for reading disks at random. Faults: `repository-missing`, `format-unknown`,
 * `wrong-key`, those of the store. Call `close` when done.
 */
export async function openReadSession(options: ReadSessionOptions): Promise<ReadSession> {
  const { store, handle, cacheBytes, signal } = options;
  await openRepository(store, { repositoryId: handle.repositoryId, signal });
  const stopped = new AbortController();
  const life = AbortSignal.any([signal, stopped.signal]);
  const pool = openPool(handle, options.workers);
  const relocations = openRelocations(store, handle, { signal: life });
  const tools = { store, handle, pool, relocations, doing: "reading", signal: life };
  const loader = new ChunkLoader(tools, cacheBytes);
  // What is read ahead must not push out what others are about to read.
  const aheadRegionsMax = Math.min(AHEAD_REGIONS_MAX, Math.floor(cacheBytes / REGION_BYTES / 4));
  return {
    openDisk: async ({ root, disk = "the disk" }) => {
      const closed = new AbortController();
      const diskLife = AbortSignal.any([life, closed.signal]);
      const source = { store, handle, relocations, pagesMax: PAGES_MAX, signal: diskLife };
      const tree = await TreeReader.open(source, root);
      const close = (): void => closed.abort(readerClosed());
      return new SnapshotDisk({ tree, loader, disk, aheadRegionsMax, signal: diskLife, close });
    },
    get usage() {
      return loader.cache.usage;
    },
    close: async () => {
      stopped.abort(readerClosed());
      await pool.close();
      await loader.settled();
    },
  };
}

/** Opens one disk with a cache and threads of its own; its `close` ends them. Faults as `openReadSession`. */
export async function openDiskReader(options: DiskReaderOptions): Promise<DiskReader> {
  const session = await openReadSession(options);
  try {
    const { root, disk } = options;
    const reader = await session.openDisk({ root, ...(disk === undefined ? {} : { disk }) });
    return {
      sizeBytes: reader.sizeBytes,
      read: async (offset, length, signal) => reader.read(offset, length, signal),
      lend: async (offset, length, signal) => reader.lend(offset, length, signal),
      lendNow: (offset, length) => reader.lendNow(offset, length),
      extents: (range, signal) => reader.extents(range, signal),
      close: async () => session.close(),
    };
  } catch (cause) {
    await session.close();
    throw asError(cause);
  }
}
