import { createHmac, createSecretKey } from "node:crypto";
import type { Store } from "@cairn/store";
import { damaged } from "./bytes.ts";
import type { RepositoryHandle } from "./commits.ts";
import { structureKey } from "./keys.ts";
import { repositoryNames } from "./names.ts";
import { decodeRecordHeader } from "./pack/codec.ts";
import type { PageAddress } from "./page/page.ts";
import { openRecord, type SealedRecord, sealRecord } from "./records.ts";
import { deriveKey } from "./seal.ts";

/**
 * A page's name: equal pages of one repository and key epoch (the writing one unless told) have equal ids.
 * Whoever may read pages can check it.
 */
export function pageId(handle: RepositoryHandle, page: Uint8Array, epoch?: number): Buffer {
  const key = deriveKey(structureKey(handle.keys, epoch), "cairn page id", new Uint8Array(0));
  return createHmac("sha256", createSecretKey(key)).update(page).digest();
}

export function sealPage(handle: RepositoryHandle, id: Buffer, page: Uint8Array): SealedRecord {
  return sealRecord(pageBinding(handle, id), page);
}

function pageBinding(handle: RepositoryHandle, id: Buffer): Parameters<typeof sealRecord>[0] {
  return { ...handle, kind: "page", id };
}

/**
 * Reads a page and proves that it is the one that its address names. Faults: `object-missing`, `object-
 * damaged`.
 */
export async function readPage(
  store: Store,
  handle: RepositoryHandle,
  address: PageAddress,
  signal?: AbortSignal,
): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const pack = repositoryNames(handle.repositoryId).pagePack(address.pack);
  const name = `page at ${address.offset} of ${pack}`;
  const record = await store.getRange(pack, address.offset, address.storedBytes, signal);
  return { name, bytes: openPage(handle, { name, id: address.id, record }) };
}

/** Opens the record of a page and proves that it is the one of this id. Fault `object-damaged`. */
export function openPage(
  handle: RepositoryHandle,
  page: { readonly name: string; readonly id: Buffer; readonly record: Buffer },
): Buffer {
  const { name, id, record } = page;
  const bytes = openRecord(name, pageBinding(handle, id), record);
  const { keyEpoch } = decodeRecordHeader(name, record);
  if (!pageId(handle, bytes, keyEpoch).equals(id)) throw damaged(name, 0, "it is another page");
  return bytes;
}
