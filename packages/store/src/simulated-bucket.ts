import { type Clock, Fault } from "@cairn/kernel";
import { assertName, assertPrefix } from "./names.ts";
import type { ObjectLock, Store } from "./store.ts";

export interface SimulatedBucketOptions {
  readonly clock: Pick<Clock, "now">;
  /** Whether the bucket keeps versions. One with a lock always does. */
  readonly versions?: boolean;
  readonly lock?: { readonly mode: ObjectLock["mode"]; readonly windowMs: number };
  /**
   * What conditional writes are worth: `false` lets other bytes replace an object, as some look-alikes do.
   */
  readonly conditional?: boolean;
}

export interface SimulatedVersion {
  /** `undefined`: a delete marker. */
  readonly bytes: Buffer | undefined;
  readonly storedAt: number;
  /** Until when it is locked, ms since 1970. */
  readonly lockedUntil: number | undefined;
}

/** What one identity may do beside storing and reading. */
export interface SimulatedRights {
  /** Whether it may remove objects. A datamover may not. */
  readonly remove: boolean;
}

export interface SimulatedBucket {
  /** The bucket as one identity sees it. All stores of a bucket share its objects. */
  store(rights?: SimulatedRights): Store;
  /** The versions of an object, newest first. */
  versions(name: string): readonly SimulatedVersion[];
  /** What a plain DELETE by somebody else does: a delete marker where versions are kept, else it is gone. */
  hide(name: string): void;
  /** The bytes of all versions: what is paid for. */
  storedBytes(): number;
}

/** A bucket in memory with versions, object lock and rights, by the rules of S3. Its time is the clock's. */
export function simulatedBucket(options: SimulatedBucketOptions): SimulatedBucket {
  const bucket = new Bucket(options);
  return {
    store: (rights = { remove: true }) => storeOf(bucket, rights),
    versions: (name) => bucket.versions(name),
    hide: (name) => bucket.hide(name),
    storedBytes: () => bucket.storedBytes(),
  };
}

class Bucket {
  readonly clock: Pick<Clock, "now">;
  readonly lock: SimulatedBucketOptions["lock"];
  readonly #keepsVersions: boolean;
  readonly #conditional: boolean;
  /** Newest version first. */
  readonly #objects = new Map<string, SimulatedVersion[]>();

  constructor(options: SimulatedBucketOptions) {
    this.clock = options.clock;
    this.lock = options.lock;
    this.#keepsVersions = options.versions === true || options.lock !== undefined;
    this.#conditional = options.conditional !== false;
  }

  versions(name: string): readonly SimulatedVersion[] {
    return this.#objects.get(name)?.slice() ?? [];
  }

  storedBytes(): number {
    let sum = 0;
    for (const versions of this.#objects.values()) {
      for (const { bytes } of versions) sum += bytes?.length ?? 0;
    }
    return sum;
  }

  /** Names whose newest version is no delete marker. */
  visible(): readonly string[] {
    return Array.from(this.#objects).flatMap(([name, [newest]]) =>
      newest?.bytes === undefined ? [] : [name],
    );
  }

  /** The newest version. A delete marker is no absence: the bytes behind it are still there. */
  newest(name: string, doing: string): (SimulatedVersion & { readonly bytes: Buffer }) | undefined {
    const newest = this.#objects.get(name)?.[0];
    if (newest === undefined) return undefined;
    const { bytes } = newest;
    if (bytes === undefined) throw new Fault("object-hidden", doing, "after-operator");
    return { ...newest, bytes };
  }

  put(name: string, bytes: Buffer): void {
    const now = this.clock.now();
    const until = this.lock === undefined ? undefined : now + this.lock.windowMs;
    const versions = this.#objects.get(name) ?? [];
    const there = versions[0]?.bytes;
    if (there !== undefined && this.#conditional) {
      if (!there.equals(bytes)) {
        throw new Fault("object-exists", `storing ${name}: the name is taken by other bytes`, "never");
      }
      if (until !== undefined) this.extend(name, until);
      return;
    }
    const fresh = { bytes, storedAt: now, lockedUntil: until };
    this.#objects.set(name, this.#keepsVersions ? [fresh, ...versions] : [fresh]);
  }

  hide(name: string): void {
    const versions = this.#objects.get(name);
    if (versions === undefined) return;
    if (!this.#keepsVersions) this.#objects.delete(name);
    else versions.unshift({ bytes: undefined, storedAt: this.clock.now(), lockedUntil: undefined });
  }

  /** Oldest first, until one is locked: what readers see goes last. */
  remove(name: string): void {
    const versions = this.#objects.get(name) ?? [];
    const now = this.clock.now();
    while (versions.length > 0) {
      const until = versions.at(-1)?.lockedUntil;
      if (until !== undefined && until > now) {
        const date = new Date(until).toISOString();
        throw new Fault("object-locked", `removing ${name}: it is locked until ${date}`, "later");
      }
      versions.pop();
    }
    this.#objects.delete(name);
  }

  extend(name: string, untilMs: number): void {
    const [newest, ...older] = this.#objects.get(name) ?? [];
    if (newest?.bytes === undefined) throw new Fault("object-missing", `locking ${name}`, "never");
    const lockedUntil = Math.max(newest.lockedUntil ?? 0, untilMs);
    this.#objects.set(name, [{ ...newest, lockedUntil }, ...older]);
  }
}

function storeOf(bucket: Bucket, rights: SimulatedRights): Store {
  const read = (name: string): Buffer => {
    const found = bucket.newest(name, `reading ${name}`);
    if (found === undefined) throw new Fault("object-missing", `reading ${name}`, "never");
    return found.bytes;
  };
  const checked = (name: string, signal: AbortSignal | undefined): void => {
    assertName(name);
    signal?.throwIfAborted();
  };
  return {
    checkedPuts: true,
    async put(name, parts, signal) {
      checked(name, signal);
      bucket.put(name, Buffer.concat(parts));
    },
    async get(name, signal) {
      checked(name, signal);
      return Buffer.from(read(name));
    },
    async getRange(name, offset, length, signal) {
      checked(name, signal);
      const bytes = read(name);
      if (offset + length > bytes.length) {
        throw new Fault("object-short", `reading ${length} bytes at ${offset} of ${name}`, "never");
      }
      return Buffer.from(bytes.subarray(offset, offset + length));
    },
    async size(name, signal) {
      checked(name, signal);
      return bucket.newest(name, `looking for ${name}`)?.bytes.length;
    },
    async remove(name, signal) {
      checked(name, signal);
      if (!rights.remove) throw new Fault("store-denied", `removing ${name}`, "after-operator");
      bucket.remove(name);
    },
    async *list(prefix, signal) {
      assertPrefix(prefix);
      for (const name of bucket.visible()) {
        signal?.throwIfAborted();
        if (name.startsWith(prefix)) yield name;
      }
    },
    async time(signal) {
      signal?.throwIfAborted();
      return bucket.clock.now();
    },
    ...(bucket.lock !== undefined && { lock: lockOf(bucket, bucket.lock) }),
  };
}

function lockOf(bucket: Bucket, lock: NonNullable<SimulatedBucketOptions["lock"]>): ObjectLock {
  return {
    ...lock,
    async lockedUntil(name, signal) {
      assertName(name);
      signal?.throwIfAborted();
      const doing = `asking until when ${name} is locked`;
      const found = bucket.newest(name, doing);
      if (found === undefined) throw new Fault("object-missing", doing, "never");
      return found.lockedUntil;
    },
    async extend(name, untilMs, signal) {
      assertName(name);
      signal?.throwIfAborted();
      bucket.extend(name, untilMs);
    },
  };
}
