import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Fault, hasCode, Rejection } from "@cairn/kernel";
import { memoryStore, type Store } from "@cairn/store";
import {
  type Credential,
  createEscrow,
  createKeySet,
  initRepository,
  type KeyProvider,
  type KeySet,
  type NewSlot,
  openKeySet,
  repositoryNames,
} from "./index.ts";

export const repositoryId = "0123abcd-4567-4ef0-89ab-cdef01234567";
export const names = repositoryNames(repositoryId);
export const hex = (text: string): Buffer => Buffer.from(text, "hex");
export const withCode =
  (code: string, words = /./) =>
  (error: unknown) => {
    assert.ok(hasCode(error, code), `expected ${code}, got ${String(error)}`);
    assert.match(String(error), words);
    return true;
  };
export const rejection = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Rejection, String(error));
  assert.match(error.message, words);
  return true;
};

export const keyFile = randomBytes(32);
export const maintenanceKey = randomBytes(32);
export const secretId = "77777777-7777-4777-8777-777777777777";
export const secret = randomBytes(32);
export const escrow = createEscrow();
export const passphrase = "nine stones upon a hill";
/** scrypt at its cheapest: these tests prove the way, `passphrase.ts` the cost. */
export const costLog2 = 10;

export const barbican: KeyProvider = {
  fetch: async (id) => {
    if (id === secretId) return secret;
    throw new Fault("openstack-not-found", `fetching secret ${id}`, "never");
  },
};
export const away: KeyProvider = {
  fetch: async (id) => {
    throw new Fault("openstack-unavailable", `fetching secret ${id}`, "later");
  },
};

export const slots: readonly NewSlot[] = [
  { kind: "key-file", label: "engine", key: keyFile },
  { kind: "passphrase", label: "operator", passphrase, costLog2 },
  { kind: "barbican", label: "tenant", secretId, key: secret },
  { kind: "escrow", label: "safe", publicKey: escrow.publicKey },
  { kind: "key-file", label: "maintenance", key: maintenanceKey, rights: "structure" },
];
export const byKeyFile: Credential = { kind: "key-file", key: keyFile };
export const byEscrow: Credential = { kind: "escrow", privateKey: escrow.privateKey };
export const openers: readonly (readonly [string, Credential])[] = [
  ["engine", byKeyFile],
  ["operator", { kind: "passphrase", passphrase }],
  ["tenant", { kind: "barbican", provider: barbican }],
  ["safe", byEscrow],
];
export const at = 1_763_814_896_789;

export async function aKeySet(): Promise<KeySet> {
  return createKeySet({ repositoryId, slots, at });
}

export async function stored(set: KeySet): Promise<Store> {
  const store = memoryStore();
  await initRepository(store, { repositoryId, keySet: set.bytes });
  return store;
}

export async function open(bytes: Uint8Array, ...credentials: Credential[]): Promise<KeySet> {
  return openKeySet({ repositoryId, bytes, credentials });
}

export function slotOf(set: KeySet, label: string): string {
  return set.slots.find((slot) => slot.label === label)?.id ?? "";
}
