import { isDeepStrictEqual } from "node:util";
import { Fault, hasCode, isUuid } from "@cairn/kernel";
import { fromReserve, type Store } from "@cairn/store";
import { damaged } from "./bytes.ts";
import type { RepositoryHandle } from "./commits.ts";
import { repositoryNames } from "./names.ts";
import { decodeOwnerRecord, encodeOwnerRecord, OWNER_MAGIC } from "./owner/codec.ts";
import type { OwnerRecord } from "./owner/owner.ts";
import { readSealedJson, sealJson } from "./sealed-json.ts";

const KIND = { magic: OWNER_MAGIC, purpose: "cairn owner " };

interface OwnerNames {
  readonly workloadId: string;
  readonly sequence: number;
}

/** The names of all owner records, or of those of one workload. */
export async function* listOwnerRecords(
  store: Store,
  request: { readonly repositoryId: string; readonly workloadId?: string; readonly signal?: AbortSignal },
): AsyncGenerator<OwnerNames & { readonly name: string }> {
  const names = repositoryNames(request.repositoryId);
  for await (const name of store.list(names.owners(request.workloadId), request.signal)) {
    const [workloadId = "", sequence = ""] = name.slice(names.owners().length).split("/");
    if (!isUuid(workloadId) || !/^[0-9a-f]{8}$/.test(sequence)) continue;
    yield { workloadId, sequence: Number.parseInt(sequence, 16), name };
  }
}

/** Reads one record. Faults: `object-missing`, `object-damaged`, `format-unknown`, those of the store. */
export async function readOwnerRecord(
  store: Store,
  request: RepositoryHandle & OwnerNames & { readonly signal?: AbortSignal },
): Promise<OwnerRecord> {
  const { repositoryId, keys, workloadId, sequence, signal } = request;
  const name = repositoryNames(repositoryId).owner(workloadId, sequence);
  const handle = { repositoryId, keys };
  const record = decodeOwnerRecord(name, await readSealedJson(KIND, { store, handle, name }, signal));
  if (record.workloadId === workloadId && record.sequence === sequence) return record;
  throw damaged(name, 0, "it is another record");
}

/** The newest record of a workload in this repository; `undefined`: it was never moved here. */
export async function readOwner(
  store: Store,
  request: RepositoryHandle & { readonly workloadId: string; readonly signal?: AbortSignal },
): Promise<OwnerRecord | undefined> {
  let newest = 0;
  for await (const { sequence } of listOwnerRecords(store, request)) newest = Math.max(newest, sequence);
  return newest === 0 ? undefined : readOwnerRecord(store, { ...request, sequence: newest });
}

/**
 * Gives a workload a new owner: the next record, durable and read back when it resolves. Fault
 * `owner-changed` (later) when somebody else wrote a record of that number: read again who owns it.
 */
export async function writeOwner(
  store: Store,
  request: RepositoryHandle & { readonly record: OwnerRecord; readonly signal?: AbortSignal },
): Promise<void> {
  const { record, signal } = request;
  const name = repositoryNames(request.repositoryId).owner(record.workloadId, record.sequence);
  try {
    const sealed = sealJson(KIND, request, name, encodeOwnerRecord(record));
    await fromReserve(store).put(name, [sealed], signal);
  } catch (cause) {
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  const { workloadId, sequence } = record;
  const found = await readOwnerRecord(store, { ...request, workloadId, sequence });
  if (isDeepStrictEqual(found, record)) return;
  throw new Fault("owner-changed", `storing ${name}: somebody else moved the workload`, "later");
}
