import { Fault } from "@cairn/kernel";
import { KEY_BYTES } from "./keys/set-codec.ts";
import { type Randomness, randomId, systemRandomness } from "./random.ts";

/**
 * The keys of a repository, as far as its holder has them. Who holds structure keys alone can sweep, mirror
 * and account for a repository, and reads no tenant's data.
 */
export interface RepositoryKeys {
  /** UUID of the key set that they come from. */
  readonly id: string;
  /** Names chunks, and never changes while the repository lives. Absent for holders of structure keys. */
  readonly chunkId?: Buffer;
  /** Ascending; the last one seals what is new, all open what is there. */
  readonly epochs: readonly KeyEpoch[];
}

/** The keys of one stretch of a repository's life. Rotation begins the next one. */
export interface KeyEpoch {
  /** 0 to 255; every object and every record says which one sealed it. */
  readonly epoch: number;
  /** Opens index segments, pages, pack trailers, tombstones, states, sessions, and a commit's structure. */
  readonly structure: Buffer;
  /** Opens chunks and a commit's metadata. Absent for holders of structure keys. */
  readonly data?: Buffer;
}

/** A record has one byte for its key epoch. */
export const KEY_EPOCHS_MAX = 256;

/** The epoch that seals what is new. */
export function writingEpoch(keys: RepositoryKeys): number {
  return lastEpoch(keys).epoch;
}

/**
 * The structure key of an epoch, the writing one unless told. Fault `wrong-key` when it is not among them.
 */
export function structureKey(keys: RepositoryKeys, epoch?: number): Buffer {
  return findEpoch(keys, epoch).structure;
}

/** The data key of an epoch, the writing one unless told. Fault `wrong-key` when it is not among them. */
export function dataKey(keys: RepositoryKeys, epoch?: number): Buffer {
  const found = findEpoch(keys, epoch);
  if (found.data === undefined) throw structureOnly(keys, `the data key of key epoch ${found.epoch}`);
  return found.data;
}

/** The key that names chunks. Fault `wrong-key` when only structure keys are there. */
export function chunkIdKey(keys: RepositoryKeys): Buffer {
  if (keys.chunkId === undefined) throw structureOnly(keys, "the key that names chunks");
  return keys.chunkId;
}

function lastEpoch(keys: RepositoryKeys): KeyEpoch {
  const last = keys.epochs.at(-1);
  if (last === undefined) throw new Fault("wrong-key", `key set ${keys.id} holds no keys`, "after-operator");
  return last;
}

function findEpoch(keys: RepositoryKeys, epoch: number | undefined): KeyEpoch {
  if (epoch === undefined) return lastEpoch(keys);
  const found = keys.epochs.find((each) => each.epoch === epoch);
  if (found !== undefined) return found;
  const there = keys.epochs.map((each) => each.epoch).join(", ");
  const what = `has no keys of key epoch ${epoch} (it has ${there})`;
  const message = `key set ${keys.id} ${what}: read the newest key set`;
  throw new Fault("wrong-key", message, "after-operator");
}

function structureOnly(keys: RepositoryKeys, what: string): Fault {
  const opened = `key set ${keys.id} was opened with the right to the structure alone`;
  const message = `${what} is needed, and ${opened}`;
  return new Fault("wrong-key", message, "after-operator");
}

/** The same keys without what opens or names tenants' data. */
export function structureOnlyKeys(keys: RepositoryKeys): RepositoryKeys {
  return { id: keys.id, epochs: keys.epochs.map(({ epoch, structure }) => ({ epoch, structure })) };
}

/** Keys as JSON carries them, for example with an order: base64 of 32 bytes each. */
export interface PortableKeys {
  id: string;
  chunkId?: string;
  epochs: { epoch: number; structure: string; data?: string }[];
}

export function exportKeys(keys: RepositoryKeys): PortableKeys {
  const encode = (key: Buffer): string => key.toString("base64");
  return {
    id: keys.id,
    ...(keys.chunkId === undefined ? {} : { chunkId: encode(keys.chunkId) }),
    epochs: keys.epochs.map(({ epoch, structure, data }) => ({
      epoch,
      structure: encode(structure),
      ...(data === undefined ? {} : { data: encode(data) }),
    })),
  };
}

export function importKeys(portable: PortableKeys): RepositoryKeys {
  const decode = (text: string): Buffer => {
    const key = Buffer.from(text, "base64");
    if (key.length === KEY_BYTES) return key;
    throw new Fault("wrong-key", `a key of key set ${portable.id} has ${key.length} bytes`, "never");
  };
  return {
    id: portable.id,
    ...(portable.chunkId === undefined ? {} : { chunkId: decode(portable.chunkId) }),
    epochs: portable.epochs.map(({ epoch, structure, data }) => ({
      epoch,
      structure: decode(structure),
      ...(data === undefined ? {} : { data: decode(data) }),
    })),
  };
}

/** Fresh random keys, of the first epoch. */
export function createRepositoryKeys(random: Randomness = systemRandomness): RepositoryKeys {
  return {
    id: randomId(random),
    chunkId: random(KEY_BYTES),
    epochs: [{ epoch: 0, structure: random(KEY_BYTES), data: random(KEY_BYTES) }],
  };
}
