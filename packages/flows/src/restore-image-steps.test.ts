import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB, MiB } from "@cairn/kernel";
import { imageBytes } from "./restore-image-steps.ts";

void test("an image is as long as its volume, but in an encrypted one only as long as the disk", () => {
  const disk = { sizeBytes: GiB - 2 * MiB + 1 };
  assert.equal(imageBytes({ sizeGiB: 1, isEncrypted: false }, disk), GiB);
  assert.equal(imageBytes({ sizeGiB: 1, isEncrypted: true }, disk), GiB - 2 * MiB + 512);
});
