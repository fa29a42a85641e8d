import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { Fault } from "@cairn/kernel";
import { memoryStore } from "@cairn/store";
import {
  changeKeySet,
  createKeySet,
  createRepositoryKeys,
  destroyKeys,
  nextKeySet,
  readDestruction,
  readKeySet,
  removeSupersededKeySets,
  writeKeySet,
} from "./index.ts";
import {
  aKeySet,
  at,
  byEscrow,
  byKeyFile,
  escrow,
  names,
  openers,
  repositoryId,
  secretId,
  slotOf,
  stored,
  withCode,
} from "./key-set-samples.ts";

describe("key sets on a target", () => {
  const credentials = [byKeyFile];

  it("are read by the newest, and changed by one after the other", async () => {
    const store = await stored(await aKeySet());
    const first = await readKeySet(store, { repositoryId, credentials });
    const second = await changeKeySet(store, first, { rotate: true, at });
    const third = await changeKeySet(store, second, { rotate: true, at });
    const read = await readKeySet(store, { repositoryId, credentials, atLeast: 3 });
    assert.deepEqual([read.sequence, read.keys, read.passedOver], [3, third.keys, []]);
  });

  it("of two who change them at once, one is refused and loses nothing", async () => {
    const store = await stored(await aKeySet());
    const first = await readKeySet(store, { repositoryId, credentials });
    const second = await changeKeySet(store, first, { rotate: true, at });
    await assert.rejects(changeKeySet(store, first, { rotate: true, at }), withCode("keys-changed"));
    const late = await nextKeySet(first, { rotate: true, at });
    await assert.rejects(writeKeySet(store, late), withCode("keys-changed"));
    await changeKeySet(store, second, { rotate: true, at });
    await removeSupersededKeySets(store, store, {
      newest: await readKeySet(store, { repositoryId, credentials }),
    });
    // The number that the late one wants is free by now; it is refused all the same.
    await assert.rejects(changeKeySet(store, first, { rotate: true, at }), withCode("keys-changed"));
  });

  it("that were superseded are removed by another identity; a removed slot opens nothing then", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    await changeKeySet(store, set, { remove: [slotOf(set, "engine")], at });
    const left = await readKeySet(store, { repositoryId, credentials });
    assert.deepEqual([left.sequence, left.passedOver.length], [1, 1], "as long as the old set is there");
    await assert.rejects(removeSupersededKeySets(store, store, { newest: left }), withCode("keys-changed"));
    const newest = await readKeySet(store, { repositoryId, credentials: [byEscrow] });
    assert.deepEqual(await removeSupersededKeySets(store, store, { newest }), [names.keySet(1, set.id)]);
    await assert.rejects(readKeySet(store, { repositoryId, credentials }), withCode("wrong-key"));
  });

  it("that were put back to an older one are noticed by whoever knew a newer", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    await changeKeySet(store, set, { rotate: true, at });
    await store.remove(names.keySet(2, set.id));
    const reading = readKeySet(store, { repositoryId, credentials, atLeast: 2 });
    await assert.rejects(reading, withCode("keys-downgraded", /number 1, and number 2 was there/));
  });

  it("under the name of another number are refused: an old set cannot pose as the newest", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    await store.put(names.keySet(9, set.id), [set.bytes]);
    const { sequence, passedOver } = await readKeySet(store, { repositoryId, credentials });
    assert.equal(sequence, 1);
    assert.match(String(passedOver[0]?.why), /00000009-.*it is the set .*00000001-/);
  });

  it("that a stranger sealed for the escrow's public key are passed over, by everybody", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    const forgery = await createKeySet({
      repositoryId,
      keys: { ...createRepositoryKeys(), id: set.id },
      slots: [{ kind: "escrow", label: "safe", publicKey: escrow.publicKey }],
      at,
    });
    await writeKeySet(store, await nextKeySet(forgery, { at }));
    for (const credential of [byEscrow, byKeyFile]) {
      const read = await readKeySet(store, { repositoryId, credentials: [credential] });
      assert.deepEqual([read.sequence, read.keys, read.passedOver.length], [1, set.keys, 1]);
    }
  });

  it("that are damaged are named, with what to do", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    const name = names.keySet(1, set.id);
    const flipped = Buffer.from(set.bytes);
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    await store.remove(name);
    await store.put(name, [flipped]);
    const words = new RegExp(`put ${name} back from a mirror or from the database`);
    await assert.rejects(readKeySet(store, { repositoryId, credentials }), withCode("object-damaged", words));
  });

  it("that are not there are missing, not wrong", async () => {
    const reading = readKeySet(memoryStore(), { repositoryId, credentials });
    await assert.rejects(reading, withCode("keys-missing", /there is no key set under .*keys\//));
  });

  it("survive a crash between writing and telling: the same bytes again are success", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    const next = await nextKeySet(set, { rotate: true, at });
    await writeKeySet(store, next);
    await writeKeySet(store, next);
    assert.deepEqual((await readKeySet(store, { repositoryId, credentials })).keys, next.keys);
  });
});

describe("destroying the keys of a repository", () => {
  const who = { at: "2026-11-22T12:00:00.000Z", by: "admin", why: "the project has left" };

  it("leaves nothing that opens it, destroys Barbican's secret, and stays on record", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    await changeKeySet(store, set, { rotate: true, at });
    const destroyed: string[] = [];
    const destroySecret = async (id: string): Promise<void> => void destroyed.push(id);
    const report = await destroyKeys(store, { repositoryId, remover: store, ...who, destroySecret });
    assert.deepEqual(report.removed, [names.keySet(2, set.id), names.keySet(1, set.id)]);
    assert.deepEqual([report.kept, destroyed], [[], [secretId]]);
    for (const [, credential] of openers) {
      const reading = readKeySet(store, { repositoryId, credentials: [credential] });
      await assert.rejects(
        reading,
        withCode("keys-destroyed", /destroyed at .* by admin: the project has left/),
      );
    }
    assert.deepEqual((await readDestruction(store, { repositoryId }))?.keySets, report.removed);
  });

  it("that broke off is finished by calling it again, and nobody makes new keys meanwhile", async () => {
    const set = await aKeySet();
    const store = await stored(set);
    const locked = async (): Promise<void> => {
      throw new Fault("object-locked", "removing a key set", "later");
    };
    const first = await destroyKeys(store, { repositoryId, remover: { remove: locked }, ...who });
    assert.deepEqual(
      first.kept.map(({ name }) => name),
      [names.keySet(1, set.id), `Barbican secret ${secretId}`],
    );
    await assert.rejects(changeKeySet(store, set, { rotate: true, at }), withCode("keys-destroyed"));
    const destroySecret = async (): Promise<void> => undefined;
    const again = { ...who, by: "somebody else" };
    const second = await destroyKeys(store, { repositoryId, remover: store, ...again, destroySecret });
    assert.deepEqual([second.kept, second.journal.by], [[], "admin"]);
  });

  it("does not stop at a key set that cannot be read", async () => {
    const store = memoryStore();
    const name = names.keySet(1, randomUUID());
    await store.put(name, [Buffer.from("nonsense")]);
    const report = await destroyKeys(store, { repositoryId, remover: store, ...who });
    assert.deepEqual(report.removed, [name]);
  });
});
