import assert from "node:assert/strict";
import { test } from "node:test";
import {
  contains,
  defaultPools,
  firstFree,
  ipToNumber,
  numberToIp,
  overlap,
  parseCidr,
} from "./addresses.ts";

void test("an address is a number and back", () => {
  for (const text of ["0.0.0.0", "10.0.0.1", "192.168.255.254", "255.255.255.255"])
    assert.equal(numberToIp(ipToNumber(text) ?? -1), text);
  for (const text of ["", "10.0.0", "10.0.0.256", "a.b.c.d", "1.2.3.4.5"])
    assert.equal(ipToNumber(text), undefined);
});

void test("a network is written without host bits and knows what lies in it", () => {
  const cidr = parseCidr("10.1.2.3/24");
  assert.ok(cidr !== undefined);
  assert.equal(cidr.text, "10.1.2.0/24");
  assert.ok(contains(cidr, ipToNumber("10.1.2.255") ?? 0));
  assert.ok(!contains(cidr, ipToNumber("10.1.3.0") ?? 0));
  assert.equal(parseCidr("10.0.0.0/33"), undefined);
  assert.equal(parseCidr("10.0.0.0"), undefined);
});

void test("networks overlap when one lies in the other", () => {
  const [wide, narrow, far] = ["10.0.0.0/8", "10.9.0.0/16", "11.0.0.0/8"].map((each) => parseCidr(each));
  assert.ok(wide !== undefined && narrow !== undefined && far !== undefined);
  assert.ok(overlap(wide, narrow) && overlap(narrow, wide));
  assert.ok(!overlap(wide, far));
});

void test("the default pools leave out network, broadcast and gateway", () => {
  const cidr = parseCidr("10.0.0.0/29");
  assert.ok(cidr !== undefined);
  assert.deepEqual(defaultPools(cidr, ipToNumber("10.0.0.1")), [{ start: "10.0.0.2", end: "10.0.0.6" }]);
  assert.deepEqual(defaultPools(cidr, ipToNumber("10.0.0.3")), [
    { start: "10.0.0.1", end: "10.0.0.2" },
    { start: "10.0.0.4", end: "10.0.0.6" },
  ]);
  assert.deepEqual(defaultPools(cidr, undefined), [{ start: "10.0.0.1", end: "10.0.0.6" }]);
});

void test("the lowest free address is given, and none when all are taken", () => {
  const pools = [
    { start: "10.0.0.2", end: "10.0.0.3" },
    { start: "10.0.0.9", end: "10.0.0.9" },
  ];
  assert.equal(firstFree(pools, new Set()), "10.0.0.2");
  assert.equal(firstFree(pools, new Set(["10.0.0.2", "10.0.0.3"])), "10.0.0.9");
  assert.equal(firstFree(pools, new Set(["10.0.0.2", "10.0.0.3", "10.0.0.9"])), undefined);
});
