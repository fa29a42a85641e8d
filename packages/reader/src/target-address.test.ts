import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { parseTarget } from "./target-address.ts";

const VARIABLES = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };

test("a path is a directory, seen from the working directory", () => {
  assert.deepEqual(parseTarget("/backups", {}, "/home"), { kind: "directory", path: "/backups" });
  assert.deepEqual(parseTarget("backups", {}, "/home"), { kind: "directory", path: "/home/backups" });
  assert.deepEqual(parseTarget("s3/backups", {}, "/"), { kind: "directory", path: "/s3/backups" });
});

test("a bucket takes its keys from the variables of S3 clients", () => {
  const address = parseTarget(
    "s3://backups/cairn/north?endpoint=https://s3.example:7480&region=eu&path_style=no",
    VARIABLES,
    "/",
  );
  assert.deepEqual(address, {
    kind: "s3",
    endpoint: "https://s3.example:7480",
    region: "eu",
    bucket: "backups",
    prefix: "cairn/north/",
    accessKeyId: "id",
    secretAccessKey: "secret",
    forcePathStyle: false,
  });
});

test("endpoint and region may stand in variables, too", () => {
  const variables = { ...VARIABLES, AWS_ENDPOINT_URL: "http://127.0.0.1:7480/", AWS_REGION: "north" };
  const address = parseTarget("s3://backups", variables, "/");
  assert.ok(address.kind === "s3");
  assert.deepEqual(
    [address.endpoint, address.region, address.prefix, address.forcePathStyle],
    ["http://127.0.0.1:7480", "north", "", true],
  );
});

const E = "endpoint=https://s3.example";
const REFUSED: readonly (readonly [text: string, variables: object, message: RegExp])[] = [
  ["", VARIABLES, /empty/],
  ["ftp://host/x", VARIABLES, /neither a directory nor s3/],
  ["S3://backups", VARIABLES, /neither/],
  ["s3://backups", VARIABLES, /no endpoint/],
  ["s3:///prefix?endpoint=https://s3.example", VARIABLES, /no bucket/],
  ["s3://backups?endpoint=s3.example", VARIABLES, /no address/],
  ["s3://backups?endpoint=https://s3.example/path", VARIABLES, /no address/],
  [`s3://backups?${E}&path_style=maybe`, VARIABLES, /path_style/],
  [`s3://backups?${E}&secret=x`, VARIABLES, /parameter secret/],
  [`s3://backups?${E}`, {}, /AWS_ACCESS_KEY_ID is not set/],
  [`s3://backups?${E}`, { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "" }, /AWS_SECRET_ACCESS_KEY/],
];

for (const [text, variables, message] of REFUSED) {
  test(`a target such as ${JSON.stringify(text)} is refused: ${message.source}`, () => {
    assert.throws(
      () => parseTarget(text, { ...variables }, "/"),
      (error) =>
        error instanceof Rejection &&
        error.field === "--target" &&
        error.remedy !== "" &&
        message.test(error.message),
    );
  });
}

test("keys in an address are refused, and not repeated", () => {
  assert.throws(
    () => parseTarget(`s3://AKIA:very-secret@backups?${E}`, VARIABLES, "/"),
    (error) => error instanceof Rejection && !JSON.stringify([error.message, error]).includes("very-secret"),
  );
});
