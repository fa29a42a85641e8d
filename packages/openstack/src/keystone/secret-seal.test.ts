import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "@cairn/kernel";
import { secretSeal } from "./secret-seal.ts";

const seal = secretSeal(new Secret("service"));
const SECRET = new Secret("planted-ünïcode");

void test("a sealed secret is opened with the same password, and looks different each time", () => {
  const sealed = seal.close(SECRET, "ac1");
  assert.equal(secretSeal(new Secret("service")).open(sealed, "ac1").reveal(), SECRET.reveal());
  assert.notEqual(seal.close(SECRET, "ac1"), sealed);
  assert.doesNotMatch(Buffer.from(sealed.slice(2), "base64url").toString("latin1"), /planted/);
});

void test("another password, another credential or a changed byte opens nothing", () => {
  const sealed = seal.close(SECRET, "ac1");
  const wrong = { code: "credential-unreadable" };
  assert.throws(() => secretSeal(new Secret("other")).open(sealed, "ac1"), wrong);
  assert.throws(() => seal.open(sealed, "ac2"), wrong);
  assert.throws(() => seal.open(`${sealed.slice(0, -2)}AA`, "ac1"), wrong);
  for (const odd of ["", "1:", "2:abcd", "nonsense"]) assert.throws(() => seal.open(odd, "ac1"), wrong);
});
