import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newId } from "@cairn/kernel";
import { memoryStore } from "@cairn/store";
import { createRepositoryKeys, type OwnerRecord, readOwner, structureOnlyKeys, writeOwner } from "./index.ts";

const workloadId = newId<"workload">();
const former = { projectId: "first", userId: "anna" };

function recordOf(sequence: number, projectId: string): OwnerRecord {
  const owner = { projectId, userId: "bert", cloudId: "cloud" };
  return { workloadId, sequence, owner, former, at: 1000 + sequence, by: "root" };
}

describe("the owner of a workload", () => {
  const handle = () => ({ repositoryId: newId<"repository">(), keys: createRepositoryKeys() });

  it("is whom its commits name until it was moved, then whom the newest record names", async () => {
    const store = memoryStore();
    const at = handle();
    assert.equal(await readOwner(store, { ...at, workloadId }), undefined);
    await writeOwner(store, { ...at, record: recordOf(1, "second") });
    await writeOwner(store, { ...at, record: recordOf(2, "third") });
    assert.deepEqual(await readOwner(store, { ...at, workloadId }), recordOf(2, "third"));
    assert.equal(await readOwner(store, { ...at, workloadId: newId() }), undefined);
  });

  it("is written once for each number: the same again is success, another looks again", async () => {
    const store = memoryStore();
    const at = handle();
    await writeOwner(store, { ...at, record: recordOf(1, "second") });
    await writeOwner(store, { ...at, record: recordOf(1, "second") });
    const other = writeOwner(store, { ...at, record: recordOf(1, "third") });
    await assert.rejects(other, { code: "owner-changed", retry: "later" });
  });

  it("is read with structure keys alone, and with no other repository's", async () => {
    const store = memoryStore();
    const at = handle();
    await writeOwner(store, { ...at, record: recordOf(1, "second") });
    const blind = { ...at, keys: structureOnlyKeys(at.keys) };
    assert.equal((await readOwner(store, { ...blind, workloadId }))?.owner.projectId, "second");
    const foreign = { ...at, keys: createRepositoryKeys() };
    await assert.rejects(readOwner(store, { ...foreign, workloadId }), { code: "object-damaged" });
  });
});
