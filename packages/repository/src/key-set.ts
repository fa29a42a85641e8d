import { Fault, Rejection } from "@cairn/kernel";
import { damaged } from "./bytes.ts";
import { checked, withChecksum } from "./checksum.ts";
import {
  type DataSection,
  decodeDataSection,
  decodeKeySet,
  decodeStructureSection,
  encodeDataSection,
  encodeKeySetHeader,
  encodeSectionLengths,
  encodeSlotFrame,
  encodeStructureSection,
  KEY_BYTES,
  type KeySetObject,
  SLOTS_MAX,
  type SlotFrame,
  type StructureSection,
} from "./keys/set-codec.ts";
import {
  type Credential,
  makeSlot,
  type NewSlot,
  openSlot,
  type SlotInfo,
  type SlotRights,
  slotInfo,
  type Wrapping,
  wrappedBytes,
  wrapSlotKeys,
} from "./keys/slots.ts";
import { chunkIdKey, createRepositoryKeys, dataKey, KEY_EPOCHS_MAX, type RepositoryKeys } from "./keys.ts";
import { repositoryNames } from "./names.ts";
import { type Randomness, systemRandomness } from "./random.ts";
import { openBytes, sealBytes } from "./seal.ts";

/** A slot of a set, and how the next set is wrapped for it. */
interface WritableSlot {
  readonly frame: SlotFrame;
  readonly wrapping: Wrapping | undefined;
}

/** A key set that was opened, or made. */
export interface KeySet {
  readonly repositoryId: string;
  /** The same in all sets of a repository; part of their names. */
  readonly id: string;
  readonly sequence: number;
  readonly createdAt: number;
  readonly slots: readonly SlotInfo[];
  /** What the credential was good for. */
  readonly rights: SlotRights;
  /** The slot that opened it; absent in a set that was just made. */
  readonly openedBy?: SlotInfo;
  readonly keys: RepositoryKeys;
  /** When each key epoch began, ms since 1970. */
  readonly epochs: readonly { readonly epoch: number; readonly since: number }[];
  /** The object as it is stored. */
  readonly bytes: Buffer;
  /** What the next set is made from; absent without the right to all. */
  readonly writable?: readonly WritableSlot[];
}

export interface KeySetChoices {
  /** Must be said when no slot is an escrow: who then loses the other secrets loses the backups. */
  readonly withoutEscrow?: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly random?: Randomness;
}

/**
 * The first key set of a repository, with fresh keys unless some are given. Rejections: no escrow and not
 * told so, no slot that opens everything, a label or secret that is no good.
 */
export async function createKeySet(
  request: KeySetChoices & {
    readonly repositoryId: string;
    readonly slots: readonly NewSlot[];
    readonly keys?: RepositoryKeys;
  },
): Promise<KeySet> {
  const { repositoryId, random = systemRandomness, at } = request;
  const keys = request.keys ?? createRepositoryKeys(random);
  const slots: WritableSlot[] = [];
  for (const slot of request.slots) slots.push(await makeSlot(slot, repositoryId, random));
  const epochs = keys.epochs.map(({ epoch }) => ({ epoch, since: at }));
  return sealKeySet({ repositoryId, sequence: 1, keys, epochs, slots }, request);
}

export interface KeySetChange extends KeySetChoices {
  readonly add?: readonly NewSlot[];
  /** Ids of slots. Adding one and removing another at once is how a secret is replaced. */
  readonly remove?: readonly string[];
  /** Begins a new key epoch: what is written from then on is sealed with new keys. */
  readonly rotate?: boolean;
}

/**
 * The set that comes next; nothing is stored yet. Its section keys are new, so that neither a slot that was
 * removed nor anybody who remembers an older set opens it. Needs the right to all.
 */
