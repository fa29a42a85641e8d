import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { MiB } from "@cairn/kernel";
import { bytesOf } from "./upload-image.ts";

const never = new AbortController().signal;

type Reader = Parameters<typeof bytesOf>[0];

/** A disk with data, a hole and data again, told in extents as a snapshot's reader tells them. */
function disk(): { readonly reader: Reader; readonly bytes: Buffer } {
  const bytes = Buffer.concat([randomBytes(2 * MiB + 4096), Buffer.alloc(3 * MiB), randomBytes(512)]);
  const hole = { kind: "zero", offset: 2 * MiB + 4096, length: 3 * MiB } as const;
  const reader: Reader = {
    sizeBytes: bytes.length,
    read: async (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    extents: async function* () {
      yield await Promise.resolve({ kind: "data", offset: 0, length: hole.offset } as const);
      yield hole;
      yield { kind: "data", offset: hole.offset + hole.length, length: 512 } as const;
    },
  };
  return { reader, bytes };
}

void test("an image gets the disk in order, and zeroes for holes and up to the volume's size", async () => {
  const { reader, bytes } = disk();
  const sizeBytes = 8 * MiB;
  const parts: Buffer[] = [];
  for await (const part of bytesOf(reader, sizeBytes, never)) {
    assert.ok(part.length > 0 && part.length <= MiB, "memory is bounded by parts of 1 MiB");
    parts.push(Buffer.from(part));
  }
  const sent = Buffer.concat(parts);
  assert.equal(sent.length, sizeBytes);
  assert.ok(sent.subarray(0, bytes.length).equals(bytes));
  assert.ok(sent.subarray(bytes.length).every((byte) => byte === 0));
});
