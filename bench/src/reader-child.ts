import { once } from "node:events";
import { serveSnapshot } from "@cairn/reader";
import { importKeys, type PortableKeys } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { fileDestination, openTransfer, RESTORE_WORKERS } from "@cairn/transfer";

/** A disk of a snapshot, and all that it takes to read it. */
export interface StoredDisk {
  readonly store: string;
  readonly repositoryId: string;
  readonly keys: PortableKeys;
  readonly root: string;
  readonly sizeBytes: number;
}

/** What the bench asks one process of `cairn repo` to do. */
export type ReaderWork = StoredDisk &
  (
    | { readonly kind: "extract"; readonly path: string; readonly durable: boolean }
    /** Says when it listens, and goes on until its standard input ends. */
    | { readonly kind: "serve"; readonly socket: string }
  );

const SERVED_DISK = "disk";

async function extract(work: ReaderWork & { readonly kind: "extract" }): Promise<void> {
  const { path, sizeBytes, durable, root, repositoryId } = work;
  const { signal } = new AbortController();
  const from = { store: directoryStore(work.store), repositoryId, keys: importKeys(work.keys) };
  const transfer = await openTransfer({ ...from, indexSegments: [], workers: RESTORE_WORKERS, signal });
  await using destination = await fileDestination({ path, sizeBytes, kind: "new", durable });
  await transfer.writeDisk({ root, destination, mode: "whole", signal });
  await transfer.close();
}

async function serve(work: ReaderWork & { readonly kind: "serve" }): Promise<void> {
  const { root, sizeBytes, repositoryId } = work;
  const stopped = new AbortController();
  const disk = { diskId: SERVED_DISK, instanceId: "instance", device: "vda", sizeBytes, root };
  await using snapshot = await serveSnapshot({
    store: directoryStore(work.store),
    handle: { repositoryId, keys: importKeys(work.keys) },
    disks: [disk],
    listen: { kind: "unix", path: work.socket },
    signal: stopped.signal,
  });
  process.stdout.write(`${snapshot.disks[0]?.uri ?? ""}\n`);
  process.stdin.resume();
  await once(process.stdin, "end");
}

const work = JSON.parse(process.argv[2] ?? "{}") as ReaderWork;
await (work.kind === "extract" ? extract(work) : serve(work));
