import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { excesses } from "./quota.ts";
import { openState } from "./store.ts";

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "sbx-"));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void test("what was put, changed and removed is so after a restart", () => {
  inFolder((folder) => {
    const first = openState(folder);
    first.state.roles.put({ id: "a", name: "one" });
    first.state.roles.put({ id: "b", name: "two" });
    first.state.roles.patch("a", { name: "changed" });
    first.state.roles.remove("b");
    first.state.roles.remove("absent");
    first.journal[Symbol.dispose]();
    for (const _ of [1, 2]) {
      const again = openState(folder);
      assert.deepEqual(again.state.roles.all(), [{ id: "a", name: "changed" }]);
      assert.equal(readFileSync(join(folder, "journal.jsonl"), "utf8"), "");
      again.journal[Symbol.dispose]();
    }
  });
});

void test("a line that a kill cut is left out", () => {
  inFolder((folder) => {
    const first = openState(folder);
    first.state.roles.put({ id: "a", name: "one" });
    first.journal[Symbol.dispose]();
    appendFileSync(join(folder, "journal.jsonl"), '{"table":"roles","id":"b","ro');
    const again = openState(folder);
    assert.deepEqual(again.state.roles.all(), [{ id: "a", name: "one" }]);
    again.journal[Symbol.dispose]();
  });
});

void test("a demand is over its limit only when it asks for anything, and -1 is no limit", () => {
  const demands = [
    { resource: "cores", requested: 3, used: 8 },
    { resource: "ram", requested: 0, used: 99 },
    { resource: "instances", requested: 100, used: 100 },
  ] as const;
  const limits = { cores: 10, ram: 1, instances: -1 } as const;
  const over = excesses(demands, (resource) => limits[resource as keyof typeof limits]);
  assert.deepEqual(over, [{ resource: "cores", requested: 3, used: 8, limit: 10 }]);
  assert.deepEqual(
    excesses([{ resource: "cores", requested: 2, used: 8 }], () => 10),
    [],
  );
});
