import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { formatBytes, formatDuration, GiB, MiB } from "./bytes.ts";
import { systemClock } from "./clock.ts";
import { mapLimited } from "./concurrency.ts";
import { isUuid, newId } from "./ids.ts";
import { Secret } from "./secret.ts";

const SIZES: readonly [number, string][] = [
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.50 KiB"],
  [12.34 * MiB, "12.3 MiB"],
  [250 * GiB, "250 GiB"],
];
for (const [bytes, text] of SIZES) {
  test(`${bytes} bytes read as ${text}`, () => assert.equal(formatBytes(bytes), text));
}

const DURATIONS: readonly [number, string][] = [
  [400, "0.4 s"],
  [42_000, "42 s"],
  [185_000, "3 min 05 s"],
  [7_800_000, "2 h 10 min"],
];
for (const [ms, text] of DURATIONS) {
  test(`${ms} ms read as ${text}`, () => assert.equal(formatDuration(ms), text));
}

test("a secret shows nothing of itself in text, JSON or inspection", () => {
  const secret = new Secret("hunter2");
  const seen = `${secret.toString()} ${JSON.stringify({ secret })} ${inspect({ secret })}`;
  assert.ok(!seen.includes("hunter2"));
  assert.equal(secret.reveal(), "hunter2");
});

test("a new id is a UUID", () => assert.equal(isUuid(newId()), true));

test("limited work never has more going on than the limit, and keeps the order", async () => {
  let going = 0;
  let most = 0;
  const results = await mapLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    going += 1;
    most = Math.max(most, going);
    await systemClock.sleep(1);
    going -= 1;
    return item * 2;
  });
  assert.equal(most, 3);
  assert.deepEqual(results, [2, 4, 6, 8, 10, 12, 14]);
});

test("the first failure stops the rest and is the one that is thrown", async () => {
  const begun: number[] = [];
  const work = mapLimited([1, 2, 3, 4, 5], 2, async (item, signal) => {
    begun.push(item);
    if (item === 2) throw new Error("two is bad");
    await systemClock.sleep(10_000, signal);
  });
  await assert.rejects(work, /two is bad/);
  assert.deepEqual(begun, [1, 2]);
});

test("a sleep ends with the signal's reason", async () => {
  const reason = new Error("enough");
  await assert.rejects(systemClock.sleep(10_000, AbortSignal.abort(reason)), reason);
});
