import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { readTargetRequest, secretIdOf, type TargetRequest } from "./target-request.ts";

const ID = "e6c1b2a0-6d3c-4bd8-b5f2-7a5c7f1d7f10";
const bucket: TargetRequest = {
  type: "s3",
  s3_endpoint_url: "https://rgw.example.org/",
  s3_bucket: "cairn",
  secret_ref: `http://barbican:9311/v1/secrets/${ID}`,
};

test("a bucket is read with the defaults of its service, and the id of its secret", () => {
  assert.deepEqual(readTargetRequest(bucket), {
    kind: "s3",
    path: "s3://cairn/",
    address: {
      kind: "s3",
      endpoint: "https://rgw.example.org",
      region: "us-east-1",
      bucket: "cairn",
      prefix: "",
      forcePathStyle: true,
    },
    secretId: ID,
  });
});

test("an immutable bucket locks what is stored for two weeks unless told otherwise", () => {
  const lockOf = (asked: Partial<TargetRequest>): unknown =>
    readTargetRequest({ ...bucket, immutable: true, ...asked }).address["lock"];
  assert.deepEqual(lockOf({}), { mode: "governance", windowMs: 14 * 86_400_000 });
  assert.deepEqual(lockOf({ lock_mode: "compliance", lock_days: 1 }), {
    mode: "compliance",
    windowMs: 86_400_000,
  });
});

test("an export is used where it is mounted", () => {
  const asked = {
    type: "nfs",
    filesystem_export: "files.example.org:/backup",
    filesystem_export_mount_path: "/srv/backup/",
  } as const;
  assert.deepEqual(readTargetRequest(asked), { kind: "directory", path: "/srv/backup", address: {} });
});

const REFUSED: readonly (readonly [string, Partial<TargetRequest> & { type: TargetRequest["type"] }])[] = [
  ["filesystem_export_mount_path", { type: "nfs", filesystem_export: "files:/backup" }],
  ["filesystem_export", { type: "nfs", filesystem_export_mount_path: "/srv" }],
  ["filesystem_export", { type: "nfs", filesystem_export: "backup", filesystem_export_mount_path: "/srv" }],
  ["filesystem_export_mount_path", { type: "directory" }],
  ["filesystem_export_mount_path", { type: "directory", filesystem_export_mount_path: "srv" }],
  ["filesystem_export_mount_path", { type: "directory", filesystem_export_mount_path: "/srv/../etc" }],
  ["filesystem_export_mount_path", { type: "directory", filesystem_export_mount_path: "/srv//a" }],
  ["s3_endpoint_url", { ...bucket, s3_endpoint_url: undefined }],
  ["s3_endpoint_url", { ...bucket, s3_endpoint_url: "ftp://rgw" }],
  ["s3_endpoint_url", { ...bucket, s3_endpoint_url: "https://rgw/path" }],
  ["s3_bucket", { ...bucket, s3_bucket: undefined }],
  ["s3_bucket", { ...bucket, s3_bucket: "Upper" }],
  ["s3_prefix", { ...bucket, s3_prefix: "cloud" }],
  ["s3_prefix", { ...bucket, s3_prefix: "/" }],
  ["secret_ref", { ...bucket, secret_ref: undefined }],
  ["secret_ref", { ...bucket, secret_ref: "AKIA…" }],
  ["mover_secret_ref", { ...bucket, mover_secret_ref: "x" }],
  ["lock_days", { ...bucket, lock_days: 3 }],
  ["lock_mode", { ...bucket, lock_mode: "compliance" }],
];

for (const [field, asked] of REFUSED) {
  test(`${JSON.stringify(asked)} is refused for its ${field}, with a remedy`, () => {
    assert.throws(
      () => readTargetRequest(asked),
      (error) =>
        error instanceof Rejection && error.field === `backup_target.${field}` && error.remedy !== "",
    );
  });
}

test("keys that were written where an address or a reference belongs are not repeated", () => {
  const secret = "planted-secret-key";
  for (const asked of [
    { ...bucket, s3_endpoint_url: `https://user:${secret}@rgw` },
    { ...bucket, secret_ref: secret },
    { ...bucket, mover_secret_ref: `http://user:${secret}@barbican/v1/secrets/${ID}` },
  ]) {
    assert.throws(
      () => readTargetRequest(asked),
      (error) =>
        error instanceof Rejection &&
        !JSON.stringify([error.message, error.value, error.remedy]).includes(secret),
    );
  }
});

test("a reference is an address that ends with the id, or the id", () => {
  for (const reference of [ID, ID.toUpperCase(), `https://kms/key-manager/v1/secrets/${ID}/`]) {
    assert.equal(secretIdOf("secret_ref", reference), ID);
  }
});
