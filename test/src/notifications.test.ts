import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { ApiClient, Delivery } from "@cairn/contract";
import type { BootedInstance } from "@cairn/embedded";
import {
  startTestMailServer,
  startTestReceiver,
  type TestMailServer,
  type TestReceiver,
} from "@cairn/notify";
import {
  beginRestore,
  beginSnapshot,
  bootFromImage,
  endOfRestore,
  endOfSnapshot,
  makeWorkload,
  restoreOptions,
  takeSnapshot,
} from "./job.ts";
import { apiOf, explained, startTree, type Tree, until } from "./tree.ts";

/*
 * Mails and webhooks with everything running: set up through REST as existing clients do it, sent by the
 * engine to a real mail server and a real receiver.
 */

const WAIT_MS = 30_000;
const OWNER = "demo@example.org";
const PAGE = resolve(import.meta.dirname, "../../docs/notifications.md");
const CLI = resolve(import.meta.dirname, "../../apps/cli/src/main.ts");
const run = promisify(execFile);

let tree: Tree;
let root: ApiClient;
let mails: TestMailServer;
let receiver: TestReceiver;
let instance: BootedInstance;
let workload: string;
let secret: string;

before(async () => {
  tree = await startTree();
  root = await apiOf(tree.embedded, tree.embedded.cloud("admin", "admin"));
  mails = await startTestMailServer();
  receiver = await startTestReceiver();
  instance = await bootFromImage(tree, "told", "az1", "m1.small");
  workload = await makeWorkload(tree, "told", [instance.id]);
  await giveOwnerAnAddress();
});

