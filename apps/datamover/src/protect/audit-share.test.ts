import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB, MiB, TiB } from "@cairn/kernel";
import { auditShare } from "./protect-instance.ts";

const CASES = [
  { size: 256 * MiB, share: 16 * MiB, why: "16 MiB of a very small disk" },
  { size: GiB, share: 32 * MiB, why: "a thirty-second of a small disk" },
  { size: 100 * GiB, share: 102.4 * MiB, why: "a thousandth of a large one" },
  { size: 10 * GiB, share: 64 * MiB, why: "what the order says of most" },
  { size: TiB, share: 1048.576 * MiB, why: "a thousandth of a huge one" },
];

for (const { size, share, why } of CASES) {
  test(`an audit reads ${why}`, () => assert.equal(auditShare(64 * MiB, size), Math.ceil(share)));
}

test("an order that asks for no audit gets none", () => assert.equal(auditShare(0, TiB), 0));
