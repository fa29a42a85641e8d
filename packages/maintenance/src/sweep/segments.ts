import { Fault, hasCode } from "@cairn/kernel";
import {
  type RecordKind,
  type RepositoryHandle,
  readSegmentTable,
  type SegmentEntry,
  type SegmentTable,
  writeRelocations,
} from "@cairn/repository";
import { fromReserve, type Store } from "@cairn/store";
import { RELOCATIONS_MAX } from "./compaction.ts";

interface At {
  readonly store: Store;
  readonly handle: RepositoryHandle;
  readonly signal: AbortSignal;
}

/** Segments that go, and what comes in their place. */
export interface SegmentChanges {
  /** From a segment's name to those that take its place, in the order of relocations; often none. */
  readonly replaced: ReadonlyMap<string, readonly string[]>;
  readonly storedBytes: ReadonlyMap<string, number>;
}

/**
 * Writes anew each index segment that names one of these packs, without what lies there; one that names
 * nothing else has no successor. A writer that read the old one after the packs are gone would refer to
 * nothing. One that is damaged opens for writers as little as for us, and stays.
 */
export async function withoutPacks(
  at: At,
  names: readonly string[],
  gone: ReadonlySet<string>,
): Promise<SegmentChanges> {
  const replaced = new Map<string, readonly string[]>();
  const storedBytes = new Map<string, number>();
  if (gone.size === 0) return { replaced, storedBytes };
  for (const name of names) {
    at.signal.throwIfAborted();
    const table = await readOrSkip(at, name);
    if (table === undefined || !table.packs.some((pack) => gone.has(pack))) continue;
    const kept: SegmentEntry[] = [];
    for (let index = 0; index < table.count; index += 1) {
      const entry = table.entry(index);
      if (!gone.has(entry.pack)) kept.push(entry);
    }
    replaced.set(name, kept.length === 0 ? [] : [await write(at, table.kind, kept)]);
    storedBytes.set(name, table.bytes);
  }
  return { replaced, storedBytes };
}

async function write(at: At, kind: RecordKind, entries: readonly SegmentEntry[]): Promise<string> {
  const { store, handle, signal } = at;
  // It frees the room that it takes: packs are removed when the segments without them are durable.
  return (await writeRelocations(fromReserve(store), handle, { kind, entries, signal })).name;
}

/** A segment that went or is damaged lists nothing. */
async function readOrSkip({ store, handle, signal }: At, name: string): Promise<SegmentTable | undefined> {
  try {
    return await readSegmentTable(store, handle, { name, signal });
  } catch (cause) {
    const skip = ["object-missing", "object-damaged"].some((code) => hasCode(cause, code));
    if (!(cause instanceof Fault) || !skip) throw cause;
    return undefined;
  }
}

/** Relocations that are merged in one go: they are in memory together. */
const MERGE_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Merges relocation segments that lie side by side into fewer, when there are more than `segmentsMax`: the
 * last entry of an id counts, and the new segments' ids do not overlap, so that a look-up reads one of them.
 * Which run is merged does not matter for what is found.
 */
export async function mergeRelocations(
  at: At,
  names: readonly string[],
  segmentsMax: number,
): Promise<SegmentChanges> {
  const replaced = new Map<string, readonly string[]>();
  const storedBytes = new Map<string, number>();
  if (names.length <= segmentsMax) return { replaced, storedBytes };
  const run: SegmentTable[] = [];
  const merged: string[] = [];
  let bytes = 0;
  for (const name of names) {
    const table = await readSegmentTable(at.store, at.handle, { name, signal: at.signal });
    // A segment that is full gains nothing; what has been gathered before it is merged by itself.
    if (table.count > RELOCATIONS_MAX / 2 || bytes + table.bytes > MERGE_BYTES_MAX) {
      if (run.length > 1) break;
      run.length = 0;
      merged.length = 0;
      bytes = 0;
      continue;
    }
    run.push(table);
    merged.push(name);
    bytes += table.bytes;
    storedBytes.set(name, table.bytes);
  }
  if (run.length < 2) return { replaced, storedBytes };
  const successors = [...(await writeMerged(at, "chunk", run)), ...(await writeMerged(at, "page", run))];
  for (const name of merged) replaced.set(name, []);
  const [first] = merged;
  if (first !== undefined) replaced.set(first, successors);
  return { replaced, storedBytes };
}

async function writeMerged(at: At, kind: RecordKind, tables: readonly SegmentTable[]): Promise<string[]> {
  const newest = new Map<string, SegmentEntry>();
  for (const table of tables.filter((each) => each.kind === kind)) {
    for (let index = 0; index < table.count; index += 1) {
      const entry = table.entry(index);
      newest.set(entry.id.toString("latin1"), entry);
    }
  }
  const entries = Array.from(newest.values()).toSorted((a, b) => a.id.compare(b.id));
  const names: string[] = [];
  for (let from = 0; from < entries.length; from += RELOCATIONS_MAX) {
    names.push(await write(at, kind, entries.slice(from, from + RELOCATIONS_MAX)));
  }
  return names;
}

/** A list of segment names with what takes their places. */
export function afterChanges(names: readonly string[], changes: SegmentChanges): readonly string[] {
  return names.flatMap((name) => changes.replaced.get(name) ?? [name]);
}
