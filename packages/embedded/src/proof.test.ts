import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { firstDifference, keepCopy } from "./proof.ts";

async function* inParts(bytes: Buffer, partBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

function disk(): Buffer {
  const bytes = Buffer.alloc(1_000_003);
  bytes.write("superblock", 1024);
  bytes.write("tail", bytes.length - 4);
  return bytes;
}

async function withCopy(use: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-proof-"));
  try {
    const file = join(folder, "copy");
    assert.equal(await keepCopy(inParts(disk(), 77_777), file), 1_000_003);
    await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a disk equals its copy however the bytes arrive", async () => {
  await withCopy(async (file) => {
    assert.equal(await firstDifference(inParts(disk(), 333_333), file), undefined);
    assert.ok((await stat(file)).blocks * 512 < 300_000);
  });
});

test("one changed byte is found in its block", async () => {
  await withCopy(async (file) => {
    const changed = disk();
    changed[700_000] = 1;
    assert.equal(await firstDifference(inParts(changed, 65_536), file), 655_360);
  });
});

test("a disk that is longer or shorter than its copy differs", async () => {
  await withCopy(async (file) => {
    assert.equal(await firstDifference(inParts(disk().subarray(0, 983_040), 65_536), file), 983_040);
    assert.notEqual(
      await firstDifference(inParts(Buffer.concat([disk(), Buffer.alloc(9)]), 65_536), file),
      undefined,
    );
  });
});
