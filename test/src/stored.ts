import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { findSnapshot, listSegments, loadRepository } from "@cairn/database";
import { areIdentical, copyDisk } from "@cairn/embedded";
import { type Commit, openKeySet, readCommit } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { type BlockDestination, fileDestination, memoryDisk, openTransfer } from "@cairn/transfer";
import type { Tree } from "./tree.ts";

/** Keeps the present content of an instance's disk, to compare what was stored of it. */
export async function keepDisk(tree: Tree, instanceId: string, device: string): Promise<Buffer> {
  return readFile(await keepDiskFile(tree, instanceId, device));
}

/** The same as a sparse file, whose path this returns: for disks that are large and nearly empty. */
export async function keepDiskFile(tree: Tree, instanceId: string, device: string): Promise<string> {
  const file = join(tree.folder, `kept-${instanceId}-${device}`);
  await copyDisk(tree.embedded.sandbox, { instanceId, device }, file);
  return file;
}

/** What the repository holds of a snapshot. */
export interface StoredSnapshot {
  readonly commit: Commit;
  /** A disk's content, read from the repository alone: every chunk is authenticated on the way. */
  read(instanceId: string, device: string): Promise<Buffer>;
  /** Whether that is, byte for byte, what a raw file holds. */
  equals(instanceId: string, device: string, keptFile: string): Promise<boolean>;
  /** The same, written to what `destinationOf` makes for the disk's size. */
  write<Destination extends BlockDestination>(
    instanceId: string,
    device: string,
    destinationOf: (sizeBytes: number) => Promise<Destination>,
  ): Promise<Destination>;
}

/**
 * Opens a snapshot in the repository with the installation's key, past the database's opinion of it. `at` is
 * another directory that has the repository.
 */
export async function openStored(tree: Tree, snapshotId: string, at?: string): Promise<StoredSnapshot> {
  const { handle } = tree.database;
  const snapshot = await findSnapshot(handle, { id: snapshotId });
  const repositoryId = snapshot?.repository_id ?? undefined;
  const loaded = repositoryId === undefined ? undefined : await loadRepository(handle, repositoryId);
  if (snapshot === undefined || loaded === undefined) throw new Error(`${snapshotId} has no repository`);
  const { repository } = loaded;
  const masterKey = Buffer.from(await readFile(tree.embedded.layout.keyFile, "utf8"), "base64");
  const { keys } = await openKeySet({
    repositoryId: repository.id,
    bytes: repository.wrapped_keys,
    credentials: [{ kind: "key-file", key: masterKey }],
  });
  const access = { repositoryId: repository.id, keys };
  const store = directoryStore(at ?? tree.embedded.layout.target);
  const commit = await readCommit(store, { ...access, workloadId: snapshot.workload_id, snapshotId });
  // What another directory has is told by the commit alone.
  const indexSegments = at === undefined ? await listSegments(handle, repository.id) : [];
  const write: StoredSnapshot["write"] = async (instanceId, device, destinationOf) => {
    const disk = commit.disks.find((each) => each.instanceId === instanceId && each.device === device);
    if (disk === undefined) throw new Error(`the commit has no disk ${device} of ${instanceId}`);
    const transfer = await openTransfer({ store, ...access, indexSegments, workers: 1, signal: tree.signal });
    try {
      const destination = await destinationOf(disk.sizeBytes);
      await transfer.writeDisk({ root: disk.root, destination, mode: "whole", signal: tree.signal });
      return destination;
    } finally {
      await transfer.close();
    }
  };
  const read = async (instanceId: string, device: string): Promise<Buffer> => {
    let content = Buffer.alloc(0);
    await write(instanceId, device, async (sizeBytes) => {
      content = Buffer.alloc(sizeBytes, 0xee);
      return Promise.resolve(memoryDisk(content));
    });
    return content;
  };
  const equals = async (instanceId: string, device: string, keptFile: string): Promise<boolean> => {
    const path = join(tree.folder, `stored-${snapshotId}-${device}`);
    const file = await write(instanceId, device, async (sizeBytes) =>
      fileDestination({ path, sizeBytes, kind: "new", durable: false }),
    );
    try {
      await file.close();
      return await areIdentical({ path, format: "raw" }, keptFile);
    } finally {
      await rm(path);
    }
  };
  return { commit, read, equals, write };
}
