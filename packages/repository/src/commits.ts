import { isDeepStrictEqual } from "node:util";
import { Fault, hasCode } from "@cairn/kernel";
import { fromReserve, type Store } from "@cairn/store";
import { checked, withChecksum } from "./checksum.ts";
import {
  COMMIT_CLEAR_BYTES,
  type CommitFrame,
  decodeCommitClear,
  decodeCommitFrame,
  decodeCommitStructure,
  decodeMetadata,
  decodeTombstone,
  decodeTombstoneFrame,
  encodeCommitFrame,
  encodeCommitHeader,
  encodeCommitStructure,
  encodeMetadata,
  encodeTombstone,
  encodeTombstoneHeader,
} from "./commit/codec.ts";
import type { Commit, CommitStructure, Tombstone } from "./commit/commit.ts";
import { dataKey, type RepositoryKeys, structureKey, writingEpoch } from "./keys.ts";
import { repositoryNames } from "./names.ts";
import { type Randomness, systemRandomness } from "./random.ts";
import { deriveKey, openBytes, sealBytes } from "./seal.ts";

/** Where a repository is, and what opens it. */
export interface RepositoryHandle {
  readonly repositoryId: string;
  readonly keys: RepositoryKeys;
  /**
   * What seals the metadata of commits that are written; data keys unless told. In an encrypted
   * workload's repository structure keys do: it is listed, imported and planned without the tenant's secret,
   * as its disks are not.
   */
  readonly metadataBy?: "data" | "structure";
  /** Where nonces and ids come from; the operating system's unless told. For simulations only. */
  readonly random?: Randomness;
}

const STRUCTURE = "cairn commit structure ";
const METADATA = "cairn commit metadata ";
const STRUCTURE_METADATA = "cairn commit structure metadata ";
const TOMBSTONE = "cairn tombstone ";

/**
 * Makes a snapshot exist: durable, read back and compared when it resolves. It comes last: everything that
 * the commit names must have been sealed before. The same commit again is success (its bytes differ by their
 * nonces, so it is compared by value); another commit under the same ids is a Fault `object-exists`.
 */
