import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReport } from "./report.ts";

const serials = new Set(["0d2c6c3f-1f0d-4d0b-9", "5a1b6c3f-1f0d-4d0b-9"]);
const MOUNTED = "mounted\t0d2c6c3f-1f0d-4d0b-9\text4\tweb_i1/vda1.mnt";

void test("what was mounted, and what was not, is told by copy", () => {
  const problem = "problem\t5a1b6c3f-1f0d-4d0b-9\tvdb (ntfs) cannot be mounted: unknown filesystem type";
  const all = "problem\t-\tan earlier run of this is still at work in the guest";
  assert.deepEqual(parseReport(`${MOUNTED}\n${problem}\n${all}\ndone\n`, serials), {
    mounted: [{ serial: "0d2c6c3f-1f0d-4d0b-9", fileSystem: "ext4", folder: "web_i1/vda1.mnt" }],
    problems: [
      {
        serial: "5a1b6c3f-1f0d-4d0b-9",
        words: "vdb (ntfs) cannot be mounted: unknown filesystem type",
      },
      { serial: undefined, words: "an earlier run of this is still at work in the guest" },
    ],
    isWhole: true,
  });
});

void test("a script that ended early is known by its missing end; what it said before counts", () => {
  const report = parseReport(`${MOUNTED}\n`, serials);
  assert.equal(report?.isWhole, false);
  assert.equal(report.mounted.length, 1);
  assert.deepEqual(parseReport("", serials), { mounted: [], problems: [], isWhole: false });
  assert.deepEqual(parseReport("done\n", serials), { mounted: [], problems: [], isWhole: true });
});

for (const [what, output] of [
  ["a line without its end", "done"],
  ["a word of its own", "mounted all\ndone\n"],
  ["a line after the end", "done\nmore\n"],
  ["a serial that was not asked about", `${MOUNTED.replace("0d2c6c3f", "ffffffff")}\ndone\n`],
  ["a folder outside", "mounted\t0d2c6c3f-1f0d-4d0b-9\text4\t/etc/vda1.mnt\ndone\n"],
  ["a folder further up", "mounted\t0d2c6c3f-1f0d-4d0b-9\text4\tweb/../../etc\ndone\n"],
  ["a folder beside", "mounted\t0d2c6c3f-1f0d-4d0b-9\text4\t../vda1.mnt\ndone\n"],
  ["something mounted of no copy", "mounted\t-\text4\tweb_i1/vda1.mnt\ndone\n"],
  ["control characters", "problem\t-\t\u001B[2J\ndone\n"],
  ["more lines than there can be", `${"problem\t-\tx\n".repeat(2_001)}done\n`],
] as const) {
  void test(`an output with ${what} is no report`, () => {
    assert.equal(parseReport(output, serials), undefined);
  });
}
