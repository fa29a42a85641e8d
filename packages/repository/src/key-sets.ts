import { describeFault, Fault, hasCode, isUuid } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import { damaged } from "./bytes.ts";
import { checked, withChecksum } from "./checksum.ts";
import { inspectKeySet, type KeySet, type KeySetChange, nextKeySet, openKeySet } from "./key-set.ts";
import { type Destruction, decodeDestruction, encodeDestruction } from "./keys/destruction-codec.ts";
import type { Credential } from "./keys/slots.ts";
import type { RepositoryKeys } from "./keys.ts";
import { repositoryNames } from "./names.ts";

/** A key set on a target, by its name. */
interface StoredName {
  readonly name: string;
  readonly sequence: number;
}

/** A newer key set that did not open, and why. */
export interface PassedOver {
  readonly name: string;
  readonly why: Fault;
}

export interface KeySetRequest {
  readonly repositoryId: string;
  readonly signal?: AbortSignal;
}

/** All names under `keys/`, the newest first. It lists a handful of names. */
async function listKeySets(store: Store, request: KeySetRequest): Promise<StoredName[]> {
  const { keySets: prefix, keysDestroyed } = repositoryNames(request.repositoryId);
  const found: StoredName[] = [];
  for await (const name of store.list(prefix, request.signal)) {
    if (name === keysDestroyed) continue;
    const [, sequence, id] = /^([0-9a-f]{8})-(.*)$/.exec(name.slice(prefix.length)) ?? [];
    if (sequence === undefined || id === undefined || !isUuid(id)) continue;
    found.push({ name, sequence: Number.parseInt(sequence, 16) });
  }
  return found.toSorted((a, b) => b.sequence - a.sequence);
}

/**
 * The newest key set of a repository that opens with one of the credentials. Newer ones that did not are told
 * in `passedOver`: whoever is going to write must not go on then, since keys of a newer epoch may be in them.
 * Faults: `keys-missing`, `keys-destroyed`, `keys-downgraded` (a set of `atLeast` or later was there before),
 * `wrong-key`, `object-damaged`, those of the store.
 */
export async function readKeySet(
  store: Store,
  request: KeySetRequest & { readonly credentials: readonly Credential[]; readonly atLeast?: number },
): Promise<KeySet & { readonly passedOver: readonly PassedOver[] }> {
  const passedOver: PassedOver[] = [];
  const all = await listKeySets(store, request);
  for (const [index, { name }] of all.entries()) {
    try {
      const set = await readOne(store, request, name);
      requireSequence(set, request);
      if (set.openedBy?.kind === "escrow") await requireHeritage(store, request, set, all.slice(index + 1));
      return { ...set, passedOver };
    } catch (cause) {
      if (!(cause instanceof Fault) || cause.code === "keys-downgraded" || cause.retry === "later")
        throw cause;
      // Whoever removes old sets may be faster than we are.
      if (!hasCode(cause, "object-missing")) passedOver.push({ name, why: cause });
    }
  }
  const first = passedOver.find(({ why }) => why.code === "wrong-key") ?? passedOver[0];
  if (first === undefined) throw await missing(store, request);
  if (first.why.code !== "object-damaged") throw first.why;
  const remedy = `put ${first.name} back from a mirror or from the database`;
  const message = `opening the keys of repository ${request.repositoryId}: no set opens; ${remedy}`;
  throw new Fault("object-damaged", message, "after-operator", first.why);
}

/**
 * What anybody can read of the key sets on a target, the newest first; one that is damaged is left out unless
 * it is the newest. Faults: `keys-missing`, `keys-destroyed`, `object-damaged`.
 */
export async function inspectKeySets(
  store: Store,
  request: KeySetRequest,
): Promise<readonly ReturnType<typeof inspectKeySet>[]> {
  const found: ReturnType<typeof inspectKeySet>[] = [];
  for (const { name } of await listKeySets(store, request)) {
    const bytes = await store.get(name, request.signal);
    try {
      found.push(inspectKeySet(request.repositoryId, bytes, name));
    } catch (cause) {
      if (found.length === 0) throw cause;
    }
  }
  if (found.length === 0) throw await missing(store, request);
  return found;
}

async function readOne(
  store: Store,
  request: KeySetRequest & { readonly credentials: readonly Credential[] },
  name: string,
): Promise<KeySet> {
  const bytes = await store.get(name, request.signal);
  const set = await openKeySet({ ...request, bytes, name });
  const named = repositoryNames(set.repositoryId).keySet(set.sequence, set.id);
  if (named !== name) throw damaged(name, 12, `it is the set ${named}`);
  return set;
}

