import assert from "node:assert/strict";
import { test } from "node:test";
import type { Progress } from "@cairn/contract";
import { renderProgressBlock, renderProgressLine, type WaitView } from "./progress-block.ts";
import { renderTable } from "./table.ts";
import { clipped, displayWidth, harmless } from "./width.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const HEADS = ["id", "name", "workload_id", "status", "description"];
const ROWS = [
  [ID, "nightly", ID, "available", "before the great upgrade of all the shops in the north"],
  [ID, "网页 ☃", ID, "error", "-"],
];

void test("a table without a width is as wide as it gets", () => {
  assert.equal(
    renderTable(["id", "name"], [["1", "wéb"]]),
    ["+----+------+", "| id | name |", "+----+------+", "| 1  | wéb  |", "+----+------+", ""].join("\n"),
  );
});

for (const width of [60, 80, 120]) {
  void test(`a table fits ${width} characters, in any script`, () => {
    const lines = renderTable(HEADS, ROWS, width).trimEnd().split("\n");
    assert.deepEqual(new Set(lines.map(displayWidth)).size, 1, "all lines are of one width");
    assert.ok(displayWidth(lines[0] ?? "") <= width, lines.join("\n"));
  });
}

void test("ids are clipped last, because people copy them", () => {
  const text = renderTable(["id", "description"], [[ID, "x".repeat(100)]], 80);
  assert.match(text, new RegExp(ID));
  assert.match(text, /x…/);
});

void test("a list of snapshots at 80 characters keeps its first column readable", () => {
  assert.equal(
    renderTable(["id", "name", "workload_id", "status"], [[ID, "nightly", ID, "available"]], 80),
    [
      "+--------------------------------------+---------+-----------------+-----------+",
      "| id                                   | name    | workload_id     | status    |",
      "+--------------------------------------+---------+-----------------+-----------+",
      `| ${ID} | nightly | 11111111-1111-… | available |`,
      "+--------------------------------------+---------+-----------------+-----------+",
      "",
    ].join("\n"),
  );
});

void test("what would steer a terminal is shown, not sent", () => {
  assert.equal(harmless("a\u001b[2Jb\nc\u202e"), "a\\u001b[2Jb c\\u202e");
});

void test("clipping counts cells, not characters", () => {
  assert.equal(displayWidth("网页"), 4);
  assert.equal(clipped("网页网页", 6), "网页…");
  assert.equal(clipped("abc", 3), "abc");
});

const disk = { disk_id: "d", instance_id: "i", stored_bytes: 0 };
const progress: Progress = {
  phase: "reading",
  bytes_per_second: null,
  remaining_seconds: null,
  disks: [
    { ...disk, instance: "web-1", disk: "vda", done_bytes: 536_870_912, total_bytes: 1_073_741_824 },
    {
      ...disk,
      instance: "a-very-long-name-of-an-instance",
      disk: "vdb",
      done_bytes: 0,
      total_bytes: 1_048_576,
    },
    { ...disk, instance: "done", disk: "vdc", done_bytes: 10, total_bytes: 10 },
  ],
};
const view: WaitView = {
  title: "snapshot nightly",
  status: "executing",
  percent: 49,
  progress,
  bytesPerSecond: 104_857_600,
};

void test("progress is one line without a terminal", () => {
  assert.equal(
    renderProgressLine(view),
    "snapshot nightly: reading, 49 %, 512 MiB of 1.00 GiB, 100 MiB/s, about 6.0 s left",
  );
  assert.equal(
    renderProgressLine({ ...view, progress: null, bytesPerSecond: undefined }),
    "snapshot nightly: executing, 49 %",
  );
});

const GOLDEN: Readonly<Record<number, readonly string[]>> = {
  60: [
    "snapshot nightly: reading, 49 %, 512 MiB of 1.00 GiB, 100 M…",
    "  web-1 vda            [##---]  50 %  512 MiB of 1.00 GiB",
    "  a-very-long-name-of… [-----]   0 %  0 B of 1.00 MiB",
  ],
  80: [
    "snapshot nightly: reading, 49 %, 512 MiB of 1.00 GiB, 100 MiB/s, about 6.0 s le…",
    "  web-1 vda                  [#########----------]  50 %  512 MiB of 1.00 GiB",
    "  a-very-long-name-of-an-in… [-------------------]   0 %  0 B of 1.00 MiB",
  ],
  120: [
    "snapshot nightly: reading, 49 %, 512 MiB of 1.00 GiB, 100 MiB/s, about 6.0 s left",
    "  web-1 vda                           [###############---------------]  50 %  512 MiB of 1.00 GiB",
    "  a-very-long-name-of-an-instance vdb [------------------------------]   0 %  0 B of 1.00 MiB",
  ],
};

for (const [width, lines] of Object.entries(GOLDEN)) {
  void test(`a terminal of ${width} characters shows a bar for each disk that is not finished`, () => {
    assert.deepEqual(renderProgressBlock(view, Number(width)), lines);
  });
}

void test("twenty disks do not fill the screen", () => {
  const disks = Array.from({ length: 20 }, (_, index) => ({
    ...disk,
    instance: "web",
    disk: `vd${index}`,
    done_bytes: 0,
    total_bytes: 5,
  }));
  const lines = renderProgressBlock({ ...view, progress: { ...progress, disks } }, 80);
  assert.equal(lines.length, 14);
  assert.equal(lines.at(-1), "  and 8 more disks");
});