export async function nextKeySet(set: KeySet, change: KeySetChange): Promise<KeySet> {
  const { random = systemRandomness, at } = change;
  if (set.writable === undefined) {
    const message = `changing keys of repository ${set.repositoryId} with the right to the structure alone`;
    throw new Fault("wrong-key", message, "after-operator");
  }
  const unknown = change.remove?.find((id) => !set.slots.some((slot) => slot.id === id));
  if (unknown !== undefined) {
    const remedy = `slots are ${set.slots.map(({ id, label }) => `${id} (${label})`).join(", ")}`;
    throw new Rejection("there is no such slot", { status: 404, field: "slot", value: unknown, remedy });
  }
  const slots = set.writable.filter(({ frame }) => change.remove?.includes(frame.id) !== true);
  for (const slot of change.add ?? []) slots.push(await makeSlot(slot, set.repositoryId, random));
  // Who never had an escrow has said so before; only taking one away wants to be said.
  const hadNone = !set.slots.some(isEscrow);
  const withoutEscrow = change.withoutEscrow === true || hadNone;
  const rotated = change.rotate === true ? withNextEpoch(set, random) : set.keys;
  const added = rotated.epochs.slice(set.epochs.length).map(({ epoch }) => ({ epoch, since: at }));
  const { repositoryId } = set;
  const epochs = [...set.epochs, ...added];
  return sealKeySet(
    { repositoryId, sequence: set.sequence + 1, keys: rotated, epochs, slots },
    { ...change, withoutEscrow },
  );
}

function withNextEpoch(set: KeySet, random: Randomness): RepositoryKeys {
  const epoch = (set.keys.epochs.at(-1)?.epoch ?? -1) + 1;
  if (epoch >= KEY_EPOCHS_MAX) {
    const remedy = "copy what is still needed into a new repository";
    throw new Rejection(`a repository has at most ${KEY_EPOCHS_MAX} key epochs`, { status: 409, remedy });
  }
  const fresh = { epoch, structure: random(KEY_BYTES), data: random(KEY_BYTES) };
  return { ...set.keys, epochs: [...set.keys.epochs, fresh] };
}

interface SetContent {
  readonly repositoryId: string;
  readonly sequence: number;
  readonly keys: RepositoryKeys;
  readonly epochs: readonly { readonly epoch: number; readonly since: number }[];
  readonly slots: readonly WritableSlot[];
}

function sealKeySet(content: SetContent, choices: KeySetChoices): KeySet {
  const { repositoryId, sequence, keys, epochs } = content;
  const { random = systemRandomness, at } = choices;
  const infos = content.slots.map(({ frame }) => slotInfo(frame));
  requireOpeners(infos, choices.withoutEscrow === true);
  const slots = content.slots.map(wrappable);
  const header = encodeKeySetHeader({
    slots: slots.length,
    repositoryId,
    keySetId: keys.id,
    sequence,
    createdAt: at,
  });
  const sectionKeys = { structure: random(KEY_BYTES), data: random(KEY_BYTES) };
  const wrapped = slots.map(({ frame, wrapping }) => {
    const all = frame.rights === 2;
    const slotKeys = all ? Buffer.concat([sectionKeys.structure, sectionKeys.data]) : sectionKeys.structure;
    const encoded = encodeSlotFrame(frame, wrappedBytes(wrapping, slotKeys));
    const place = { header, repositoryId };
    const sealed = wrapSlotKeys(place, { frame: encoded, id: frame.id, wrapping }, slotKeys, random);
    return Buffer.concat([encoded, sealed]);
  });
  const structure = encodeStructureSection({ epochs: sinceOf(keys, epochs) });
  const data = encodeDataSection({
    chunkId: chunkIdKey(keys),
    epochs: keys.epochs.map(({ epoch }) => ({ epoch, data: dataKey(keys, epoch) })),
    wrapping: slots.flatMap(({ frame, wrapping }) =>
      wrapping.kind === "symmetric" ? [{ slotId: frame.id, key: wrapping.key }] : [],
    ),
  });
  const lengths = encodeSectionLengths(structure.length + 28, data.length + 28);
  const before = Buffer.concat([header, ...wrapped, lengths]);
  const sealed = Buffer.concat([before, sealBytes(sectionKeys.structure, structure, before, random)]);
  const object = Buffer.concat([sealed, sealBytes(sectionKeys.data, data, sealed, random)]);
  return {
    repositoryId,
    id: keys.id,
    sequence,
    createdAt: at,
    slots: infos,
    rights: "all",
    keys,
    epochs,
    bytes: withChecksum(object),
    writable: content.slots,
  };
}

