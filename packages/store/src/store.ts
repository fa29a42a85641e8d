/**
 * The port to a backup target: named, immutable bytes. A name is written once and never again with other
 * bytes, so nothing here overwrites, appends or locks.
 *
 * Every refusal of the world is a `Fault` with one of these codes:
 *
 * | code              | retry          | means                                                        |
 * |-------------------|----------------|--------------------------------------------------------------|
 * | `object-missing`  | never          | there is no object of this name                              |
 * | `object-exists`   | never          | the name is taken by other bytes                             |
 * | `object-short`    | never          | the range asked for ends beyond the object                   |
 * | `store-full`      | after-operator | no space, quota or inodes left                               |
 * | `store-denied`    | after-operator | rights, or a read-only mount                                 |
 * | `store-away`      | after-operator | the target's directory is not there (not mounted)            |
 * | `store-stale`     | later          | a stale NFS handle; the object's state is unknown            |
 * | `store-io`        | later          | any other failure of the medium; the object's state is unknown |
 */
export interface Store {
  /**
   * Stores the parts, one after the other, under the name; durable when it resolves. The same name with the
   * same bytes again is success; with other bytes a Fault `object-exists`. A failure leaves the name unknown:
   * call again with the same bytes, or use another name. The parts must not change until it settles.
   */
  put(name: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void>;
  /** The whole object. For small objects; packs are read with `getRange`. */
  get(name: string, signal?: AbortSignal): Promise<Buffer>;
  /** Exactly `length` bytes from `offset`, or a Fault `object-short`. */
  getRange(name: string, offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  /** The size in bytes, or `undefined` when there is no such object. */
  size(name: string, signal?: AbortSignal): Promise<number | undefined>;
  /** Removes an object. Absent is removed. */
  remove(name: string, signal?: AbortSignal): Promise<void>;
  /**
   * The names that begin with the prefix, in no order. A failure in the middle is thrown, never an early end:
   * whoever takes a listing for complete deletes what it did not show.
   */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<string>;
}
