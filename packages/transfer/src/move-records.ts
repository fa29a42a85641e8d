import {
  EMPTY_STATE,
  PACK_BYTES,
  PackBuilder,
  type RecordKind,
  readPackEntries,
  readState,
  repositoryNames,
  type SegmentEntry,
  writeRelocations,
  writeState,
} from "@cairn/repository";
import type { Workbench } from "./workbench.ts";

/** The parts of a record in a pack: header and nonce, payload, tag (docs/repository-format.md, 6.2). */
const HEAD_BYTES = 24;
const TAG_BYTES = 16;

/**
 * For tests: moves all records of a kind into another pack, as a compaction does, and says in a new
 * state where they are. With `keepOld` the old packs stay, as when records were healed.
 */
export async function moveRecords(
  { store, handle }: Workbench,
  kind: RecordKind,
  how: "remove-old" | "keep-old",
): Promise<void> {
  const names = repositoryNames(handle.repositoryId);
  const nameOf = (pack: string): string => (kind === "chunk" ? names.pack(pack) : names.pagePack(pack));
  const prefix = `${handle.repositoryId}/${kind === "chunk" ? "p" : "m"}/`;
  const old = (await Array.fromAsync(store.list(prefix))).map((name) => name.slice(-32));
  const builder = new PackBuilder(handle, kind, Buffer.alloc(PACK_BYTES));
  const entries: SegmentEntry[] = [];
  for (const packId of old) {
    for (const entry of await readPackEntries(store, handle, { packId, kind })) {
      const record = await store.getRange(nameOf(packId), entry.offset, entry.storedBytes);
      const end = record.length - TAG_BYTES;
      const parts = {
        head: record.subarray(0, HEAD_BYTES),
        payload: record.subarray(HEAD_BYTES, end),
        tag: record.subarray(end),
      };
      const { offset, storedBytes } = builder.add(entry.id, parts, entry.plainBytes);
      entries.push({ id: entry.id, pack: builder.packId, offset, storedBytes, plainBytes: entry.plainBytes });
    }
  }
  await store.put(builder.name, [builder.finish()]);
  const segment = await writeRelocations(store, handle, { kind, entries });
  const before = await readState(store, handle);
  const state = {
    ...EMPTY_STATE,
    epoch: before.epoch + 1,
    by: "test",
    relocations: [...before.relocations, segment.name],
  };
  await writeState(store, handle, { state });
  if (how === "remove-old") for (const packId of old) await store.remove(nameOf(packId));
}
