import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAnswer, showName } from "./answers.ts";
import { type Frame, readFrames } from "./frames.ts";

const bytes = Buffer.from("ready 0\nfile 3\na\0bdata 5\nx\nyz\ndone 0\n");

async function* inPieces(whole: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

async function framesOf(whole: Buffer, size = 7): Promise<[string, string][]> {
  const frames = await Array.fromAsync(readFrames(inPieces(whole, size)));
  return frames.map(({ word, payload }) => [word, payload.toString()]);
}

void test("frames are the same in whatever pieces they come", async () => {
  for (let size = 1; size <= bytes.length; size += 1) {
    assert.deepEqual(await framesOf(bytes, size), [
      ["ready", ""],
      ["file", "a\0b"],
      ["data", "x\nyz\n"],
      ["done", ""],
    ]);
  }
});

const NONSENSE = [
  "Data 1\n",
  "data -1\n",
  "data 99999999\n",
  "data 1048577\n",
  "x".repeat(40),
  "data\n",
  " 1\n",
];

for (const text of NONSENSE) {
  void test(`what is no frame ends the reading: ${JSON.stringify(text.slice(0, 20))}`, async () => {
    await assert.rejects(framesOf(Buffer.from(text)), { code: "files-protocol" });
  });
}

const frame = (word: string, ...fields: readonly string[]): Frame => ({
  word,
  payload: Buffer.from(fields.join("\0")),
});

void test("a file's facts are read, with a link's target where there is one", () => {
  const facts = ["/a", "33188", "5", "1", "2", "1", "10", "-20", "30", "7"];
  const file = {
    path: "/a",
    mode: 33188,
    sizeBytes: 5,
    uid: 1,
    gid: 2,
    links: 1,
    inode: 7,
    accessedAt: 10,
    modifiedAt: -20,
    changedAt: 30,
  };
  assert.deepEqual(parseAnswer(frame("file", ...facts, "")), { kind: "file", file });
  assert.deepEqual(parseAnswer(frame("file", ...facts, "b")), {
    kind: "file",
    file: { ...file, target: "b" },
  });
});

void test("what a machine may not say is no answer", () => {
  const odd = [
    frame("file", "/a", "x", "5", "1", "2", "1", "1", "1", "1", "1"),
    frame("file", "a", "1", "5", "1", "2", "1", "1", "1", "1", "1"),
    frame("file", "/a", "1"),
    frame("file", "/a", "1", "1e999", "1", "2", "1", "1", "1", "1", "1"),
    frame("volume", "vda", "ext4", "strange"),
    frame("volume", "", "ext4", "mounted"),
    frame("shell", "rm"),
  ];
  for (const each of odd) assert.equal(parseAnswer(each), undefined);
});

void test("names that are no UTF-8 are shown with their odd bytes as numbers", () => {
  assert.equal(showName(Buffer.from("grün")), "grün");
  assert.equal(showName(Buffer.from([0x61, 0xff, 0x62])), "a\\xffb");
});
