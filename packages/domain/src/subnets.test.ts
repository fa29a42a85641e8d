import assert from "node:assert/strict";
import { test } from "node:test";
import { isAddress, isInCidr } from "./subnets.ts";

test("an address is in a subnet when their first bits agree, in both versions of IP", () => {
  const table = [
    ["10.0.0.7", "10.0.0.0/24", true],
    ["10.0.1.7", "10.0.0.0/24", false],
    ["10.0.1.7", "10.0.0.0/23", true],
    ["10.0.0.7", "10.0.0.7/32", true],
    ["1.2.3.4", "0.0.0.0/0", true],
    ["fd00::17", "fd00::/64", true],
    ["fd00:0:0:1::17", "fd00::/64", false],
    ["fd00::17", "10.0.0.0/8", false],
    ["10.0.0.7", "nonsense", false],
    ["10.0.0.7", "10.0.0.0/40", false],
  ] as const;
  for (const [address, cidr, expected] of table)
    assert.equal(isInCidr(address, cidr), expected, `${address} ${cidr}`);
});

test("what is no address is not taken for one", () => {
  const addresses = ["1.2.3.4", "::", "::1", "fd00::1:2", "1:2:3:4:5:6:7:8"];
  for (const text of addresses) assert.ok(isAddress(text), text);
  const others = [
    "",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4.5",
    "1::2::3",
    "1:2:3",
    "12345::",
    "g::",
    "1:2:3:4:5:6:7:8::",
  ];
  for (const text of others) assert.ok(!isAddress(text), text);
});
