import assert from "node:assert/strict";
import { test } from "node:test";
import { backward, markerOf, onward } from "./trail.ts";

void test("a trail leads on by the last row of each page, and back the same way", () => {
  const second = onward("", "a");
  const third = onward(second, "b");
  assert.deepEqual([markerOf(""), markerOf(second), markerOf(third)], [undefined, "a", "b"]);
  assert.deepEqual([backward(third), backward(second), backward("")], [second, "", undefined]);
});

void test("a trail too long for an address forgets its beginning, and takes no other page for it", () => {
  let trail = "";
  for (let page = 0; page < 60; page += 1) trail = onward(trail, `row-${String(page)}`);
  assert.equal(markerOf(trail), "row-59");
  assert.ok(trail.length < 400);
  let pagesBack = 0;
  for (let before = backward(trail); before !== undefined; before = backward(before)) pagesBack += 1;
  assert.equal(pagesBack, 38);
});
