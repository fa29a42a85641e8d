import assert from "node:assert/strict";
import { test } from "node:test";
import { changeWebhook } from "@cairn/database";
import { secretBytes, secretText, signedHeaders } from "@cairn/domain";
import { asId, Secret } from "@cairn/kernel";
import { startTestReceiver } from "@cairn/notify";
import {
  database,
  hurry,
  listen,
  rows,
  SECRET,
  seal,
  settled,
  snapshotEnds,
  start,
  succeeded,
  until,
  useNotifyingWorld,
} from "./testing/notifying-world.ts";

useNotifyingWorld(process.env);

test("a webhook is signed, and tried again under the same id; its tries are shown", async () => {
  await using receiver = await startTestReceiver();
  receiver.status = 500;
  await listen(receiver.url);
  const snapshotId = await snapshotEnds(succeeded);
  start();
  const [waiting] = await until("the first try", async () => {
    const all = await rows();
    return (all[0]?.message ?? undefined) === undefined ? undefined : all;
  });
  assert.match(waiting?.message ?? "", /answered 500/);
  assert.equal(waiting?.state, "waiting");
  receiver.status = 204;
  await hurry();
  const [sent] = await settled(1);
  assert.deepEqual([sent?.state, sent?.attempt, sent?.message], ["sent", 2, null]);
  const [first, second] = receiver.requests;
  assert.equal(first?.headers["webhook-id"], second?.headers["webhook-id"]);
  assert.equal(first?.body, second?.body);
  const secret = secretBytes(SECRET);
  assert.ok(second !== undefined && secret !== undefined);
  const timestampSeconds = Number(second.headers["webhook-timestamp"]);
  const content = { id: second.headers["webhook-id"] ?? "", timestampSeconds, body: second.body };
  assert.equal(second.headers["webhook-signature"], signedHeaders(content, [secret])["webhook-signature"]);
  const body = JSON.parse(second.body) as { type: string; data: { snapshot: { id: string } } };
  assert.deepEqual([body.type, body.data.snapshot.id], ["snapshot.succeeded", snapshotId]);
});

test("what does not arrive within a day is given up, and the log says so", async () => {
  await using receiver = await startTestReceiver();
  receiver.status = 503;
  await listen(receiver.url);
  await snapshotEnds(succeeded);
  start();
  await until("the first try", async () => (await rows())[0]?.message ?? undefined);
  await database()
    .handle.updateTable("delivery")
    .set({ begun_at: new Date(Date.now() - 24 * 3_600_000) })
    .execute();
  await hurry();
  const [given] = await settled(1);
  assert.equal(given?.state, "failed");
  assert.match(given.message ?? "", /^given up after 24 hours: 127\.0\.0\.1:\d+ answered 503$/);
});

test("a receiver that is gone for good has its webhook switched off", async () => {
  await using receiver = await startTestReceiver();
  receiver.status = 410;
  const { id } = await listen(receiver.url);
  await snapshotEnds(succeeded);
  start();
  const [ended] = await settled(1);
  assert.match(ended?.message ?? "", /410 Gone/);
  const row = await database()
    .handle.selectFrom("webhook")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirst();
  assert.deepEqual([row?.is_enabled, row?.off_reason], [false, "its receiver answered 410 Gone"]);
  await snapshotEnds(succeeded);
  await until("the notice to be gone", async () => {
    const open = await database()
      .handle.selectFrom("notice")
      .selectAll()
      .where("expanded_at", "is", null)
      .execute();
    return open.length === 0 ? true : undefined;
  });
  assert.equal((await rows()).length, 1);
});

test("while a secret is replaced the former one signs, too", async () => {
  await using receiver = await startTestReceiver();
  const hook = await listen(receiver.url);
  const next = secretText(Buffer.alloc(32, 9));
  const sealed = seal.close(new Secret(next), hook.id);
  await changeWebhook(database().handle, hook.id, { secret: { sealed, formerMs: 60_000 } });
  await snapshotEnds(succeeded);
  start();
  await settled(1);
  assert.equal(receiver.requests[0]?.headers["webhook-signature"]?.split(" ").length, 2);
});

for (const url of [
  "http://127.0.0.1:9/",
  "http://[::1]:9/",
  "http://169.254.169.254/latest",
  "http://localtest.example/",
  "http://2130706433/",
]) {
  test(`a project's webhook does not lead to ${url}, and the log says why`, async () => {
    await listen(url);
    await snapshotEnds(succeeded);
    start(0, []);
    const [ended] = await settled(1);
    assert.deepEqual([ended?.state, ended?.attempt], ["failed", 1]);
    assert.match(ended?.message ?? "", /network that operators have not opened/);
  });
}

test("an operator's webhook hears of every project, a project's of its own alone", async () => {
  await using operators = await startTestReceiver();
  await using tenants = await startTestReceiver();
  await listen(operators.url, true, asId("admin"));
  await listen(tenants.url, false, asId("p2"));
  await snapshotEnds(succeeded, { projectId: asId("p1") });
  start(0, []);
  await settled(1);
  assert.equal(operators.requests.length, 1);
  assert.equal(tenants.requests.length, 0);
});
