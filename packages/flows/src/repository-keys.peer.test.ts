import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { loadRepository } from "@cairn/database";
import { asId, hasCode, newId, Rejection, type RepositoryId, Secret, systemClock } from "@cairn/kernel";
import {
  changeKeySet,
  createEscrow,
  type KeySet,
  openKeySet,
  readKeySet,
  removeSupersededKeySets,
  repositoryNames,
  writingEpoch,
} from "@cairn/repository";
import { directoryStore, type Store } from "@cairn/store";
import { destroyRepositoryKeys } from "./destroy-keys.ts";
import { ensureRepository, openRepository } from "./repository-access.ts";
import type { KeyPolicy } from "./repository-keys.ts";
import type { FlowContext } from "./step.ts";
import { SILENT } from "./testing/drive.ts";
import { type FakeBarbican, fakeBarbican } from "./testing/fake-barbican.ts";
import { createWorld, RUN, WORKLOAD, type World } from "./testing/world.ts";

let world: World;
let barbican: FakeBarbican;
let project: string;
const escrow = createEscrow();
const { signal } = new AbortController();
before(async () => {
  world = await createWorld(process.env);
});
after(async () => world[Symbol.asyncDispose]());
beforeEach(() => {
  barbican = fakeBarbican();
  project = newId();
});

const everything: KeyPolicy = { escrowPublicKey: escrow.publicKey, withoutEscrow: false, barbican: true };

function contextOf(keyPolicy: KeyPolicy = everything, masterKey = world.masterKey): FlowContext {
  return {
    run: {
      id: asId(RUN),
      projectId: asId(project),
      userId: asId("user"),
      flow: "snapshot",
      subject: { workloadId: asId(WORKLOAD) },
      request: {},
    },
    cloud: barbican.view("tenant"),
    admin: barbican.view("service"),
    database: world.database,
    masterKey,
    keyPolicy,
    clock: systemClock,
    signal,
    log: SILENT,
  };
}

function target(): Store {
  return directoryStore(world.targetPath);
}

async function byEscrow(repositoryId: RepositoryId): Promise<KeySet> {
  const credentials = [{ kind: "escrow", privateKey: escrow.privateKey } as const];
  return readKeySet(target(), { repositoryId, credentials, signal });
}

async function wrappedKeys(repositoryId: RepositoryId): Promise<Buffer> {
  const found = await loadRepository(world.database.handle, repositoryId);
  return found?.repository.wrapped_keys ?? Buffer.alloc(0);
}

test("a repository opens by the engine's key file, the escrow and the project's secret", async () => {
  const id = await ensureRepository(contextOf());
  const set = await byEscrow(id);
  assert.deepEqual(
    set.slots.map(({ kind, label }) => [kind, label]),
    [
      ["key-file", "engine"],
      ["escrow", "escrow"],
      ["barbican", "project"],
    ],
  );
  assert.deepEqual(await wrappedKeys(id), set.bytes, "the database has the newest set");
  assert.deepEqual((await openRepository(contextOf(), id)).keys, set.keys);
  const [secret] = barbican.secrets.values();
  assert.equal(secret?.name, `cairn-repository-${id}`);
});

test("asking again for the repository changes nothing", async () => {
  const id = await ensureRepository(contextOf());
  const before = await wrappedKeys(id);
  assert.equal(await ensureRepository(contextOf()), id);
  assert.deepEqual(await wrappedKeys(id), before);
  assert.equal(barbican.secrets.size, 1);
});

test("an attempt that broke off beside Barbican is taken up again, with the same secret", async () => {
  barbican.failsAtReaders = true;
  await assert.rejects(ensureRepository(contextOf()), (error) => hasCode(error, "openstack-outcome-unknown"));
  const id = await ensureRepository(contextOf());
  assert.equal(barbican.secrets.size, 1);
  assert.equal((await byEscrow(id)).slots.length, 3);
});

test("losing Barbican loses no backup: the key file opens, and so does the escrow", async () => {
  const id = await ensureRepository(contextOf());
  barbican.isAway = true;
  barbican.secrets.clear();
  const { keys } = await openRepository(contextOf(), id);
  assert.deepEqual((await byEscrow(id)).keys, keys);
  assert.equal(await ensureRepository(contextOf()), id, "and snapshots go on");
});

test("an engine with a new key file opens by the project's secret, and gets a slot of its own", async () => {
  const id = await ensureRepository(contextOf());
  const fresh = new Secret(randomBytes(32));
  await ensureRepository(contextOf(everything, fresh));
  barbican.isAway = true;
  const { keys } = await openRepository(contextOf(everything, fresh), id);
  assert.deepEqual(keys, (await byEscrow(id)).keys);
});

test("an escrow that is configured later is added to repositories that are there", async () => {
  const id = await ensureRepository(contextOf({ withoutEscrow: true, barbican: false }));
  await assert.rejects(byEscrow(id), (error) => hasCode(error, "wrong-key"));
  await ensureRepository(contextOf({ ...everything, barbican: false }));
  assert.deepEqual((await byEscrow(id)).keys, (await openRepository(contextOf(), id)).keys);
});

test("keys that an operator rotated on the target are taken over before anything is written", async () => {
  const id = await ensureRepository(contextOf());
  const set = await byEscrow(id);
  const rotated = await changeKeySet(target(), set, { rotate: true, at: systemClock.now() });
  await removeSupersededKeySets(target(), target(), { newest: rotated });
  await ensureRepository(contextOf());
  assert.equal(writingEpoch((await openRepository(contextOf(), id)).keys), 1);
  assert.deepEqual(await wrappedKeys(id), rotated.bytes);
});

test("a key set that vanished from the target is put back from the database", async () => {
  const id = await ensureRepository(contextOf());
  const set = await byEscrow(id);
  await target().remove(repositoryNames(id).keySet(set.sequence, set.id));
  await ensureRepository(contextOf());
  assert.deepEqual((await byEscrow(id)).bytes, set.bytes);
});

test("a repository's keys are not made without an escrow unless that was said", async () => {
  const silent = contextOf({ withoutEscrow: false, barbican: false });
  await assert.rejects(ensureRepository(silent), (error) => error instanceof Rejection);
});

test("destroying a project's keys leaves nothing that opens its backups, here or there", async () => {
  const id = await ensureRepository(contextOf());
  const kept = await wrappedKeys(id);
  const { database } = world;
  const cloud = barbican.view("tenant");
  const { masterKey } = world;
  const place = { database, masterKey, cloud, clock: systemClock, log: SILENT, signal };
  const report = await destroyRepositoryKeys(place, { repositoryId: id, by: "admin", why: "left" });
  assert.deepEqual([report.kept, barbican.secrets.size], [[], 0]);
  assert.equal((await wrappedKeys(id)).length, 0);
  const destroyed = (error: unknown): boolean => hasCode(error, "keys-destroyed");
  await assert.rejects(openRepository(contextOf(), id), destroyed);
  await assert.rejects(ensureRepository(contextOf()), destroyed);
  await assert.rejects(byEscrow(id), destroyed);
  // The secret that Barbican had is gone: a stolen copy of the key set opens by what the operator keeps
  // alone.
  const credentials = [{ kind: "barbican", provider: { fetch: async () => randomBytes(32) } } as const];
  await assert.rejects(openKeySet({ repositoryId: id, bytes: kept, credentials }), (error) =>
    hasCode(error, "wrong-key"),
  );
});
