import { isDeepStrictEqual } from "node:util";
import { Fault, hasCode } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import { checked, withChecksum } from "./checksum.ts";
import {
  decodeCommit,
  decodeCommitFrame,
  decodeTombstone,
  decodeTombstoneFrame,
  encodeCommitFrame,
  encodeCommitHeader,
  encodeCommitStructure,
  encodeMetadata,
  encodeTombstone,
  encodeTombstoneHeader,
} from "./commit/codec.ts";
import type { Commit, Tombstone } from "./commit/commit.ts";
import type { RepositoryKeys } from "./keys.ts";
import { repositoryNames } from "./names.ts";
import { deriveKey, openBytes, sealBytes } from "./seal.ts";

/** Where a repository is, and what opens it. */
export interface RepositoryHandle {
  readonly repositoryId: string;
  readonly keys: RepositoryKeys;
}

const STRUCTURE = "cairn commit structure ";
const METADATA = "cairn commit metadata ";
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
  const { repositoryId, keys, commit, signal } = request;
  const name = repositoryNames(repositoryId).commit(commit.workloadId, commit.snapshotId);
  const expected: unknown = JSON.parse(JSON.stringify({ ...commit, metadata: commit.metadata ?? null }));
  try {
    await store.put(name, [encodeCommit(name, repositoryId, keys, commit)], signal);
  } catch (cause) {
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  const found = decodeCommitObject(name, { repositoryId, keys }, await store.get(name, signal));
  if (!isDeepStrictEqual(found, expected)) {
    throw new Fault("object-exists", `storing ${name}: another commit is there`, "never");
  }
}

function encodeCommit(name: string, repositoryId: string, keys: RepositoryKeys, commit: Commit): Buffer {
  const header = encodeCommitHeader(repositoryId, Date.parse(commit.createdAt));
  const subject = Buffer.from(name);
  return withChecksum(
    encodeCommitFrame({
      header,
      structure: sealBytes(
        deriveKey(keys.structure, STRUCTURE, subject),
        encodeCommitStructure(commit),
        header,
      ),
      metadata: sealBytes(deriveKey(keys.data, METADATA, subject), encodeMetadata(commit.metadata), header),
    }),
  );
}

function decodeCommitObject(name: string, handle: RepositoryHandle, bytes: Buffer): Commit {
  const frame = decodeCommitFrame(name, handle.repositoryId, checked(name, bytes));
  const subject = Buffer.from(name);
  const structureKey = deriveKey(handle.keys.structure, STRUCTURE, subject);
  const structure = openBytes(structureKey, frame.structure, frame.header);
  const metadata = openBytes(deriveKey(handle.keys.data, METADATA, subject), frame.metadata, frame.header);
  if (structure === undefined || metadata === undefined) throw cannotOpen(name);
  return decodeCommit(name, structure, metadata);
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
  const { repositoryId, keys, tombstone, signal } = request;
  const name = repositoryNames(repositoryId).tombstone(tombstone.snapshotId);
  const header = encodeTombstoneHeader(repositoryId);
  const key = deriveKey(keys.structure, TOMBSTONE, Buffer.from(name));
  const sealed = sealBytes(key, encodeTombstone(tombstone), header);
  try {
    await store.put(name, [withChecksum(Buffer.concat([header, sealed]))], signal);
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
  const { header, sealed } = decodeTombstoneFrame(name, request.repositoryId, body);
  const opened = openBytes(deriveKey(request.keys.structure, TOMBSTONE, Buffer.from(name)), sealed, header);
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
