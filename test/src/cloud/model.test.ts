import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  BLOCK_BYTES,
  blockContent,
  GARBAGE,
  guestWrite,
  NOTHING,
  SLOT_BLOCKS,
  WRITER_SCRIPT,
  writeThatLeft,
} from "./guest-writes.ts";
import { type FoundDisk, GuestModel } from "./model.ts";

const SEED = 4711;
const DISKS = [
  { key: "root", slots: 4 },
  { key: "data", slots: 8 },
];

/** The disks after this many writes, by doing them. */
function played(upTo: number, torn?: { readonly number: number; readonly blocks: number }): FoundDisk[] {
  const found = DISKS.map(({ key, slots }) => ({
    key,
    blocks: new Int32Array(slots * SLOT_BLOCKS),
    strays: [],
  }));
  const apply = (number: number, most: number): void => {
    const { disk, firstBlock, blocks, isZero } = guestWrite(SEED, number, DISKS);
    found[disk]?.blocks.fill(isZero ? NOTHING : number, firstBlock, firstBlock + Math.min(blocks, most));
  };
  for (let number = 1; number <= upTo; number += 1) apply(number, SLOT_BLOCKS);
  if (torn !== undefined) apply(torn.number, torn.blocks);
  return found;
}

function model(): GuestModel {
  const made = new GuestModel(SEED);
  made.begin({ from: 1, disks: DISKS, fresh: [] });
  return made;
}

/** A write of several blocks of lines, after some others. */
const LARGE =
  [...Array(200).keys()].find((number) => {
    const write = guestWrite(SEED, number, DISKS);
    return number > 50 && write.blocks > 3 && !write.isZero;
  }) ?? 0;

test("the disks after a write are recognised, and which write it was", () => {
  const bounds = { atLeast: 40, atMost: 160, frozenAt: undefined };
  const judgement = model().judge(played(120), bounds);
  // All of write 120 while it is under way is the same as write 120.
  assert.ok(judgement.kind === "equal" && judgement.after >= 119 && judgement.after <= 120);
  assert.equal(model().judge(played(30), bounds).kind, "different");
});

test("a frozen guest's disks are exactly those of the number that it told", () => {
  const bounds = { atLeast: 40, atMost: 160 };
  assert.equal(model().judge(played(120), { ...bounds, frozenAt: 120 }).kind, "equal");
  assert.equal(model().judge(played(LARGE - 1), { ...bounds, frozenAt: LARGE }).kind, "different");
  assert.equal(model().judge(played(20), { ...bounds, frozenAt: 20 }).kind, "different");
});

test("half of a write counts while nothing is frozen, and only of the write under way", () => {
  const torn = played(LARGE - 1, { number: LARGE, blocks: 2 });
  const bounds = { atLeast: LARGE - 3, atMost: LARGE + 3 };
  assert.equal(model().judge(torn, { ...bounds, frozenAt: undefined }).kind, "equal");
  assert.equal(model().judge(torn, { ...bounds, frozenAt: LARGE - 1 }).kind, "different");
  const early = played(LARGE - 3, { number: LARGE, blocks: 2 });
  assert.equal(model().judge(early, { ...bounds, frozenAt: undefined }).kind, "different");
});

test("disks of different moments are no point", () => {
  const [root] = played(60);
  const data = played(140)[1];
  assert.ok(root !== undefined && data !== undefined);
  const bounds = { atLeast: 1, atMost: 200, frozenAt: undefined };
  assert.equal(model().judge([root, data], bounds).kind, "different");
});

test("one lost block, one block of garbage and data where nobody wrote are found", () => {
  const bounds = { atLeast: 120, atMost: 120, frozenAt: 120 };
  for (const spoil of [NOTHING, GARBAGE, 1]) {
    const found = played(120);
    const blocks = found[1]?.blocks;
    const index = blocks?.findIndex((each) => each > 1) ?? -1;
    blocks?.fill(spoil, index, index + 1);
    assert.equal(model().judge(found, bounds).kind, "different");
  }
  const [root, data] = played(120);
  assert.ok(root !== undefined && data !== undefined);
  assert.equal(model().judge([root, { ...data, strays: [1 << 20] }], bounds).kind, "different");
});

