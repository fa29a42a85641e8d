import assert from "node:assert/strict";
import { test } from "node:test";
import { BITMAP_DIRTY, type StatusExtent } from "@cairn/nbd";
import type { Stretch } from "../hypervisor/port.ts";
import { markChanges } from "./changed-stretches.ts";

async function* statusOf(
  stretches: readonly (readonly [number, number, number])[],
): AsyncGenerator<StatusExtent> {
  for (const [offset, length, flag] of stretches)
    yield await Promise.resolve({ offset, length, flags: [flag] });
}

async function marked(
  status: readonly (readonly [number, number, number])[],
  changes: readonly Stretch[],
): Promise<readonly (readonly [number, number, number, boolean])[]> {
  const found: (readonly [number, number, number, boolean])[] = [];
  for await (const { offset, length, flags } of markChanges(statusOf(status), changes))
    found.push([offset, length, flags[0] ?? -1, ((flags[1] ?? 0) & BITMAP_DIRTY) !== 0]);
  return found;
}

void test("a disk without changes is unchanged, whatever is allocated", async () => {
  const status = [[0, 10, 0] as const, [10, 5, 3] as const];
  assert.deepEqual(await marked(status, []), [
    [0, 10, 0, false],
    [10, 5, 3, false],
  ]);
});

void test("changes split the stretches of allocation, and run across their borders", async () => {
  const status = [[0, 10, 0] as const, [10, 10, 3] as const, [20, 10, 0] as const];
  const changes = [
    { offset: 2, length: 3 },
    { offset: 8, length: 14 },
    { offset: 29, length: 4 },
  ];
  assert.deepEqual(await marked(status, changes), [
    [0, 2, 0, false],
    [2, 3, 0, true],
    [5, 3, 0, false],
    [8, 2, 0, true],
    [10, 10, 3, true],
    [20, 2, 0, true],
    [22, 7, 0, false],
    [29, 1, 0, true],
  ]);
});

void test("every byte is told once, and as changed if and only if a change has it", async () => {
  let seed = 20261123;
  const chance = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 200; round += 1) {
    const status: [number, number, number][] = [];
    const changes: Stretch[] = [];
    for (let at = 0; at < 60; at += status.at(-1)?.[1] ?? 0) status.push([at, 1 + chance(9), chance(4)]);
    const last = status.at(-1) ?? [0, 0];
    const size = last[0] + last[1];
    for (let at = chance(6); at < size; ) {
      changes.push({ offset: at, length: 1 + chance(12) });
      at += (changes.at(-1)?.length ?? 0) + 1 + chance(8);
    }
    const isIn = (byte: number): boolean =>
      changes.some(({ offset, length }) => byte >= offset && byte < offset + length);
    let at = 0;
    for (const [offset, length, , isChanged] of await marked(status, changes)) {
      assert.equal(offset, at);
      for (let byte = offset; byte < offset + length; byte += 1) assert.equal(isIn(byte), isChanged);
      at += length;
    }
    assert.equal(at, size);
  }
});
