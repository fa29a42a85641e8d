import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GiB, MiB } from "@cairn/kernel";
import type { Figures, Results } from "./race.ts";
import { rowsOf } from "./race-rows.ts";
import { atLeast, atMost, formatRows } from "./rows.ts";

function figures(seconds: number, cpuSeconds: number, storedBytes: number): Figures {
  return { seconds, cpu_seconds: cpuSeconds, stored_bytes: storedBytes, peak_bytes: 200 * MiB };
}

const RESULTS: Results = {
  full: {
    cairn: figures(20, 31, 2.5 * GiB),
    zstd: figures(20, 30, 2.5 * GiB),
    restic: figures(50, 90, 3 * GiB),
    borg: figures(39, 50, 2.4 * GiB),
  },
  incremental: { cairn: figures(1.4, 1, 80 * MiB) },
  restore: { cairn: figures(10, 5, 0), restic: figures(12, 20, 0) },
};

describe("the table of what must be shown", () => {
  it("compares with the peers of the same run", () => {
    const rows = rowsOf(RESULTS, { sizeBytes: 10 * GiB, fileBytes: 7.1 * GiB });
    const verdicts = rows.map(({ work, figure, verdict }) => `${work}: ${figure}: ${verdict}`);
    assert.deepEqual(verdicts, [
      "full: wall time / zstd -1 -T2: ok",
      "full: restic's wall time / ours: ok",
      "full: borg's wall time / ours: missed",
      "full: CPU time: ok",
      "full: stored / zstd -1: ok",
      "full: peak memory: ok",
      "incremental: wall time after 1200 writes of 64 KiB: ok",
      "incremental: stored: ok",
      "restore: restic's wall time / ours: missed",
      "restore: peak memory: ok",
    ]);
  });

  it("calls missed what could not be measured", () => {
    const measure = { work: "full", figure: "x", is: Number.NaN, unit: "s" };
    assert.equal(atMost(1, measure).verdict, "missed");
    assert.equal(atLeast(1, measure).verdict, "missed");
  });

  it("says what must be and what is", () => {
    const table = formatRows([atMost(1.1, { work: "full", figure: "wall", is: 1.234, unit: "x" })]);
    assert.match(table, /full +wall +at most 1\.10 x +1\.23 x +missed$/);
  });
});
