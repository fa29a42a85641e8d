import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { checkLayers, type House } from "./check-layers.ts";
import { LAYERS, THIRD_PARTY } from "./layers.ts";
import { smallTree } from "./small-tree.ts";
import { loadTree } from "./source-tree.ts";

const root = resolve(import.meta.dirname, "../..");
const house: House = {
  layers: { "packages/low": [], "packages/domain": ["low"], "apps/high": ["low"] },
  thirdParty: { pg: ["packages/low"], "@scope/thing": ["packages/low"] },
  modulesMin: 3,
};
const rooms = Object.fromEntries(Object.keys(house.layers).map((room) => [`${room}/package.json`, "{}"]));
const good = {
  "packages/low/src/index.ts":
    'import "pg"; import "@scope/thing/deep"; import "node:fs"; export * from "./inner.ts";',
  "packages/low/src/inner.ts": "export const a = 1;",
  "packages/domain/src/index.ts": 'import "@cairn/low"; import { createHash } from "node:crypto";',
  "apps/high/src/main.ts": 'import { a } from "@cairn/low"; await import("./deep/b.ts");',
  "apps/high/src/deep/b.ts": 'import "../main.ts";',
};

function findingsOf(files: Readonly<Record<string, string>>, change: Partial<House> = {}): string[] {
  using tree = smallTree({ ...rooms, ...files });
  const findings = checkLayers(loadTree(tree.root), { ...house, ...change });
  return findings.map(({ file, line, reason }) => `${file}:${line ?? ""}: ${reason}`);
}

describe("layers", () => {
  it("are the table of ARCHITECTURE.md", () => {
    const rows = readFileSync(resolve(root, "ARCHITECTURE.md"), "utf8").matchAll(
      /^\| ((?:packages|apps)\/[\w-]+|tools|bench|simulate|testcloud|test) \| ([\w, -]+) \|$/gm,
    );
    const table = [...rows].map(([, room = "", allowed = ""]) => [
      room,
      allowed === "nothing" ? [] : allowed.split(", "),
    ]);
    assert.deepEqual(LAYERS, Object.fromEntries(table));
  });

  it("have no cycle between rooms, and programs import no programs", () => {
    const below = (room: string, trail: readonly string[]): void => {
      assert.ok(!trail.includes(room), [...trail, room].join(" > "));
      for (const name of LAYERS[room] ?? []) below(`packages/${name}`, [...trail, room]);
    };
    for (const room of Object.keys(LAYERS)) below(room, []);
  });

  it("give each third-party package to rooms that exist", () => {
    for (const room of Object.values(THIRD_PARTY).flat()) assert.ok(room in LAYERS, room);
  });

  it("are kept by a small good tree", () => {
    assert.deepEqual(findingsOf(good), []);
  });

  it("do not guess what an import that is computed names", () => {
    const computed =
      'await import("@cairn/" + name + "/x"); await import(`@cairn/${name}`); await import(name);';
    assert.deepEqual(findingsOf({ ...good, "apps/high/src/deep/b.ts": computed }), []);
  });

  const bad: readonly [string, string, string, RegExp][] = [
    [
      "an import upwards",
      "packages/low/src/inner.ts",
      '\nimport "@cairn/high";',
      /inner\.ts:2: .* may not import high/,
    ],
    [
      "an import of types upwards",
      "packages/low/src/inner.ts",
      'import type { A } from "@cairn/domain";',
      /domain/,
    ],
    [
      "a dynamic import sideways",
      "apps/high/src/main.ts",
      'await import("@cairn/domain");',
      /may not import domain/,
    ],
    [
      "a re-export sideways",
      "apps/high/src/main.ts",
      'export * from "@cairn/domain";',
      /may not import domain/,
    ],
    [
      "a way past the door",
      "apps/high/src/main.ts",
      'import "@cairn/low/src/inner.ts";',
      /goes past the door/,
    ],
    [
      "a relative way out",
      "apps/high/src/main.ts",
      'import "../../../packages/low/src/inner.ts";',
      /leaves the room/,
    ],
    [
      "a package in the wrong room",
      "apps/high/src/main.ts",
      'import "pg";',
      /pg may be imported in packages\/low only/,
    ],
    ["an unlisted package", "packages/low/src/inner.ts", 'import "left-pad";', /left-pad is not among/],
    [
      "I/O in the domain",
      "packages/domain/src/plan.ts",
      'import "node:fs";',
      /pure file may not import node:fs/,
    ],
    [
      "I/O in a codec",
      "packages/low/src/wire/codec.ts",
      'import "node:net";',
      /pure file may not import node:net/,
    ],
  ];
  for (const [what, path, content, expected] of bad) {
    it(`are broken by ${what}`, () => {
      const found = findingsOf({ ...good, [path]: content });
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", expected);
    });
  }

  it("are not kept by a tree in which too little was seen, or a room is empty or unknown", () => {
    assert.match(findingsOf(good, { modulesMin: 100 })[0] ?? "", /saw 5 modules, at least 100/);
    const { "packages/domain/src/index.ts": _gone, ...rest } = good;
    assert.match(findingsOf(rest)[0] ?? "", /packages\/domain:: the room has no module/);
    const stray = { ...good, "apps/stray/package.json": "{}", "apps/stray/src/main.ts": "f();" };
    assert.match(findingsOf(stray)[0] ?? "", /apps\/stray:: not in the table/);
  });
});
