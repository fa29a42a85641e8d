import { createHash } from "node:crypto";
import { memoryStore, type Store } from "@cairn/store";
import { type RepositoryHandle, writeCommit, writeTombstone } from "./commits.ts";
import {
  bytesOf,
  chunkOf,
  GOLDEN_COMMIT,
  GOLDEN_KEYS,
  GOLDEN_MASTER_KEY,
  GOLDEN_REPOSITORY,
} from "./golden.ts";
import { createKeySet, type KeySet } from "./key-set.ts";
import { destroyKeys } from "./key-sets.ts";
import { rawPublic, x25519Private } from "./keys/hpke.ts";
import { chunkIdKey, type RepositoryKeys } from "./keys.ts";
import { repositoryNames } from "./names.ts";
import type { OwnerRecord } from "./owner/owner.ts";
import { writeOwner } from "./owners.ts";
import type { RecordKind } from "./pack/codec.ts";
import { PackBuilder } from "./packs.ts";
import { pageId, sealPage } from "./pages.ts";
import type { Randomness } from "./random.ts";
import { chunkId, sealRecord } from "./records.ts";
import { initRepository } from "./repository.ts";
import { writeRelocations, writeSegment } from "./segments.ts";
import { beginSession, endSession } from "./sessions.ts";
import { writeState } from "./states.ts";

/** Bytes without end that anybody can make again: SHA-256 of a word and a counter. */
export function drawnFrom(word: string): Randomness {
  let counter = 0;
  return (length) => {
    const blocks: Buffer[] = [];
    for (let have = 0; have < length; have += 32) {
      blocks.push(createHash("sha256").update(`${word} ${counter}`).digest());
      counter += 1;
    }
    return Buffer.concat(blocks).subarray(0, length);
  };
}

/** What opens the golden key set: one of each kind. scrypt is at its cheapest there. */
export const GOLDEN_SECRETS = {
  keyFile: GOLDEN_MASTER_KEY,
  structureKeyFile: bytesOf("structure key file"),
  passphrase: "nine stones upon a hill",
  secretId: "77777777-7777-4777-8777-777777777777",
  secret: bytesOf("Barbican secret"),
  escrow: x25519Private(bytesOf("escrow")),
} as const;

/** The golden keys after a rotation. */
export const GOLDEN_ROTATED: RepositoryKeys = {
  ...GOLDEN_KEYS,
  epochs: [...GOLDEN_KEYS.epochs, { epoch: 1, structure: bytesOf("structure 1"), data: bytesOf("data 1") }],
};

export const GOLDEN_TOMBSTONE = {
  snapshotId: GOLDEN_COMMIT.snapshotId,
  workloadId: GOLDEN_COMMIT.workloadId,
  requestedAt: "2026-11-22T12:34:56.789Z",
  requestedBy: "user",
  notBefore: "2026-11-23T12:34:56.789Z",
};

const AT = 1_763_814_896_789;
export const GOLDEN_OWNER: OwnerRecord = {
  workloadId: GOLDEN_COMMIT.workloadId,
  sequence: 1,
  owner: { projectId: "new project", userId: "new user", cloudId: "second cloud" },
  former: { projectId: GOLDEN_COMMIT.projectId, userId: "user" },
  at: AT,
  by: "admin",
};
export const GOLDEN_SESSION = "55555555-5555-4555-8555-555555555555";
/** Random, so that no version of zstd has a say in what the record looks like. */
export const GOLDEN_CHUNK = drawnFrom("chunk")(700);
export const GOLDEN_PAGE = drawnFrom("page")(90);

async function goldenKeySet(): Promise<KeySet> {
  const { keyFile, structureKeyFile, passphrase, secretId, secret, escrow } = GOLDEN_SECRETS;
  return createKeySet({
    repositoryId: GOLDEN_REPOSITORY,
    keys: GOLDEN_ROTATED,
    slots: [
      { kind: "key-file", label: "engine", key: keyFile },
      { kind: "passphrase", label: "operator ☕", passphrase, costLog2: 10 },
      { kind: "barbican", label: "project", secretId, key: secret },
      { kind: "escrow", label: "safe", publicKey: rawPublic(escrow) },
      { kind: "key-file", label: "sweep", rights: "structure", key: structureKeyFile },
    ],
    at: AT,
    random: drawnFrom("key set"),
  });
}

