import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { GiB, MiB } from "@cairn/kernel";
import { releaseBuffer } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import type { BlockDestination, BlockSource, Extent } from "./device.ts";
import { openTransfer } from "./index.ts";
import { neverAborted, setUp } from "./workbench.ts";

const RSS_MAX_BYTES = 300 * MiB;
const DISK_BYTES = 4 * GiB;

// Alone in its file, because each test file has a process of its own.
it("a disk of 4 GiB is stored and restored by threads in less than 300 MiB of memory", async () => {
  const path = await mkdtemp(join(tmpdir(), "cairn-memory-"));
  let rssMax = 0;
  const poll = setInterval(() => {
    rssMax = Math.max(rssMax, process.memoryUsage.rss());
  }, 10);
  try {
    const bench = await setUp(directoryStore(path));
    const transfer = await openTransfer({
      store: bench.store,
      ...bench.handle,
      indexSegments: [],
      signal: neverAborted,
    });
    const stored = await transfer.storeDisk({ source: disk(), auditBytes: 0, signal: neverAborted });
    await transfer.seal(neverAborted);
    assert.equal(stored.readBytes, 3 * GiB);
    const destination = checkingDestination();
    await transfer.writeDisk({ root: stored.root, destination, mode: "whole", signal: neverAborted });
    await transfer.close();
    assert.equal(destination.checkedBytes(), 3 * GiB);
    assert.ok(rssMax < RSS_MAX_BYTES, `resident memory rose to ${rssMax / MiB} MiB`);
  } finally {
    clearInterval(poll);
    await rm(path, { recursive: true, force: true });
  }
});

const noise = randomBytes(2 * MiB);

/** One region of the disk: a sixth of them are all different, the others are 64 that come again and again. */
function region(index: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(MiB);
  noise.copy(bytes, 0, (index % 64) * 512);
  if (index % 6 === 0) bytes.writeUInt32LE(index, 100);
  return bytes;
}

/** The last quarter is a hole. */
function disk(): BlockSource {
  const extents: Extent[] = [
    { offset: 0, length: 3 * GiB, kind: "data" },
    { offset: 3 * GiB, length: GiB, kind: "zero" },
  ];
  return {
    sizeBytes: DISK_BYTES,
    async *extents() {
      yield* extents;
    },
    read: async (offset, length) => {
      assert.equal(length, MiB);
      return region(offset / MiB);
    },
  };
}

function checkingDestination(): BlockDestination & { readonly checkedBytes: () => number } {
  let checkedBytes = 0;
  return {
    sizeBytes: DISK_BYTES,
    checkedBytes: () => checkedBytes,
    read: async (offset) => region(offset / MiB),
    write: async (offset, bytes) => {
      const expected = region(offset / MiB);
      assert.ok(bytes.equals(expected), `at ${offset}`);
      releaseBuffer(expected);
      checkedBytes += bytes.length;
    },
    zero: async (offset, length) => {
      assert.deepEqual([offset, length], [3 * GiB, GiB]);
    },
    flush: async () => undefined,
  };
}
