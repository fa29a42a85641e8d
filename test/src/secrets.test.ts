import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ApiClient } from "@cairn/contract";
import type { BootedInstance } from "@cairn/embedded";
import {
  beginRestore,
  bootFromImage,
  endOfRestore,
  makeWorkload,
  restoreOptions,
  scribble,
  takeSnapshot,
  whenAvailable,
  whenIdle,
} from "./job.ts";
import { Search } from "./planted.ts";
import { callCommands } from "./secrets-commands.ts";
import { credentialOf, storeBucketKeys } from "./secrets-keystone.ts";
import {
  filesBelow,
  logsOf,
  type ProcessWatch,
  repositoryKeys,
  sealedSecrets,
  tablesOf,
  watchProcesses,
} from "./secrets-places.ts";
import { askEverything, wrongRequests } from "./secrets-requests.ts";
import { startWorld, type World } from "./secrets-world.ts";
import { explained, until } from "./tree.ts";

/*
 * Every secret that somebody can give is planted, used, and used wrongly; then everything that anybody could
 * read is looked through for each of them: as it is, in base64, in hexadecimal, as in URLs. The tests follow
 * each other.
 */

const WAIT_MS = 60_000;
/** What is short is shown with what was found in it: it is the test's own secret. */
const SHOWN_MAX = 4000;

let world: World;
let demo: ApiClient;
let root: ApiClient;
let instance: BootedInstance;
let processes: ProcessWatch;

before(async () => {
  world = await startWorld();
  processes = watchProcesses(world.tree.folder);
  demo = await world.apiOf("demo", "demo");
  root = await world.apiOf("admin", "admin");
  instance = await bootFromImage(world.tree, "kept", "az1", "m1.small");
});

after(async () => {
  await processes.stop();
  await world.close();
});

async function targetEnds(id: string): Promise<string> {
  return until("the proof of a target", WAIT_MS, async () => {
    const { backup_target: target } = await root.showBackupTarget({ params: { backup_target_id: id } });
    return target.status === "creating" ? undefined : target.status;
  });
}

async function createTarget(name: string, secret_ref: string, bucket: string): Promise<string> {
  const { backup_target: target } = await root.createBackupTarget({
    body: {
      backup_target: {
        type: "s3",
        s3_endpoint_url: world.ceph.endpoint,
        s3_bucket: bucket,
        s3_force_path_style: true,
        secret_ref,
        btt_name: name,
      },
    },
  });
  return targetEnds(target.id);
}

test("keys of a bucket are taken from Barbican, right ones, wrong ones and such as are none", async (t) => {
  await explained(t, world.tree, async () => {
    const { maintainer, writer } = await world.ceph.makeBucket();
    const keys = ({ accessKeyId, secretAccessKey }: typeof writer) => ({ accessKeyId, secretAccessKey });
    const right = { ...keys(maintainer), mover: keys(writer) };
    for (const [owner, { accessKeyId, secretAccessKey }] of Object.entries({ maintainer, writer })) {
      const isKept = (place: string): boolean => /^(table public\.target|file postgres\/)/.test(place);
      world.planted.push({ name: `secret key of the bucket's ${owner}`, value: secretAccessKey });
      world.planted.push({ name: `key id of the bucket's ${owner}`, value: accessKeyId, mayBeIn: isKept });
    }
    const wrong = { ...right, secretAccessKey: world.secrets.wrongPassword };
    const none = `{"accessKeyId": "${world.secrets.wrongPassword}`;
    const stored = await Promise.all(
      [JSON.stringify(right), JSON.stringify(wrong), none].map(async (each) => storeBucketKeys(world, each)),
    );
    const [rightRef = "", wrongRef = "", noneRef = ""] = stored;
    assert.equal(await createTarget("bucket", rightRef, maintainer.bucket), "online");
    const other = await world.ceph.makeBucket();
    assert.equal(await createTarget("wrong", wrongRef, other.maintainer.bucket), "error");
    assert.equal(await createTarget("none", noneRef, `${other.maintainer.bucket}-x`), "error");
  });
});

