import { assertName } from "./names.ts";
import { S3Link, type S3Options } from "./s3-link.ts";
import { s3Lock } from "./s3-lock.ts";
import { putter } from "./s3-put.ts";
import { emptyRange, getObject, listFolders, listObjects, sizeOf } from "./s3-read.ts";
import { type KeepsVersions, remover, versionsQuestion } from "./s3-remove.ts";
import type { ObjectLock, Store } from "./store.ts";
import type { S3Address } from "./target.ts";

/** 19 packs a GiB, and two of them in a writer's memory. */
const LARGE_OBJECT_BYTES = 56 * 1024 * 1024;

/** What the parts of this driver share. */
export interface S3Context {
  readonly link: S3Link;
  readonly address: S3Address;
  readonly lock: ObjectLock | undefined;
  readonly keepsVersions: (signal?: AbortSignal) => Promise<KeepsVersions>;
  /** The object's key in the bucket. */
  readonly key: (name: string) => string;
}

/**
 * A store in an S3 bucket, under a prefix.
 *
 * What `put` promises. The service proves the SHA-256 of what arrived before it answers (it is part of the
 * signature), so that what is stored is what was sent. A lost answer means "unknown": the object is looked
 * for, and written again with the same bytes if it is not there. A name that is taken by other bytes is
 * `object-exists` where the service honours `If-None-Match: *` (AWS since 2024, Ceph's gateway), which the
 * probe finds out. Of a service that ignores it (`conditional: false`) objects of up to 1 MiB are looked
 * for first, which notices an earlier writer but not one of the same moment; larger ones are replaced, or
 * get one more version, without a word: there only unique names protect. The good case is one request, or
 * two.
 *
 * Requests are repeated a few times after growing random pauses; the Fault after the last one says what
 * remains unknown.
 */
export function s3Store(address: S3Address, options: S3Options = {}): Store {
  const link = new S3Link(address, options);
  const key = (name: string): string => {
    assertName(name);
    return address.prefix + name;
  };
  const lock = address.lock === undefined ? undefined : s3Lock({ link, address, key }, address.lock);
  const keepsVersions = versionsQuestion({ link, address });
  const context: S3Context = { link, address, lock, keepsVersions, key };
  return {
    checkedPuts: true,
    largeObjectBytes: LARGE_OBJECT_BYTES,
    put: putter(context),
    get: async (name, signal) => getObject(context, name, { signal }),
    getRange: async (name, offset, length, signal) =>
      length === 0
        ? emptyRange(context, name, { offset, signal })
        : getObject(context, name, { signal, range: { offset, length } }),
    size: async (name, signal) => sizeOf(context, name, signal),
    remove: remover(context),
    list: (prefix, signal) => listObjects(context, prefix, signal),
    folders: (signal) => listFolders(context, signal),
    time: async (signal) => link.askTime(signal),
    ...(lock !== undefined && { lock }),
  };
}
