import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Fault, hasCode, MiB } from "@cairn/kernel";
import { type Commit, listCommits, readCommit, writeCommit } from "@cairn/repository";
import { directoryStore, faultyStore, memoryStore, type Store, type StoreCall } from "@cairn/store";
import { openTransfer } from "./index.ts";
import { memoryDisk } from "./memory-disk.ts";
import { changes, neverAborted, restore, setUp, type Workbench, withTransfer } from "./workbench.ts";

const WORKLOAD = "11111111-1111-4111-8111-111111111111";
const SNAPSHOTS = ["22222222-2222-4222-8222-222222222221", "22222222-2222-4222-8222-222222222222"] as const;

function commitOf(
  snapshotId: string,
  root: string,
  sizeBytes: number,
  indexSegments: readonly string[],
): Commit {
  const disk = { diskId: "disk", instanceId: "instance", device: "vda", sizeBytes, root };
  const createdAt = "2026-11-22T12:00:00.000Z";
  const ids = { formatVersion: 1, snapshotId, workloadId: WORKLOAD, projectId: "project" };
  return { ...ids, createdAt, type: "full", metadata: { name: "café ☕" }, disks: [disk], indexSegments };
}

/** One snapshot from extents to commit, as the datamover and the engine do it together. */
async function snapshot(
  bench: Workbench,
  store: Store,
  snapshotId: string,
  disk: {
    readonly content: Buffer;
    readonly previousRoot?: string;
    readonly dirty?: readonly { offset: number; length: number }[];
  },
): Promise<string> {
  const { content, previousRoot, dirty } = disk;
  const extents = dirty === undefined ? undefined : changes(content.length, dirty);
  const { root, indexSegments } = await withTransfer(
    bench,
    async (transfer) => {
      const source = memoryDisk(content, extents);
      const previous = previousRoot === undefined ? {} : { previousRoot };
      const stored = await transfer.storeDisk({ source, ...previous, auditBytes: 0, signal: neverAborted });
      return { root: stored.root, ...(await transfer.seal(neverAborted)) };
    },
    store,
  );
  const commit = commitOf(snapshotId, root, content.length, indexSegments);
  await writeCommit(store, { ...bench.handle, commit });
  return root;
}

/** Every snapshot that exists is complete and has its content. */
async function checkSnapshots(bench: Workbench, contents: ReadonlyMap<string, Buffer>): Promise<string[]> {
  const there: string[] = [];
  for await (const ids of listCommits(bench.store, bench.handle)) {
    const commit = await readCommit(bench.store, { ...bench.handle, ...ids });
    const expected = contents.get(ids.snapshotId);
    assert.ok(expected !== undefined);
    const found = Buffer.alloc(expected.length);
    await restore(bench, commit.disks[0]?.root ?? "", found);
    assert.ok(found.equals(expected), `snapshot ${ids.snapshotId}`);
    there.push(ids.snapshotId);
  }
  return there.sort();
}

describe("a crash at any call of the store", () => {
  for (const when of ["before", "after"] as const) {
    it(`(${when} it took effect) leaves the last snapshot whole and no commit without its data`, async () => {
      for (let crashAt = 0; ; crashAt += 1) {
        const bench = await setUp();
        const before = randomBytes(3 * MiB);
        const previousRoot = await snapshot(bench, bench.store, SNAPSHOTS[0], { content: before });
        const content = Buffer.from(before);
        randomBytes(MiB).copy(content, MiB / 2);
        const contents = new Map([
          [SNAPSHOTS[0], before],
          [SNAPSHOTS[1], content],
        ]);
        let calls = 0;
        // A process that died makes no more calls: from the fatal one on, all fail without effect.
        const dying = faultyStore(bench.store, ({ index }: StoreCall) => {
          calls = Math.max(calls, index + 1);
          if (index < crashAt) return undefined;
          return {
            when: index === crashAt ? when : "before",
            error: new Fault("store-io", "crash", "later"),
          };
        });
        const disk = { content, previousRoot, dirty: [{ offset: MiB / 2, length: MiB }] };
        const outcome = await snapshot(bench, dying, SNAPSHOTS[1], disk).then(
          () => "done",
          () => "died",
        );
        const there = await checkSnapshots(bench, contents);
        if (outcome === "done") {
          assert.ok(crashAt >= calls && calls > 15, `${calls} calls`);
          return;
        }
        assert.ok(there.includes(SNAPSHOTS[0]));
        // Whatever is left over, the next attempt succeeds; a commit that arrived is the snapshot.
        if (!there.includes(SNAPSHOTS[1])) await snapshot(bench, bench.store, SNAPSHOTS[1], disk);
        assert.deepEqual(await checkSnapshots(bench, contents), [...SNAPSHOTS]);
      }
    });
  }
});

