import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Rejection } from "@cairn/kernel";
import { parseS3Credentials } from "./s3-credentials.ts";

const parsed = (payload: unknown) => parseS3Credentials(Buffer.from(JSON.stringify(payload)), "ref");

test("both keys are found under the names that people give them", () => {
  const owner = { accessKeyId: "user", secretAccessKey: "key" };
  for (const payload of [
    owner,
    { access_key: "user", secret_key: "key" },
    { AWS_ACCESS_KEY_ID: "user", AWS_SECRET_ACCESS_KEY: "key" },
    { "access-key": "user", "secret-key": "key", other: 1 },
    { vault_s3_access_key_id: "user", vault_s3_secret_access_key: "key" },
  ]) {
    assert.deepEqual(parsed(payload), { owner });
  }
});

test("a second identity is that of datamovers", () => {
  const one = { accessKeyId: "user", secretAccessKey: "key" };
  const other = { accessKeyId: "mover", secretAccessKey: "other" };
  assert.deepEqual(parsed({ ...one, mover: other }), { owner: one, mover: other });
});

test("a payload that holds no keys is refused without showing any of it", () => {
  const secret = "planted-secret-key";
  const payloads = [
    Buffer.from(secret),
    Buffer.from(`"${secret}"`),
    Buffer.from(`{"secretAccessKey": "${secret}"}`),
    Buffer.from(`{"accessKeyId": "u", "secretAccessKey": "${secret}", "mover": "${secret}"}`),
    Buffer.from(`{"accessKeyId": "u", "secretAccessKey": "${secret}", "mover": {"accessKeyId": "m"}}`),
    Buffer.from([0xff, 0xfe]),
  ];
  for (const payload of payloads) {
    assert.throws(
      () => parseS3Credentials(payload, "ref"),
      (error) =>
        error instanceof Rejection &&
        error.field === "secret_ref" &&
        error.value === "ref" &&
        !inspect(error).includes(secret),
    );
  }
});
