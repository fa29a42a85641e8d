import { Fault, hasCode } from "@cairn/kernel";
import {
  inspectKeySet,
  listOwnerRecords,
  openPack,
  openRepository,
  type RecordKind,
  type RepositoryHandle,
  readOwnerRecord,
  readSegmentTable,
  repositoryNames,
  verifyPackBytes,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { damageOf, frameDamageOf } from "./damage.ts";
import { packName } from "./page-source.ts";

export interface CopyPorts {
  readonly source: Store;
  readonly target: Store;
  readonly handle: RepositoryHandle;
  readonly signal: AbortSignal;
}

/**
 * `unusable`: the source does not have the pack (any more), or not as it was. `taken`: other bytes are at the
 * target.
 */
export type PackCopy =
  | { readonly kind: "copied"; readonly bytes: number }
  | { readonly kind: "unusable" }
  | { readonly kind: "taken" };

/** Copies a pack as it is, if it is sound, and reads it back. */
export async function copyPack(ports: CopyPorts, kind: RecordKind, pack: string): Promise<PackCopy> {
  const { source, target, handle, signal } = ports;
  const name = packName(handle, kind, pack);
  const read = await frameDamageOf(
    async () => {
      const bytes = await source.get(name, signal);
      const { checksumMatches } = openPack(handle, { packId: pack, kind, bytes });
      return checksumMatches ? bytes : undefined;
    },
    async () => verifyPackBytes(source, name, signal),
  );
  if ("fault" in read || read.result === undefined) return { kind: "unusable" };
  try {
    await target.put(name, [read.result], signal);
  } catch (cause) {
    if (hasCode(cause, "object-exists")) return { kind: "taken" };
    throw cause;
  }
  await verifyPackBytes(target, name, signal);
  return { kind: "copied", bytes: read.result.length };
}

/** Reads an object as its users do and throws what is wrong with it. */
export type Prove = (store: Store) => Promise<unknown>;

/**
 * Copies a small object as it is, unless the same is there, and reads it back. The very bytes that are stored
 * are proven before: names are never written twice, so damage that was copied would be there for good.
 * Returns its bytes.
 */
export async function copyObject(ports: CopyPorts, name: string, prove: Prove): Promise<number> {
  const { source, target, signal } = ports;
  const bytes = await source.get(name, signal);
  await prove(holding(source, name, bytes));
  await target.put(name, [bytes], signal);
  const found = await target.get(name, signal);
  if (found.equals(bytes)) return bytes.length;
  throw new Fault("object-damaged", `reading ${name} back from the mirror`, "later");
}

/** The store as if it held these bytes under a name. */
function holding(store: Store, name: string, bytes: Buffer): Store {
  return {
    ...store,
    list: (prefix, signal) => store.list(prefix, signal),
    put: async (...all) => store.put(...all),
    remove: async (...all) => store.remove(...all),
    time: async (signal) => store.time(signal),
    size: async (asked, signal) => (asked === name ? bytes.length : store.size(asked, signal)),
    get: async (asked, signal) => (asked === name ? Buffer.from(bytes) : store.get(asked, signal)),
    getRange: async (asked, offset, length, signal) =>
      asked === name
        ? Buffer.from(bytes.subarray(offset, offset + length))
        : store.getRange(asked, offset, length, signal),
  };
}

/**
 * Key sets, then the marker: whoever finds the marker can open the repository. Later key sets are copied each
 * time.
 */
export async function copyKeysAndMarker(ports: CopyPorts): Promise<number> {
  const { source, target, handle, signal } = ports;
  const { repositoryId } = handle;
  const names = repositoryNames(repositoryId);
  let bytes = 0;
  for await (const name of source.list(names.keySets, signal)) {
    if (name === names.keysDestroyed || (await target.size(name, signal)) !== undefined) continue;
    bytes += await copyObject(ports, name, async (store) =>
      inspectKeySet(repositoryId, await store.get(name, signal)),
    );
  }
  if ((await target.size(names.marker, signal)) === undefined) {
    const isSound: Prove = async (store) => openRepository(store, { repositoryId, signal });
    bytes += await copyObject(ports, names.marker, isSound);
  }
  await openRepository(target, { repositoryId, signal });
  return bytes;
}

/** Who owns which workload since it was moved: a mirror must not give it back to the former owner. */
export async function copyOwners(
  ports: CopyPorts,
  workloads: readonly string[] | undefined,
): Promise<number> {
  const { source, target, handle, signal } = ports;
  let bytes = 0;
  for await (const found of listOwnerRecords(source, { ...handle, signal })) {
    if (workloads?.includes(found.workloadId) === false) continue;
    if ((await target.size(found.name, signal)) !== undefined) continue;
    const isSound: Prove = async (store) => readOwnerRecord(store, { ...handle, ...found, signal });
    const copied = await damageOf(async () => copyObject(ports, found.name, isSound));
    // A damaged one is named by `verify`; the snapshots are copied all the same.
    if ("result" in copied) bytes += copied.result;
  }
  return bytes;
}

/**
 * Copies an index segment if everything that it names is at the target: writers there would refer to it.
 * `false`: the target does without; what the segment lists would be stored again.
 */
export async function copySegment(
  ports: CopyPorts,
  segment: string,
  hasPack: (pack: string) => Promise<boolean>,
): Promise<boolean> {
  const { source, target, handle, signal } = ports;
  const name = repositoryNames(handle.repositoryId).within(segment);
  if ((await target.size(name, signal)) !== undefined) return false;
  const read = await damageOf(async () => readSegmentTable(source, handle, { name: segment, signal }));
  if ("fault" in read || read.result.kind !== "chunk") return false;
  for (const pack of read.result.packs) if (!(await hasPack(pack))) return false;
  const isSound: Prove = async (store) => readSegmentTable(store, handle, { name: segment, signal });
  const copied = await damageOf(async () => copyObject(ports, name, isSound));
  return "result" in copied;
}
