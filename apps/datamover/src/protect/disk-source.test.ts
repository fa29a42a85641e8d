import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusExtent } from "@cairn/nbd";
import type { Extent } from "@cairn/transfer";
import { joinExtents } from "./disk-source.ts";

async function* stretches(...rows: [number, number, number][]): AsyncGenerator<StatusExtent> {
  let offset = 0;
  for (const [length, allocation, changes] of rows) {
    await Promise.resolve();
    yield { offset, length, flags: [allocation, changes] };
    offset += length;
  }
}

async function kinds(
  by: "changes" | "whole",
  ...rows: [number, number, number][]
): Promise<[number, Extent["kind"]][]> {
  const extents: [number, Extent["kind"]][] = [];
  for await (const { length, kind } of joinExtents(stretches(...rows), by)) extents.push([length, kind]);
  return extents;
}

void test("a whole read takes all but zeroes; a hole with unknown contents is read", async () => {
  assert.deepEqual(await kinds("whole", [10, 0, 0], [20, 3, 1], [30, 1, 0], [40, 2, 0]), [
    [10, "data"],
    [20, "zero"],
    [30, "data"],
    [40, "zero"],
  ]);
});

void test("a read by bitmap takes what is dirty, and leaves the rest unchanged", async () => {
  assert.deepEqual(await kinds("changes", [10, 0, 0], [20, 3, 0], [30, 0, 1], [40, 3, 1]), [
    [30, "unchanged"],
    [30, "data"],
    [40, "zero"],
  ]);
});

void test("neighbours of one kind become one extent, and an empty disk has none", async () => {
  assert.deepEqual(await kinds("whole", [10, 0, 0], [20, 1, 1]), [[30, "data"]]);
  assert.deepEqual(await kinds("whole"), []);
});
