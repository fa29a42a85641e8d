import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { plantedText, Search } from "./planted.ts";

const text = plantedText();
const key = randomBytes(32);
const search = new Search([
  { name: "password", value: text, mayBeIn: (place) => place === "its file" },
  { name: "key", value: key },
]);

/** Bytes around a value, so many that base64 begins at each of its three places. */
function around(value: string | Buffer, before: number): Buffer {
  return Buffer.concat([randomBytes(before), Buffer.from(value), randomBytes(5)]);
}

const TEXTS: readonly (readonly [form: string, content: string])[] = [
  ["as it is", `{"password":"${text}"}`],
  ["in a URL", `/settings?password=${encodeURIComponent(text)}&x=1`],
  ["in hexadecimal", `\\x00${Buffer.from(text).toString("hex")}00`],
  ["in base64", `Basic ${Buffer.from(`user:${text}`).toString("base64")}`],
];

for (const [form, content] of TEXTS) {
  test(`a password that was planted is found ${form}`, () => {
    assert.deepEqual(search.in({ name: "log", content }), [`password ${form} in log`]);
    assert.deepEqual(search.in({ name: "its file", content }), []);
  });
}

test("a key is found as bytes, and in base64 whatever stands before it", () => {
  for (const before of [30, 31, 32]) {
    const bytes = around(key, before);
    assert.deepEqual(search.in({ name: "file", content: bytes }), ["key as it is in file"]);
    for (const encoding of ["base64", "base64url"] as const) {
      const content = bytes.toString(encoding);
      assert.deepEqual(search.in({ name: "file", content }), ["key in base64 in file"]);
    }
  }
});

test("a token is known by its form, and nothing is found where nothing is", () => {
  const token = `gAAAAA${randomBytes(132).toString("base64url")}`;
  assert.deepEqual(search.in({ name: "log", content: `x-auth-token: ${token}` }), ["a token in log"]);
  assert.deepEqual(search.in({ name: "log", content: randomBytes(100_000) }), []);
  assert.deepEqual(search.in({ name: "log", content: text.slice(1) }), []);
});