function sinceOf(keys: RepositoryKeys, epochs: SetContent["epochs"]): StructureSection["epochs"] {
  return keys.epochs.map(({ epoch, structure }) => {
    return { epoch, since: epochs.find((each) => each.epoch === epoch)?.since ?? 0, structure };
  });
}

function wrappable(slot: WritableSlot): { readonly frame: SlotFrame; readonly wrapping: Wrapping } {
  const { frame, wrapping } = slot;
  const { rights, label, id } = slotInfo(frame);
  if (wrapping !== undefined && rights !== "unknown") return { frame, wrapping };
  const what = `its slot ${id} (${label}) is of a kind that this program does not know`;
  const message = `changing a key set: ${what}; remove it, or use a newer program`;
  throw new Fault("format-unknown", message, "after-operator");
}

function isEscrow({ kind, rights }: SlotInfo): boolean {
  return kind === "escrow" && rights === "all";
}

function requireOpeners(slots: readonly SlotInfo[], withoutEscrow: boolean): void {
  if (slots.length > SLOTS_MAX) {
    throw new Rejection(`a key set has at most ${SLOTS_MAX} slots`, {
      status: 400,
      field: "slots",
      value: slots.length,
      remedy: "remove slots that nobody uses any more",
    });
  }
  if (!slots.some(({ rights }) => rights === "all")) {
    throw new Rejection("a key set needs a slot that opens everything", {
      status: 400,
      field: "slots",
      value: slots.map(({ label }) => label),
      remedy: "add a slot with the rights all before this one is removed",
    });
  }
  if (withoutEscrow || slots.some(isEscrow)) return;
  throw new Rejection("the keys have no escrow: whoever loses the other secrets loses all backups", {
    status: 400,
    field: "escrow",
    remedy: "give the public key of an escrow, or say expressly that it shall be without one",
  });
}

/**
 * Opens a stored key set with the first credential that fits a slot; slots that open everything are tried
 * first. Faults: `wrong-key` when none fits (with the provider's trouble as its cause), `object-damaged`,
 * `format-unknown`.
 */
