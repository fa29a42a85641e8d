import assert from "node:assert/strict";
import { test } from "node:test";
import { formatsFor } from "./formats.ts";
import { parseWireTime, wireSecond } from "./wire-time.ts";

const en = formatsFor("en", "UTC");
const de = formatsFor("de", "Europe/Berlin");
const NOON = Date.UTC(2026, 10, 22, 12);

void test("sizes have binary units and three digits, in the language's own figures", () => {
  assert.equal(en.bytes(0), "0 B");
  assert.equal(en.bytes(1023), "1,020 B");
  assert.equal(en.bytes(1536), "1.5 KiB");
  assert.equal(en.bytes(40 * 1024 ** 3), "40 GiB");
  assert.equal(de.bytes(1.25 * 1024 ** 4), "1,25 TiB");
  assert.equal(en.rate(2 * 1024 ** 2), "2 MiB/s");
});

void test("times are told as far away, in words", () => {
  assert.equal(en.relative(NOON - 3_000, NOON), "now");
  assert.equal(en.relative(NOON - 42_000, NOON), "42 seconds ago");
  assert.equal(en.relative(NOON - 2 * 3_600_000, NOON), "2 hours ago");
  assert.equal(en.relative(NOON + 90 * 60_000, NOON), "in 1 hour");
  assert.equal(de.relative(NOON - 3 * 86_400_000, NOON), "vor 3 Tagen");
});

void test("a time of day is that of the viewer's zone, and names it", () => {
  assert.match(en.exact(NOON), /Nov 22, 2026.*12:00:00.*UTC/);
  assert.match(de.exact(NOON), /22\. Nov\. 2026.*13:00:00.*MEZ/);
});

void test("spans have the two units that matter", () => {
  assert.deepEqual(
    [0, 59.6, 61, 3_725].map((seconds) => en.duration(seconds)),
    ["0 s", "1 min 0 s", "1 min 1 s", "1 h 2 min"],
  );
});

void test("the API's times are UTC, with or without a zone", () => {
  assert.equal(parseWireTime("2026-11-22T12:00:00.000000"), NOON);
  assert.equal(parseWireTime("2026-11-22T12:00:00.000Z"), NOON);
  assert.equal(wireSecond(NOON + 999), "2026-11-22T12:00:00");
});
