import assert from "node:assert/strict";
import { test } from "node:test";
import { runCommandLine } from "../program.ts";
import type { Screen } from "../shell.ts";

const POLICY = JSON.stringify({ time_zone: "Europe/Berlin", daily: 2, monthly: 1 });

/** The command line in this process, on a terminal of this width, at a fixed time. */
async function cairn(width: number | undefined, ...argv: string[]) {
  const texts = { out: "", err: "" };
  const screen = (name: "out" | "err"): Screen => ({
    write: (text) => {
      texts[name] += text;
    },
    isTerminal: width !== undefined,
    columns: width,
  });
  const code = await runCommandLine(["retention", "simulate", ...argv], {
    env: {},
    out: screen("out"),
    err: screen("err"),
    clock: { now: () => Date.parse("2026-03-27T12:00:00Z"), sleep: async () => undefined },
    cwd: "/",
    home: "/",
    signal: new AbortController().signal,
    readFile: (path) => Promise.resolve(path === "policy.json" ? POLICY : undefined),
    trustAuthorities: () => undefined,
  });
  return { code, ...texts };
}

test("a simulation says of each snapshot that stays why, and how many stayed over time", async () => {
  const { out, code } = await cairn(80, "--every", "12h", "--for", "3d", "--policy", "policy.json");
  assert.equal(code, 0);
  assert.equal(
    out,
    [
      "+----------+-------------------------+---------+-------------------------------+",
      "| snapshot | local time              | verdict | reason                        |",
      "+----------+-------------------------+---------+-------------------------------+",
      "| 000006   | 2026-03-29 13:00 +02:00 | kept    | daily 2026-03-29 (1 of 2),    |",
      "|          |                         |         | also monthly 2026-03 (1 of 1) |",
      "| 000004   | 2026-03-28 12:00 +01:00 | kept    | daily 2026-03-28 (2 of 2)     |",
      "+----------+-------------------------+---------+-------------------------------+",
      "+------------+------+-------+---------+",
      "| day        | kept | daily | monthly |",
      "+------------+------+-------+---------+",
      "| 2026-03-27 | 1    | 1     | 1       |",
      "| 2026-03-27 | 1    | 1     | 1       |",
      "| 2026-03-28 | 2    | 2     | 1       |",
      "| 2026-03-28 | 2    | 2     | 1       |",
      "| 2026-03-29 | 2    | 2     | 1       |",
      "| 2026-03-29 | 2    | 2     | 1       |",
      "| 2026-03-30 | 2    | 2     | 1       |",
      "+------------+------+-------+---------+",
      "2026-03-30 00:00 +02:00: 6 snapshots, 2 kept (daily 2, monthly 1), 4 deleted. " +
        "Never more than 2 at once.",
      "",
    ].join("\n"),
  );
});

for (const width of [60, 80, 120]) {
  test(`its tables fit ${width} characters`, async () => {
    const { out } = await cairn(width, "--keep-days", "9", "--daily", "7", "--weekly", "4", "--all");
    const tables = out.split("\n").filter((line) => /^[+|]/.test(line));
    assert.ok(tables.length > 100);
    assert.deepEqual(
      tables.filter((line) => line.length > width),
      [],
    );
  });
}

test("--at looks at a day, and flags change the policy of a file", async () => {
  const json = await cairn(
    undefined,
    ..."--policy policy.json --daily 3 --every 1d --for 30d --at 2026-03-29T12:00 -f json".split(" "),
  );
  const found = JSON.parse(json.out) as {
    at: string;
    policy: { tiers: object };
    snapshots: { taken_at: string; verdict: string; reason: string }[];
  };
  assert.equal(found.at, "2026-03-29T10:00:00.000Z");
  assert.deepEqual(found.policy.tiers, { daily: 3, monthly: 1 });
  assert.deepEqual(
    found.snapshots.map(({ taken_at, verdict }) => `${taken_at} ${verdict}`),
    ["2026-03-28T23:00:00.000Z keep", "2026-03-27T23:00:00.000Z keep", "2026-03-26T23:00:00.000Z keep"],
  );
});

const WRONG: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
  [[], /policy has no rule\. Give at least one of/],
  [["--daily", "x"], /--daily must be a whole number/],
  [["--daily", "7", "--time-zone", "Berlin"], /no time zone "Berlin"\. Use an IANA name/],
  [["--daily", "7", "--every", "6x"], /--every is 6x\. Use a number with/],
  [["--daily", "7", "--from", "2026-02-30"], /--from is no time: 2026-02-30/],
  [["--daily", "7", "--to", "2020-01-01"], /--to lies before --from/],
  [["--daily", "7", "--every", "1min", "--for", "9999d"], /more than 100000 snapshots/],
  [["--policy", "other.json"], /other\.json cannot be read/],
];

for (const [argv, message] of WRONG) {
  test(`wrong input ends with 2: ${argv.join(" ")}`, async () => {
    const { code, err, out } = await cairn(undefined, ...argv);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, message);
  });
}
