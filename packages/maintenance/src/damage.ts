import { describeFault, Fault, hasCode } from "@cairn/kernel";

/** Something on the target that is not what was stored. All of it is JSON. */
export interface Damage {
  /** What is damaged: a record of a pack, a pack's frame (or all of it), or another object. */
  readonly kind: "chunk" | "page" | "chunk-pack" | "page-pack" | "commit" | "object";
  /** The object's name on the target. */
  readonly object: string;
  /** The code of the fault: `object-missing`, `object-short`, `object-damaged`, `format-unknown` … */
  readonly code: string;
  /** A sentence for a person. */
  readonly what: string;
  /** The record in the pack, for chunks and pages. */
  readonly record?: DamagedRecord;
}

export interface DamagedRecord {
  /** In hex. */
  readonly id: string;
  readonly offset: number;
  readonly storedBytes: number;
}

/** A stretch of a disk that cannot be read; `damage` counts in the report's list of damage. */
export interface DamagedRange {
  readonly offset: number;
  readonly length: number;
  readonly damage: number;
}

export interface DegradedDisk {
  readonly instanceId: string;
  readonly diskId: string;
  readonly device: string;
  readonly sizeBytes: number;
  /** Bytes of the disk that cannot be read; exact, also when ranges are left out. */
  readonly damagedBytes: number;
  /** In the order of the disk. */
  readonly ranges: readonly DamagedRange[];
  /** Ranges beyond the report's limit. */
  readonly rangesOmitted: number;
}

/** A snapshot that does not read back as a whole. Everything of it that is not named here does. */
export interface DegradedSnapshot {
  readonly workloadId: string;
  readonly snapshotId: string;
  /** ISO 8601; absent when the commit itself cannot be read. */
  readonly createdAt?: string;
  /** The damage of the commit itself: then nothing is known of its disks. */
  readonly commitDamage?: number;
  readonly disks: readonly DegradedDisk[];
}

const CODES = ["object-missing", "object-short", "object-damaged", "object-hidden", "format-unknown"];

/**
 * Whether a fault is about one object rather than about the target: what was stored is not there, or is not
 * what it was. A flipped bit can also look like an unknown version. `EIO` is a medium that does not give its
 * bytes back; anything else that a store reports may be over when it is asked again. Keys that are too old
 * are no damage: whoever took a rotation for it would give up all that is new.
 */
export function isDamage(cause: unknown): cause is Fault {
  if (!(cause instanceof Fault)) return false;
  return CODES.some((code) => hasCode(cause, code)) || hasCode(cause, "EIO");
}

/** The result, or the fault if it is about damage; other failures pass. */
export async function damageOf<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result } | { readonly fault: Fault }> {
  try {
    return { result: await work() };
  } catch (cause) {
    if (isDamage(cause)) return { fault: cause };
    throw cause;
  }
}

/**
 * The same for what is read of a pack's frame. Nothing has proven its key epoch yet: only if all bytes of the
 * pack are as they were stored (`prove`), an epoch that is not among the keys is a newer one.
 */
export async function frameDamageOf<Result>(
  work: () => Promise<Result>,
  prove: () => Promise<void>,
): Promise<{ readonly result: Result } | { readonly fault: Fault }> {
  try {
    return await damageOf(work);
  } catch (cause) {
    if (!hasCode(cause, "wrong-key")) throw cause;
    const proof = await damageOf(prove);
    if ("fault" in proof) return proof;
    throw cause;
  }
}

/** The damage that a fault tells of. */
export function toDamage(kind: Damage["kind"], object: string, fault: Fault, record?: DamagedRecord): Damage {
  const damage = { kind, object, code: fault.code, what: describeFault(fault) };
  return record === undefined ? damage : { ...damage, record };
}
