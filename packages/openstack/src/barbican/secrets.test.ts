import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, hasCode, Secret } from "@cairn/kernel";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud } from "../wire/recorded-cloud.ts";

const ID = "e6c1b2a0-6d3c-4bd8-b5f2-7a5c7f1d7f10";
/** Barbican's API reference, "POST /v1/secrets" and "GET /v1/secrets/{uuid}". */
const REFERENCE = `https://elsewhere:9311/v1/secrets/${ID}`;
const RECORD = {
  status: "ACTIVE",
  created: "2015-03-23T20:46:51.650515",
  updated: "2015-03-23T20:46:51.654116",
  expiration: null,
  algorithm: "aes",
  mode: null,
  bit_length: 256,
  name: "cairn-1",
  content_types: { default: "application/octet-stream" },
  secret_type: "symmetric",
  creator_id: "3a7e3d2421384f56a8fb6cf082a8efab",
  secret_ref: REFERENCE,
};
const payload = Buffer.alloc(32, 7);

void test("a secret is stored as symmetric octets, and is known by the id in its reference", async () => {
  await using recorded = await startRecordedCloud({
    "POST /key-manager/v1/secrets": { status: 201, json: { secret_ref: REFERENCE } },
    [`GET /key-manager/v1/secrets/${ID}`]: { json: RECORD },
  });
  const { secrets } = connectCloud(recorded.options()).barbican;
  assert.equal(await secrets.create({ name: "cairn-1", payload: new Secret(payload) }), ID);
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    name: "cairn-1",
    secret_type: "symmetric",
    algorithm: "aes",
    bit_length: 256,
    payload: payload.toString("base64"),
    payload_content_type: "application/octet-stream",
    payload_content_encoding: "base64",
  });
  const record = await secrets.find(ID);
  assert.deepEqual([record?.id, record?.status, record?.secretType], [ID, "ACTIVE", "symmetric"]);
});

void test("the list of readers is replaced as a whole, beside the project's access", async () => {
  const acl = { read: { users: ["u1"], "project-access": false, created: "2015-05-12T19:23:44.019168" } };
  await using recorded = await startRecordedCloud({
    [`PUT /key-manager/v1/secrets/${ID}/acl`]: { json: { acl_ref: `${REFERENCE}/acl` } },
    [`GET /key-manager/v1/secrets/${ID}/acl`]: { json: acl },
  });
  const { secrets } = connectCloud(recorded.options()).barbican;
  const readers = { users: [asId<"user">("u1")], projectAccess: false };
  await secrets.setReaders(ID, readers);
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    read: { users: ["u1"], "project-access": false },
  });
  assert.deepEqual(await secrets.readers(ID), readers);
});

void test("a secret that was stored as text is asked for as text when octets are refused", async () => {
  await using recorded = await startRecordedCloud({
    [`GET /key-manager/v1/secrets/${ID}/payload`]: { status: 406, json: { code: 406, title: "no" } },
  });
  const { secrets } = connectCloud(recorded.options()).barbican;
  await assert.rejects(secrets.payload(ID), (error) => hasCode(error, "openstack-bad-request"));
  const accepted = recorded.seen.slice(-2).map(({ headers }) => headers["accept"]);
  assert.deepEqual(accepted, ["application/octet-stream", "text/plain"]);
});

void test("Barbican's own words of a refusal are told, never the payload", async () => {
  const refusal = {
    code: 403,
    title: "Forbidden",
    description: "Secret creation attempt not allowed - please review your user/project privileges",
  };
  await using recorded = await startRecordedCloud({
    "POST /key-manager/v1/secrets": { status: 403, json: refusal },
  });
  const { secrets } = connectCloud(recorded.options()).barbican;
  await assert.rejects(secrets.create({ name: "x", payload: new Secret(payload) }), (error: Error) => {
    assert.match(String(error.cause), /Secret creation attempt not allowed/);
    assert.ok(!String(error.cause).includes(payload.toString("base64")));
    return true;
  });
});
