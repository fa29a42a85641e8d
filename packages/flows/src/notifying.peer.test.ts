import assert from "node:assert/strict";
import { test } from "node:test";
import { claimDelivery, concludeDelivery, createQuota, openSnapshot, watchQuotas } from "@cairn/database";
import { asId, newId, type ProjectId } from "@cairn/kernel";
import { startTestMailServer, startTestReceiver } from "@cairn/notify";
import { expandOnce } from "./notice-expanding.ts";
import { noteEnd } from "./notice-writing.ts";
import {
  database,
  failed,
  hurry,
  lines,
  listen,
  OWNER,
  PASSWORD,
  PROJECT,
  restoreEnds,
  rows,
  SECRET,
  set,
  settled,
  smtp,
  snapshotEnds,
  start,
  stopAll,
  subjectsOf,
  succeeded,
  until,
  useNotifyingWorld,
  workload,
} from "./testing/notifying-world.ts";
import { tellWatermarksOnce } from "./watermark-telling.ts";

useNotifyingWorld(process.env);

test("the owner gets a mail of each snapshot and restore that succeeded or failed", async () => {
  await using server = await startTestMailServer();
  await set(smtp(server));
  await snapshotEnds(failed);
  await restoreEnds(succeeded);
  await restoreEnds(failed);
  start();
  await settled(5);
  assert.deepEqual(subjectsOf(server), [
    "anna@example.org: Restore failed: back of workload web",
    "anna@example.org: Restore successful: back of workload web",
    "anna@example.org: Snapshot failed: nightly of workload web",
    "anna@example.org: Snapshot successful: nightly of workload web",
    "anna@example.org: Snapshot successful: nightly of workload web",
  ]);
  const mail = server.mails.find(({ data }) => data.includes("Subject: Restore failed"));
  assert.match(mail?.data ?? "", /The quota is used up\./);
  assert.match(mail?.data ?? "", /web-1/);
});

test("an owner without an address is told by the default recipient", async () => {
  await using server = await startTestMailServer();
  await set(smtp(server));
  await snapshotEnds(succeeded, { userId: asId("nobody") });
  start();
  const [sent] = await settled(1);
  assert.equal(sent?.receiver, "operators@example.org");
  assert.deepEqual(server.mails[0]?.to, ["operators@example.org"]);
});

test("nothing is told of an end that was rolled back, nor where nobody asked for it", async () => {
  const undone = database().transaction(async (transaction) => {
    const run = {
      id: newId<"run">(),
      projectId: PROJECT,
      userId: OWNER,
      flow: "snapshot" as const,
      request: {},
    };
    const workloadId = await workload();
    const opened = await openSnapshot(transaction, run, {
      workloadId,
      name: "n",
      description: "",
      snapshotType: "full",
    });
    assert.ok(opened.kind === "opened");
    await noteEnd(
      transaction,
      { ...run, subject: { workloadId, snapshotId: opened.snapshot.id } },
      succeeded,
    );
    throw new Error("the database went away");
  });
  await assert.rejects(undone, /went away/);
  const notices = async () => database().handle.selectFrom("notice").selectAll().execute();
  assert.equal((await notices()).length, 0);
  await snapshotEnds(succeeded);
  assert.equal((await notices()).length, 1);
  start();
  await until("the notice to be gone", async () => ((await notices()).length === 0 ? true : undefined));
  assert.equal((await rows()).length, 0);
});

test("two engines send each mail once", async () => {
  await using server = await startTestMailServer();
  await set(smtp(server));
  const workloadId = await workload();
  for (let count = 0; count < 12; count += 1) await snapshotEnds(succeeded, { workloadId });
  start(0);
  start(1);
  await settled(12);
  assert.equal(server.mails.length, 12);
  const ids = server.mails.map(({ data }) => /^Message-ID: (.*)$/m.exec(data)?.[1]);
  assert.equal(new Set(ids).size, 12);
});

test("a dead mail server holds up neither webhooks nor another project's mail", async () => {
  await using dead = await startTestMailServer({ isSilent: true });
  await using own = await startTestMailServer();
  await using receiver = await startTestReceiver();
  await set(smtp(dead));
  const other: ProjectId = asId("p2");
  await set(smtp(own), false, other);
  await listen(receiver.url);
  for (let count = 0; count < 6; count += 1) await snapshotEnds(failed);
  await snapshotEnds(failed, { projectId: other });
  start();
  await until("the webhooks", () => (receiver.requests.length === 6 ? true : undefined));
  await until("the other project's mail", () => own.mails[0]);
  await until("six mails that wait", async () => {
    const waiting = (await rows()).filter(({ state }) => state === "waiting");
    return waiting.length === 6 ? true : undefined;
  });
  assert.ok(dead.connections <= 2, `${String(dead.connections)} tries of a server that gives no answer`);
  // Whoever mends the settings mends what waits.
  await set(smtp(own));
  await hurry();
  await until("the mails that waited", async () => {
    await hurry();
    return own.mails.length === 7 ? true : undefined;
  });
});

