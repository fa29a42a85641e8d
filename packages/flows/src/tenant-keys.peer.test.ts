import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { createWorkload, loadRepository, modifyWorkload } from "@cairn/database";
import { asId, hasCode, newId, Secret, systemClock, type WorkloadId } from "@cairn/kernel";
import { createEscrow, openKeySet } from "@cairn/repository";
import { ensureRepository, findOwnRepository, openRepository } from "./repository-access.ts";
import type { KeyPolicy } from "./repository-keys.ts";
import type { FlowContext } from "./step.ts";
import { SILENT } from "./testing/drive.ts";
import { type FakeBarbican, fakeBarbican } from "./testing/fake-barbican.ts";
import { createWorld, type World } from "./testing/world.ts";
import { tenantKeys } from "./workload-secret.ts";

let world: World;
let barbican: FakeBarbican;
let project: string;
let workload: WorkloadId;
let secretId: string;
const payload = randomBytes(32);
const escrow = createEscrow();
const { signal } = new AbortController();
const policy: KeyPolicy = { escrowPublicKey: escrow.publicKey, withoutEscrow: false, barbican: true };

before(async () => {
  world = await createWorld(process.env);
});
after(async () => world[Symbol.asyncDispose]());
beforeEach(async () => {
  barbican = fakeBarbican();
  project = newId();
  secretId = await store(payload);
  workload = await makeWorkload(secretId);
});

async function store(bytes: Buffer): Promise<string> {
  const { secrets } = barbican.view("tenant").barbican;
  return secrets.create({ name: "mine", payload: new Secret(bytes) });
}

async function makeWorkload(secret: string | undefined): Promise<WorkloadId> {
  const id = newId<"workload">();
  await world.database.transaction(async (transaction) =>
    createWorkload(transaction, {
      id,
      projectId: asId(project),
      userId: asId("user"),
      name: "sealed",
      description: "",
      instances: [],
      secret: secret === undefined ? undefined : { id: secret, proof: "none" },
    }),
  );
  return id;
}

/** A new run of a workload: it has asked Barbican for nothing yet. */
function contextOf(of = workload, masterKey = world.masterKey): FlowContext {
  return {
    run: {
      id: newId(),
      projectId: asId(project),
      userId: asId("user"),
      flow: "snapshot",
      subject: { workloadId: of },
      request: {},
    },
    cloud: barbican.view("tenant"),
    admin: barbican.view("service"),
    database: world.database,
    masterKey,
    keyPolicy: policy,
    clock: systemClock,
    signal,
    log: SILENT,
  };
}

test("key file and escrow open the repository of an encrypted workload to the structure alone", async () => {
  const id = await ensureRepository(contextOf());
  assert.equal(await ensureRepository(contextOf()), id, "asked again, it is the same");
  const row = await loadRepository(world.database.handle, id);
  assert.ok(row !== undefined);
  const { workload_id: owner, wrapped_keys: bytes } = row.repository;
  assert.equal(owner, workload);
  const rights = [];
  for (const credential of [
    { kind: "key-file", key: world.masterKey.reveal() } as const,
    { kind: "escrow", privateKey: escrow.privateKey } as const,
    { kind: "secret", payload } as const,
  ]) {
    const set = await openKeySet({ repositoryId: id, bytes, credentials: [credential] });
    rights.push([credential.kind, set.rights, set.slots.length]);
  }
  assert.deepEqual(rights, [
    ["key-file", "structure", 3],
    ["escrow", "structure", 3],
    ["secret", "all", 3],
  ]);
  assert.equal(barbican.secrets.size, 1, "nothing was made in Barbican, and nothing changed");
  assert.deepEqual(barbican.secrets.get(secretId)?.users, []);
});

test("other workloads of the project, encrypted or not, write elsewhere", async () => {
  const plain = await makeWorkload(undefined);
  const other = await makeWorkload(secretId);
  const ids = [];
  for (const each of [workload, plain, other]) ids.push(await ensureRepository(contextOf(each)));
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(await findOwnRepository(contextOf(other)), ids[2]);
  assert.deepEqual(await findOwnRepository(contextOf(plain)), ids[1]);
  assert.equal(await tenantKeys(contextOf(plain), asId(ids[1] ?? "")), undefined);
});

test("the engine opens it without data keys, and seals commits with the structure's", async () => {
  const id = await ensureRepository(contextOf());
  const opened = await openRepository(contextOf(), id);
  assert.deepEqual([opened.keys.chunkId, opened.metadataBy], [undefined, "structure"]);
  const set = await tenantKeys(contextOf(), id);
  assert.equal(set?.rights, "all");
});

test("each run reads the secret again: without it, it fails with the secret's name", async () => {
  const id = await ensureRepository(contextOf());
  const running = contextOf();
  await tenantKeys(running, id);
  const kept = barbican.secrets.get(secretId);
  barbican.secrets.delete(secretId);
  assert.equal((await tenantKeys(running, id))?.rights, "all", "what runs goes on");
  const missing = (error: unknown) =>
    hasCode(error, "secret-missing") && String(error).includes(secretId) && String(error).includes(workload);
  await assert.rejects(tenantKeys(contextOf(), id), missing);
  await assert.rejects(ensureRepository(contextOf()), missing);
  assert.equal(await findOwnRepository(contextOf()), id, "turning back needs no secret");
  assert.ok(kept !== undefined);
  barbican.secrets.set(secretId, kept);
  assert.equal((await tenantKeys(contextOf(), id))?.rights, "all");
});

test("Barbican away is tried again by the same run", async () => {
  const id = await ensureRepository(contextOf());
  const context = contextOf();
  barbican.isAway = true;
  await assert.rejects(tenantKeys(context, id), (error) => hasCode(error, "openstack-unavailable"));
  barbican.isAway = false;
  assert.equal((await tenantKeys(context, id))?.rights, "all");
});

test("another payload opens and writes nothing; the same under another id opens all", async () => {
  const id = await ensureRepository(contextOf());
  const before = (await loadRepository(world.database.handle, id))?.repository.wrapped_keys;
  await name(await store(randomBytes(32)));
  const wrong = (error: unknown) => hasCode(error, "secret-wrong");
  await assert.rejects(ensureRepository(contextOf()), wrong);
  await assert.rejects(tenantKeys(contextOf(), id), wrong);
  await name(await store(payload));
  assert.equal(await ensureRepository(contextOf()), id);
  assert.deepEqual((await loadRepository(world.database.handle, id))?.repository.wrapped_keys, before);
});

async function name(secret: string): Promise<void> {
  await world.database.transaction(async (transaction) =>
    modifyWorkload(transaction, workload, { secretId: secret }),
  );
}

test("a new key file gets a slot for the structure with the workload's next snapshot", async () => {
  const id = await ensureRepository(contextOf());
  const fresh = new Secret(randomBytes(32));
  await assert.rejects(openRepository(contextOf(workload, fresh), id), (error) =>
    hasCode(error, "wrong-key"),
  );
  assert.equal(await ensureRepository(contextOf(workload, fresh)), id);
  const { keys } = await openRepository(contextOf(workload, fresh), id);
  assert.equal(keys.chunkId, undefined);
});
