import type { KeyObject } from "node:crypto";
import { Rejection } from "@cairn/kernel";
import { bytesToUuid, uuidToBytes } from "../bytes.ts";
import { type Randomness, randomId } from "../random.ts";
import { deriveKey, openBytes, sealBytes } from "../seal.ts";
import { hpkeOpen, hpkeSeal, rawPublic, X25519_BYTES } from "./hpke.ts";
import {
  BLOCK_SIZE,
  COST_LOG2,
  costProblem,
  type PassphraseCost,
  requirePassphrase,
  SALT_BYTES,
  stretchBytes,
  stretchPassphrase,
} from "./passphrase.ts";
import { KEY_BYTES, LABEL_BYTES_MAX, type SlotFrame, type StoredSlot } from "./set-codec.ts";

/** What opens a slot. */
export type SlotKind = "key-file" | "passphrase" | "barbican" | "escrow" | "secret";
/** `structure`: sweep, mirror, account. `all`: read tenants' data, write, and change the key set. */
export type SlotRights = "structure" | "all";

const KINDS: readonly (readonly [number, SlotKind])[] = [
  [1, "key-file"],
  [2, "passphrase"],
  [3, "barbican"],
  [4, "escrow"],
  [5, "secret"],
];
const RIGHTS: readonly (readonly [number, SlotRights])[] = [
  [1, "structure"],
  [2, "all"],
];

/** A slot as anybody can see it. Kinds and rights of a newer program are `unknown`. */
export interface SlotInfo {
  readonly id: string;
  readonly kind: SlotKind | "unknown";
  readonly rights: SlotRights | "unknown";
  readonly label: string;
  /** The id of the secret in Barbican: ours in a slot `barbican`, the tenant's in a slot `secret`. */
  readonly secretId?: string;
  /** The escrow's public key, 32 bytes in base64. */
  readonly publicKey?: string;
}

/** What a slot is made of. Rights are `all` unless told. */
export type NewSlot = { readonly label: string; readonly rights?: SlotRights } & (
  | { readonly kind: "key-file"; readonly key: Buffer }
  | { readonly kind: "passphrase"; readonly passphrase: string; readonly costLog2?: number }
  | { readonly kind: "barbican"; readonly secretId: string; readonly key: Buffer }
  | { readonly kind: "escrow"; readonly publicKey: Buffer }
  | {
      readonly kind: "secret";
      readonly secretId: string;
      readonly payload: Buffer;
      readonly costLog2?: number;
    }
);

/** Where the keys of Barbican slots come from: the secret's payload, 32 bytes. */
export interface KeyProvider {
  fetch(secretId: string, signal?: AbortSignal): Promise<Buffer>;
}

/** What somebody has to open a key set with. */
export type Credential =
  | { readonly kind: "key-file"; readonly key: Buffer }
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | { readonly kind: "barbican"; readonly provider: KeyProvider }
  | { readonly kind: "escrow"; readonly privateKey: KeyObject }
  /** The payload of a tenant's secret, of whatever id: a copy of it in another cloud opens as well. */
  | { readonly kind: "secret"; readonly payload: Buffer };

/** How the next set is wrapped for a slot: with a key of its own, or for a public key. */
export type Wrapping =
  | { readonly kind: "symmetric"; readonly key: Buffer }
  | { readonly kind: "public"; readonly publicKey: Buffer };

export function slotInfo(slot: SlotFrame): SlotInfo {
  const kind: SlotInfo["kind"] = KINDS.find(([code]) => code === slot.kind)?.[1] ?? "unknown";
  const rights: SlotInfo["rights"] = RIGHTS.find(([code]) => code === slot.rights)?.[1] ?? "unknown";
  const known: SlotInfo = { id: slot.id, kind, rights, label: slot.label };
  if (kind === "barbican" && slot.parameters.length === 16)
    return { ...known, secretId: bytesToUuid(slot.parameters) };
  if (kind === "escrow" && slot.parameters.length === X25519_BYTES)
    return { ...known, publicKey: slot.parameters.toString("base64") };
  if (kind === "secret" && slot.parameters.length === COST_BYTES + 16)
    return { ...known, secretId: bytesToUuid(slot.parameters.subarray(COST_BYTES)) };
  return known;
}

