import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { memoryStore } from "@cairn/store";
import { GOLDEN_COMMIT } from "./golden.ts";
import {
  type Credential,
  createKeySet,
  dataKey,
  destroyKeys,
  initRepository,
  inspectKeySet,
  isTenantSealed,
  type KeySet,
  type NewSlot,
  nextKeySet,
  readCommit,
  structureKey,
  writeCommit,
} from "./index.ts";
import {
  at,
  byEscrow,
  byKeyFile,
  costLog2,
  escrow,
  keyFile,
  open,
  rejection,
  repositoryId,
  secretId,
  slotOf,
  slots,
  withCode,
} from "./key-set-samples.ts";

const key = randomBytes(32);
const words = Buffer.from("a passphrase of the tenant's, ä");

function tenantSlots(payload: Buffer): readonly NewSlot[] {
  return [
    { kind: "secret", label: "tenant", secretId, payload, costLog2 },
    { kind: "key-file", label: "engine", key: keyFile, rights: "structure" },
    { kind: "escrow", label: "safe", publicKey: escrow.publicKey, rights: "structure" },
  ];
}

async function tenantSet(payload = key): Promise<KeySet> {
  return createKeySet({ repositoryId, slots: tenantSlots(payload), at, withoutEscrow: true });
}

describe("the key set of an encrypted workload", () => {
  it("opens to everything by the secret's payload alone, be it a key or a passphrase", async () => {
    for (const payload of [key, words]) {
      const set = await tenantSet(payload);
      const opened = await open(set.bytes, { kind: "secret", payload });
      assert.deepEqual([opened.rights, opened.keys], ["all", set.keys]);
    }
  });

  it("opens to the structure alone by the operator's key file and by the escrow", async () => {
    const set = await tenantSet();
    for (const credential of [byKeyFile, byEscrow]) {
      const { rights, keys, writable } = await open(set.bytes, credential);
      assert.deepEqual([rights, writable], ["structure", undefined]);
      assert.deepEqual(structureKey(keys), structureKey(set.keys));
      assert.throws(() => dataKey(keys), withCode("wrong-key"));
    }
  });

  it("does not open by another payload, nor the payload's slot by a key file or a passphrase", async () => {
    const set = await tenantSet(words);
    const others: Credential[] = [
      { kind: "secret", payload: randomBytes(32) },
      { kind: "secret", payload: Buffer.concat([words, Buffer.from("\n")]) },
      { kind: "passphrase", passphrase: words.toString("utf8") },
      { kind: "key-file", key: randomBytes(32) },
    ];
    for (const other of others) await assert.rejects(open(set.bytes, other), withCode("wrong-key"));
  });

  it("names its secret to anybody, and is known by it", async () => {
    const { bytes } = await tenantSet();
    const { slots: shown } = inspectKeySet(repositoryId, bytes);
    assert.ok(isTenantSealed(shown));
    assert.equal(shown[0]?.secretId, secretId);
    const project = await createKeySet({ repositoryId, slots, at });
    assert.ok(!isTenantSealed(project.slots));
  });

  it("is changed by whoever has the secret, and stays closed to the key file", async () => {
    const set = await tenantSet();
    const opened = await open(set.bytes, { kind: "secret", payload: key });
    const next = await nextKeySet(opened, { at, rotate: true, remove: [slotOf(set, "safe")] });
    assert.equal((await open(next.bytes, byKeyFile)).rights, "structure");
    assert.equal((await open(next.bytes, { kind: "secret", payload: key })).keys.epochs.length, 2);
    const byOperator = await open(set.bytes, byKeyFile);
    await assert.rejects(nextKeySet(byOperator, { at, rotate: true }), withCode("wrong-key"));
  });

  it("is not made of an empty payload", async () => {
    await assert.rejects(tenantSet(Buffer.alloc(0)), rejection(/without a payload/));
  });
});

describe("the repository of an encrypted workload", () => {
  it("shows a commit's metadata to the structure keys; a project's repository does not", async () => {
    const store = memoryStore();
    const set = await tenantSet();
    await initRepository(store, { repositoryId, keySet: set.bytes });
    const commit = { ...GOLDEN_COMMIT, metadata: { workload: { name: "sealed" } } };
    const { workloadId, snapshotId } = commit;
    const { keys } = await open(set.bytes, byKeyFile);
    await writeCommit(store, { repositoryId, keys, metadataBy: "structure", commit });
    for (const each of [keys, set.keys]) {
      const read = await readCommit(store, { repositoryId, keys: each, workloadId, snapshotId });
      assert.deepEqual(read.metadata, commit.metadata);
    }
    const other = { ...commit, snapshotId: "dddddddd-0000-4000-8000-000000000009" };
    await writeCommit(store, { repositoryId, keys: set.keys, commit: other });
    const asked = { repositoryId, keys, workloadId, snapshotId: other.snapshotId };
    await assert.rejects(readCommit(store, asked), withCode("wrong-key", /right to the structure alone/));
  });

  it("is destroyed without a touch on the tenant's secret", async () => {
    const store = memoryStore();
    const set = await tenantSet();
    await initRepository(store, { repositoryId, keySet: set.bytes });
    const destroyed: string[] = [];
    const report = await destroyKeys(store, {
      repositoryId,
      remover: store,
      at: "2026-11-23T16:00:00.000Z",
      by: "test",
      why: "test",
      destroySecret: async (id) => void destroyed.push(id),
    });
    assert.deepEqual([destroyed, report.secrets, report.removed.length], [[], [], 1]);
  });
});
