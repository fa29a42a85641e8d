import assert from "node:assert/strict";
import { test } from "node:test";
import { findReceiver, isReachable, networkList } from "./receivers.ts";

const NOWHERE = { networks: [], hosts: [] };

const CLOSED = [
  "127.0.0.1",
  "127.8.8.8",
  "0.0.0.0",
  "10.0.0.5",
  "172.16.3.4",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "169.254.169.254",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "fe80::1",
  "fe80::1%eth0",
  "fd00::1",
  "ff02::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "0:0:0:0:0:ffff:a9fe:a9fe",
  "::127.0.0.1",
  "64:ff9b::a00:1",
  "2002:7f00:1::",
  "2001:db8::1",
];
for (const address of CLOSED) {
  test(`no tenant's word leads to ${address}`, () => {
    assert.equal(isReachable("hooks.example.org", address, NOWHERE), false);
  });
}

for (const address of ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]) {
  test(`a tenant's word leads to ${address}`, () => {
    assert.equal(isReachable("hooks.example.org", address, NOWHERE), true);
  });
}

test("operators open networks and hosts, but never link-local addresses", () => {
  const reach = { networks: ["10.20.0.0/16", "fd00:1::/32"], hosts: ["Chat.example.org"] };
  assert.equal(isReachable("any", "10.20.3.4", reach), true);
  assert.equal(isReachable("any", "::ffff:10.20.3.4", reach), true);
  assert.equal(isReachable("any", "10.21.3.4", reach), false);
  assert.equal(isReachable("any", "fd00:1::5", reach), true);
  assert.equal(isReachable("chat.example.org", "192.168.1.1", reach), true);
  assert.equal(isReachable("other.example.org", "192.168.1.1", reach), false);
  assert.equal(isReachable("chat.example.org", "169.254.169.254", reach), false);
  assert.equal(isReachable("any", "169.254.169.254", { networks: ["0.0.0.0/0"], hosts: [] }), false);
});

for (const network of ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "hosts/8", "10.0.0.0/x"]) {
  test(`${network} is no network`, () => assert.throws(() => networkList([network]), /must be a network/));
}

test("of a name's addresses one is connected to that the word may lead to", async () => {
  const resolve = async () => Promise.resolve(["127.0.0.1", "8.8.8.8"]);
  assert.deepEqual(await findReceiver("rebound.example", NOWHERE, resolve), {
    host: "rebound.example",
    address: "8.8.8.8",
  });
});

test("a name that means this machine is refused by name, for good", async () => {
  const resolve = async () => Promise.resolve(["127.0.0.1", "::1"]);
  await assert.rejects(findReceiver("localtest.example", NOWHERE, resolve), {
    code: "receiver-closed",
    retry: "never",
    message: /localtest\.example/,
  });
  await assert.rejects(findReceiver("[::1]", NOWHERE), { code: "receiver-closed" });
});

test("an operator's word leads anywhere", async () => {
  assert.deepEqual(await findReceiver("127.0.0.1", undefined), { host: "127.0.0.1", address: "127.0.0.1" });
});

test("a name that nobody knows may be known later", async () => {
  await assert.rejects(findReceiver("nobody.invalid", NOWHERE), { code: "receiver-unknown", retry: "later" });
});
