import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { after, before, it } from "node:test";
import { GiB, MiB } from "@cairn/kernel";
import { type Ceph, openStore, requestCounter, startCeph } from "@cairn/store";
import type { BlockDestination, BlockSource } from "./device.ts";
import { openTransfer, type Transfer } from "./index.ts";
import { neverAborted, setUp } from "./workbench.ts";

const DISK_BYTES = 768 * MiB;
const REQUESTS_PER_GIB_MAX = 30;

let ceph: Ceph;
before(async () => {
  ceph = await startCeph();
});
after(async () => ceph.stop());

it("a disk goes to a bucket and back with few requests, by identities that may do no more", async () => {
  const bucket = await ceph.makeBucket({ lock: { mode: "governance", windowMs: 3_600_000 } });
  const bench = await setUp(openStore(bucket.maintainer));
  const counter = requestCounter();
  const transferring = async (use: (transfer: Transfer) => Promise<void>): Promise<void> => {
    const store = openStore(bucket.writer, { counter });
    const { handle, indexSegments } = bench;
    const transfer = await openTransfer({ ...handle, store, indexSegments, signal: neverAborted });
    try {
      await use(transfer);
    } finally {
      await transfer.close();
    }
  };
  let root = "";
  await transferring(async (transfer) => {
    const stored = await transfer.storeDisk({ source: source(), auditBytes: 0, signal: neverAborted });
    const sealed = await transfer.seal(neverAborted);
    bench.indexSegments.push(...sealed.indexSegments);
    root = stored.root;
    assert.equal(stored.readBytes, DISK_BYTES);
  });
  assert.ok(counter.total() <= (DISK_BYTES / GiB) * REQUESTS_PER_GIB_MAX, JSON.stringify(counter.counts));
  // Under a lock an absent state is asked for twice: Ceph tells a hidden object from it only by its versions.
  assert.ok(counter.counts.list <= 2, JSON.stringify(counter.counts));
  await transferring(async (transfer) => {
    const again = await transfer.storeDisk({ source: source(), auditBytes: 0, signal: neverAborted });
    await transfer.seal(neverAborted);
    assert.ok(again.storedBytes < MiB, `${again.storedBytes} bytes of known data were stored again`);
    const destination = checking();
    await transfer.writeDisk({ root, destination, mode: "whole", signal: neverAborted });
    assert.equal(destination.checkedBytes(), DISK_BYTES);
  });
});

/** The bytes of a region: noise that is the same each time, and nowhere twice. */
function region(index: number): Buffer {
  const nonce = Buffer.alloc(16);
  nonce.writeUInt32LE(index, 0);
  return createCipheriv("aes-128-ctr", Buffer.alloc(16), nonce).update(Buffer.alloc(MiB));
}

function source(): BlockSource {
  return {
    sizeBytes: DISK_BYTES,
    async *extents() {
      yield { offset: 0, length: DISK_BYTES, kind: "data" };
    },
    read: async (offset) => region(offset / MiB),
  };
}

function checking(): BlockDestination & { readonly checkedBytes: () => number } {
  let checkedBytes = 0;
  return {
    sizeBytes: DISK_BYTES,
    checkedBytes: () => checkedBytes,
    read: async (offset) => region(offset / MiB),
    write: async (offset, bytes) => {
      assert.ok(bytes.equals(region(offset / MiB)), `at ${offset}`);
      checkedBytes += bytes.length;
    },
    zero: async (offset) => assert.fail(`a zero at ${offset}`),
    flush: async () => undefined,
  };
}
