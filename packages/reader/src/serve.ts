import { MiB, mapLimited } from "@cairn/kernel";
import { type NbdExport, type NbdListen, type NbdServer, type NbdServerEvent, serveNbd } from "@cairn/nbd";
import type { CommittedDisk, RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type DiskReader, openReadSession } from "@cairn/transfer";

export interface ServeOptions {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  /** The disks of the commit; several instances may be among them. */
  readonly disks: readonly CommittedDisk[];
  readonly listen: NbdListen;
  /** 88 MiB unless told. */
  readonly cacheBytes?: number;
  /** Worker threads; 2 unless told. */
  readonly workers?: number;
  readonly onEvent?: (event: NbdServerEvent) => void;
  readonly signal: AbortSignal;
}

/** A disk that is served, and the names that it has (`exportNames`). */
export interface ServedDisk {
  readonly disk: CommittedDisk;
  readonly exportNames: readonly string[];
  readonly uri: string;
}

export interface ServedSnapshot extends AsyncDisposable {
  readonly server: NbdServer;
  readonly disks: readonly ServedDisk[];
  close(): Promise<void>;
}

/** The process then stays below 300 MiB. */
const CACHE_BYTES = 88 * MiB;
const WORKERS = 2;
/** Roots that are read at once. */
const OPENED_AT_ONCE = 8;

/**
 * Serves disks of a snapshot over NBD, read-only, until it is closed or the signal is aborted. Disks share
 * the cache and the threads. Faults: those of `openReadSession`, `object-missing` and `object-damaged` of a
 * disk's root, `nbd-listen-failed`. What cannot be read later is `EIO` for that request, and an event.
 */
export async function serveSnapshot(options: ServeOptions): Promise<ServedSnapshot> {
  const { store, handle, signal, listen, onEvent, cacheBytes = CACHE_BYTES, workers = WORKERS } = options;
  const session = await openReadSession({ store, handle, cacheBytes, workers, signal });
  try {
    const names = exportNames(options.disks);
    const readers = await mapLimited(options.disks, OPENED_AT_ONCE, async ({ root, diskId }) =>
      session.openDisk({ root, disk: diskId }),
    );
    const exports = options.disks.flatMap((disk, index) => {
      const reader = readers[index];
      return reader === undefined ? [] : (names[index] ?? []).map((name) => asExport(name, disk, reader));
    });
    const told = onEvent === undefined ? {} : { onEvent };
    const server = await serveNbd({ exports, listen, signal, ...told });
    const close = async (): Promise<void> => {
      await server.close();
      await session.close();
    };
    const disks = options.disks.map((disk, index) => {
      const own = names[index] ?? [];
      return { disk, exportNames: own, uri: server.uri(own[0] ?? "") };
    });
    return { server, disks, close, [Symbol.asyncDispose]: close };
  } catch (cause) {
    await session.close();
    throw cause;
  }
}

/**
 * The names of each disk, in the order of the disks: its id, its device, and its device behind its instance;
 * each only where no other disk has it.
 */
export function exportNames(disks: readonly CommittedDisk[]): readonly (readonly string[])[] {
  const candidates = disks.map(({ diskId, device, instanceId }) => [
    ...new Set([diskId, device, `${instanceId}/${device}`]),
  ]);
  const uses = new Map<string, number>();
  for (const name of candidates.flat()) uses.set(name, (uses.get(name) ?? 0) + 1);
  return candidates.map((names, index) => {
    const own = names.filter((name) => uses.get(name) === 1);
    return own.length > 0 ? own : [`disk-${index + 1}`];
  });
}

function asExport(name: string, disk: CommittedDisk, reader: DiskReader): NbdExport {
  return {
    name,
    description: `${disk.device} of instance ${disk.instanceId}`,
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
