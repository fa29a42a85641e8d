import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Fault } from "@cairn/kernel";
import { openImageAccess, sealImageAccess } from "./image-access.ts";

const KEY = randomBytes(32);
const ACCESS = { url: "http://glance/v2/images/one/file", token: "gAAAAA-secret" };

const isSealed = (cause: Fault): boolean => cause.code === "image-access-sealed";

void test("what reaches an image is sealed for that image, and shows nothing of its token", () => {
  const sealed = sealImageAccess(ACCESS, "one", KEY);
  assert.deepEqual(openImageAccess(sealed, "one", KEY), ACCESS);
  assert.ok(!Buffer.from(sealed, "base64").toString("latin1").includes("gAAAAA"));
  assert.notEqual(sealImageAccess(ACCESS, "one", KEY), sealed);
});

void test("another image, another key and a changed text open nothing", () => {
  const sealed = sealImageAccess(ACCESS, "one", KEY);
  const changed = Buffer.from(sealed, "base64");
  changed[40] = (changed[40] ?? 0) ^ 1;
  assert.throws(() => openImageAccess(sealed, "two", KEY), isSealed);
  assert.throws(() => openImageAccess(sealed, "one", randomBytes(32)), isSealed);
  assert.throws(() => openImageAccess(changed.toString("base64"), "one", KEY), isSealed);
  assert.throws(() => openImageAccess("", "one", KEY), isSealed);
});
