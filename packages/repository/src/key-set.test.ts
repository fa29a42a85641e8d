import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { Fault } from "@cairn/kernel";
import {
  type Credential,
  createEscrow,
  createKeySet,
  dataKey,
  inspectKeySet,
  type KeySet,
  type NewSlot,
  nextKeySet,
  openKeySet,
  structureKey,
  writingEpoch,
} from "./index.ts";
import {
  aKeySet,
  at,
  away,
  byEscrow,
  byKeyFile,
  escrow,
  keyFile,
  maintenanceKey,
  open,
  openers,
  rejection,
  repositoryId,
  secret,
  secretId,
  slotOf,
  slots,
  withCode,
} from "./key-set-samples.ts";

describe("a key set", () => {
  it("opens by each of its slots to the same keys", async () => {
    const set = await aKeySet();
    for (const [label, credential] of openers) {
      const opened = await open(set.bytes, credential);
      assert.deepEqual(opened.keys, set.keys, label);
      assert.equal(opened.openedBy?.label, label);
      assert.equal(opened.rights, "all");
    }
  });

  it("gives a slot for the structure alone no key of tenants' data", async () => {
    const set = await aKeySet();
    const { keys, rights } = await open(set.bytes, { kind: "key-file", key: maintenanceKey });
    assert.equal(rights, "structure");
    assert.deepEqual(structureKey(keys), structureKey(set.keys));
    assert.throws(() => dataKey(keys), withCode("wrong-key", /right to the structure alone/));
    assert.equal(keys.chunkId, undefined);
  });

  it("refuses everybody else, and says which slots there are", async () => {
    const { bytes } = await aKeySet();
    const others: Credential[] = [
      { kind: "key-file", key: randomBytes(32) },
      { kind: "passphrase", passphrase: "another passphrase" },
      { kind: "escrow", privateKey: createEscrow().privateKey },
    ];
    for (const other of others) {
      await assert.rejects(open(bytes, other), withCode("wrong-key", /key-file "engine".*escrow "safe"/));
    }
    await assert.rejects(open(bytes), withCode("wrong-key", /\(nothing\)/));
  });

  it("opens by another slot when Barbican is away, and tells of it when nothing else is left", async () => {
    const { bytes, keys } = await aKeySet();
    const provider: Credential = { kind: "barbican", provider: away };
    await assert.rejects(open(bytes, provider), withCode("openstack-unavailable"));
    assert.deepEqual((await open(bytes, provider, byEscrow)).keys, keys);
  });

  it("shows anybody its slots, and nothing else", async () => {
    const set = await aKeySet();
    const { slots: seen, name } = inspectKeySet(repositoryId, set.bytes);
    assert.deepEqual(
      seen.map(({ kind, rights, label }) => [kind, rights, label]),
      [
        ["key-file", "all", "engine"],
        ["passphrase", "all", "operator"],
        ["barbican", "all", "tenant"],
        ["escrow", "all", "safe"],
        ["key-file", "structure", "maintenance"],
      ],
    );
    assert.equal(seen[2]?.secretId, secretId);
    assert.equal(seen[3]?.publicKey, escrow.publicKey.toString("base64"));
    assert.equal(name, `${repositoryId}/keys/00000001-${set.id}`);
    for (const key of [keyFile, secret, structureKey(set.keys), dataKey(set.keys)]) {
      assert.equal(set.bytes.indexOf(key), -1);
    }
  });

  it("with any byte flipped opens for nobody, even if its checksum is made right", async () => {
    const { bytes } = await aKeySet();
    for (let index = 0; index < bytes.length; index += 1) {
      const flipped = Buffer.from(bytes);
      flipped[index] = (flipped[index] ?? 0) ^ (1 << (index % 8));
      const refused = (error: unknown): boolean => error instanceof Fault && error.retry !== "later";
      await assert.rejects(open(flipped, byKeyFile), withCode("object-damaged"), `byte ${index}`);
      if (index >= bytes.length - 4) continue;
      flipped.writeUInt32LE(crc32(flipped.subarray(0, flipped.length - 4)), flipped.length - 4);
      for (const credential of [byKeyFile, byEscrow]) {
        await assert.rejects(open(flipped, credential), refused, `byte ${index}`);
      }
    }
  });

  it("that belongs to another repository is refused", async () => {
    const { bytes } = await aKeySet();
    const other = openKeySet({ repositoryId: randomUUID(), bytes, credentials: [byKeyFile] });
    await assert.rejects(other, withCode("object-damaged", /belongs to repository/));
  });

  it("with a slot of an unknown kind opens by another, and is changed only without it", async () => {
    const set = await withUnknownSlot();
    const opened = await open(set.bytes, byKeyFile);
    const [unknown] = opened.slots.filter(({ kind }) => kind === "unknown");
    assert.equal(unknown?.label, "from the future");
    await assert.rejects(
      nextKeySet(opened, { rotate: true, at, withoutEscrow: true }),
      withCode("format-unknown"),
    );
    const next = await nextKeySet(opened, { remove: [unknown.id], at, withoutEscrow: true });
    assert.deepEqual((await open(next.bytes, byKeyFile)).keys, set.keys);
  });

  async function withUnknownSlot(): Promise<KeySet> {
    const set = await createKeySet({ repositoryId, slots: slots.slice(0, 1), withoutEscrow: true, at });
    const [known] = set.writable ?? [];
    assert.ok(known !== undefined);
    const id = randomUUID();
    const frame = { ...known.frame, kind: 9, label: "from the future", id };
    const future = { frame, wrapping: { kind: "symmetric", key: randomBytes(32) } as const };
    const next = await nextKeySet({ ...set, writable: [known, future] }, { at, withoutEscrow: true });
    // A newer program wraps it in its own way, which this one cannot repeat.
    return createWithoutWrapping(next, id);
  }

  /** The same set, but for the unknown slot's wrapping key, which only a newer program would know to keep. */
  async function createWithoutWrapping(set: KeySet, id: string): Promise<KeySet> {
    const writable = (set.writable ?? []).map((slot) =>
      slot.frame.id === id
        ? { ...slot, wrapping: { kind: "public", publicKey: createEscrow().publicKey } as const }
        : slot,
    );
    return nextKeySet({ ...set, writable }, { at, withoutEscrow: true });
  }

  it("is not made without an escrow unless that is said, nor without a slot for all", async () => {
    const engine = slots.slice(0, 1);
    const made = (wanted: readonly NewSlot[], withoutEscrow?: boolean): Promise<KeySet> =>
      createKeySet({
        repositoryId,
        slots: wanted,
        at,
        ...(withoutEscrow === undefined ? {} : { withoutEscrow }),
      });
    await assert.rejects(made(engine), rejection(/no escrow/));
    await made(engine, true);
    const structure: NewSlot = {
      kind: "escrow",
      label: "s",
      publicKey: escrow.publicKey,
      rights: "structure",
    };
    await assert.rejects(made([...engine, structure]), rejection(/no escrow/));
    await assert.rejects(made([structure], true), rejection(/a slot that opens everything/));
  });

  it("takes no secret that protects nothing, and no label that nobody can read", async () => {
    const bad: [NewSlot, RegExp][] = [
      [{ kind: "passphrase", label: "short", passphrase: "eleven char" }, /11 characters/],
      [{ kind: "key-file", label: "short", key: randomBytes(16) }, /32 bytes/],
      [{ kind: "key-file", label: "", key: keyFile }, /label/],
      [{ kind: "key-file", label: "a\nb", key: keyFile }, /label/],
      [{ kind: "key-file", label: "ü".repeat(33), key: keyFile }, /label/],
    ];
    for (const [slot, words] of bad) {
      await assert.rejects(
        createKeySet({ repositoryId, slots: [slot], withoutEscrow: true, at }),
        rejection(words),
      );
    }
  });
});

