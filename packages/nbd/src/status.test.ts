import assert from "node:assert/strict";
import { test } from "node:test";
import { NbdProtocolFault } from "./faults.ts";
import { mergeStatus } from "./status.ts";

const of = (...pairs: [number, number][]) => pairs.map(([length, flags]) => ({ length, flags }));

void test("contexts with different stretches are laid over each other", () => {
  const merged = mergeStatus(1000, 100, [of([40, 0], [60, 3]), of([10, 1], [90, 0])]);
  assert.deepEqual(merged, [
    { offset: 1000, length: 10, flags: [0, 1] },
    { offset: 1010, length: 30, flags: [0, 0] },
    { offset: 1040, length: 60, flags: [3, 0] },
  ]);
});

void test("the answer ends where the shortest context ends, and never beyond what was asked", () => {
  assert.deepEqual(mergeStatus(0, 100, [of([30, 0]), of([200, 1])]), [
    { offset: 0, length: 30, flags: [0, 1] },
  ]);
  assert.deepEqual(mergeStatus(0, 100, [of([300, 2])]), [{ offset: 0, length: 100, flags: [2] }]);
});

void test("neighbours with the same flags become one", () => {
  assert.deepEqual(mergeStatus(0, 9, [of([3, 1], [3, 1], [3, 0])]), [
    { offset: 0, length: 6, flags: [1] },
    { offset: 6, length: 3, flags: [0] },
  ]);
});

void test("any answers cover a stretch from its beginning without gaps", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 500; round += 1) {
    const contexts = Array.from({ length: 1 + random(3) }, () =>
      Array.from({ length: 1 + random(5) }, () => ({ length: 1 + random(50), flags: random(4) })),
    );
    const length = 1 + random(120);
    const totals = contexts.map((context) => context.reduce((sum, each) => sum + each.length, 0));
    let at = 10;
    for (const extent of mergeStatus(10, length, contexts)) {
      assert.equal(extent.offset, at);
      at += extent.length;
    }
    assert.equal(at - 10, Math.min(length, ...totals), `seed ${seed}`);
  }
});

void test("a context without an answer is a protocol fault", () => {
  assert.throws(() => mergeStatus(0, 10, [of([10, 0]), []]), NbdProtocolFault);
});