test("a project's own mail server must be reachable, and is never told the cloud's password", async () => {
  await using server = await startTestMailServer();
  await set(
    smtp(server, { smtp_server_username: "cloud", smtp_server_password: PASSWORD, smtp_security: "none" }),
  );
  await set(smtp(server, { smtp_server_username: "me", smtp_security: "none" }), false);
  await snapshotEnds(succeeded);
  start(0, []);
  const [refused] = await settled(1);
  assert.match(refused?.message ?? "", /network that operators have not opened/);
  await stopAll();
  await snapshotEnds(succeeded);
  start();
  await settled(2);
  assert.deepEqual(
    server.mails.map(({ login }) => login),
    [undefined],
  );
  await snapshotEnds(succeeded, { projectId: asId("p2") });
  await settled(3);
  assert.equal(server.mails[1]?.login, `cloud:${PASSWORD}`);
});

test("an engine that stops in the middle of an attempt leaves it to the next", async () => {
  await using server = await startTestMailServer({ isSilent: true });
  await set(smtp(server, { smtp_timeout: "60" }));
  await snapshotEnds(succeeded);
  start(0);
  await until("the attempt", () => (server.connections > 0 ? true : undefined));
  await stopAll();
  server.options = {};
  start(1);
  const [sent] = await settled(1);
  assert.deepEqual([sent?.state, server.mails.length], ["sent", 1]);
});

test("a watermark that is passed is mailed once, to whoever used the project last", async () => {
  await using server = await startTestMailServer();
  await set(smtp(server));
  await database().transaction(async (transaction) =>
    createQuota(transaction, { projectId: PROJECT, type: "workloads", allowed: 4, highWatermark: 1 }),
  );
  await workload();
  await workload();
  assert.equal(await watchQuotas(database().handle), 1);
  const silent = (): void => undefined;
  const telling = { database: database(), log: { debug: silent, info: silent, warn: silent, error: silent } };
  assert.equal(await tellWatermarksOnce(telling), true);
  start(0);
  start(1);
  const [sent] = await settled(1);
  assert.equal(sent?.receiver, "anna@example.org");
  assert.deepEqual(subjectsOf(server), ["anna@example.org: Quota watermark reached: Workloads"]);
  assert.match(server.mails[0]?.data ?? "", /Used: +2\r\nWatermark: +1\r\nLimit: +4/);
  assert.equal(await tellWatermarksOnce(telling), false);
});

test("an attempt whose engine died is made by another one, and nobody believes the late one", async () => {
  await using server = await startTestMailServer();
  await set(smtp(server));
  await snapshotEnds(succeeded);
  await expandOnce(database());
  const wanted = { leaseMs: 1, withoutLanes: [], withoutProjects: [] };
  const died = await database().transaction(async (transaction) => claimDelivery(transaction, wanted));
  assert.ok(died !== undefined);
  start();
  const [sent] = await settled(1);
  await concludeDelivery(database().handle, died.delivery, { kind: "failed", message: "too late" });
  assert.deepEqual([sent?.state, sent?.attempt, (await rows())[0]?.state], ["sent", 2, "sent"]);
});

test("neither password nor secret is in a log line or a row", async () => {
  await using server = await startTestMailServer({ answers: { AUTH: `535 ${PASSWORD} is wrong` } });
  await using receiver = await startTestReceiver();
  await set(
    smtp(server, { smtp_server_username: "cloud", smtp_server_password: PASSWORD, smtp_security: "none" }),
  );
  await listen(receiver.url);
  await snapshotEnds(failed);
  start();
  await until("the refused login", async () => {
    const all = await rows();
    return all.some(({ message }) => message?.includes("535") === true) ? true : undefined;
  });
  await until("the webhook", () => receiver.requests[0]);
  const { handle } = database();
  const tables = await Promise.all(
    (["delivery", "notice", "webhook", "named_setting"] as const).map(async (table) =>
      handle.selectFrom(table).selectAll().execute(),
    ),
  );
  const seen = [...lines, JSON.stringify(tables)].join("\n");
  assert.ok(seen.includes("delivery.again"), "the log was seen");
  for (const planted of [PASSWORD, SECRET, SECRET.slice(6), Buffer.from(PASSWORD).toString("base64")]) {
    assert.ok(!seen.includes(planted), `${planted} is somewhere`);
  }
});
