import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changeOf,
  creationOf,
  type Delivery,
  isRepeatable,
  NEW_WEBHOOK,
  NOTICE_EVENTS,
  webhookProblem,
} from "./webhook-draft.ts";

const draft = { ...NEW_WEBHOOK, name: " chat ", url: " https://chat.example.org/in " };

void test("what is missing is named, field after field", () => {
  assert.equal(webhookProblem(draft), undefined);
  assert.equal(webhookProblem({ ...draft, name: " " }), "name");
  assert.equal(webhookProblem({ ...draft, url: "chat.example.org" }), "url");
  assert.equal(webhookProblem({ ...draft, url: "ftp://chat.example.org" }), "url");
  assert.equal(webhookProblem({ ...draft, events: new Set() }), "events");
});

void test("a new one says of whom it hears, a changed one whether it is on", () => {
  const { name, url } = { name: "chat", url: "https://chat.example.org/in" };
  assert.deepEqual(creationOf({ ...draft, isForAll: true }), {
    webhook: { name, url, events: [...NOTICE_EVENTS], all_projects: true },
  });
  const changed = changeOf({ ...draft, isOn: false, events: new Set(["snapshot.failed"]) });
  assert.deepEqual(changed, { webhook: { name, url, events: ["snapshot.failed"], enabled: false } });
});

void test("only what failed, is no test and has a receiver is sent again", () => {
  const failed: Pick<Delivery, "status" | "event" | "channel" | "webhook_id"> = {
    status: "failed",
    event: "snapshot.failed",
    channel: "webhook",
    webhook_id: "w",
  };
  const given = (change: Partial<Delivery>) => isRepeatable({ ...failed, ...change } as Delivery);
  assert.equal(given({}), true);
  assert.equal(given({ status: "sent" }), false);
  assert.equal(given({ event: "webhook.test" }), false);
  assert.equal(given({ webhook_id: null }), false);
  assert.equal(given({ webhook_id: null, channel: "email" }), true);
});
