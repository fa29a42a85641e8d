import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { createEscrow } from "@cairn/repository";
import { keyPolicyOf } from "./key-policy.ts";

const nothing = { escrowPublicKey: "", withoutEscrow: false, barbicanKeys: false };

void test("an engine does not start before somebody has decided about the escrow", () => {
  assert.throws(
    () => keyPolicyOf(nothing),
    (error) => error instanceof Rejection && /escrow-create/.test(error.remedy),
  );
  assert.deepEqual(keyPolicyOf({ ...nothing, withoutEscrow: true }), {
    withoutEscrow: true,
    barbican: false,
  });
});

void test("the escrow's public key is read from its setting, and a private one is refused", () => {
  const { publicKey, privateKey } = createEscrow();
  const escrowPublicKey = publicKey.toString("base64");
  assert.deepEqual(keyPolicyOf({ ...nothing, escrowPublicKey }).escrowPublicKey, publicKey);
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  assert.throws(() => keyPolicyOf({ ...nothing, escrowPublicKey: pem }), /private one/);
});
