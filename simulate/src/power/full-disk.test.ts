import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Fault, MiB } from "@cairn/kernel";
import { createKeySet, initRepository, listCommits } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { Chance } from "../chance.ts";
import type { DiskImage } from "../content.ts";
import { image, masterKey, restoreSnapshot, takeSnapshot } from "../small-repository.ts";
import { imitation, type SmallFolder, smallFolder } from "./full-disk.ts";

const REPOSITORY = "33333333-3333-4333-8333-333333333333";
const POINTS = 25;

/** The ids of as many snapshots as anybody needs here. */
function snapshotId(index: number): string {
  return `22222222-2222-4222-8222-2222222222${String(index).padStart(2, "0")}`;
}

/**
 * Takes snapshots until the folder is full, then gives it room and takes one more; everything that was taken
 * must be there throughout. `undefined`: the folder did not fill.
 */
async function fillUp(path: string, small: SmallFolder): Promise<void> {
  const store = directoryStore(path);
  const slot = { kind: "key-file", key: masterKey, label: "operator", rights: "all" } as const;
  const set = await createKeySet({ repositoryId: REPOSITORY, slots: [slot], withoutEscrow: true, at: 1 });
  const handle = { repositoryId: REPOSITORY, keys: set.keys };
  const taken: { snapshotId: string; image: DiskImage }[] = [];
  const failure = await (async (): Promise<unknown> => {
    try {
      await initRepository(store, { repositoryId: REPOSITORY, keySet: set.bytes });
      for (let index = 0; index < 90; index += 1) {
        const next = { snapshotId: snapshotId(index), image: image([index + 1, index + 7, 0, 3]) };
        await takeSnapshot(store, handle, next);
        taken.push(next);
      }
      return undefined;
    } catch (cause) {
      return cause;
    }
  })();
  assert.ok(failure instanceof Fault, String(failure));
  assert.deepEqual([failure.code, failure.retry], ["store-full", "after-operator"]);
  for (const each of taken) assert.equal(await restoreSnapshot(store, handle, each), undefined);
  // What the unlucky one had committed, if it came so far, is whole, too.
  const there = await Array.fromAsync(listCommits(store, handle));
  assert.ok(there.length - taken.length <= 1);
  await small.grow();
  await initRepository(store, { repositoryId: REPOSITORY, keySet: set.bytes });
  const last = { snapshotId: snapshotId(99), image: image([9, 8, 0, 7]) };
  await takeSnapshot(store, handle, last);
  for (const each of [...taken, last]) assert.equal(await restoreSnapshot(store, handle, each), undefined);
  const names = await readdir(path, { recursive: true });
  assert.deepEqual(
    names.filter((name) => name.includes(".cairn-")),
    [],
  );
}

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), "cairn-full-"));
  try {
    await work(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

describe("a target that becomes full", () => {
  it(`at any of ${POINTS} points fails the snapshot, loses nothing, and the next one works`, async () => {
    const chance = new Chance(9);
    for (let point = 0; point < POINTS; point += 1) {
      await inFolder(async (path) => {
        await using small = imitation(path, 200 + chance.below(30_000));
        await fillUp(path, small);
      });
    }
  });

  it("as a file system of its own does the same", async () => {
    const chance = new Chance(10);
    for (let point = 0; point < 5; point += 1) {
      await inFolder(async (path) => {
        await using small = await smallFolder(path, 8192 + chance.below(MiB / 2));
        await fillUp(path, small);
      });
    }
  });

  it("leaves nothing of a pack that did not fit", async () => {
    await inFolder(async (path) => {
      await using small = await smallFolder(path, MiB);
      const store = directoryStore(path);
      await store.put("p/00/small", [randomBytes(1000)]);
      await assert.rejects(store.put("p/00/large", [randomBytes(3 * MiB)]), (error) => {
        return error instanceof Fault && error.code === "store-full";
      });
      assert.equal(await store.size("p/00/large"), undefined);
      assert.deepEqual(await readdir(join(path, "p/00")), ["small"]);
      await small.grow();
      await store.put("p/00/large", [randomBytes(3 * MiB)]);
    });
  });
});
