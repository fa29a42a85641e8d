import assert from "node:assert/strict";
import { test } from "node:test";
import { mayOpen, OPERATOR_ROOMS, roomsFor } from "./operator-rooms.ts";

void test("who may do everything sees every page; whom the API refuses what a page lives on does not", () => {
  assert.deepEqual(roomsFor({ mayNot: new Set(), isAdmin: true }), OPERATOR_ROOMS);
  const mayNot = new Set(["listNodes"]);
  assert.equal(mayOpen({ mayNot, isAdmin: true }, "nodes"), false);
  assert.equal(mayOpen({ mayNot, isAdmin: true }, "targets"), true);
});

void test("rules may open a page to others, but not what the API keeps for administrators", () => {
  const auditor = { mayNot: new Set<string>(), isAdmin: false };
  assert.equal(mayOpen(auditor, "nodes"), true);
  assert.equal(mayOpen(auditor, "status"), false);
});
