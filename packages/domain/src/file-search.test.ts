import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  assertFilePath,
  chooseSnapshots,
  type FoundFile,
  permissionsOf,
  type SnapshotChoice,
  searchLiteral,
} from "./file-search.ts";

const ALL = [1, 2, 3, 4, 5].map((day) => ({ id: `s${String(day)}`, createdAtMs: day * 1000 }));
const NONE: SnapshotChoice = { ids: [], first: 0, latest: 0 };

const CHOICES: readonly [string, Partial<SnapshotChoice>, readonly string[]][] = [
  ["nothing given means all", {}, ["s1", "s2", "s3", "s4", "s5"]],
  ["ids, in the snapshots' order", { ids: ["s4", "s2", "s4"] }, ["s2", "s4"]],
  ["the first two", { first: 2 }, ["s1", "s2"]],
  ["the latest two", { latest: 2 }, ["s4", "s5"]],
  ["the first and the latest", { first: 1, latest: 1 }, ["s1", "s5"]],
  ["more of the latest than there are", { latest: 99 }, ["s1", "s2", "s3", "s4", "s5"]],
  ["those of a time, both ends with it", { fromMs: 2000, toMs: 4000 }, ["s2", "s3", "s4"]],
  ["those since a time", { fromMs: 4001 }, ["s5"]],
  ["those until a time", { toMs: 1000 }, ["s1"]],
  ["a time without any", { fromMs: 9000 }, []],
];

for (const [name, choice, expected] of CHOICES) {
  void test(`a search chooses ${name}`, () => {
    assert.deepEqual(chooseSnapshots(ALL, { ...NONE, ...choice }), expected);
  });
}

const REFUSED: readonly [string, Partial<SnapshotChoice>, string][] = [
  ["an unknown id", { ids: ["s2", "s9"] }, "snapshot_ids"],
  ["a number below 0", { first: -1 }, "start"],
  ["a part of a snapshot", { latest: 1.5 }, "end"],
  ["ids and numbers", { ids: ["s1"], latest: 1 }, "end"],
  ["ids and times", { ids: ["s1"], toMs: 1 }, "date_to"],
  ["numbers and times", { first: 1, fromMs: 1 }, "date_from"],
  ["an end before the beginning", { fromMs: 2, toMs: 1 }, "date_to"],
];

for (const [name, choice, field] of REFUSED) {
  void test(`a search refuses ${name}, naming ${field}`, () => {
    assert.throws(() => chooseSnapshots(ALL, { ...NONE, ...choice }), { status: 400, field });
  });
}

void test("whatever is chosen is there, once, in order", () => {
  const small = fc.nat({ max: 7 });
  fc.assert(
    fc.property(small, small, (first, latest) => {
      const chosen = chooseSnapshots(ALL, { ...NONE, first, latest });
      assert.deepEqual(chosen, [...new Set(chosen)].toSorted());
      const most = first === 0 && latest === 0 ? ALL.length : Math.min(ALL.length, first + latest);
      assert.equal(chosen.length, most);
    }),
  );
});

void test("a path begins at the root of a file system and leads nowhere else", () => {
  for (const path of ["/", "/etc/h*", "/a b/ü?.txt", "/**/x", "/..x/y..", `/${"x".repeat(4000)}`]) {
    assertFilePath(path, "filepath");
  }
  for (const path of ["", "etc", "/a/../b", "/.", "/a\0b", "/\ud800", `/${"x".repeat(4096)}`]) {
    assert.throws(() => assertFilePath(path, "filepath"), { status: 400, field: "filepath" }, path);
  }
});

const file = (path: string, more: Partial<FoundFile> = {}): FoundFile => ({
  path,
  mode: 0o100644,
  sizeBytes: 5,
  uid: 0,
  gid: 4,
  links: 1,
  inode: 12,
  accessedAt: 0,
  modifiedAt: 1_700_000_000,
  changedAt: 1e15,
  ...more,
});

void test("what was found is a literal of Python and JSON: snapshots, their disks, their paths", () => {
  const links = file("/lib", { mode: 0o120777, target: "usr/lib" });
  const literal = searchLiteral([
    {
      snapshotId: "s1",
      volumes: [
        { label: "vda1", files: [file("/etc/hosts"), links] },
        { label: "vdb", files: [] },
      ],
    },
    { snapshotId: "s2", volumes: [] },
  ]);
  assert.deepEqual(JSON.parse(literal), [
    {
      s1: [
        {
          vda1: {
            "/etc/hosts": {
              permissions: "-rw-r--r--",
              mode: 0o100644,
              size: 5,
              uid: 0,
              gid: 4,
              links: 1,
              inode: 12,
              accessed: "1970-01-01T00:00:00",
              modified: "2023-11-14T22:13:20",
              changed: "9999-12-31T23:59:59",
            },
            "/lib": {
              ...(
                JSON.parse(
                  searchLiteral([{ snapshotId: "s", volumes: [{ label: "v", files: [links] }] }]),
                ) as [{ s: [{ v: { "/lib": object } }] }]
              )[0].s[0].v["/lib"],
              permissions: "lrwxrwxrwx",
              target: "usr/lib",
            },
          },
        },
        { vdb: {} },
      ],
    },
    { s2: [] },
  ]);
});

void test("no name of a file makes the literal another value than a dictionary of names", () => {
  const names = fc.string({ unit: "grapheme" }).map((name) => `/${name}`);
  fc.assert(
    fc.property(fc.uniqueArray(names), (paths) => {
      const literal = searchLiteral([
        { snapshotId: "s", volumes: [{ label: "vda", files: ["/__proto__", ...paths].map((p) => file(p)) }] },
      ]);
      const [first] = JSON.parse(literal) as [{ s: [{ vda: object }] }];
      assert.deepEqual(new Set(Object.keys(first.s[0].vda)), new Set(["/__proto__", ...paths]));
    }),
  );
});

const MODES: readonly [number, string][] = [
  [0o100644, "-rw-r--r--"],
  [0o040755, "drwxr-xr-x"],
  [0o041777, "drwxrwxrwt"],
  [0o104755, "-rwsr-xr-x"],
  [0o102640, "-rw-r-S---"],
  [0o120777, "lrwxrwxrwx"],
  [0o020620, "crw--w----"],
  [0, "?---------"],
];

void test("permissions are shown as ls shows them", () => {
  for (const [mode, shown] of MODES) assert.equal(permissionsOf(mode), shown);
});
