import { open } from "node:fs/promises";
import { Fault, hasCode, Rejection } from "@cairn/kernel";
import {
  type Credential,
  changeKeySet,
  createEscrow,
  type DestroyedKeys,
  destroyKeys,
  formatEscrow,
  formatKeyFile,
  inspectKeySets,
  type KeySet,
  type NewSlot,
  parseEscrowPublic,
  parseKeyFile,
  readKeySet,
  removeSupersededKeySets,
  type SlotInfo,
  type SlotRights,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { repositoryIds } from "./catalogue.ts";
import { readPassphrase, readSecretFile } from "./open-keys.ts";

/** Which repository of a target; the only one there unless told. */
export interface RepositoryChoice {
  readonly store: Store;
  readonly repositoryId?: string;
  readonly signal: AbortSignal;
}

/** The repository that was meant. Rejections: there are several, or none. */
export async function chooseRepository(choice: RepositoryChoice): Promise<string> {
  if (choice.repositoryId !== undefined) return choice.repositoryId;
  const ids = await Array.fromAsync(repositoryIds(choice));
  const [only, ...more] = ids;
  if (only !== undefined && more.length === 0) return only;
  const message =
    only === undefined ? "the target holds no repository" : "the target holds several repositories";
  const remedy = only === undefined ? "check the target's address" : `give one of ${ids.join(", ")}`;
  throw new Rejection(message, { status: only === undefined ? 404 : 400, field: "--repository", remedy });
}

/** What anybody sees of a repository's keys. */
export interface KeyListing {
  readonly repositoryId: string;
  readonly sequence: number;
  readonly slots: readonly SlotInfo[];
  /** Older key sets that are still there: slots that were removed open them. */
  readonly olderSets: number;
}

/** The slots of the newest key set; it needs no key. Faults as `readKeySet`. */
export async function listKeySlots(choice: RepositoryChoice): Promise<KeyListing> {
  const repositoryId = await chooseRepository(choice);
  const [newest, ...older] = await inspectKeySets(choice.store, { repositoryId, signal: choice.signal });
  if (newest === undefined)
    throw new Fault("keys-missing", `listing keys of ${repositoryId}`, "after-operator");
  return { repositoryId, sequence: newest.sequence, slots: newest.slots, olderSets: older.length };
}

/** What a new slot is to be opened with; one of the three. */
export interface NewSlotOptions {
  readonly label: string;
  readonly rights?: SlotRights;
  /** Made, with a fresh key, when it is not there. */
  readonly newKeyFile?: string;
  readonly newPassphraseFile?: string;
  /** Base64 or PEM, or a file that holds it. */
  readonly newEscrowKey?: string;
}

export interface KeyChange extends RepositoryChoice {
  readonly credentials: readonly Credential[];
  readonly withoutEscrow?: boolean;
  /** Removes the key sets before the new one, too: a right that not everybody has. */
  readonly removeOld?: boolean;
  readonly at: number;
}

/** What a change did. */
export interface ChangedKeys {
  readonly keySet: KeySet;
  readonly removed: readonly string[];
}

/** Adds a slot. */
export async function addKeySlot(change: KeyChange, slot: NewSlotOptions): Promise<ChangedKeys> {
  return changeKeys(change, { add: [await readNewSlot(slot)] });
}

/** Removes a slot, by its id, the beginning of that, or its label. */
export async function removeKeySlot(
  change: KeyChange,
  options: { readonly slot: string; readonly rotate: boolean },
): Promise<ChangedKeys> {
  const set = await openNewest(change);
  return applyChange(change, set, { remove: [findSlot(set, options.slot)], rotate: options.rotate });
}

/** Begins a new key epoch. */
export async function rotateKeys(change: KeyChange): Promise<ChangedKeys> {
  return changeKeys(change, { rotate: true });
}

type SetChange = Pick<Parameters<typeof changeKeySet>[2], "add" | "remove" | "rotate">;

async function changeKeys(change: KeyChange, wanted: SetChange): Promise<ChangedKeys> {
  return applyChange(change, await openNewest(change), wanted);
}

async function openNewest(change: KeyChange): Promise<KeySet> {
  const { store, credentials, signal } = change;
  const repositoryId = await chooseRepository(change);
  const { passedOver, ...set } = await readKeySet(store, { repositoryId, credentials, signal });
  const [newer] = passedOver;
  if (newer !== undefined) throw newer.why;
  return set;
}

async function applyChange(change: KeyChange, set: KeySet, wanted: SetChange): Promise<ChangedKeys> {
  const { store, at, signal } = change;
  const withoutEscrow = change.withoutEscrow === true;
  const keySet = await changeKeySet(store, set, { ...wanted, withoutEscrow, at, signal });
  if (change.removeOld !== true) return { keySet, removed: [] };
  return { keySet, removed: await removeSupersededKeySets(store, store, { newest: keySet, signal }) };
}

function findSlot(set: KeySet, wanted: string): string {
  const found = set.slots.filter(({ id, label }) => label === wanted || id.startsWith(wanted));
  const [slot, ...more] = found;
  if (slot !== undefined && more.length === 0 && wanted !== "") return slot.id;
  const message = slot === undefined ? `no slot is called ${wanted}` : `several slots are called ${wanted}`;
  const remedy = `slots are ${set.slots.map(({ id, label }) => `${id} (${label})`).join(", ")}`;
  throw new Rejection(message, {
    status: slot === undefined ? 404 : 400,
    field: "slot",
    value: wanted,
    remedy,
  });
}

async function readNewSlot(options: NewSlotOptions): Promise<NewSlot> {
  const { label, rights, newKeyFile, newPassphraseFile, newEscrowKey } = options;
  const given = [newKeyFile, newPassphraseFile, newEscrowKey].filter((each) => each !== undefined);
  const base = { label, ...(rights === undefined ? {} : { rights }) };
  if (given.length === 1 && newKeyFile !== undefined) {
    return { kind: "key-file", ...base, key: await readOrMakeKeyFile(newKeyFile) };
  }
  if (given.length === 1 && newPassphraseFile !== undefined) {
    return { kind: "passphrase", ...base, passphrase: await readPassphrase(newPassphraseFile) };
  }
  if (given.length === 1 && newEscrowKey !== undefined) {
    return { kind: "escrow", ...base, publicKey: await readEscrowPublic(newEscrowKey) };
  }
  throw new Rejection("a slot is opened by one thing", {
    status: 400,
    field: "--new-key-file",
    remedy: "give one of --new-key-file, --new-passphrase-file and --new-escrow-key",
  });
}

async function readOrMakeKeyFile(path: string): Promise<Buffer> {
  try {
    await writeSecretFile(path, formatKeyFile());
  } catch (cause) {
    if (!hasCode(cause, "EEXIST")) throw cause;
  }
  return parseKeyFile(path, await readSecretFile(path));
}

/** Public keys are no secrets: their files may be readable by all. */
async function readEscrowPublic(textOrPath: string): Promise<Buffer> {
  if (!/[./]/.test(textOrPath) || textOrPath.includes("-----BEGIN")) return parseEscrowPublic(textOrPath);
  const isKey = Buffer.from(textOrPath, "base64").length === 32 && textOrPath.endsWith("=");
  if (isKey) return parseEscrowPublic(textOrPath);
  try {
    await using file = await open(textOrPath, "r");
    return parseEscrowPublic(await file.readFile("utf8"));
  } catch (cause) {
    if (cause instanceof Rejection) throw cause;
    throw new Fault("escrow-key", `reading the escrow's public key ${textOrPath}`, "after-operator", cause);
  }
}

/** A file that only its owner can read; one that is there is never written over (`EEXIST`). */
async function writeSecretFile(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(text);
    await file.sync();
  } catch (cause) {
    throw new Fault("key-file", `writing ${path}`, "after-operator", cause);
  }
}

/**
 * Makes an escrow's key pair: the private half goes into a new file, the public one is returned in base64.
 */
export async function makeEscrow(options: {
  readonly output: string;
  readonly passphraseFile?: string;
}): Promise<string> {
  const { output, passphraseFile } = options;
  const pair = createEscrow();
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile);
  const text = await formatEscrow(pair, passphrase === undefined ? undefined : { passphrase });
  await writeSecretFile(output, text);
  return pair.publicKey.toString("base64");
}

/**
 * Makes all backups of a repository unreadable, for good. Barbican is not asked: its secrets are told in
 * `kept`, to be deleted there.
 */
export async function destroyRepository(
  choice: RepositoryChoice & { readonly repositoryId: string },
  reason: { readonly at: number; readonly by: string; readonly why: string },
): Promise<DestroyedKeys> {
  const { store, repositoryId, signal } = choice;
  const { at, by, why } = reason;
  const when = new Date(at).toISOString();
  return destroyKeys(store, { repositoryId, remover: store, at: when, by, why, signal });
}
