import { join } from "node:path";
import { MiB, mapLimited } from "@cairn/kernel";
import { type NbdExport, type NbdServerEvent, serveNbd } from "@cairn/nbd";
import type { RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type DiskReader, openReadSession } from "@cairn/transfer";

/** A disk of a snapshot, and what the machine calls it. */
export interface MachineDisk {
  /** `<number of the snapshot>.<device>`: at most 20 bytes, as serial numbers of disks are. */
  readonly serial: string;
  readonly diskId: string;
  /** The address of its root page, as the commit has it. */
  readonly root: string;
}

export interface ServingOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly disks: readonly MachineDisk[];
  /** Where the socket shall be. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface ServedDisks extends AsyncDisposable {
  readonly socketPath: string;
  /** Why disks could not be read: the machine only knows that they could not. */
  readonly failures: readonly unknown[];
}

const CACHE_BYTES = 48 * MiB;
const WORKERS = 1;
const OPENED_AT_ONCE = 8;
const FAILURES_MAX = 5;

/** Serves disks, read-only, each under its serial number. Faults as of `openReadSession`, `serveNbd`. */
export async function serveDisks(options: ServingOptions): Promise<ServedDisks> {
  const { store, handle, disks, folder, signal } = options;
  const session = await openReadSession({ store, handle, cacheBytes: CACHE_BYTES, workers: WORKERS, signal });
  try {
    const exports = await mapLimited(disks, OPENED_AT_ONCE, async ({ serial, diskId, root }) =>
      asExport(serial, await session.openDisk({ root, disk: diskId })),
    );
    const socketPath = join(folder, "disks.sock");
    const failures: unknown[] = [];
    const onEvent = (event: NbdServerEvent): void => {
      if (event.kind === "request-failed" && failures.length < FAILURES_MAX) failures.push(event.cause);
    };
    const server = await serveNbd({ exports, listen: { kind: "unix", path: socketPath }, onEvent, signal });
    return {
      socketPath,
      failures,
      [Symbol.asyncDispose]: async () => {
        await server.close();
        await session.close();
      },
    };
  } catch (cause) {
    await session.close();
    throw cause;
  }
}

function asExport(name: string, reader: DiskReader): NbdExport {
  return {
    name,
    sizeBytes: reader.sizeBytes,
    lend: async (offset, length, signal) => reader.lend(offset, length, signal),
    lendNow: (offset, length) => reader.lendNow(offset, length),
    async *extents(offset, length, signal) {
      for await (const extent of reader.extents({ offset, length }, signal)) {
        yield { ...extent, kind: extent.kind === "zero" ? "zero" : "data" };
      }
    },
  };
}
