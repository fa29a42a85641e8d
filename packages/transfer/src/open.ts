import { Fault } from "@cairn/kernel";
import { openRelocations, openRepository, type RepositoryHandle } from "@cairn/repository";
import { type Draw, drawRandom } from "./audit.ts";
import { openPool } from "./pool.ts";
import { StoreSession } from "./session.ts";
import { storeDisk } from "./store-disk.ts";
import type { Transfer, TransferOptions } from "./transfer.ts";
import { TreeReader } from "./tree-reader.ts";
import { writeDisk } from "./write-disk.ts";

const WORKERS = 2;
/**
 * For restoring to a file: threads wait for the medium, and while one does, two others keep two cores busy.
 */
export const RESTORE_WORKERS = 3;

/**
 * Opens a repository for moving disks, and starts the worker threads. Faults: `repository-missing`,
 * `format-unknown`, those of the store. Call `close` when done, whatever happened. `draw` chooses samples;
 * random unless told.
 */
export async function openTransfer(options: TransferOptions, draw: Draw = drawRandom): Promise<Transfer> {
  const { store, repositoryId, keys, random, signal, indexSegments } = options;
  await openRepository(store, { repositoryId, signal });
  const handle: RepositoryHandle = { repositoryId, keys, ...(random === undefined ? {} : { random }) };
  const stopped = new AbortController();
  const life = AbortSignal.any([signal, stopped.signal]);
  const pool = openPool(handle, options.workers ?? WORKERS);
  const { stateHint } = options;
  const session = new StoreSession({ store, handle, pool, indexSegments, stateHint, signal: life });
  const relocations = openRelocations(store, handle, { signal: life });
  const openTree = async (root: string, treeSignal: AbortSignal): Promise<TreeReader> =>
    TreeReader.open({ store, handle, signal: treeSignal, relocations, explain: baseUnreadable }, root);
  const within = (requestSignal: AbortSignal): AbortSignal => AbortSignal.any([requestSignal, life]);
  return {
    storeDisk: async (request) =>
      storeDisk(session, openTree, draw, { ...request, signal: within(request.signal) }),
    seal: async (sealSignal) => {
      within(sealSignal).throwIfAborted();
      return session.seal();
    },
    writeDisk: async (request) =>
      writeDisk({ store, handle, pool, draw, relocations }, { ...request, signal: within(request.signal) }),
    get ignoredSegments() {
      return session.ignoredSegments;
    },
    close: async () => {
      stopped.abort(new Fault("transfer-closed", "moving disks", "never"));
      await session.settled();
      await pool.close();
    },
  };
}

/** The previous tree of a disk is damaged: it is not the end, the disk can be read whole. */
function baseUnreadable(cause: Fault): Fault {
  return new Fault("base-unreadable", "reading the previous snapshot's tree", "never", cause);
}