test("the mail server, webhooks and settings have their secrets", async (t) => {
  await explained(t, world.tree, async () => {
    const { mails, receiver, secrets } = world;
    const values = {
      smtp_server_name: "127.0.0.1",
      smtp_port: String(mails.port),
      smtp_security: "none",
      smtp_server_username: "cairn",
      smtp_server_password: secrets.smtpPassword,
      smtp_default_sender: "backup@example.org",
      smtp_default_recipient: "operators@example.org",
      smtp_email_enable: "1",
    };
    const settings = Object.entries(values).map(([name, value]) => ({ name, value, is_public: true }));
    await root.createSettings({ body: { settings } });
    const secret = { name: "vault", value: secrets.settingValue, type: "secret" };
    await demo.createSettings({ body: { settings: [secret] } });
    await demo.testEmail({});
    assert.equal(mails.mails[0]?.login, `cairn:${secrets.smtpPassword}`);
    // A server that repeats what it was told, as text and as it came.
    const plain = Buffer.from(`\0cairn\0${secrets.smtpPassword}`).toString("base64");
    mails.options = { answers: { AUTH: `535 5.7.8 ${secrets.smtpPassword} ${plain} is wrong` } };
    await assert.rejects(demo.testEmail({}));
    mails.options = {};
    await demo.createWebhook({
      body: { webhook: { name: "chat", url: receiver.url, secret: secrets.webhook } },
    });
    await demo.createWebhook({
      body: { webhook: { name: "away", url: "http://127.0.0.1:9/x", secret: secrets.webhook } },
    });
    const { webhook } = await demo.createWebhook({ body: { webhook: { name: "own", url: receiver.url } } });
    const rotated = await demo.updateWebhook({
      params: { webhook_id: webhook.id },
      body: { webhook: { rotate_secret: true } },
    });
    // Told this once, to who made it.
    const isTold = (place: string): boolean => /^reply to (POST|PUT) .*\/webhooks/.test(place);
    for (const each of [webhook.secret ?? "", rotated.webhook.secret ?? ""]) {
      assert.match(each, /^whsec_/);
      world.planted.push({ name: "webhook's own secret", value: each, mayBeIn: isTold });
    }
  });
});

test("trusts and application credentials are made", async (t) => {
  await explained(t, world.tree, async () => {
    const guest = await world.apiOf("guest", "demo");
    await demo.createTrust({ body: { trusts: {} } });
    const { trust: made } = await guest.createTrust({ body: { trusts: {} } });
    assert.equal(made[0]?.type, "application_credential_id");
    world.planted.push(...(await sealedSecrets(world)));
  });
});

test("snapshots and restores to both targets, that succeed and that fail", async (t) => {
  await explained(t, world.tree, async () => {
    const { tree } = world;
    const workload = await makeWorkload(tree, "shop", [instance.id]);
    const first = await takeSnapshot(tree, workload);
    await scribble(tree, instance.id, "vda");
    await takeSnapshot(tree, workload);
    const wanted = restoreOptions("selective", [{ id: instance.id, include: true, name: "copy" }]);
    const restored = await endOfRestore(tree, await beginRestore(tree, first.id, wanted));
    assert.equal(restored.status, "available", restored.error_msg ?? "");
    await assert.rejects(beginRestore(tree, first.id, restoreOptions("oneclick")), { status: 400 });
    const [copy] = restored.instances;
    const { workload: bucket } = await demo.createWorkload({
      body: {
        workload: {
          name: "bucket",
          instances: [{ "instance-id": copy?.id ?? "" }],
          backup_target_types: "bucket",
        },
      },
    });
    await whenAvailable(tree, bucket.id);
    await takeSnapshot(tree, bucket.id);
    await whenIdle(tree);
    world.planted.push(...(await repositoryKeys(tree)));
  });
});

test("requests and commands that are wrong are refused", async (t) => {
  await explained(t, world.tree, async () => {
    for (const each of wrongRequests(world.secrets)) {
      const [user, project] = each.isAdmins === true ? ["admin", "admin"] : ["demo", "demo"];
      const status = await world.ask(user, project, each);
      assert.ok(
        [400, 401, 404].includes(status),
        `${each.method} ${each.path} is answered ${String(status)}`,
      );
    }
    await callCommands(world, await credentialOf(world));
    await askEverything(world, "demo", "demo");
    await askEverything(world, "admin", "admin");
  });
});

test("no secret is in a log, reply, mail, listing, audit entry, row, file or command line", async (t) => {
  const { tree, mails, receiver, said } = world;
  await until("the webhook's requests", WAIT_MS, async () =>
    Promise.resolve(receiver.requests.length >= 6 ? true : undefined),
  );
  await processes.stop();
  const places = [
    ...(await logsOf(tree)),
    ...(await tablesOf(tree)),
    ...(await filesBelow(tree)),
    ...processes.seen(),
    ...mails.mails.map(({ data }) => ({ name: "mail", content: data })),
    ...receiver.requests.map((each) => ({ name: "webhook's request", content: JSON.stringify(each) })),
    ...said,
  ];
  const kinds = new Map(places.map(({ name }) => [name.split(" ", 1)[0] ?? "", 0]));
  for (const { name, content } of places) {
    const kind = name.split(" ", 1)[0] ?? "";
    kinds.set(kind, (kinds.get(kind) ?? 0) + content.length);
  }
  t.diagnostic(`looked through ${JSON.stringify(Object.fromEntries(kinds))}`);
  for (const kind of ["log", "table", "file", "process", "mail", "webhook's", "reply", "command"]) {
    assert.ok((kinds.get(kind) ?? 0) > 0, `there is a ${kind} to look through`);
  }
  const search = new Search(world.planted);
  const found = places.flatMap((place) => search.in(place).map((sentence) => ({ sentence, place })));
  for (const { sentence, place } of found) {
    if (place.content.length < SHOWN_MAX) t.diagnostic(`${sentence}:\n${place.content.toString()}`);
  }
  assert.deepEqual(
    found.map(({ sentence }) => sentence),
    [],
  );
});