/** Makes a slot's frame and what wraps for it. Rejections name what is wrong with the secret or the label. */
export async function makeSlot(
  slot: NewSlot,
  repositoryId: string,
  random: Randomness,
): Promise<{ readonly frame: SlotFrame; readonly wrapping: Wrapping }> {
  const labelBytes = Buffer.byteLength(slot.label, "utf8");
  if (labelBytes === 0 || labelBytes > LABEL_BYTES_MAX || /\p{Cc}/u.test(slot.label)) {
    const message = `a slot's label has 1 to ${LABEL_BYTES_MAX} bytes and no control characters`;
    const remedy = "choose a short name such as operations-2026";
    throw new Rejection(message, { status: 400, field: "label", value: slot.label, remedy });
  }
  const id = randomId(random);
  const base = { rights: codeOf(RIGHTS, slot.rights ?? "all"), id, label: slot.label };
  const kind = codeOf(KINDS, slot.kind);
  const symmetric = (secret: Buffer): Wrapping => {
    return { kind: "symmetric", key: wrappingKey(repositoryId, id, secret) };
  };
  switch (slot.kind) {
    case "key-file":
      requireKey("key file", slot.key);
      return { frame: { kind, ...base, parameters: Buffer.alloc(0) }, wrapping: symmetric(slot.key) };
    case "barbican":
      requireKey("Barbican secret", slot.key);
      return {
        frame: { kind, ...base, parameters: uuidToBytes(slot.secretId) },
        wrapping: symmetric(slot.key),
      };
    case "escrow":
      requireKey("escrow public key", slot.publicKey);
      return {
        frame: { kind, ...base, parameters: slot.publicKey },
        wrapping: { kind: "public", publicKey: slot.publicKey },
      };
    case "passphrase": {
      requirePassphrase(slot.passphrase);
      const salt = random(SALT_BYTES);
      const cost = { salt, costLog2: slot.costLog2 ?? COST_LOG2, blockSize: BLOCK_SIZE, parallel: 1 };
      const secret = await stretchPassphrase(slot.passphrase, cost);
      return { frame: { kind, ...base, parameters: encodeCost(cost) }, wrapping: symmetric(secret) };
    }
    case "secret": {
      const { payload, secretId } = slot;
      if (payload.length === 0) {
        throw new Rejection("a secret without a payload opens nothing", {
          status: 400,
          field: "payload",
          value: "",
          remedy: "use a secret that has one",
        });
      }
      const salt = random(SALT_BYTES);
      const costLog2 = slot.costLog2 ?? payloadCost(payload);
      const cost = { salt, costLog2, blockSize: BLOCK_SIZE, parallel: 1 };
      const parameters = Buffer.concat([encodeCost(cost), uuidToBytes(secretId)]);
      return { frame: { kind, ...base, parameters }, wrapping: symmetric(await stretchBytes(payload, cost)) };
    }
  }
}

function codeOf<Word>(table: readonly (readonly [number, Word])[], word: Word): number {
  return table.find(([, each]) => each === word)?.[0] ?? 0;
}

function requireKey(what: string, key: Buffer): void {
  if (key.length === KEY_BYTES) return;
  throw new Rejection(`a ${what} has ${KEY_BYTES} bytes, this one ${key.length}`, {
    status: 400,
    field: "key",
    value: `${key.length} bytes`,
    remedy: `use a file of ${KEY_BYTES} random bytes`,
  });
}

/** One key for each slot of each repository: it tells nothing of the secret, and nothing of other slots'. */
function wrappingKey(repositoryId: string, slotId: string, secret: Buffer): Buffer {
  const subject = Buffer.concat([uuidToBytes(repositoryId), uuidToBytes(slotId)]);
  return deriveKey(secret, "cairn key slot ", subject);
}

/**
 * Octets of a key's length that are no text are taken for a random key, which nobody guesses; everything else
 * may be a word that somebody thought of.
 */
