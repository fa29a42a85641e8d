/**
 * The port to a backup target: named, immutable bytes. A name is written once and never again with other
 * bytes, so nothing here overwrites, appends or locks.
 *
 * Every refusal of the world is a `Fault` with one of these codes:
 *
 * | code             | retry          | means                                                    |
 * |------------------|----------------|----------------------------------------------------------|
 * | `object-missing` | never          | there is no object of this name                          |
 * | `object-exists`  | never          | the name is taken by other bytes                         |
 * | `object-short`   | never          | the range asked for ends beyond the object               |
 * | `object-hidden`  | after-operator | a delete marker hides the object; its bytes are there    |
 * | `object-locked`  | later          | removing before the date that it is locked until         |
 * | `store-full`     | after-operator | no space, quota or inodes left                           |
 * | `store-denied`   | after-operator | rights, or a read-only mount                             |
 * | `store-away`     | after-operator | the directory is not mounted, there is no such bucket    |
 * |                  | later          | the service cannot be reached                            |
 * | `store-stale`    | later          | a stale NFS handle; the object's state is unknown        |
 * | `store-io`       | later          | the medium or line failed; the object's state is unknown |
 * | `store-busy`     | later          | the target asked to be left alone, after some attempts   |
 * | `store-timeout`  | later          | no answer in time; the object's state is unknown         |
 * | `store-clock`    | after-operator | its clock and ours differ too much for it to accept us   |
 * | `target-unfit`   | after-operator | it does not do what its address says (object lock)       |
 */
export interface Store {
  /**
   * Stores the parts, one after the other, under the name; durable when it resolves. The same name with the
   * same bytes again is success; with other bytes a Fault `object-exists`. A failure leaves the name unknown:
   * call again with the same bytes, or use another name. The parts must not change until it settles.
   */
  put(name: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void>;
  /**
   * As `put`, for the small objects without which a full target could not be cleared up: where the target
   * keeps a reserve, it is used. Only some targets can.
   */
  putFromReserve?(name: string, parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void>;
  /** The whole object. For small objects; packs are read with `getRange`. */
  get(name: string, signal?: AbortSignal): Promise<Buffer>;
  /** Exactly `length` bytes from `offset`, or a Fault `object-short`. */
  getRange(name: string, offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  /** The size in bytes, or `undefined` when there is no such object. */
  size(name: string, signal?: AbortSignal): Promise<number | undefined>;
  /**
   * Removes an object, with all its versions where the target keeps versions. Absent is removed. A locked
   * object is a Fault `object-locked`, and stays whole.
   */
  remove(name: string, signal?: AbortSignal): Promise<void>;
  /**
   * The names that begin with the prefix, in no order. A failure in the middle is thrown, never an early end:
   * whoever takes a listing for complete deletes what it did not show.
   */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<string>;
  /**
   * The first parts of all names that have more than one, each once, without listing every object. Absent
   * where that is not cheaper than `list("")`.
   */
  folders?(signal?: AbortSignal): AsyncIterable<string>;
  /**
   * The target's own clock, in milliseconds since 1970: whoever compares ages of objects uses it and never
   * the host's. Precision is a second.
   */
  time(signal?: AbortSignal): Promise<number>;
  /**
   * `put` resolves only when it is proven that the target has these bytes: a service proves a checksum over
   * all of them, a directory reads the file back, past the page cache where it can. Elsewhere whoever must
   * be sure reads back.
   */
  readonly checkedPuts?: true;
  /**
   * How long large objects should be on a target where requests are counted, billed and slow: as long as
   * memory allows. Absent where that does not matter.
   */
  readonly largeObjectBytes?: number;
  /** Present when the target keeps objects from being removed or replaced before a date. */
  readonly lock?: ObjectLock;
}

/**
 * How a target with object lock keeps objects. Every object that such a store puts is locked until the
 * target's time plus `windowMs` by itself; `extend` moves that date for objects that are still needed.
 */
export interface ObjectLock {
  /** `governance`: an administrator with a special right may remove earlier. `compliance`: nobody may. */
  readonly mode: "governance" | "compliance";
  readonly windowMs: number;
  /** Until when the object is locked, ms since 1970 by the target's clock; `undefined` when it is not. */
  lockedUntil(name: string, signal?: AbortSignal): Promise<number | undefined>;
  /** Locks the object until this date. Never shortens: a later date that is already set stays. */
  extend(name: string, untilMs: number, signal?: AbortSignal): Promise<void>;
}
