import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { Fault } from "@cairn/kernel";
import {
  changeKeySet,
  createKeySet,
  initRepository,
  listCommits,
  openRepository,
  readKeySet,
  readSessions,
  readState,
} from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import type { DiskImage } from "../content.ts";
import { image, masterKey, removeSnapshot, restoreSnapshot, takeSnapshot } from "../small-repository.ts";
import { filesStore } from "./files-store.ts";
import { checkEveryMoment, checkFiles, type Ledger, withLedger } from "./ledger.ts";
import { Recorder } from "./recorder.ts";

/** Opens what the power failure has left as a reader does, and restores every snapshot that exists. */
async function checkRepository(
  files: ReadonlyMap<string, Buffer>,
  repositoryId: string,
  images: ReadonlyMap<string, DiskImage>,
): Promise<number> {
  const store = filesStore(files);
  try {
    await openRepository(store, { repositoryId });
  } catch (cause) {
    // Before its founding was over, there is none.
    assert.ok(cause instanceof Fault && cause.code === "repository-missing", String(cause));
    return 0;
  }
  const { keys } = await readKeySet(store, {
    repositoryId,
    credentials: [{ kind: "key-file", key: masterKey }],
  });
  const handle = { repositoryId, keys };
  await readState(store, handle);
  await Array.fromAsync(readSessions(store, handle));
  let snapshots = 0;
  for await (const ids of listCommits(store, handle)) {
    const expected = images.get(ids.snapshotId);
    assert.ok(expected !== undefined);
    const verdict = await restoreSnapshot(store, handle, { ...ids, image: expected });
    assert.equal(verdict, undefined);
    snapshots += 1;
  }
  return snapshots;
}

it("a power failure after any operation leaves what was promised, and all restores", async () => {
  const root = await mkdtemp(join(tmpdir(), "cairn-power-"));
  try {
    const images = new Map([
      ["22222222-2222-4222-8222-222222222221", image([1, 2, 0, 3])],
      ["22222222-2222-4222-8222-222222222222", image([1, 5, 0, 4])],
    ]);
    const [first = "", second = ""] = images.keys();
    const ledger: Ledger = { entries: [], bytes: new Map() };
    using recorder = new Recorder(root);
    const store = withLedger(directoryStore(root), recorder, ledger);
    const repositoryId = "33333333-3333-4333-8333-333333333333";
    const slot = { kind: "key-file", key: masterKey, label: "operator", rights: "all" } as const;
    const set = await createKeySet({ repositoryId, slots: [slot], withoutEscrow: true, at: 1 });
    await initRepository(store, { repositoryId, keySet: set.bytes });
    const handle = { repositoryId, keys: set.keys };
    const base = await takeSnapshot(store, handle, { snapshotId: first, image: image([1, 2, 0, 3]) });
    const next = await changeKeySet(store, set, { rotate: true, withoutEscrow: true, at: 2 });
    const rotated = { repositoryId, keys: next.keys };
    await takeSnapshot(store, rotated, { snapshotId: second, image: image([1, 5, 0, 4]), base });
    await removeSnapshot(store, rotated, first);
    const states = new Map<string, ReadonlyMap<string, Buffer>>();
    checkEveryMoment(root, recorder.operations, (files, at) => {
      checkFiles(files, ledger, at);
      const objects = new Map([...files].filter(([path]) => !path.includes("/.")));
      states.set([...objects.keys()].sort().join(), objects);
    });
    const counts = new Set<number>();
    for (const files of states.values()) counts.add(await checkRepository(files, repositoryId, images));
    assert.deepEqual(
      [...counts].sort((a, b) => a - b),
      [0, 1, 2],
    );
    assert.ok(recorder.operations.length > 150, `${recorder.operations.length} operations`);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