/**
 * Anybody who can write to the target can seal a set for an escrow's public key. So one that the escrow opens
 * must hold the keys of the newest one before it that opens, too.
 */
async function requireHeritage(
  store: Store,
  request: KeySetRequest & { readonly credentials: readonly Credential[] },
  set: KeySet,
  older: readonly StoredName[],
): Promise<void> {
  for (const { name } of older) {
    const before = await readOne(store, request, name).catch((cause: unknown) => {
      if (cause instanceof Fault && cause.retry !== "later") return undefined;
      throw cause;
    });
    if (before === undefined) continue;
    if (continues(before.keys, set.keys)) return;
    const own = repositoryNames(set.repositoryId).keySet(set.sequence, set.id);
    throw damaged(own, 0, `it does not hold the keys of ${name}: somebody else made it`);
  }
}

function continues(before: RepositoryKeys, after: RepositoryKeys): boolean {
  // One of the two may have been opened for the structure alone.
  const same = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
    one === undefined || other === undefined || one.equals(other);
  if (!same(before.chunkId, after.chunkId)) return false;
  return before.epochs.every(({ epoch, structure, data }) => {
    const found = after.epochs.find((each) => each.epoch === epoch);
    return found?.structure.equals(structure) === true && same(data, found.data);
  });
}

function requireSequence(
  set: KeySet,
  request: { readonly repositoryId: string; readonly atLeast?: number },
): void {
  const { repositoryId, atLeast = 0 } = request;
  if (set.sequence >= atLeast) return;
  const what = `the newest set that opens is number ${set.sequence}, and number ${atLeast} was there before`;
  const remedy = "put the newer one back, and find out who removed it";
  const message = `opening the keys of repository ${repositoryId}: ${what}; ${remedy}`;
  throw new Fault("keys-downgraded", message, "after-operator");
}

async function missing(store: Store, request: KeySetRequest): Promise<Fault> {
  const { repositoryId, signal } = request;
  const { keySets: prefix } = repositoryNames(repositoryId);
  const destruction = await readDestruction(store, request);
  if (destruction !== undefined) {
    const { at, by, why } = destruction;
    const message = `opening repository ${repositoryId}: its keys were destroyed at ${at} by ${by}: ${why}`;
    return new Fault("keys-destroyed", message, "never");
  }
  signal?.throwIfAborted();
  const remedy = "put one back from a mirror or from the database";
  const message = `opening repository ${repositoryId}: there is no key set under ${prefix}; ${remedy}`;
  return new Fault("keys-missing", message, "after-operator");
}

/**
 * Stores the set that follows on this one, and makes sure that it is the newest. A crash leaves either set as
 * the newest; both open. Faults: `keys-changed` (later) when somebody else changed them at the same time:
 * read the newest and begin again.
 */
export async function changeKeySet(
  store: Store,
  set: KeySet,
  change: KeySetChange & { readonly signal?: AbortSignal },
): Promise<KeySet> {
  const { repositoryId } = set;
  const { signal } = change;
  const request = { repositoryId, ...(signal === undefined ? {} : { signal }) };
  if ((await readDestruction(store, request)) !== undefined) throw await missing(store, request);
  await requireNewest(store, request, set);
  const next = await nextKeySet(set, change);
  await writeKeySet(store, next, signal);
  // Old sets can be removed: a set of our number may be free though later ones have been there.
  await requireNewest(store, request, next);
  return next;
}

async function requireNewest(store: Store, request: KeySetRequest, set: KeySet): Promise<void> {
  const [newest] = await listKeySets(store, request);
  if (newest === undefined || newest.sequence <= set.sequence) return;
  throw changedMeanwhile(set);
}

function changedMeanwhile(set: KeySet): Fault {
  const what = `somebody else has changed them after set ${set.sequence}`;
  const message = `changing the keys of repository ${set.repositoryId}: ${what}`;
  return new Fault("keys-changed", message, "later");
}

/**
 * Stores a key set and reads it back. The same again is success; another of that number is `keys-changed`.
 */
export async function writeKeySet(store: Store, set: KeySet, signal?: AbortSignal): Promise<void> {
  const name = repositoryNames(set.repositoryId).keySet(set.sequence, set.id);
  try {
    await store.put(name, [set.bytes], signal);
  } catch (cause) {
    throw hasCode(cause, "object-exists") ? changedMeanwhile(set) : cause;
  }
  if (!(await store.get(name, signal)).equals(set.bytes)) throw damaged(name, 0, "it reads back differently");
}

/**
 * Removes the sets before this one, which must be the newest and open: a slot that was taken away opens them
 * as long as they are there. Another identity's right, as all removal. Returns the names that are gone.
 */