after(async () => {
  await tree.close();
  await mails[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

async function giveOwnerAnAddress(): Promise<void> {
  const admin = tree.embedded.cloud("admin", "admin");
  const { user } = await tree.cloud.token();
  const response = await fetch(`${tree.embedded.authUrl}/users/${user.id}`, {
    method: "PATCH",
    headers: {
      "x-auth-token": (await admin.token()).value.reveal(),
      "content-type": "application/json",
    },
    body: JSON.stringify({ user: { email: OWNER } }),
  });
  assert.equal(response.status, 200, await response.text());
}

/** The command line as the project's member. */
async function cairn(...argv: string[]): Promise<string> {
  const env = { ...process.env, ...tree.embedded.environmentOfUser("demo", "demo") };
  return (await run(process.execPath, [CLI, ...argv], { env })).stdout;
}

/** Waits for a mail to the owner with this subject. */
async function mailed(subject: RegExp): Promise<string> {
  return until(`a mail ${String(subject)}`, WAIT_MS, async () => {
    const found = mails.mails.find(({ data }) => subject.test(data.replaceAll("\r\n ", " ")));
    if (found !== undefined) assert.deepEqual(found.to, [OWNER]);
    return Promise.resolve(found?.data);
  });
}

test("an administrator sets the cloud's mail server, and a test mail goes out by it", async (context) => {
  await explained(context, tree, async () => {
    const values = {
      smtp_server_name: "127.0.0.1",
      smtp_port: String(mails.port),
      smtp_default_sender: "backup@example.org",
      smtp_default_recipient: "operators@example.org",
      smtp_email_enable: "0",
    };
    const settings = Object.entries(values).map(([name, value]) => ({ name, value, is_public: true }));
    await root.createSettings({ body: { settings } });
    const done = await tree.api.testEmail({});
    assert.deepEqual(done.recipients, ["operators@example.org"]);
    assert.match(mails.mails[0]?.data ?? "", /^Subject: Testing email configuration/m);
  });
});

test("a project's word does not lead to the metadata service", async (context) => {
  await explained(context, tree, async () => {
    const query = {
      smtp_server_name: "169.254.169.254",
      smtp_default_sender: "me@example.org",
      smtp_default_recipient: "me@example.org",
    };
    await assert.rejects(tree.api.testEmail({ query }), { status: 400, message: /have not opened/ });
  });
});

test("10.F 26: the owner is mailed each snapshot and restore that succeeds or fails", async (context) => {
  await explained(context, tree, async () => {
    const made = await tree.api.createWebhook({ body: { webhook: { name: "chat", url: receiver.url } } });
    secret = made.webhook.secret ?? "";
    await tree.api.createSettings({ body: { settings: [{ name: "smtp_email_enable", value: "1" }] } });
    const { id } = await takeSnapshot(tree, workload);
    const text = await mailed(/^Subject: Snapshot successful: test of workload told/m);
    assert.match(text, new RegExp(id));
    assert.match(text, /Content-Type: text\/html/);
    const project = await tree.cloud.projectId();
    const wanted = restoreOptions("selective", [{ id: instance.id, include: true, name: "copy" }]);
    await tree.embedded.sandbox.setQuota(project, { instances: 1 });
    await assertEnded(id, wanted, "error");
    await mailed(/^Subject: Restore failed: test of workload told/m);
    await tree.embedded.sandbox.setQuota(project, { instances: 10 });
    await assertEnded(id, wanted, "available");
    await mailed(/^Subject: Restore successful: test of workload told/m);
    await cancelBoth(id, wanted);
    await deleteInstance();
    const failed = await endOfSnapshot(tree, await beginSnapshot(tree, workload));
    assert.equal(failed.status, "error");
    const why = await mailed(/^Subject: Snapshot failed: test of workload told/m);
    assert.match(why, /Unable to find Virtual Machine/);
    assert.equal(mails.mails.length, 5, "each of them once, and the test mail; who cancels knows that");
  });
});

/** Until Nova holds it no more: before, a snapshot is refused for the deletion that is under way. */
async function deleteInstance(): Promise<void> {
  const { servers } = tree.cloud.nova;
  await servers.delete(instance.id);
  await servers.waitFor(instance.id, "absent", { withinMs: WAIT_MS });
}

/** Cancels a snapshot and a restore, which a slow cloud keeps from ending before. */
async function cancelBoth(snapshotId: string, options: Parameters<typeof beginRestore>[2]): Promise<void> {
  const { sandbox } = tree.embedded;
  await sandbox.addFault({
    service: "neutron",
    method: "GET",
    times: 1,
    effect: { kind: "delay", ms: 2_000 },
  });
  const snapshot = await beginSnapshot(tree, workload);
  await tree.api.cancelSnapshot({ params: { snapshot_id: snapshot } });
  assert.equal((await endOfSnapshot(tree, snapshot)).status, "cancelled");
  await sandbox.clearFaults();
  await sandbox.addFault({
    service: "neutron",
    method: "GET",
    times: 1,
    effect: { kind: "delay", ms: 2_000 },
  });
  const restore = await beginRestore(tree, snapshotId, options);
  await tree.api.cancelRestore({ params: { restore_id: restore } });
  assert.equal((await endOfRestore(tree, restore)).status, "cancelled");
  await sandbox.clearFaults();
}

async function assertEnded(
  id: string,
  options: Parameters<typeof beginRestore>[2],
  status: string,
): Promise<void> {
  const restore = await endOfRestore(tree, await beginRestore(tree, id, options));
  assert.equal(restore.status, status, restore.error_msg ?? "");
}

test("the webhook heard the same, and the documentation's check accepts its signatures", async (context) => {
  await explained(context, tree, async () => {
    const requests = await until("six requests", WAIT_MS, async () =>
      Promise.resolve(receiver.requests.length >= 6 ? receiver.requests : undefined),
    );
    const types = requests.map(({ body }) => (JSON.parse(body) as { type: string }).type);
    const ends = ["cancelled", "failed", "succeeded"];
    assert.deepEqual(
      types.toSorted(),
      ["restore", "snapshot"].flatMap((what) => ends.map((end) => `${what}.${end}`)),
    );
    const isFromCairn = await checkOfThePage();
    const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    for (const { headers, body } of requests) {
      assert.equal(isFromCairn(secret, headers, body), true);
      assert.equal(isFromCairn(secret, headers, body.replace("test", "tess")), false);
      assert.equal(isFromCairn(other, headers, body), false);
      assert.equal(isFromCairn(secret, { ...headers, "webhook-timestamp": "1" }, body), false);
    }
  });
});

type Check = (secret: string, headers: Readonly<Record<string, string>>, body: string) => boolean;

/** The function of the documentation's page, as it stands there. */
async function checkOfThePage(): Promise<Check> {
  const [, code] = /```js\n([\s\S]*?)```/.exec(await readFile(PAGE, "utf8")) ?? [];
  const folder = await mkdtemp(join(tree.folder, "page-"));
  try {
    const file = join(folder, "check.mjs");
    await writeFile(file, code ?? "");
    return ((await import(pathToFileURL(file).href)) as { isFromCairn: Check }).isFromCairn;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("the command line shows what was sent, and tries what is set", async (context) => {
  await explained(context, tree, async () => {
    const rows = JSON.parse(await cairn("webhook", "deliveries", "-f", "json")) as Delivery[];
    const sent = rows.filter(({ event }) => event !== "email.test");
    assert.deepEqual(sent.map(({ channel, status }) => `${channel} ${status}`).toSorted(), [
      ...Array<string>(4).fill("email sent"),
      ...Array<string>(6).fill("webhook sent"),
    ]);
    assert.match(await cairn("webhook", "test", "chat"), /webhook\.test/);
    assert.match(await cairn("email", "show"), /smtp_email_enable +\W*1/);
    await cairn("email", "set", "--disable");
    assert.match(await cairn("setting", "show", "smtp_email_enable", "-f", "json"), /"value": ?"0"/);
  });
});
