import { crc32 } from "node:zlib";
import { Fault } from "@cairn/kernel";
import {
  chunkId,
  chunkIdKey,
  openRecord,
  type PackEntry,
  type RecordKind,
  type RepositoryHandle,
  readPackEntries,
  releaseBuffer,
  verifyPackBytes,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { damageOf, frameDamageOf } from "./damage.ts";
import { packName } from "./page-source.ts";
import type { RecordRef } from "./record-table.ts";
import type { VerifyLevel } from "./verify-report.ts";

/** Neighbouring records are read together up to so many bytes. */
const READ_BYTES = 4 * 1024 * 1024;
/** After its checksum: the checksum itself and the magic at the end. */
const UNCHECKED_BYTES = 12;

export interface PackCheck {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly kind: RecordKind;
  readonly pack: string;
  readonly level: VerifyLevel;
  /** What trees say lies in it, ascending by offset. `all`: what the pack itself says. */
  readonly refs: readonly RecordRef[] | "all";
  readonly signal: AbortSignal;
}

/** What is wrong with a pack. Nothing is when `pack` is absent and `records` is empty. */
export interface PackFinding {
  /** The frame (header, trailer, checksum) or the whole object. Records may be sound all the same. */
  readonly pack?: Fault;
  readonly records: readonly { readonly ref: RecordRef; readonly fault: Fault }[];
  /** Records that were looked at. */
  readonly checked: number;
}

/**
 * Looks at a pack as far as the level says. At `data`, records of chunks are opened and named one by one,
 * also when the pack's frame is damaged; below it, a pack whose bytes are not what they were takes all its
 * records with it, because nobody can tell which ones. Faults: those of the store that are not about this
 * object.
 */
export async function checkPack(check: PackCheck): Promise<PackFinding> {
  const { store, handle, kind, pack, level, signal } = check;
  const name = packName(handle, kind, pack);
  const entries = await frameDamageOf(
    async () => readPackEntries(store, handle, { packId: pack, kind, signal }),
    async () => verifyPackBytes(store, name, signal),
  );
  const frame = "fault" in entries ? entries.fault : undefined;
  const listed = "result" in entries ? entries.result : undefined;
  const refs = check.refs === "all" ? (listed ?? []).map((entry) => ({ ...entry, pack })) : check.refs;
  if (level === "data" && kind === "chunk") return checkRecords(check, refs, listed, frame);
  const unlisted = listed === undefined ? [] : unlistedRefs(check, refs, listed);
  if (frame !== undefined) return allOf(refs, frame);
  if (level === "structure") return { records: unlisted, checked: refs.length };
  const bytes = await damageOf(async () => verifyPackBytes(store, name, signal));
  return "fault" in bytes ? allOf(refs, bytes.fault) : { records: unlisted, checked: refs.length };
}

function allOf(refs: readonly RecordRef[], fault: Fault): PackFinding {
  return { pack: fault, records: refs.map((ref) => ({ ref, fault })), checked: refs.length };
}

/** What trees name and the pack does not list at that place. */
function unlistedRefs(
  check: PackCheck,
  refs: readonly RecordRef[],
  listed: readonly PackEntry[],
): PackFinding["records"] {
  const byOffset = new Map(listed.map((entry) => [entry.offset, entry]));
  return refs.flatMap((ref) => {
    const entry = byOffset.get(ref.offset);
    const same =
      entry?.storedBytes === ref.storedBytes &&
      entry.plainBytes === ref.plainBytes &&
      entry.id.equals(ref.id);
    if (same) return [];
    const message = `reading ${nameOf(check, ref)}: the pack lists no such record there`;
    return [{ ref, fault: new Fault("object-damaged", message, "never") }];
  });
}

function nameOf(check: PackCheck, ref: RecordRef): string {
  return `${check.kind} at ${ref.offset} of ${packName(check.handle, check.kind, check.pack)}`;
}

/** A stretch of a pack that is read at once, and the records in it. */
interface Stretch {
  readonly offset: number;
  readonly length: number;
  readonly refs: readonly RecordRef[];
}

async function checkRecords(
  check: PackCheck,
  refs: readonly RecordRef[],
  listed: readonly PackEntry[] | undefined,
  frame: Fault | undefined,
): Promise<PackFinding> {
  if (frame?.code === "object-missing") return allOf(refs, frame);
  const records: { readonly ref: RecordRef; readonly fault: Fault }[] = [];
  const checksum = new Checksum();
  let unread: Fault | undefined;
  const stretches = listed === undefined ? planReads(refs, undefined) : planReads(refs, listed);
  for (const stretch of stretches) {
    const read = await readStretch(check, stretch);
    if ("fault" in read) unread ??= read.fault;
    else checksum.add(stretch.offset, read.result);
    for (const ref of stretch.refs) {
      const fault =
        "fault" in read ? await openAlone(check, ref) : openRef(check, ref, read.result, stretch.offset);
      if (fault !== undefined) records.push({ ref, fault });
    }
    if ("result" in read) releaseBuffer(read.result);
  }
  // With records that do not open, the checksum has nothing to add.
  const rest = listed === undefined || records.length > 0 ? undefined : await checksum.finish(check);
  const pack = frame ?? (records.length > 0 ? undefined : (unread ?? rest));
  return { ...(pack === undefined ? {} : { pack }), records, checked: refs.length };
}

async function readStretch(check: PackCheck, stretch: Stretch): ReturnType<typeof damageOf<Buffer>> {
  const { store, handle, kind, pack, signal } = check;
  return damageOf(async () =>
    store.getRange(packName(handle, kind, pack), stretch.offset, stretch.length, signal),
  );
}

/** A neighbour may be what cannot be read. */
async function openAlone(check: PackCheck, ref: RecordRef): Promise<Fault | undefined> {
  const read = await readStretch(check, { offset: ref.offset, length: ref.storedBytes, refs: [ref] });
  return "fault" in read ? read.fault : openRef(check, ref, read.result, ref.offset);
}

/** Opens one record and compares its length and its id: what is wrong with it, if anything. */
function openRef(check: PackCheck, ref: RecordRef, bytes: Buffer, bytesOffset: number): Fault | undefined {
  const { handle, kind } = check;
  const start = ref.offset - bytesOffset;
  const name = nameOf(check, ref);
  try {
    const plain = openRecord(
      name,
      { ...handle, kind, id: ref.id },
      bytes.subarray(start, start + ref.storedBytes),
    );
    const same = plain.length === ref.plainBytes && chunkId(chunkIdKey(handle.keys), plain).equals(ref.id);
    releaseBuffer(plain);
    return same ? undefined : new Fault("object-damaged", `reading ${name}: it is another chunk`, "never");
  } catch (cause) {
    if (cause instanceof Fault && cause.code === "object-damaged") return cause;
    throw cause;
  }
}

/**
 * With the pack's own list, everything from its beginning to its last record is read in order, so that its
 * checksum can be computed on the way; without it, only what trees name.
 */
function planReads(refs: readonly RecordRef[], listed: readonly PackEntry[] | undefined): readonly Stretch[] {
  const wanted = new Map<number, RecordRef[]>();
  for (const ref of refs) wanted.set(ref.offset, [...(wanted.get(ref.offset) ?? []), ref]);
  const spans = listed ?? refs;
  const stretches: { offset: number; length: number; refs: RecordRef[] }[] = [];
  const taken = new Set<number>();
  for (const { offset, storedBytes } of spans) {
    const here = (taken.has(offset) ? [] : (wanted.get(offset) ?? [])).filter(
      (ref) => ref.storedBytes <= storedBytes,
    );
    taken.add(offset);
    const last = stretches.at(-1);
    const start = stretches.length === 0 && listed !== undefined ? 0 : offset;
    const near = last !== undefined && last.offset + last.length === offset;
    if (near && offset + storedBytes - last.offset <= READ_BYTES) {
      last.length += storedBytes;
      last.refs.push(...here);
    } else stretches.push({ offset: start, length: offset + storedBytes - start, refs: [...here] });
  }
  const planned = new Set(stretches.flatMap((stretch) => stretch.refs));
  // What trees name and the pack does not list: read by itself; it will not open.
  const others = refs.filter((ref) => !planned.has(ref));
  return [
    ...stretches,
    ...others.map((ref) => ({ offset: ref.offset, length: ref.storedBytes, refs: [ref] })),
  ];
}

/**
 * The checksum of a pack whose beginning is added in order; stretches that are out of order are passed over.
 */
class Checksum {
  #value = 0;
  #end = 0;

  add(offset: number, bytes: Buffer): void {
    if (offset !== this.#end) return;
    this.#value = crc32(bytes, this.#value);
    this.#end += bytes.length;
  }

  /** Reads the rest of the pack and compares. */
  async finish(check: PackCheck): Promise<Fault | undefined> {
    const { store, handle, kind, pack, signal } = check;
    const name = packName(handle, kind, pack);
    const read = await damageOf(async () => {
      const size = await store.size(name, signal);
      if (size === undefined) throw new Fault("object-missing", `reading ${name}`, "never");
      const rest = await store.getRange(name, this.#end, size - this.#end, signal);
      const checksum = crc32(rest.subarray(0, rest.length - UNCHECKED_BYTES), this.#value);
      if (checksum === rest.readUInt32LE(rest.length - UNCHECKED_BYTES)) return;
      const message = `reading ${name}: at byte ${size - UNCHECKED_BYTES}: the checksum does not match`;
      throw new Fault("object-damaged", message, "never");
    });
    return "fault" in read ? read.fault : undefined;
  }
}
