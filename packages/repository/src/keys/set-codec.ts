import { ByteReader, ByteWriter, uuidToBytes } from "../bytes.ts";

/** 32 bytes: a key of a repository, a key file, the payload of a Barbican secret. */
export const KEY_BYTES = 32;
export const KEY_SET_HEADER_BYTES = 56;
/** A set names its openers, not its users. */
export const SLOTS_MAX = 32;
export const LABEL_BYTES_MAX = 64;
const MAGIC = "CAIRNKEY";
const VERSION = 1;
const SLOT_FRAME_BYTES = 24;
const EPOCHS_MAX = 256;

export interface KeySetHeader {
  readonly slots: number;
  readonly repositoryId: string;
  readonly keySetId: string;
  /** Counts from 1; the object's name says it, too. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/**
 * `magic 8 | version u16 | slots u16 | repository id 16 | key set id 16 | sequence u32 | created at, ms u64`:
 * associated data of everything that is sealed in the set.
 */
export function encodeKeySetHeader(header: KeySetHeader): Buffer {
  return new ByteWriter()
    .text(MAGIC)
    .u16(VERSION)
    .u16(header.slots)
    .uuid(header.repositoryId)
    .uuid(header.keySetId)
    .u32(header.sequence)
    .u64(header.createdAt)
    .finish();
}

/** A slot as it lies in the object. Kinds and rights that are not known are carried along. */
export interface SlotFrame {
  /** 1 key file, 2 passphrase, 3 Barbican secret, 4 escrow. */
  readonly kind: number;
  /** 1 structure, 2 all. */
  readonly rights: number;
  readonly id: string;
  /** What people call it; readable without any key. */
  readonly label: string;
  readonly parameters: Buffer;
}

/**
 * `kind u8 | rights u8 | label bytes u8 | zero u8 | parameters bytes u16 | wrapped bytes u16 | slot id 16 |
 * label | parameters`; the wrapped keys follow.
 */
export function encodeSlotFrame(slot: SlotFrame, wrappedBytes: number): Buffer {
  const label = Buffer.from(slot.label, "utf8");
  return new ByteWriter()
    .u8(slot.kind)
    .u8(slot.rights)
    .u8(label.length)
    .u8(0)
    .u16(slot.parameters.length)
    .u16(wrappedBytes)
    .uuid(slot.id)
    .bytes(label)
    .bytes(slot.parameters)
    .finish();
}

/** A slot that was read, and the bytes before its wrapped keys, which authenticate them. */
export interface StoredSlot extends SlotFrame {
  readonly frame: Buffer;
  readonly wrapped: Buffer;
}

/** A key set without its checksum. */
export interface KeySetObject extends KeySetHeader {
  readonly header: Buffer;
  readonly stored: readonly StoredSlot[];
  /** Sealed; authenticates all bytes before it. */
  readonly structure: Buffer;
  readonly structureOffset: number;
  /** Sealed; authenticates all bytes before it. */
  readonly data: Buffer;
  readonly dataOffset: number;
}

/** Reads a key set whose checksum has been checked and cut off. Strict. */
export function decodeKeySet(name: string, bytes: Buffer): KeySetObject {
  const reader: ByteReader = new ByteReader(name, bytes);
  reader.magic(MAGIC);
  reader.version(VERSION);
  const slots = reader.u16("the number of slots");
  reader.expect(slots > 0 && slots <= SLOTS_MAX, `it has ${slots} slots`);
  const repositoryId = reader.uuid("the repository's id");
  const keySetId = reader.uuid("the key set's id");
  const sequence = reader.u32("the sequence");
  reader.expect(sequence > 0, "the sequence is 0");
  const createdAt = reader.u64("the time");
  const stored = Array.from({ length: slots }, () => decodeSlot(reader, bytes));
  const structureBytes = reader.u32("the structure section's length");
  const dataBytes = reader.u32("the data section's length");
  const structureOffset = reader.offset;
  const structure = reader.bytes(structureBytes, "the structure section");
  const dataOffset = reader.offset;
  const data = reader.bytes(dataBytes, "the data section");
  reader.end();
  const header = bytes.subarray(0, KEY_SET_HEADER_BYTES);
  const places = { structure, structureOffset, data, dataOffset };
  return { header, slots, repositoryId, keySetId, sequence, createdAt, stored, ...places };
}

function decodeSlot(reader: ByteReader, bytes: Buffer): StoredSlot {
  const start = reader.offset;
  const kind = reader.u8("a slot's kind");
  const rights = reader.u8("a slot's rights");
  const labelBytes = reader.u8("a label's length");
  reader.expect(labelBytes <= LABEL_BYTES_MAX, `a label has ${labelBytes} bytes`);
  reader.expect(reader.u8("reserved bytes") === 0, "reserved bytes are not zero");
  const parameterBytes = reader.u16("the parameters' length");
  const wrappedBytes = reader.u16("the wrapped keys' length");
  const id = reader.uuid("a slot's id");
  const label = reader.bytes(labelBytes, "a label").toString("utf8");
  const parameters = reader.bytes(parameterBytes, "a slot's parameters");
  const frame = bytes.subarray(start, start + SLOT_FRAME_BYTES + labelBytes + parameterBytes);
  const wrapped = reader.bytes(wrappedBytes, "a slot's wrapped keys");
  return { kind, rights, id, label, parameters, frame, wrapped };
}

/** Lengths of both sealed sections, between the slots and the sections. */
export function encodeSectionLengths(structureBytes: number, dataBytes: number): Buffer {
  return new ByteWriter().u32(structureBytes).u32(dataBytes).finish();
}

export interface StructureSection {
  readonly epochs: readonly { readonly epoch: number; readonly since: number; readonly structure: Buffer }[];
}

/** `epochs u16 | (key epoch u16 | since, ms u64 | structure key 32)…`, ascending. */
export function encodeStructureSection(section: StructureSection): Buffer {
  const writer = new ByteWriter().u16(section.epochs.length);
  for (const { epoch, since, structure } of section.epochs) writer.u16(epoch).u64(since).bytes(structure);
  return writer.finish();
}

export function decodeStructureSection(name: string, bytes: Buffer): StructureSection {
  const reader: ByteReader = new ByteReader(name, bytes);
  const epochs = readEpochs(reader, (epoch) => ({
    epoch,
    since: reader.u64("an epoch's time"),
    structure: reader.bytes(KEY_BYTES, "a structure key"),
  }));
  reader.end();
  return { epochs };
}

export interface DataSection {
  readonly chunkId: Buffer;
  readonly epochs: readonly { readonly epoch: number; readonly data: Buffer }[];
  /**
   * What wraps for slots whose secret is symmetric, so that the next set can be wrapped without the secret.
   */
  readonly wrapping: readonly { readonly slotId: string; readonly key: Buffer }[];
}

/**
 * `chunk id key 32 | epochs u16 | (key epoch u16 | data key 32)… | wrapping keys u16 | (slot id 16 | key
 * 32)…`.
 */
export function encodeDataSection(section: DataSection): Buffer {
  const writer = new ByteWriter().bytes(section.chunkId).u16(section.epochs.length);
  for (const { epoch, data } of section.epochs) writer.u16(epoch).bytes(data);
  writer.u16(section.wrapping.length);
  for (const { slotId, key } of section.wrapping) writer.bytes(uuidToBytes(slotId)).bytes(key);
  return writer.finish();
}

export function decodeDataSection(name: string, bytes: Buffer): DataSection {
  const reader: ByteReader = new ByteReader(name, bytes);
  const chunkId = reader.bytes(KEY_BYTES, "the chunk id key");
  const epochs = readEpochs(reader, (epoch) => ({ epoch, data: reader.bytes(KEY_BYTES, "a data key") }));
  const count = reader.u16("the number of wrapping keys");
  reader.expect(count <= SLOTS_MAX, `it has ${count} wrapping keys`);
  const wrapping = Array.from({ length: count }, () => ({
    slotId: reader.uuid("a slot's id"),
    key: reader.bytes(KEY_BYTES, "a wrapping key"),
  }));
  reader.end();
  return { chunkId, epochs, wrapping };
}

function readEpochs<Epoch>(reader: ByteReader, read: (epoch: number) => Epoch): Epoch[] {
  const count = reader.u16("the number of key epochs");
  reader.expect(count > 0 && count <= EPOCHS_MAX, `it has ${count} key epochs`);
  let previous = -1;
  return Array.from({ length: count }, () => {
    const epoch = reader.u16("a key epoch");
    reader.expect(epoch > previous && epoch < EPOCHS_MAX, `key epoch ${epoch} after ${previous}`);
    previous = epoch;
    return read(epoch);
  });
}
