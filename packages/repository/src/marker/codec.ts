import { Fault } from "@cairn/kernel";
import { ByteReader, ByteWriter } from "../bytes.ts";

export const FORMAT_VERSION = 1;
/** The stretch of a disk that one entry describes. */
export const REGION_BYTES = 1024 * 1024;
/** The smallest stretch that a piece of a region covers. */
export const GRAIN_BYTES = 64 * 1024;
/** Regions of a leaf page, and children of an inner page. */
export const FANOUT = 256;

const MAGIC = "CAIRNREP";
const HASH_HMAC_SHA256 = 1;
const CIPHER_AES256_GCM = 1;
const COMPRESSION_ZSTD = 1;
/** Keys lie in key sets with slots, and have epochs. */
const FEATURE_KEY_SETS = 1n << 0n;
/** Packs are swept: a record that is not at its address is where a state object's relocations say. */
const FEATURE_RELOCATIONS = 1n << 1n;
/** What this program's repositories require of a reader, and what it knows. */
export const REQUIRED_FEATURES = FEATURE_KEY_SETS | FEATURE_RELOCATIONS;

/** What a repository says of itself. */
export interface Marker {
  readonly repositoryId: string;
  /** Bit sets. A reader refuses a repository with a required feature that it does not know. */
  readonly requiredFeatures: bigint;
  readonly optionalFeatures: bigint;
}

/** The marker without its checksum, which is the last field. */
export function encodeMarker(marker: Marker): Buffer {
  const features = Buffer.alloc(16);
  features.writeBigUInt64LE(marker.requiredFeatures, 0);
  features.writeBigUInt64LE(marker.optionalFeatures, 8);
  return new ByteWriter()
    .text(MAGIC)
    .u16(FORMAT_VERSION)
    .bytes(features)
    .uuid(marker.repositoryId)
    .u32(REGION_BYTES)
    .u32(GRAIN_BYTES)
    .u16(FANOUT)
    .u8(HASH_HMAC_SHA256)
    .u8(CIPHER_AES256_GCM)
    .u8(COMPRESSION_ZSTD)
    .finish();
}

/** Reads a marker whose checksum has been checked and cut off. */
export function decodeMarker(name: string, bytes: Buffer): Marker {
  const reader: ByteReader = new ByteReader(name, bytes);
  reader.magic(MAGIC);
  reader.version(FORMAT_VERSION);
  const requiredFeatures = reader.bytes(8, "the required features").readBigUInt64LE();
  const optionalFeatures = reader.bytes(8, "the optional features").readBigUInt64LE();
  const unknown = requiredFeatures & ~REQUIRED_FEATURES;
  if (unknown !== 0n) {
    const features = `0x${unknown.toString(16)}`;
    const message = `opening ${name}: it requires features ${features}, unknown to this program`;
    throw new Fault("format-unknown", message, "after-operator");
  }
  const repositoryId = reader.uuid("the repository's id");
  expectField(reader, "region size", reader.u32("the region size"), REGION_BYTES);
  expectField(reader, "grain size", reader.u32("the grain size"), GRAIN_BYTES);
  expectField(reader, "fan-out", reader.u16("the fan-out"), FANOUT);
  expectField(reader, "hash", reader.u8("the hash"), HASH_HMAC_SHA256);
  expectField(reader, "cipher", reader.u8("the cipher"), CIPHER_AES256_GCM);
  expectField(reader, "compression", reader.u8("the compression"), COMPRESSION_ZSTD);
  reader.end();
  return { repositoryId, requiredFeatures, optionalFeatures };
}

function expectField(reader: ByteReader, what: string, found: number, known: number): void {
  reader.expect(found === known, `${what} is ${found}, version 1 has ${known}`);
}
