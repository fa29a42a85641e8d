import { ByteReader, ByteWriter, damaged } from "../bytes.ts";
import type { Commit, CommitStructure, CommittedDisk, Tombstone } from "./commit.ts";

const COMMIT_MAGIC = "CAIRNCMT";
const TOMBSTONE_MAGIC = "CAIRNTMB";
const VERSION = 1;
const COMMIT_HEADER_BYTES = 44;
const TOMBSTONE_HEADER_BYTES = 28;

/** A commit's two sealed sections and what both are bound to. Checksum and object name are outside. */
export interface CommitFrame {
  /** Bytes 0–35: associated data of both sections. */
  readonly header: Buffer;
  readonly keyEpoch: number;
  readonly structure: Buffer;
  readonly metadata: Buffer;
}

/**
 * `magic 8 | version u16 | key epoch u16 | repository id 16 | created at, ms u64`: the associated data of
 * both sections; then `structure section bytes u32 | metadata section bytes u32 | sections`.
 */
export function encodeCommitHeader(repositoryId: string, createdAtMs: number, keyEpoch: number): Buffer {
  return new ByteWriter()
    .text(COMMIT_MAGIC)
    .u16(VERSION)
    .u16(keyEpoch)
    .uuid(repositoryId)
    .u64(createdAtMs)
    .finish();
}

export function encodeCommitFrame(frame: Omit<CommitFrame, "keyEpoch">): Buffer {
  return new ByteWriter()
    .bytes(frame.header)
    .u32(frame.structure.length)
    .u32(frame.metadata.length)
    .bytes(frame.structure)
    .bytes(frame.metadata)
    .finish();
}

export function decodeCommitFrame(name: string, repositoryId: string, bytes: Buffer): CommitFrame {
  const reader: ByteReader = new ByteReader(name, bytes);
  const keyEpoch = readHeader(reader, COMMIT_MAGIC, repositoryId);
  reader.u64("the time");
  const structureBytes = reader.u32("the structure section's length");
  const metadataBytes = reader.u32("the metadata section's length");
  const structure = reader.bytes(structureBytes, "the structure section");
  const metadata = reader.bytes(metadataBytes, "the metadata section");
  reader.end();
  return { header: bytes.subarray(0, COMMIT_HEADER_BYTES - 8), keyEpoch, structure, metadata };
}

/** How many bytes of a commit tell when it was made, without any key. */
export const COMMIT_CLEAR_BYTES = 36;

/** What a commit's first bytes tell anybody. Nothing proves them until a section is opened. */
export function decodeCommitClear(
  name: string,
  repositoryId: string,
  bytes: Buffer,
): { readonly keyEpoch: number; readonly createdAtMs: number } {
  const reader: ByteReader = new ByteReader(name, bytes);
  const keyEpoch = readHeader(reader, COMMIT_MAGIC, repositoryId);
  return { keyEpoch, createdAtMs: reader.u64("the time") };
}

/** Returns the key epoch. */
function readHeader(reader: ByteReader, magic: string, repositoryId: string): number {
  reader.magic(magic);
  reader.version(VERSION);
  const keyEpoch = reader.u16("the key epoch");
  const found = reader.uuid("the repository's id");
  reader.expect(found === repositoryId, `it belongs to repository ${found}`);
  return keyEpoch;
}

export function encodeCommitStructure(commit: Commit): Buffer {
  const { metadata: _, ...structure } = commit;
  return Buffer.from(JSON.stringify(structure));
}

export function encodeMetadata(metadata: unknown): Buffer {
  return Buffer.from(JSON.stringify(metadata ?? null));
}

/** A commit's metadata section, opened. */
export function decodeMetadata(name: string, metadata: Buffer): unknown {
  return parseJson(name, metadata);
}

/** A commit's structure section, opened. */
export function decodeCommitStructure(name: string, structure: Buffer): CommitStructure {
  const fields = parseObject(name, structure);
  const type = text(name, fields, "type");
  if (type !== "full" && type !== "incremental") throw damaged(name, 0, `type is ${type}`);
  return {
    formatVersion: integer(name, fields, "formatVersion"),
    snapshotId: text(name, fields, "snapshotId"),
    workloadId: text(name, fields, "workloadId"),
    projectId: text(name, fields, "projectId"),
    createdAt: text(name, fields, "createdAt"),
    type,
    disks: list(name, fields, "disks").map((disk) => decodeDisk(name, disk)),
    indexSegments: list(name, fields, "indexSegments").map((segment) => {
      if (typeof segment !== "string") throw damaged(name, 0, "an index segment's name is no text");
      return segment;
    }),
  };
}

function decodeDisk(name: string, value: unknown): CommittedDisk {
  const fields = asFields(name, value);
  return {
    diskId: text(name, fields, "diskId"),
    instanceId: text(name, fields, "instanceId"),
    device: text(name, fields, "device"),
    sizeBytes: integer(name, fields, "sizeBytes"),
    root: text(name, fields, "root"),
  };
}

/**
 * `magic 8 | version u16 | key epoch u16 | repository id 16`, associated data of the sealed JSON that
 * follows.
 */
export function encodeTombstoneHeader(repositoryId: string, keyEpoch: number): Buffer {
  return new ByteWriter().text(TOMBSTONE_MAGIC).u16(VERSION).u16(keyEpoch).uuid(repositoryId).finish();
}

export function decodeTombstoneFrame(
  name: string,
  repositoryId: string,
  bytes: Buffer,
): { header: Buffer; keyEpoch: number; sealed: Buffer } {
  const reader: ByteReader = new ByteReader(name, bytes);
  const keyEpoch = readHeader(reader, TOMBSTONE_MAGIC, repositoryId);
  const sealed = reader.bytes(reader.left, "the body");
  return { header: bytes.subarray(0, TOMBSTONE_HEADER_BYTES), keyEpoch, sealed };
}

export function encodeTombstone(tombstone: Tombstone): Buffer {
  return Buffer.from(JSON.stringify(tombstone));
}

export function decodeTombstone(name: string, bytes: Buffer): Tombstone {
  const fields = parseObject(name, bytes);
  return {
    snapshotId: text(name, fields, "snapshotId"),
    workloadId: text(name, fields, "workloadId"),
    requestedAt: text(name, fields, "requestedAt"),
    requestedBy: text(name, fields, "requestedBy"),
    notBefore: text(name, fields, "notBefore"),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseJson(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw damaged(name, 0, `its JSON does not parse (${cause instanceof Error ? cause.message : "?"})`);
  }
}

function parseObject(name: string, bytes: Buffer): Fields {
  return asFields(name, parseJson(name, bytes));
}

function asFields(name: string, value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw damaged(name, 0, "an object is expected in its JSON");
  }
  return value as Fields;
}

function text(name: string, fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== "string") throw damaged(name, 0, `${key} is no text`);
  return value;
}

function integer(name: string, fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw damaged(name, 0, `${key} is no count`);
  }
  return value;
}

function list(name: string, fields: Fields, key: string): readonly unknown[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw damaged(name, 0, `${key} is no list`);
  return value;
}