export async function writeCommit(
  store: Store,
  request: RepositoryHandle & { readonly commit: Commit; readonly signal?: AbortSignal },
): Promise<void> {
  const { repositoryId, commit, signal } = request;
  const name = repositoryNames(repositoryId).commit(commit.workloadId, commit.snapshotId);
  const expected: unknown = JSON.parse(JSON.stringify({ ...commit, metadata: commit.metadata ?? null }));
  try {
    await store.put(name, [encodeCommit(name, request, commit)], signal);
  } catch (cause) {
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  const found = decodeCommitObject(name, request, await store.get(name, signal));
  if (!isDeepStrictEqual(found, expected)) {
    throw new Fault("object-exists", `storing ${name}: another commit is there`, "never");
  }
}

function encodeCommit(name: string, handle: RepositoryHandle, commit: Commit): Buffer {
  const { repositoryId, keys, random = systemRandomness } = handle;
  const header = encodeCommitHeader(repositoryId, Date.parse(commit.createdAt), writingEpoch(keys));
  const subject = Buffer.from(name);
  const key = deriveKey(structureKey(keys), STRUCTURE, subject);
  const metadataKey =
    handle.metadataBy === "structure"
      ? deriveKey(structureKey(keys), STRUCTURE_METADATA, subject)
      : deriveKey(dataKey(keys), METADATA, subject);
  return withChecksum(
    encodeCommitFrame({
      header,
      structure: sealBytes(key, encodeCommitStructure(commit), header, random),
      metadata: sealBytes(metadataKey, encodeMetadata(commit.metadata), header, random),
    }),
  );
}

function decodeCommitObject(name: string, handle: RepositoryHandle, bytes: Buffer): Commit {
  const frame = decodeCommitFrame(name, handle.repositoryId, checked(name, bytes));
  const metadata = openMetadata(name, handle, frame);
  if (metadata === undefined) throw cannotOpen(name);
  return { ...openStructure(name, handle, frame), metadata: decodeMetadata(name, metadata) };
}

/** The seal tells by which of the two keys it was made; a repository has commits of one kind alone. */
function openMetadata(name: string, { keys }: RepositoryHandle, frame: CommitFrame): Buffer | undefined {
  const { keyEpoch, header, metadata } = frame;
  const subject = Buffer.from(name);
  const structure = deriveKey(structureKey(keys, keyEpoch), STRUCTURE_METADATA, subject);
  const byData = (): Buffer | undefined =>
    openBytes(deriveKey(dataKey(keys, keyEpoch), METADATA, subject), metadata, header);
  const byStructure = (): Buffer | undefined => openBytes(structure, metadata, header);
  // Without data keys the structure's come first: what only data keys open is refused by their absence then.
  return keys.chunkId === undefined ? (byStructure() ?? byData()) : (byData() ?? byStructure());
}

function openStructure(name: string, handle: RepositoryHandle, frame: CommitFrame): CommitStructure {
  const key = deriveKey(structureKey(handle.keys, frame.keyEpoch), STRUCTURE, Buffer.from(name));
  const structure = openBytes(key, frame.structure, frame.header);
  if (structure === undefined) throw cannotOpen(name);
  return decodeCommitStructure(name, structure);
}

function cannotOpen(name: string): Fault {
  return new Fault("object-damaged", `opening ${name}: it was altered, or the key is another one`, "never");
}

/** Reads a commit. Faults: `object-missing`, `object-damaged`, `format-unknown`, those of the store. */
export async function readCommit(
  store: Store,
  request: RepositoryHandle & {
    readonly workloadId: string;
    readonly snapshotId: string;
    readonly signal?: AbortSignal;
  },
): Promise<Commit> {
  const { workloadId, snapshotId, signal } = request;
  const name = repositoryNames(request.repositoryId).commit(workloadId, snapshotId);
  const commit = decodeCommitObject(name, request, await store.get(name, signal));
  if (commit.workloadId !== workloadId || commit.snapshotId !== snapshotId) throw cannotOpen(name);
  return commit;
}

/** A commit without its metadata: all that structure keys open. Faults as `readCommit`. */
export async function readCommitStructure(
  store: Store,
  request: RepositoryHandle & {
    readonly workloadId: string;
    readonly snapshotId: string;
    readonly signal?: AbortSignal;
  },
): Promise<CommitStructure> {
  const { workloadId, snapshotId, signal } = request;
  const name = repositoryNames(request.repositoryId).commit(workloadId, snapshotId);
  const frame = decodeCommitFrame(name, request.repositoryId, checked(name, await store.get(name, signal)));
  const commit = openStructure(name, request, frame);
  if (commit.workloadId !== workloadId || commit.snapshotId !== snapshotId) throw cannotOpen(name);
  return commit;
}

/**
 * When a commit was made and by which key epoch, from its first bytes, which need no key. Nobody has proved
 * them: for listings, never for decisions.
 */
export async function readCommitClear(
  store: Store,
  request: {
    readonly repositoryId: string;
    readonly workloadId: string;
    readonly snapshotId: string;
    readonly signal?: AbortSignal;
  },
): Promise<{ readonly keyEpoch: number; readonly createdAtMs: number }> {
  const { repositoryId, workloadId, snapshotId, signal } = request;
  const name = repositoryNames(repositoryId).commit(workloadId, snapshotId);
  return decodeCommitClear(name, repositoryId, await store.getRange(name, 0, COMMIT_CLEAR_BYTES, signal));
}

/** The snapshots that exist, from the store alone: `{workloadId, snapshotId}` of each commit object. */
export async function* listCommits(
  store: Store,
  request: { readonly repositoryId: string; readonly workloadId?: string; readonly signal?: AbortSignal },
): AsyncGenerator<{ readonly workloadId: string; readonly snapshotId: string }> {
  const prefix = repositoryNames(request.repositoryId).commits();
  const within = repositoryNames(request.repositoryId).commits(request.workloadId);
  for await (const name of store.list(within, request.signal)) {
    const [workloadId, snapshotId, ...more] = name.slice(prefix.length).split("/");
    if (workloadId !== undefined && snapshotId !== undefined && more.length === 0) {
      yield { workloadId, snapshotId };
    }
  }
}

/** Records that a snapshot may be removed. Durable when it resolves; a second request is success. */
export async function writeTombstone(
  store: Store,
  request: RepositoryHandle & { readonly tombstone: Tombstone; readonly signal?: AbortSignal },
): Promise<void> {
  const { repositoryId, keys, tombstone, signal, random = systemRandomness } = request;
  const name = repositoryNames(repositoryId).tombstone(tombstone.snapshotId);
  const header = encodeTombstoneHeader(repositoryId, writingEpoch(keys));
  const key = deriveKey(structureKey(keys), TOMBSTONE, Buffer.from(name));
  const sealed = sealBytes(key, encodeTombstone(tombstone), header, random);
  try {
    await fromReserve(store).put(name, [withChecksum(Buffer.concat([header, sealed]))], signal);
  } catch (cause) {
    // The first request counts: its date is what the owner was told.
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  await readTombstone(store, { ...request, snapshotId: tombstone.snapshotId });
}

/** The tombstone of a snapshot, or `undefined` when its removal was not asked for. */
export async function readTombstone(
  store: Store,
  request: RepositoryHandle & { readonly snapshotId: string; readonly signal?: AbortSignal },
): Promise<Tombstone | undefined> {
  const name = repositoryNames(request.repositoryId).tombstone(request.snapshotId);
  if ((await store.size(name, request.signal)) === undefined) return undefined;
  const body = checked(name, await store.get(name, request.signal));
  const { header, keyEpoch, sealed } = decodeTombstoneFrame(name, request.repositoryId, body);
  const key = deriveKey(structureKey(request.keys, keyEpoch), TOMBSTONE, Buffer.from(name));
  const opened = openBytes(key, sealed, header);
  if (opened === undefined) throw cannotOpen(name);
  return decodeTombstone(name, opened);
}

/**
 * Ends a snapshot's existence. Its packs and pages stay until a sweep finds that nothing names them. The
 * tombstone must be there first, so that a crash between the two never leaves a removal without its reason.
 */
export async function removeCommit(
  store: Store,
  request: RepositoryHandle & {
    readonly workloadId: string;
    readonly snapshotId: string;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  if ((await readTombstone(store, request)) === undefined) {
    throw new Fault("no-tombstone", `removing snapshot ${request.snapshotId} without a tombstone`, "never");
  }
  const name = repositoryNames(request.repositoryId).commit(request.workloadId, request.snapshotId);
  await store.remove(name, request.signal);
}
