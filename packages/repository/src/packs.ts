import { crc32 } from "node:zlib";
import { assert, Fault, putBytes } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import { damaged } from "./bytes.ts";
import type { RepositoryHandle } from "./commits.ts";
import { structureKey, writingEpoch } from "./keys.ts";
import { repositoryNames } from "./names.ts";
import {
  decodeFooter,
  decodePackHeader,
  decodeTrailer,
  encodeFooterEnd,
  encodeFooterStart,
  encodePackHeader,
  encodeTrailer,
  PACK_FOOTER_BYTES,
  PACK_HEADER_BYTES,
  PACK_ID_BYTES,
  type PackEntry,
  PLAIN_BYTES_MAX,
  RECORD_FRAME_BYTES,
  type RecordKind,
} from "./pack/codec.ts";
import { type Randomness, systemRandomness } from "./random.ts";
import type { SealedRecord } from "./records.ts";
import { releaseBuffer } from "./release.ts";
import { deriveKey, openBytes, SEAL_BYTES, sealBytes } from "./seal.ts";

/** How long a pack of chunks becomes; and one of pages, which are small and are wanted sooner. */
export const PACK_BYTES = 24 * 1024 * 1024;
export const PAGE_PACK_BYTES = 2 * 1024 * 1024;
/** A region that does not compress, and the frame around it, must fit. */
const PACK_BYTES_MIN = PLAIN_BYTES_MAX + 4096;
const RECORDS_MAX = 16_384;
const TRAILER_PURPOSE = "cairn pack trailer ";
const TRAILER_ENTRY_BYTES = 44;
const READ_BYTES = 2 * 1024 * 1024;

/** A pack while it is being filled, in a buffer that is used again for the next one. */
export class PackBuilder {
  readonly packId: string;
  readonly name: string;
  readonly #handle: RepositoryHandle;
  readonly #buffer: Buffer;
  readonly #header: Buffer;
  readonly #random: Randomness;
  readonly #entries: PackEntry[] = [];
  #length = 0;

  /** The buffer is as long as the pack may become, and belongs to the builder until the pack is stored. */
  constructor(handle: RepositoryHandle, kind: RecordKind, buffer: Buffer) {
    assert(buffer.length >= PACK_BYTES_MIN, "a pack's buffer is too small");
    const names = repositoryNames(handle.repositoryId);
    this.#random = handle.random ?? systemRandomness;
    this.packId = this.#random(PACK_ID_BYTES).toString("hex");
    this.name = kind === "chunk" ? names.pack(this.packId) : names.pagePack(this.packId);
    this.#handle = handle;
    this.#buffer = buffer;
    const { packId } = this;
    const keyEpoch = writingEpoch(handle.keys);
    this.#header = encodePackHeader({ kind, repositoryId: handle.repositoryId, packId, keyEpoch });
    this.#append(this.#header);
  }

  get length(): number {
    return this.#length;
  }

  get entries(): readonly PackEntry[] {
    return this.#entries;
  }