export async function openKeySet(request: {
  readonly repositoryId: string;
  readonly bytes: Uint8Array;
  readonly credentials: readonly Credential[];
  /** Where the bytes come from, for messages; the object's name unless told. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}): Promise<KeySet> {
  const bytes = Buffer.from(request.bytes);
  const where = request.name ?? `key set of repository ${request.repositoryId}`;
  const object = decodeKeySet(where, checked(where, bytes));
  if (object.repositoryId !== request.repositoryId) {
    throw damaged(where, 12, `it belongs to repository ${object.repositoryId}`);
  }
  const opened = await findSlot(where, object, request.credentials, request.signal);
  return { ...openSections(where, bytes, object, opened.slotKeys), openedBy: opened.slot };
}

async function findSlot(
  where: string,
  object: KeySetObject,
  credentials: readonly Credential[],
  signal: AbortSignal | undefined,
): Promise<{ readonly slot: SlotInfo; readonly slotKeys: Buffer }> {
  const place = { header: object.header, repositoryId: object.repositoryId };
  const slots = object.stored
    .map((stored) => ({ stored, info: slotInfo(stored) }))
    .filter(({ info }) => info.rights !== "unknown")
    .toSorted((a, b) => b.stored.rights - a.stored.rights);
  const pairs = slots.flatMap((slot) => credentials.map((credential) => ({ ...slot, credential })));
  let trouble: unknown;
  for (const { stored, info, credential } of pairs) {
    try {
      const slotKeys = await openSlot(place, stored, credential, signal);
      const expected = info.rights === "all" ? 2 * KEY_BYTES : KEY_BYTES;
      if (slotKeys?.length === expected) return { slot: info, slotKeys };
    } catch (cause) {
      // A provider that is away must not keep another credential from opening it.
      signal?.throwIfAborted();
      trouble = cause;
    }
  }
  const there = slots.map(({ info }) => `${info.kind} "${info.label}"`).join(", ");
  const given = credentials.length === 0 ? "nothing" : credentials.map(({ kind }) => kind).join(", ");
  const message = `opening ${where}: its slots are ${there}, and none opens with what was given (${given})`;
  throw new Fault("wrong-key", message, "after-operator", trouble);
}

function openSections(where: string, bytes: Buffer, object: KeySetObject, slotKeys: Buffer): KeySet {
  const structureKey = slotKeys.subarray(0, KEY_BYTES);
  const structureBytes = openBytes(structureKey, object.structure, bytes.subarray(0, object.structureOffset));
  if (structureBytes === undefined)
    throw damaged(where, object.structureOffset, "the structure keys were altered");
  const structure = decodeStructureSection(where, structureBytes);
  const { repositoryId, keySetId: id, sequence, createdAt } = object;
  const slots = object.stored.map(slotInfo);
  const epochs = structure.epochs.map(({ epoch, since }) => ({ epoch, since }));
  const known = { repositoryId, id, sequence, createdAt, slots, epochs, bytes };
  if (slotKeys.length === KEY_BYTES) {
    const keys = structure.epochs.map(({ epoch, structure: key }) => ({ epoch, structure: key }));
    return { ...known, rights: "structure", keys: { id, epochs: keys } };
  }
  const before = bytes.subarray(0, object.dataOffset);
  const dataBytes = openBytes(slotKeys.subarray(KEY_BYTES), object.data, before);
  if (dataBytes === undefined) throw damaged(where, object.dataOffset, "the data keys were altered");
  const data = decodeDataSection(where, dataBytes);
  const keys = { id, chunkId: data.chunkId, epochs: joinEpochs(where, structure, data) };
  return { ...known, rights: "all", keys, writable: writableSlots(object, data) };
}

function joinEpochs(where: string, structure: StructureSection, data: DataSection): RepositoryKeys["epochs"] {
  const same = structure.epochs.length === data.epochs.length;
  if (!same) throw damaged(where, 0, "the sections have different key epochs");
  return structure.epochs.map(({ epoch, structure: key }, index) => {
    const found = data.epochs[index];
    if (found?.epoch !== epoch) throw damaged(where, 0, "the sections have different key epochs");
    return { epoch, structure: key, data: found.data };
  });
}

function writableSlots(object: KeySetObject, data: DataSection): WritableSlot[] {
  return object.stored.map(({ kind, rights, id, label, parameters }) => {
    const frame = { kind, rights, id, label, parameters };
    const key = data.wrapping.find(({ slotId }) => slotId === id)?.key;
    if (key !== undefined) return { frame, wrapping: { kind: "symmetric", key } };
    const isEscrow = slotInfo(frame).kind === "escrow" && parameters.length === KEY_BYTES;
    return { frame, wrapping: isEscrow ? { kind: "public", publicKey: parameters } : undefined };
  });
}

/** What anybody can read of a key set: whose it is, and which slots it has. Its name is checked, too. */
export function inspectKeySet(
  repositoryId: string,
  bytes: Uint8Array,
  where = `key set of repository ${repositoryId}`,
): {
  readonly id: string;
  readonly sequence: number;
  readonly name: string;
  readonly slots: readonly SlotInfo[];
} {
  const object = decodeKeySet(where, checked(where, Buffer.from(bytes)));
  if (object.repositoryId !== repositoryId) {
    throw damaged(where, 12, `it belongs to repository ${object.repositoryId}`);
  }
  const { keySetId: id, sequence } = object;
  const name = repositoryNames(repositoryId).keySet(sequence, id);
  return { id, sequence, name, slots: object.stored.map(slotInfo) };
}
