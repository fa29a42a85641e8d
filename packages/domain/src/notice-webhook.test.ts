import assert from "node:assert/strict";
import { test } from "node:test";
import { secretBytes, secretText, signedHeaders, webhookBody } from "./notice-webhook.ts";

test("the signature is that of the Standard Webhooks specification's example", () => {
  // As its libraries test it: https://github.com/standard-webhooks/standard-webhooks (libraries/javascript).
  const secret = secretBytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  assert.ok(secret !== undefined);
  const content = {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestampSeconds: 1614265330,
    body: '{"test": 2432232314}',
  };
  assert.deepEqual(signedHeaders(content, [secret]), {
    "content-type": "application/json",
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("while a secret is replaced, both sign", () => {
  const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const content = { id: "m", timestampSeconds: 1, body: "{}" };
  const both = signedHeaders(content, [one, other])["webhook-signature"];
  const each = [one, other].map((secret) => signedHeaders(content, [secret])["webhook-signature"]);
  assert.equal(both, each.join(" "));
});

const SECRETS: readonly (readonly [string, boolean])[] = [
  [secretText(Buffer.alloc(24, 7)), true],
  [secretText(Buffer.alloc(64, 7)), true],
  [secretText(Buffer.alloc(23, 7)), false],
  [secretText(Buffer.alloc(65, 7)), false],
  ["hunter2", false],
  ["whsec_not base64!", false],
];
for (const [text, isGood] of SECRETS) {
  test(`${text.slice(0, 20)}… of ${text.length} characters is ${isGood ? "a" : "no"} secret`, () => {
    assert.equal(secretBytes(text) !== undefined, isGood);
  });
}

test("a webhook's body says what happened, when, and to what", () => {
  const notice = {
    kind: "restore.failed",
    projectId: "p1",
    userId: "u1",
    workload: { id: "w1", name: "web" },
    instances: [],
    startedAt: "2026-11-23T10:00:00.000Z",
    finishedAt: "2026-11-23T10:00:01.000Z",
    error: "The quota is used up.",
    warning: undefined,
    restore: { id: "r1", name: "back", type: "oneclick", snapshotId: "s1", sizeBytes: 0 },
  } as const;
  assert.deepEqual(JSON.parse(webhookBody(notice, notice.finishedAt)), {
    type: "restore.failed",
    timestamp: "2026-11-23T10:00:01.000Z",
    data: {
      project_id: "p1",
      user_id: "u1",
      restore: { id: "r1", name: "back", type: "oneclick", snapshot_id: "s1", size_bytes: 0 },
      workload: { id: "w1", name: "web" },
      instances: [],
      started_at: "2026-11-23T10:00:00.000Z",
      finished_at: "2026-11-23T10:00:01.000Z",
      error: "The quota is used up.",
      warning: null,
    },
  });
});