export async function removeSupersededKeySets(
  store: Store,
  remover: Pick<Store, "remove">,
  request: { readonly newest: KeySet; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  const { newest, signal } = request;
  const { repositoryId } = newest;
  const all = await listKeySets(store, { repositoryId, ...(signal === undefined ? {} : { signal }) });
  if (all[0]?.sequence !== newest.sequence) throw changedMeanwhile(newest);
  const old = all.filter(({ sequence }) => sequence < newest.sequence);
  for (const { name } of old) await remover.remove(name, signal);
  return old.map(({ name }) => name);
}

/** What destroying the keys of a repository did. */
export interface DestroyedKeys {
  readonly journal: Destruction;
  readonly removed: readonly string[];
  readonly secrets: readonly string[];
  /** What could not be removed: as long as it is there, its slots open it. */
  readonly kept: readonly { readonly name: string; readonly why: string }[];
}

/**
 * Makes everything in a repository unreadable, for good: says so in a record that stays, removes every key
 * set, and has Barbican's secrets destroyed. May be called again after a crash or a refusal, until nothing
 * is kept. Key files and passphrases open other repositories, too, and stay; without a key set they open
 * nothing here.
 */
export async function destroyKeys(
  store: Store,
  request: KeySetRequest & {
    readonly remover: Pick<Store, "remove">;
    /** ISO 8601, UTC. */
    readonly at: string;
    readonly by: string;
    readonly why: string;
    readonly destroySecret?: (secretId: string, signal?: AbortSignal) => Promise<void>;
  },
): Promise<DestroyedKeys> {
  const { repositoryId, remover, signal, at, by, why } = request;
  const sets = await listKeySets(store, request);
  const secretIds = await barbicanSecrets(store, request, sets);
  const wanted = { at, by, why, keySets: sets.map(({ name }) => name), secrets: secretIds };
  const journal = await writeDestruction(store, request, wanted);
  const removed: string[] = [];
  const secrets: string[] = [];
  const kept: { name: string; why: string }[] = [];
  const attempt = async (name: string, done: string[], work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      done.push(name);
    } catch (cause) {
      signal?.throwIfAborted();
      kept.push({ name, why: describeFault(cause) });
    }
  };
  // The newest first: a crash in between leaves fewer keys with each step.
  for (const { name } of sets) await attempt(name, removed, async () => remover.remove(name, signal));
  for (const secretId of new Set([...journal.secrets, ...secretIds])) {
    const name = `Barbican secret ${secretId}`;
    await attempt(name, secrets, async () => {
      if (request.destroySecret === undefined) {
        throw new Fault("no-barbican", `destroying secrets of repository ${repositoryId}`, "after-operator");
      }
      await request.destroySecret(secretId, signal);
    });
  }
  return { journal, removed, secrets, kept };
}

async function barbicanSecrets(
  store: Store,
  request: KeySetRequest,
  sets: readonly StoredName[],
): Promise<string[]> {
  const ids = new Set<string>();
  for (const { name } of sets) {
    const bytes = await store.get(name, request.signal);
    try {
      const { slots } = inspectKeySet(request.repositoryId, bytes, name);
      // A tenant's own secret is the tenant's: it may open other things, and is never removed.
      const ours = slots.filter(({ kind }) => kind === "barbican");
      for (const id of ours.flatMap(({ secretId }) => secretId ?? [])) ids.add(id);
    } catch (cause) {
      // A set that cannot be read must not be an obstacle to its own destruction.
      if (!(cause instanceof Fault)) throw cause;
    }
  }
  return [...ids];
}

async function writeDestruction(
  store: Store,
  request: KeySetRequest,
  wanted: Destruction,
): Promise<Destruction> {
  const { keysDestroyed: name } = repositoryNames(request.repositoryId);
  const bytes = withChecksum(encodeDestruction(request.repositoryId, wanted));
  try {
    await store.put(name, [bytes], request.signal);
  } catch (cause) {
    // The first record counts: this is a repetition.
    if (!hasCode(cause, "object-exists")) throw cause;
  }
  return (await readDestruction(store, request)) ?? wanted;
}

/** The record of a destruction that was begun, or `undefined`. */
export async function readDestruction(
  store: Store,
  request: KeySetRequest,
): Promise<Destruction | undefined> {
  const { keysDestroyed: name } = repositoryNames(request.repositoryId);
  if ((await store.size(name, request.signal)) === undefined) return undefined;
  return decodeDestruction(name, request.repositoryId, checked(name, await store.get(name, request.signal)));
}