describe("the next key set", () => {
  it("adds slots, and opens by the old ones without their secrets being asked for", async () => {
    const first = await open((await aKeySet()).bytes, byKeyFile);
    const added = randomBytes(32);
    const next = await nextKeySet(first, { add: [{ kind: "key-file", label: "second", key: added }], at });
    assert.equal(next.sequence, 2);
    for (const [, credential] of [...openers, ["second", { kind: "key-file", key: added }] as const]) {
      assert.deepEqual((await open(next.bytes, credential)).keys, first.keys);
    }
  });

  it("opens no more by a slot that was removed, even for somebody who remembers the former set", async () => {
    const first = await aKeySet();
    const next = await nextKeySet(first, { remove: [slotOf(first, "engine")], at });
    await assert.rejects(open(next.bytes, byKeyFile), withCode("wrong-key"));
    assert.deepEqual((await open(next.bytes, byEscrow)).keys, first.keys);
    const again = await nextKeySet(first, { at });
    // The section keys of every set are new: what the first one's slots held opens nothing here.
    assert.ok(!again.bytes.subarray(-300).equals(first.bytes.subarray(-300)));
  });

  it("replaces a secret by adding its successor and removing it at once", async () => {
    const first = await aKeySet();
    const key = randomBytes(32);
    const change = {
      add: [{ kind: "key-file", label: "engine", key } as const],
      remove: [slotOf(first, "engine")],
    };
    const next = await nextKeySet(first, { ...change, at });
    await assert.rejects(open(next.bytes, byKeyFile), withCode("wrong-key"));
    assert.deepEqual((await open(next.bytes, { kind: "key-file", key })).keys, first.keys);
  });

  it("begins a new key epoch when told, and keeps the old ones for what they sealed", async () => {
    const first = await aKeySet();
    const { bytes } = await nextKeySet(first, { rotate: true, at: at + 1 });
    const next = await open(bytes, byEscrow);
    assert.equal(writingEpoch(next.keys), 1);
    assert.deepEqual(next.keys.chunkId, first.keys.chunkId, "chunks keep their names");
    assert.deepEqual(dataKey(next.keys, 0), dataKey(first.keys));
    assert.ok(!dataKey(next.keys).equals(dataKey(first.keys)));
    assert.ok(!structureKey(next.keys).equals(structureKey(first.keys)));
    assert.deepEqual(next.epochs, [
      { epoch: 0, since: at },
      { epoch: 1, since: at + 1 },
    ]);
  });

  it("is refused to the structure alone, without the escrow, and for slots that are not there", async () => {
    const first = await aKeySet();
    const structure = await open(first.bytes, { kind: "key-file", key: maintenanceKey });
    await assert.rejects(nextKeySet(structure, { rotate: true, at }), withCode("wrong-key"));
    await assert.rejects(nextKeySet(first, { remove: [slotOf(first, "safe")], at }), rejection(/no escrow/));
    await assert.rejects(nextKeySet(first, { remove: [randomUUID()], at }), rejection(/no such slot/));
  });

  it("stops at 256 epochs: a record has one byte for its own", async () => {
    const first = await createKeySet({ repositoryId, slots: slots.slice(0, 1), withoutEscrow: true, at });
    const epochs = Array.from({ length: 256 }, (_, epoch) => ({ ...first.keys.epochs[0], epoch }));
    const full = { ...first, keys: { ...first.keys, epochs: epochs as KeySet["keys"]["epochs"] } };
    await assert.rejects(nextKeySet(full, { rotate: true, at, withoutEscrow: true }), rejection(/256/));
  });
});
