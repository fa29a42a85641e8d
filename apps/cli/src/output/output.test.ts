import assert from "node:assert/strict";
import { test } from "node:test";
import type { Progress } from "@cairn/contract";
import { formatItem, formatList } from "./format.ts";
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

void test("of a time that does not fit its day stays, and other columns make room first", () => {
  const heads = ["id", "name", "kind", "created_at"];
  const text = renderTable(heads, [[ID, "nightly", "x".repeat(30), "2026-11-22 19:03:12"]], 90);
  assert.match(text, /\| nightly \| x+… \| 2026-11-22 19:03:12 \|/);
  const narrow = renderTable(heads, [[ID, "nightly", "x".repeat(30), "2026-11-22 19:03:12"]], 78);
  assert.match(narrow, /\| nightly \| x{8}… \| 2026-11-22 1…/);
});

void test("each element of a list has a line of its own, and long values go on in the next", async () => {
  const item = {
    name: "web",
    instances: [
      { id: ID, name: "web-1" },
      { id: ID, name: "web-2" },
    ],
    error_msg: "the quota of this project does not suffice for what was asked",
  };
  const output = { format: "table", columns: [], sortColumn: undefined, width: 64 } as const;
  assert.equal(
    await formatItem(item, ["name", "instances", "error_msg"], output),
    [
      "+-----------+------------------------------------------------+",
      "| field     | value                                          |",
      "+-----------+------------------------------------------------+",
      "| name      | web                                            |",
      `| instances | web-1 (${ID})   |`,
      `|           | web-2 (${ID})   |`,
      "| error_msg | the quota of this project does not suffice for |",
      "|           | what was asked                                 |",
      "+-----------+------------------------------------------------+",
      "",
    ].join("\n"),
  );
});

void test("where a list's columns do not fit at all, each thing is a table of its own", async () => {
  const columns = ["id", "name", "workload_id", "snapshot_type", "status", "created_at"];
  const item = { id: ID, name: "nightly", workload_id: ID, snapshot_type: "full", status: "available" };
  const output = { format: "table", columns: [], sortColumn: undefined, width: 60 } as const;
  const lines = (await formatList([item, item], columns, output)).trimEnd().split("\n");
  assert.equal(lines.filter((line) => line.includes(ID)).length, 4);
  assert.ok(lines.every((line) => displayWidth(line) <= 60));
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
    "snapshot nightly: reading, 49 %, 100 MiB/s, about 6.0 s left",
    "  web-1 vda            [##---]  50 %  512 MiB of 1.00 GiB",
    "  a-very-long-name-of… [-----]   0 %  0 B of 1.00 MiB",
  ],
  80: [
    "snapshot nightly: reading, 49 %, 100 MiB/s, about 6.0 s left",
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
