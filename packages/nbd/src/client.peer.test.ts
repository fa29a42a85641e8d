import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MiB, systemClock, TiB } from "@cairn/kernel";
import { connectNbd, type NbdClient } from "./client.ts";
import type { NbdRequestFault } from "./faults.ts";
import { ALLOCATION_ZERO, BITMAP_DIRTY, type StatusExtent } from "./status.ts";

interface Served extends AsyncDisposable {
  readonly image: string;
  connect(contexts?: readonly string[]): Promise<NbdClient>;
}

/** `qemu-nbd` on an image that `prepare` makes. */
async function serve(words: readonly string[], prepare: (image: string) => Promise<void>): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-nbd-"));
  const image = join(folder, "image");
  const socket = join(folder, "nbd.sock");
  await prepare(image);
  const child = spawn("qemu-nbd", [...words, "-k", socket, "-x", "disk", "--persistent", "-e", "4", image], {
    stdio: "ignore",
  });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  while (!(await listens(socket))) {
    assert.equal(child.exitCode, null, "qemu-nbd runs");
    await systemClock.sleep(5);
  }
  return {
    image,
    connect: async (contexts = ["base:allocation"]) =>
      connectNbd({
        address: { kind: "unix", path: socket },
        exportName: "disk",
        contexts,
        requestsMax: 16,
        silenceMs: 10_000,
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** A socket's file is there a moment before anybody listens on it. */
async function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function statusOf(client: NbdClient): Promise<StatusExtent[]> {
  const extents: StatusExtent[] = [];
  for await (const extent of client.status()) extents.push(extent);
  return extents;
}

const raw = (sizeBytes: number) => async (image: string) => {
  await writeFile(image, "");
  await truncate(image, sizeBytes);
};

for (const sizeBytes of [512, MiB + 512, MiB + 1, 3 * MiB - 7]) {
  void test(`a raw image of ${sizeBytes} bytes is read and written to its last byte`, async () => {
    await using served = await serve(["-f", "raw"], raw(sizeBytes));
    await using client = await served.connect();
    assert.ok(client.sizeBytes >= sizeBytes && client.sizeBytes < sizeBytes + 512);
    const bytes = randomBytes(client.sizeBytes);
    await client.write(0, bytes);
    await client.flush();
    assert.ok((await client.read(0, client.sizeBytes)).equals(bytes));
    assert.ok((await readFile(served.image)).subarray(0, sizeBytes).equals(bytes.subarray(0, sizeBytes)));
    assert.equal(
      (await statusOf(client)).reduce((sum, { length }) => sum + length, 0),
      client.sizeBytes,
    );
  });
}

void test("zeroed and trimmed stretches read as zeroes, and the status tells holes from data", async () => {
  await using served = await serve(["-f", "qcow2"], async (image) => {
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", image, String(8 * MiB)]);
    await Promise.resolve();
  });
  await using client = await served.connect();
  assert.ok(client.canZero && client.canTrim && client.canFastZero);
  await client.write(0, Buffer.alloc(8 * MiB, 0xab));
  await client.zero(MiB, MiB, { mayPunchHole: true });
  await client.zero(3 * MiB, MiB, { mayPunchHole: true, onlyIfFast: true });
  assert.ok((await client.read(MiB, MiB)).equals(Buffer.alloc(MiB)));
  const zero = (await statusOf(client)).filter(({ flags }) => ((flags[0] ?? 0) & ALLOCATION_ZERO) !== 0);
  assert.deepEqual(
    zero.map(({ offset, length }) => [offset / MiB, length / MiB]),
    [
      [1, 1],
      [3, 1],
    ],
  );
});

void test("reads larger than a request may be are cut and put together", async () => {
  const contents = randomBytes(40 * MiB);
  await using served = await serve(["-f", "raw"], async (image) => writeFile(image, contents));
  await using client = await served.connect();
  assert.ok((await client.read(0, contents.length)).equals(contents));
  const parts = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => client.read(index * MiB, MiB)),
  );
  assert.ok(Buffer.concat(parts).equals(contents));
});

void test("a dirty bitmap of a sparse TiB is walked with its allocation beside it", async () => {
  await using served = await serve(["-f", "qcow2", "-B", "changes"], async (image) => {
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", image, String(TiB)]);
    execFileSync("qemu-img", ["bitmap", "--add", image, "changes"]);
    execFileSync("qemu-io", [
      "-f",
      "qcow2",
      "-c",
      "write -q 64k 64k",
      "-c",
      `write -q ${TiB - MiB} 1M`,
      image,
    ]);
    execFileSync("qemu-img", ["bitmap", "--disable", image, "changes"]);
    await Promise.resolve();
  });
  await using client = await served.connect(["base:allocation", "qemu:dirty-bitmap:changes"]);
  const dirty = (await statusOf(client)).filter(({ flags }) => ((flags[1] ?? 0) & BITMAP_DIRTY) !== 0);
  assert.deepEqual(
    dirty.map(({ offset, length, flags }) => [offset, length, flags[0]]),
    [
      [65536, 65536, 0],
      [TiB - MiB, MiB, 0],
    ],
  );
});

void test("a read-only export refuses a write and goes on", async () => {
  await using served = await serve(["-f", "raw", "-r"], raw(MiB));
  await using client = await served.connect();
  assert.ok(client.isReadOnly);
  await assert.rejects(client.write(0, Buffer.alloc(512)), (cause: NbdRequestFault) =>
    // EINVAL until QEMU 7, EPERM as the protocol says since.
    ["EPERM", "EINVAL"].includes(cause.errno),
  );
  assert.ok((await client.read(0, 512)).equals(Buffer.alloc(512)));
});

void test("an unknown export and a missing context are refused with their names", async () => {
  await using served = await serve(["-f", "raw"], raw(MiB));
  await assert.rejects(served.connect(["qemu:dirty-bitmap:none"]), /export disk of the block server/);
});
