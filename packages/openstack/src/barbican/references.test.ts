import assert from "node:assert/strict";
import { test } from "node:test";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud } from "../wire/recorded-cloud.ts";
import { readSecretReference } from "./references.ts";

const ID = "e6c1b2a0-6d3c-4bd8-b5f2-7a5c7f1d7f10";
const OTHER = "0a1b2c3d-6d3c-4bd8-b5f2-7a5c7f1d7f10";

void test("an id or an address names a secret, an order or a container; anything else names nothing", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    [ID, "secret"],
    [ID.toUpperCase(), "secret"],
    [`https://elsewhere:9311/v1/secrets/${ID}`, "secret"],
    [`http://cloud/key-manager/v1/secrets/${ID}/payload`, "secret"],
    [`http://cloud/key-manager/v1/orders/${ID}/`, "order"],
    [`http://cloud/key-manager/v1/containers/${ID}`, "container"],
    [`http://cloud/key-manager/v1/consumers/${ID}`, undefined],
    [`ftp://cloud/v1/secrets/${ID}`, undefined],
    [`/v1/secrets/${ID}`, undefined],
    ["http://cloud/v1/secrets/", undefined],
    ["http://cloud/v1/secrets/------------------------------------", undefined],
    [`../${ID}`, undefined],
    ["invalid", undefined],
    ["", undefined],
  ];
  for (const [text, kind] of cases) {
    assert.deepEqual(readSecretReference(text), kind === undefined ? undefined : { kind, id: ID }, text);
  }
});

// Barbican's API reference, "GET /v1/orders/{uuid}" and "GET /v1/containers/{uuid}".
void test("an order tells the secret that it made, and a container those that it holds", async () => {
  const place = "https://elsewhere:9311/v1";
  const order = { type: "key", status: "ACTIVE", secret_ref: `${place}/secrets/${ID}` };
  const pending = { type: "key", status: "PENDING", meta: { algorithm: "aes" } };
  const held = [
    { name: "one", secret_ref: `${place}/secrets/${ID}` },
    { name: "two", secret_ref: `${place}/secrets/${OTHER}` },
  ];
  await using recorded = await startRecordedCloud({
    [`GET /key-manager/v1/orders/${ID}`]: { json: order },
    [`GET /key-manager/v1/orders/${OTHER}`]: { json: pending },
    [`GET /key-manager/v1/containers/${ID}`]: { json: { type: "generic", secret_refs: held } },
  });
  const { orders, containers } = connectCloud(recorded.options()).barbican;
  assert.deepEqual(await orders.secretsOf(ID), [ID]);
  assert.deepEqual(await orders.secretsOf(OTHER), []);
  assert.deepEqual(await containers.secretsOf(ID), [ID, OTHER]);
});