test("after a rebuild the root is empty, and a disk that comes later counts from then", () => {
  const made = model();
  made.begin({ from: 101, disks: [...DISKS, { key: "late", slots: 4 }], fresh: ["root"] });
  const only = [{ key: "late", blocks: new Int32Array(64), strays: [] }];
  assert.equal(made.judge(only, { atLeast: 100, atMost: 100, frozenAt: 100 }).kind, "equal");
  const [root] = played(100);
  assert.ok(root !== undefined);
  assert.equal(made.judge([root], { atLeast: 100, atMost: 100, frozenAt: 100 }).kind, "equal");
  assert.equal(made.judge([root], { atLeast: 150, atMost: 150, frozenAt: 150 }).kind, "different");
});

test("a block tells the write that left it", () => {
  const content = blockContent(SEED, "data", 17, 33);
  assert.equal(content.length, BLOCK_BYTES);
  assert.equal(writeThatLeft(SEED, "data", 33, content), 17);
  assert.equal(writeThatLeft(SEED, "data", 34, content), GARBAGE);
  assert.equal(writeThatLeft(SEED, "root", 33, content), GARBAGE);
  assert.equal(writeThatLeft(SEED, "data", 33, Buffer.alloc(BLOCK_BYTES)), NOTHING);
});

test("the guest's script writes what the model says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-tw-"));
  try {
    await mkdir(join(folder, "bin"));
    await writeFile(join(folder, "bin/usleep"), "#!/bin/sh\nexec sleep 0.001\n");
    await chmod(join(folder, "bin/usleep"), 0o755);
    const script = WRITER_SCRIPT.replaceAll("/run/truth", folder).replaceAll("/data/truth", folder);
    // It stops by itself after so many writes.
    const last = 40;
    const bounded = script.replace("while [ ! -e $T/stop ]", `while [ $i -le ${last} ]`);
    await writeFile(join(folder, "writer.sh"), bounded);
    await writeFile(join(folder, "next"), `${"1".padStart(15)}\n`);
    const stride = { root: 16, data: 32 };
    const paths = { root: join(folder, "root.img"), data: join(folder, "data.img") };
    for (const path of Object.values(paths)) await writeFile(path, Buffer.alloc(8 * 32 * BLOCK_BYTES));
    const lines = DISKS.map(({ key, slots }) => {
      const at = key === "root" ? "root" : "data";
      return `${key} ${paths[at]} ${slots} ${stride[at]}\n`;
    });
    await writeFile(join(folder, "disks"), lines.join(""));
    const env = { PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}` };
    await promisify(execFile)("/bin/sh", [join(folder, "writer.sh"), String(SEED), "1"], { env });
    const found: FoundDisk[] = [];
    for (const { key, slots } of DISKS) {
      const at = key === "root" ? "root" : "data";
      const bytes = await readFile(paths[at]);
      const blocks = Int32Array.from({ length: slots * SLOT_BLOCKS }, (_, block) => {
        const place = Math.floor(block / SLOT_BLOCKS) * stride[at] + (block % SLOT_BLOCKS);
        const content = bytes.subarray(place * BLOCK_BYTES, (place + 1) * BLOCK_BYTES);
        return writeThatLeft(SEED, key, block, content);
      });
      found.push({ key, blocks, strays: [] });
    }
    const bounds = { atLeast: 1, atMost: last, frozenAt: last };
    assert.deepEqual(model().judge(found, bounds), { kind: "equal", after: last });
    assert.equal((await readFile(join(folder, "next"), "utf8")).trim(), String(last + 1));
  } finally {
    await rm(folder, { recursive: true });
  }
});