/** One of each object of a repository, by what it is; made of fixed values and fixed randomness. */
export async function goldenObjects(): Promise<Readonly<Record<string, { name: string; hex: string }>>> {
  const store = memoryStore({ now: () => AT });
  const handle: RepositoryHandle = {
    repositoryId: GOLDEN_REPOSITORY,
    keys: GOLDEN_ROTATED,
    random: drawnFrom("objects"),
  };
  const names = repositoryNames(GOLDEN_REPOSITORY);
  const keySet = await goldenKeySet();
  await initRepository(store, { repositoryId: GOLDEN_REPOSITORY, keySet: keySet.bytes });
  const { snapshotId, workloadId } = GOLDEN_COMMIT;
  await writeCommit(store, { ...handle, commit: GOLDEN_COMMIT });
  await writeTombstone(store, { ...handle, tombstone: GOLDEN_TOMBSTONE });
  const entries = ["b", "a"].map((word) => chunkOf(word, 64 * 1024));
  const segment = await writeSegment(store, handle, entries);
  const relocations = await writeRelocations(store, handle, { kind: "page", entries });
  await beginSession(store, handle, { sessionId: GOLDEN_SESSION, workloadId, snapshotId, bases: [] });
  await endSession(store, handle, { sessionId: GOLDEN_SESSION, commit: { workloadId, snapshotId } });
  await writeState(store, handle, { state: goldenState(relocations.name) });
  const places: Record<string, string> = {
    marker: names.marker,
    keySet: names.keySet(1, keySet.id),
    commit: names.commit(workloadId, snapshotId),
    tombstone: names.tombstone(snapshotId),
    indexSegment: names.within(segment.name),
    relocations: names.within(relocations.name),
    state: names.state(1),
    sessionBegin: names.sessionBegin(GOLDEN_SESSION),
    sessionEnd: names.sessionEnd(GOLDEN_SESSION),
    chunkPack: await putPack(store, handle, "chunk"),
    pagePack: await putPack(store, handle, "page"),
  };
  const reason = { at: new Date(AT).toISOString(), by: "admin", why: "the project has left" };
  await destroyKeys(store, {
    repositoryId: GOLDEN_REPOSITORY,
    remover: { remove: async () => undefined },
    ...reason,
  });
  places["keysDestroyed"] = names.keysDestroyed;
  // Last, so that the bytes drawn for all others stay as they were.
  await writeOwner(store, { ...handle, record: GOLDEN_OWNER });
  places["owner"] = names.owner(workloadId, 1);
  const objects: Record<string, { name: string; hex: string }> = {};
  for (const [what, name] of Object.entries(places)) {
    objects[what] = { name, hex: (await store.get(name)).toString("hex") };
  }
  return objects;
}

async function putPack(store: Store, handle: RepositoryHandle, kind: RecordKind): Promise<string> {
  const builder = new PackBuilder(handle, kind, Buffer.alloc(2 * 1024 * 1024));
  if (kind === "chunk") {
    const id = chunkId(chunkIdKey(handle.keys), GOLDEN_CHUNK);
    builder.add(id, sealRecord({ ...handle, kind, id }, GOLDEN_CHUNK), GOLDEN_CHUNK.length);
  } else {
    const id = pageId(handle, GOLDEN_PAGE);
    builder.add(id, sealPage(handle, id, GOLDEN_PAGE), GOLDEN_PAGE.length);
  }
  await store.put(builder.name, [builder.finish()]);
  return builder.name;
}

function goldenState(relocation: string): Parameters<typeof writeState>[2]["state"] {
  const pack = bytesOf("pack", 16).toString("hex");
  return {
    epoch: 1,
    at: AT,
    by: "sweep",
    condemned: [{ pack, kind: "chunk", epoch: 1, at: AT, bytes: 4096, why: "unreferenced" }],
    deleting: [
      { name: `p/${pack.slice(0, 2)}/${pack}`, bytes: 4096, why: "nothing refers to it", by: "sweep" },
    ],
    damaged: [{ pack, kind: "page", ids: [bytesOf("page").toString("hex")] }],
    relocations: [relocation],
    released: [],
  };
}