  /** Whether a record of this many bytes fits, with the trailer that it makes longer. */
  fits(recordBytes: number): boolean {
    const trailer = 4 + (this.#entries.length + 1) * TRAILER_ENTRY_BYTES + SEAL_BYTES;
    const end = this.#length + recordBytes + trailer + PACK_FOOTER_BYTES;
    return this.#entries.length < RECORDS_MAX && end <= this.#buffer.length;
  }

  /** Copies a record into the pack and says where it lies. */
  add(id: Buffer, record: SealedRecord, plainBytes: number): { offset: number; storedBytes: number } {
    const storedBytes = record.payload.length + RECORD_FRAME_BYTES;
    const offset = this.#length;
    this.#append(record.head);
    this.#append(record.payload);
    this.#append(record.tag);
    assert(this.#length === offset + storedBytes, "a record's length");
    this.#entries.push({ id, offset, storedBytes, plainBytes });
    return { offset, storedBytes };
  }

  /** Copies a record as it is, sealed: whoever moves records needs no key of theirs. */
  addSealed(id: Buffer, record: Buffer, plainBytes: number): { offset: number; storedBytes: number } {
    const offset = this.#length;
    this.#append(record);
    this.#entries.push({ id, offset, storedBytes: record.length, plainBytes });
    return { offset, storedBytes: record.length };
  }

  /** Adds trailer and footer; the pack's bytes, valid until the buffer is used again. */
  finish(): Buffer {
    const trailerOffset = this.#length;
    const key = trailerKey(this.#handle, this.packId);
    this.#append(sealBytes(key, encodeTrailer(this.#entries), this.#header, this.#random));
    this.#append(encodeFooterStart(trailerOffset, this.#length - trailerOffset));
    this.#append(encodeFooterEnd(crc32(this.#buffer.subarray(0, this.#length))));
    return this.#buffer.subarray(0, this.#length);
  }

  #append(bytes: Buffer): void {
    putBytes(this.#buffer, this.#length, bytes);
    this.#length += bytes.length;
  }
}

function trailerKey(handle: RepositoryHandle, packId: string, epoch?: number): Buffer {
  try {
    return deriveKey(structureKey(handle.keys, epoch), TRAILER_PURPOSE, Buffer.from(packId, "hex"));
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault(cause.code, `opening the trailer of pack ${packId}`, cause.retry, cause);
  }
}

/** What a pack says it holds. Faults: `object-missing`, `object-damaged`, `format-unknown`. */
export async function readPackEntries(
  store: Store,
  handle: RepositoryHandle,
  pack: { readonly packId: string; readonly kind: RecordKind; readonly signal?: AbortSignal },
): Promise<readonly PackEntry[]> {
  const names = repositoryNames(handle.repositoryId);
  const name = pack.kind === "chunk" ? names.pack(pack.packId) : names.pagePack(pack.packId);
  const size = await store.size(name, pack.signal);
  if (size === undefined) throw new Fault("object-missing", `reading ${name}`, "never");
  if (size < PACK_HEADER_BYTES + PACK_FOOTER_BYTES) throw damaged(name, 0, "it is too short");
  const header = await store.getRange(name, 0, PACK_HEADER_BYTES, pack.signal);
  const found = decodePackHeader(name, header);
  const { repositoryId } = handle;
  if (found.kind !== pack.kind || found.packId !== pack.packId || found.repositoryId !== repositoryId) {
    throw damaged(name, 0, "the header is that of another pack");
  }
  const footerOffset = size - PACK_FOOTER_BYTES;
  const footerBytes = await store.getRange(name, footerOffset, PACK_FOOTER_BYTES, pack.signal);
  const footer = decodeFooter(name, footerBytes, size);
  const sealed = await store.getRange(name, footer.trailerOffset, footer.trailerBytes, pack.signal);
  const opened = openBytes(trailerKey(handle, pack.packId, found.keyEpoch), sealed, header);
  if (opened === undefined) throw damaged(name, footer.trailerOffset, "the trailer does not open");
  return decodeTrailer(name, opened, footer.trailerOffset);
}

/**
 * What a pack says it holds, of its bytes in memory. Whether all of them are as they were stored is told, not
 * demanded: records prove themselves when they are opened, and must not be moved unopened when they are not.
 * Faults: `object-damaged`, `format-unknown`.
 */
export function openPack(
  handle: RepositoryHandle,
  pack: { readonly packId: string; readonly kind: RecordKind; readonly bytes: Buffer },
): { readonly entries: readonly PackEntry[]; readonly checksumMatches: boolean } {
  const { packId, kind, bytes } = pack;
  const names = repositoryNames(handle.repositoryId);
  const name = kind === "chunk" ? names.pack(packId) : names.pagePack(packId);
  if (bytes.length < PACK_HEADER_BYTES + PACK_FOOTER_BYTES) throw damaged(name, 0, "it is too short");
  const header = bytes.subarray(0, PACK_HEADER_BYTES);
  const found = decodePackHeader(name, header);
  if (found.kind !== kind || found.packId !== packId || found.repositoryId !== handle.repositoryId) {
    throw damaged(name, 0, "the header is that of another pack");
  }
  const footer = decodeFooter(name, bytes.subarray(bytes.length - PACK_FOOTER_BYTES), bytes.length);
  const sealed = bytes.subarray(footer.trailerOffset, footer.trailerOffset + footer.trailerBytes);
  const opened = openBytes(trailerKey(handle, packId, found.keyEpoch), sealed, header);
  if (opened === undefined) throw damaged(name, footer.trailerOffset, "the trailer does not open");
  const checksumMatches = crc32(bytes.subarray(0, bytes.length - 12)) === footer.checksum;
  return { entries: decodeTrailer(name, opened, footer.trailerOffset), checksumMatches };
}

/** Reads a whole pack back and compares its checksum. It needs no key, and holds 2 MiB of it at a time. */
export async function verifyPackBytes(store: Store, name: string, signal?: AbortSignal): Promise<void> {
  const size = await store.size(name, signal);
  if (size === undefined) throw new Fault("object-missing", `reading ${name} back`, "never");
  if (size < PACK_HEADER_BYTES + PACK_FOOTER_BYTES) throw damaged(name, 0, "it is too short");
  const footerBytes = await store.getRange(name, size - PACK_FOOTER_BYTES, PACK_FOOTER_BYTES, signal);
  const footer = decodeFooter(name, footerBytes, size);
  const covered = size - 12;
  let checksum = 0;
  for (let offset = 0; offset < covered; offset += READ_BYTES) {
    const length = Math.min(READ_BYTES, covered - offset);
    const bytes = await store.getRange(name, offset, length, signal);
    checksum = crc32(bytes, checksum);
    releaseBuffer(bytes);
  }
  if (checksum !== footer.checksum) throw damaged(name, covered, "the checksum does not match");
}