function payloadCost(payload: Buffer): number {
  const isKey = payload.length >= KEY_BYTES && !/^[\x20-\x7e\s]*$/.test(payload.toString("latin1"));
  return isKey ? KEY_COST_LOG2 : COST_LOG2;
}

const KEY_COST_LOG2 = 10;
const COST_BYTES = SALT_BYTES + 3;

/** `salt 16 | log2 of N u8 | r u8 | p u8`. */
function encodeCost(cost: PassphraseCost): Buffer {
  return Buffer.concat([cost.salt, Buffer.of(cost.costLog2, cost.blockSize, cost.parallel)]);
}

function decodeCost(parameters: Buffer): PassphraseCost | undefined {
  if (parameters.length !== COST_BYTES) return undefined;
  const [costLog2 = 0, blockSize = 0, parallel = 0] = parameters.subarray(SALT_BYTES);
  const cost = { salt: parameters.subarray(0, SALT_BYTES), costLog2, blockSize, parallel };
  return costProblem(cost) === undefined ? cost : undefined;
}

/** What a slot is wrapped and opened within: the set's header, which no slot can leave. */
export interface SlotPlace {
  readonly header: Buffer;
  readonly repositoryId: string;
}

/** How many bytes wrapping adds: an encapsulated key for an escrow, a nonce for others; and the tag. */
export function wrappedBytes(wrapping: Wrapping, slotKeys: Buffer): number {
  return slotKeys.length + (wrapping.kind === "public" ? X25519_BYTES + 16 : 12 + 16);
}

/** Wraps a set's section keys for a slot. */
export function wrapSlotKeys(
  place: SlotPlace,
  slot: { readonly frame: Buffer; readonly id: string; readonly wrapping: Wrapping },
  slotKeys: Buffer,
  random: Randomness,
): Buffer {
  const associated = Buffer.concat([place.header, slot.frame]);
  if (slot.wrapping.kind === "symmetric") return sealBytes(slot.wrapping.key, slotKeys, associated, random);
  const info = escrowInfo(place.repositoryId, slot.id);
  return hpkeSeal(slot.wrapping.publicKey, random(X25519_BYTES), slotKeys, { info, associated });
}

function escrowInfo(repositoryId: string, slotId: string): Buffer {
  return Buffer.concat([Buffer.from("cairn escrow "), uuidToBytes(repositoryId), uuidToBytes(slotId)]);
}

/**
 * The section keys that a slot holds, if the credential is the slot's; else `undefined`. A credential of
 * another kind costs nothing.
 */
export async function openSlot(
  place: SlotPlace,
  slot: StoredSlot,
  credential: Credential,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  if (slotInfo(slot).kind !== credential.kind) return undefined;
  const associated = Buffer.concat([place.header, slot.frame]);
  if (credential.kind === "escrow") {
    if (!rawPublic(credential.privateKey).equals(slot.parameters)) return undefined;
    const info = escrowInfo(place.repositoryId, slot.id);
    return hpkeOpen(credential.privateKey, slot.wrapped, { info, associated });
  }
  const secret = await slotSecret(slot, credential, signal);
  if (secret?.length !== KEY_BYTES) return undefined;
  return openBytes(wrappingKey(place.repositoryId, slot.id, secret), slot.wrapped, associated);
}

async function slotSecret(
  slot: StoredSlot,
  credential: Exclude<Credential, { readonly kind: "escrow" }>,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  switch (credential.kind) {
    case "key-file":
      return credential.key;
    case "barbican": {
      const { secretId } = slotInfo(slot);
      return secretId === undefined ? undefined : credential.provider.fetch(secretId, signal);
    }
    case "passphrase": {
      const cost = decodeCost(slot.parameters);
      return cost === undefined ? undefined : stretchPassphrase(credential.passphrase, cost);
    }
    case "secret": {
      const cost = decodeCost(slot.parameters.subarray(0, COST_BYTES));
      return cost === undefined ? undefined : stretchBytes(credential.payload, cost);
    }
  }
}

/** Whether tenants' data are opened by a tenant's secret alone: it is an encrypted workload's repository. */
export function isTenantSealed(slots: readonly SlotInfo[]): boolean {
  return slots.some(({ kind, rights }) => kind === "secret" && rights === "all");
}