describe("a full target", () => {
  it("fails the snapshot with that reason, at whichever object it becomes full", async () => {
    const content = randomBytes(3 * MiB);
    for (const part of ["/p/", "/i/", "/m/", "/s/"]) {
      const bench = await setUp();
      const full = faultyStore(bench.store, ({ operation, name }) =>
        operation === "put" && name.includes(part)
          ? { when: "before", error: new Fault("store-full", `storing ${name}`, "after-operator") }
          : undefined,
      );
      await assert.rejects(snapshot(bench, full, SNAPSHOTS[0], { content }), (error) => {
        assert.ok(hasCode(error, "store-full"), String(error));
        return true;
      });
      assert.deepEqual(await Array.fromAsync(listCommits(bench.store, bench.handle)), []);
      await snapshot(bench, bench.store, SNAPSHOTS[0], { content });
      assert.deepEqual(await checkSnapshots(bench, new Map([[SNAPSHOTS[0], content]])), [SNAPSHOTS[0]]);
    }
  });
});

describe("an aborted transfer", () => {
  it("ends with the reason, and leaves no thread and no temporary file, whenever it comes", async () => {
    const path = await mkdtemp(join(tmpdir(), "cairn-abort-"));
    try {
      const bench = await setUp(directoryStore(path));
      const content = randomBytes(40 * MiB);
      const threadsBefore = workerThreads();
      for (let reads = 1; reads <= 40; reads += 6) {
        const controller = new AbortController();
        const source = memoryDisk(content);
        let left = reads;
        const counting = {
          ...source,
          read: async (offset: number, length: number, signal: AbortSignal) => {
            left -= 1;
            if (left === 0) controller.abort(new Error("the user has cancelled"));
            return source.read(offset, length, signal);
          },
        };
        const transfer = await openTransfer({
          store: bench.store,
          ...bench.handle,
          indexSegments: [],
          signal: neverAborted,
        });
        const { signal } = controller;
        const storing = transfer.storeDisk({ source: counting, auditBytes: 0, signal });
        await assert.rejects(storing, /the user has cancelled/);
        await transfer.close();
        await assert.rejects(transfer.storeDisk({ source, auditBytes: 0, signal: neverAborted }), (error) =>
          hasCode(error, "transfer-closed"),
        );
      }
      assert.equal(workerThreads(), threadsBefore);
      const names = await readdir(path, { recursive: true });
      assert.deepEqual(
        names.filter((name) => name.includes(".cairn-")),
        [],
      );
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  });

  it("of one disk lets the others of the same transfer go on", async () => {
    const bench = await setUp(memoryStore());
    const content = randomBytes(6 * MiB);
    await withTransfer(bench, async (transfer) => {
      const controller = new AbortController();
      controller.abort(new Error("not this one"));
      const aborted = transfer.storeDisk({
        source: memoryDisk(content),
        auditBytes: 0,
        signal: controller.signal,
      });
      const other = transfer.storeDisk({ source: memoryDisk(content), auditBytes: 0, signal: neverAborted });
      await assert.rejects(aborted, /not this one/);
      const { root } = await other;
      await transfer.seal(neverAborted);
      const found = Buffer.alloc(content.length);
      await transfer.writeDisk({ root, destination: memoryDisk(found), mode: "whole", signal: neverAborted });
      assert.ok(found.equals(content));
    });
  });

  function workerThreads(): number {
    return process.getActiveResourcesInfo().filter((resource) => resource === "MessagePort").length;
  }
});
