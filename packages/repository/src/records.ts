import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { damaged, uuidToBytes } from "./bytes.ts";
import { compressChunk, decompressChunk } from "./compression.ts";
import { dataKey, type RepositoryKeys, structureKey, writingEpoch } from "./keys.ts";
import {
  decodeRecordHeader,
  encodeRecordHeader,
  NONCE_BYTES,
  RECORD_FRAME_BYTES,
  RECORD_HEADER_BYTES,
  type RecordKind,
  TAG_BYTES,
} from "./pack/codec.ts";
import { type Randomness, systemRandomness } from "./random.ts";
import { releaseBuffer } from "./release.ts";
import { deriveKey } from "./seal.ts";

const PURPOSES: Readonly<Record<RecordKind, string>> = { chunk: "cairn chunk ", page: "cairn page " };

/** The parts of a record, in order; together they are its bytes. */
export interface SealedRecord {
  readonly head: Buffer;
  readonly payload: Buffer;
  readonly tag: Buffer;
}

/** A record's parts as views of its bytes. */
export function recordParts(record: Buffer): SealedRecord {
  const start = RECORD_HEADER_BYTES + NONCE_BYTES;
  const end = record.length - TAG_BYTES;
  return { head: record.subarray(0, start), payload: record.subarray(start, end), tag: record.subarray(end) };
}

/** What a record is bound to: moved to another repository or under another id, it does not open. */
export interface RecordBinding {
  readonly repositoryId: string;
  readonly kind: RecordKind;
  /** Chunks are sealed with data keys, pages with structure keys. */
  readonly keys: RepositoryKeys;
  readonly id: Buffer;
  readonly random?: Randomness;
}

/**
 * A chunk's name: equal plaintexts of one repository have equal ids, and ids tell nothing without the key.
 */
export function chunkId(chunkIdKey: Uint8Array, plain: Uint8Array): Buffer {
  return createHmac("sha256", createSecretKey(chunkIdKey)).update(plain).digest();
}

/** Compresses what compresses, and seals it with the keys of the writing epoch. */
export function sealRecord(binding: RecordBinding, plain: Uint8Array): SealedRecord {
  const compressed = compressChunk(plain);
  const payload = compressed ?? plain;
  const keyEpoch = writingEpoch(binding.keys);
  const header = encodeRecordHeader({
    kind: binding.kind,
    keyEpoch,
    compressed: compressed !== undefined,
    plainBytes: plain.length,
    payloadBytes: payload.length,
  });
  const nonce = (binding.random ?? systemRandomness)(NONCE_BYTES);
  const key = recordKey(binding, keyEpoch);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(associated(binding, header));
  const sealed = cipher.update(payload);
  cipher.final();
  if (compressed !== undefined) releaseBuffer(compressed);
  return { head: Buffer.concat([header, nonce]), payload: sealed, tag: cipher.getAuthTag() };
}

/**
 * The plaintext of a record. `name` says where it comes from, for the Fault `object-damaged` when the record
 * does not open; `wrong-key` for a chunk's record when there are structure keys alone. The caller compares
 * the plaintext's id with the record's, which proves the whole way.
 */
export function openRecord(name: string, binding: RecordBinding, bytes: Buffer): Buffer {
  if (bytes.length < RECORD_FRAME_BYTES) throw damaged(name, 0, "the record is too short");
  const header = decodeRecordHeader(name, bytes);
  if (header.kind !== binding.kind) throw damaged(name, 0, `the record holds a ${header.kind}`);
  const start = RECORD_HEADER_BYTES + NONCE_BYTES;
  const end = bytes.length - TAG_BYTES;
  // Nothing has proven this byte yet: an epoch that is unknown may be a newer one, but also a flipped bit.
  if (!binding.keys.epochs.some(({ epoch }) => epoch === header.keyEpoch)) {
    const why = `the record was altered, or key epoch ${header.keyEpoch} is newer than the keys`;
    throw damaged(name, 1, why);
  }
  const key = recordKey(binding, header.keyEpoch);
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(RECORD_HEADER_BYTES, start))
    .setAAD(associated(binding, bytes.subarray(0, RECORD_HEADER_BYTES)))
    .setAuthTag(bytes.subarray(end));
  const payload = decipher.update(bytes.subarray(start, end));
  try {
    decipher.final();
  } catch {
    // OpenSSL's only answer here is that the tag does not match.
    throw damaged(name, end, "the record was altered, or the key is another one");
  }
  const plain = header.compressed ? decompressChunk(payload, header.plainBytes) : payload;
  if (plain !== payload) releaseBuffer(payload);
  if (plain === undefined) throw damaged(name, start, "the record does not decompress");
  return plain;
}

/**
 * One key for each record: a nonce can only meet its key again if the very same chunk is sealed 2^48 times.
 */
function recordKey(binding: RecordBinding, epoch: number): KeyObject {
  const { keys, kind, id } = binding;
  const key = kind === "chunk" ? dataKey(keys, epoch) : structureKey(keys, epoch);
  return createSecretKey(deriveKey(key, PURPOSES[kind], id));
}

function associated(binding: RecordBinding, header: Buffer): Buffer {
  return Buffer.concat([uuidToBytes(binding.repositoryId), binding.id, header]);
}
