import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFault, Fault, hasCode, Rejection } from "./faults.ts";

test("a fault's description joins what was tried and every cause", () => {
  const refused = new Error("HTTP 409: snapshot is in use");
  const fault = new Fault("cinder-refused", "removing volume snapshot s1", "later", refused);
  assert.equal(describeFault(fault), "removing volume snapshot s1: HTTP 409: snapshot is in use");
});

test("an aggregate without a message is described by its members", () => {
  const both = new AggregateError([new Error("IPv4 refused"), new Error("IPv6 refused")], "");
  assert.equal(
    describeFault(new Fault("away", "asking Keystone", "later", both)),
    "asking Keystone: IPv4 refused; IPv6 refused",
  );
});

test("a chain of causes that bites its tail is described in bounded time", () => {
  const first = new Error("first");
  const second = new Error("second", { cause: first });
  first.cause = second;
  assert.ok(describeFault(first).length < 200);
});

test("a code is found at any depth of the chain", () => {
  const full = Object.assign(new Error("write"), { code: "ENOSPC" });
  assert.equal(hasCode(new Fault("store-full", "storing pack p1", "after-operator", full), "ENOSPC"), true);
  assert.equal(
    hasCode(new Fault("store-full", "storing pack p1", "after-operator", full), "store-full"),
    true,
  );
  assert.equal(hasCode(new Error("other"), "ENOSPC"), false);
});

test("a rejection carries field, value and remedy", () => {
  const rejection = new Rejection("name is empty", {
    status: 400,
    field: "name",
    value: "",
    remedy: "give a name",
  });
  assert.deepEqual(
    [rejection.status, rejection.field, rejection.value, rejection.remedy],
    [400, "name", "", "give a name"],
  );
});
