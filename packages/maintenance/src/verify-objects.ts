import { Fault } from "@cairn/kernel";
import {
  inspectKeySet,
  listOwnerRecords,
  openRepository,
  type RepositoryHandle,
  readDestruction,
  readOwnerRecord,
  readSegmentTable,
  readSession,
  readStateAt,
  readTombstone,
  repositoryNames,
  stateEpoch,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type Damage, damageOf, toDamage } from "./damage.ts";

/**
 * Opens every small object of a repository but its commits: marker, key sets, tombstones, index segments,
 * states, sessions. None of them holds data of a snapshot, so that no snapshot is degraded by what is found
 * here.
 */
export async function verifyObjects(
  store: Store,
  handle: RepositoryHandle,
  signal: AbortSignal,
): Promise<Damage[]> {
  const { repositoryId } = handle;
  const names = repositoryNames(repositoryId);
  const damage: Damage[] = [];
  const check = async (name: string, read: () => Promise<unknown>): Promise<void> => {
    signal.throwIfAborted();
    const found = await damageOf(read);
    // What is removed between the listing and the look was not damaged.
    if ("fault" in found && found.fault.code !== "object-missing")
      damage.push(toDamage("object", name, found.fault));
  };
  await check(names.marker, async () => openRepository(store, { repositoryId, signal }));
  for await (const name of store.list(names.keySets, signal)) {
    await check(name, async () => {
      if (name === names.keysDestroyed) return readDestruction(store, { repositoryId, signal });
      const set = inspectKeySet(repositoryId, await store.get(name, signal), name);
      if (set.name === name) return set;
      throw new Fault("object-damaged", `reading ${name}: it is ${set.name}`, "never");
    });
  }
  for await (const name of store.list(names.tombstones, signal)) {
    const snapshotId = name.slice(names.tombstones.length);
    await check(name, async () => readTombstone(store, { ...handle, snapshotId, signal }));
  }
  for await (const found of listOwnerRecords(store, { repositoryId, signal })) {
    await check(found.name, async () => readOwnerRecord(store, { ...handle, ...found, signal }));
  }
  for await (const name of store.list(names.segments, signal)) {
    const within = name.slice(names.within("").length);
    await check(name, async () => readSegmentTable(store, handle, { name: within, signal }));
  }
  for await (const name of store.list(names.states, signal)) {
    const epoch = stateEpoch(name.slice(names.states.length));
    if (epoch !== undefined) await check(name, async () => readStateAt(store, handle, { epoch, signal }));
  }
  for await (const name of store.list(names.sessions, signal)) {
    const [sessionId = ""] = name.slice(names.sessions.length).split("/");
    // Of a session, the name that is listed is blamed only for itself: its two objects are read together.
    await check(name, async () => readSession(store, handle, { sessionId, signal }));
  }
  return damage;
}
