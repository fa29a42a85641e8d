import type { Store } from "@cairn/store";
import { damaged } from "./bytes.ts";
import { checked, withChecksum } from "./checksum.ts";
import type { RepositoryHandle } from "./commits.ts";
import { structureKey, writingEpoch } from "./keys.ts";
import { repositoryNames } from "./names.ts";
import { PACK_ID_BYTES, type RecordKind } from "./pack/codec.ts";
import { systemRandomness } from "./random.ts";
import { releaseBuffer } from "./release.ts";
import { deriveKey, openBytes, sealBytes } from "./seal.ts";
import {
  decodeSegmentHeader,
  decodeSegmentTable,
  encodeSegmentBody,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentEntry,
  type SegmentTable,
} from "./segment/codec.ts";

const PURPOSE = "cairn index segment ";

/** Stores an index segment and reads it back. Returns its name within the repository, `i/…`, and its size. */
export async function writeSegment(
  store: Store,
  handle: RepositoryHandle,
  entries: readonly SegmentEntry[],
  signal?: AbortSignal,
): Promise<{ readonly name: string; readonly storedBytes: number }> {
  return writeRelocations(store, handle, {
    kind: "chunk",
    entries,
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * Stores where records lie now, and reads it back. It counts once a state lists its name. One of chunks
 * serves deduplication like any index segment.
 */
export async function writeRelocations(
  store: Store,
  handle: RepositoryHandle,
  request: {
    readonly kind: RecordKind;
    readonly entries: readonly SegmentEntry[];
    readonly signal?: AbortSignal;
  },
): Promise<{ readonly name: string; readonly storedBytes: number }> {
  const { kind, entries, signal } = request;
  const random = handle.random ?? systemRandomness;
  const segmentId = random(PACK_ID_BYTES).toString("hex");
  const header = encodeSegmentHeader(handle.repositoryId, segmentId, writingEpoch(handle.keys));
  const key = deriveKey(structureKey(handle.keys), PURPOSE, Buffer.from(segmentId, "hex"));
  const sealed = sealBytes(key, encodeSegmentBody(kind, entries), header, random);
  const object = withChecksum(Buffer.concat([header, sealed]));
  const name = `i/${segmentId}`;
  const full = repositoryNames(handle.repositoryId).segment(segmentId);
  await store.put(full, [object], signal);
  const found = await store.get(full, signal);
  if (!found.equals(object)) throw damaged(full, 0, "it reads back differently");
  return { name, storedBytes: object.length };
}

/** Calls `visit` for each chunk of a segment. The entry's id is a view: copy it to keep it. */
export async function readSegment(
  store: Store,
  handle: RepositoryHandle,
  segment: { readonly name: string; readonly signal?: AbortSignal },
  visit: (entry: SegmentEntry) => void,
): Promise<void> {
  const table = await readSegmentTable(store, handle, segment);
  if (table.kind !== "chunk") throw damaged(segment.name, 0, "it lists pages, not chunks");
  for (let index = 0; index < table.count; index += 1) visit(table.entry(index));
}

/** A whole segment of either kind, checked. Faults: `object-missing`, `object-damaged`, `format-unknown`. */
export async function readSegmentTable(
  store: Store,
  handle: RepositoryHandle,
  segment: { readonly name: string; readonly signal?: AbortSignal },
): Promise<SegmentTable> {
  const name = repositoryNames(handle.repositoryId).within(segment.name);
  const object = checked(name, await store.get(name, segment.signal));
  const header = object.subarray(0, SEGMENT_HEADER_BYTES);
  const { segmentId, keyEpoch } = decodeSegmentHeader(name, handle.repositoryId, object);
  if (segment.name !== `i/${segmentId}`) throw damaged(name, 28, "it is another segment");
  const key = deriveKey(structureKey(handle.keys, keyEpoch), PURPOSE, Buffer.from(segmentId, "hex"));
  const body = openBytes(key, object.subarray(SEGMENT_HEADER_BYTES), header);
  if (body === undefined) throw damaged(name, SEGMENT_HEADER_BYTES, "it does not open");
  // A sweep reads hundreds of them in a row: they must not pile up until they are collected.
  releaseBuffer(object);
  return decodeSegmentTable(name, body);
}
