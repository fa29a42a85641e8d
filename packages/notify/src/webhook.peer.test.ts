import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestReceiver } from "./testing/webhook-receiver.ts";
import { postWebhook } from "./webhook.ts";

const never = new AbortController().signal;

function requestTo(port: number, host = "hooks.example.org") {
  return {
    url: new URL(`http://${host}:${String(port)}/in?team=a`),
    receiver: { host, address: "127.0.0.1" },
    headers: { "content-type": "application/json", "webhook-id": "m1" },
    body: '{"type":"webhook.test","name":"ü"}',
    authorities: undefined,
  };
}

test("a webhook is posted to the address that was judged, under the name that was given", async () => {
  await using receiver = await startTestReceiver();
  assert.equal(await postWebhook(requestTo(receiver.port), never), 204);
  const [got] = receiver.requests;
  assert.deepEqual(
    [got?.method, got?.path, got?.headers["host"], got?.headers["webhook-id"], got?.body],
    [
      "POST",
      "/in?team=a",
      `hooks.example.org:${String(receiver.port)}`,
      "m1",
      '{"type":"webhook.test","name":"ü"}',
    ],
  );
});

test("a redirect is not followed", async () => {
  await using receiver = await startTestReceiver();
  await using other = await startTestReceiver();
  receiver.status = 307;
  receiver.headers = { location: other.url };
  assert.equal(await postWebhook(requestTo(receiver.port), never), 307);
  assert.equal(other.requests.length, 0);
});

test("a receiver that gives no answer is left with the signal", async () => {
  await using receiver = await startTestReceiver();
  receiver.status = undefined;
  await assert.rejects(postWebhook(requestTo(receiver.port), AbortSignal.timeout(200)), {
    code: "webhook-unavailable",
    retry: "later",
  });
});

test("a receiver that is not there is a fault that may pass", async () => {
  const receiver = await startTestReceiver();
  await receiver[Symbol.asyncDispose]();
  await assert.rejects(postWebhook(requestTo(receiver.port), never), { code: "webhook-unavailable" });
});
