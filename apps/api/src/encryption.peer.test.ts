import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApiClient, connectApi } from "@cairn/contract";
import { findWorkload } from "@cairn/database";
import { Rejection } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

const PROJECT = "1".repeat(32);
const OTHER = "2".repeat(32);
const BAD = "Either the secret UUID or the payload of the secret is invalid";
const KEY = fakeId("key");
const PHRASE = fakeId("phrase");
const payload = Buffer.alloc(32, 0x9b);
const phrase = Buffer.from("a passphrase of the tenant's");

let api: TestApi;
let anna: ApiClient;
let rita: ApiClient;
let count = 0;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("anna", { userId: "anna", projectId: PROJECT, roles: ["member", "reader"] });
  // May make workloads by a policy of her cloud's, and reads no secrets.
  api.cloud.tokens.set("rita", { userId: "rita", projectId: PROJECT, roles: ["admin"] });
  const { secrets, orders, containers } = api.cloud.barbican;
  secrets.set(KEY, { projectId: PROJECT, payload });
  secrets.set(PHRASE, { projectId: PROJECT, payload: phrase, type: "passphrase", contentType: "text/plain" });
  secrets.set(fakeId("opaque"), { projectId: PROJECT, payload, type: "opaque" });
  secrets.set(fakeId("again"), { projectId: PROJECT, payload });
  secrets.set(fakeId("empty"), { projectId: PROJECT, payload: Buffer.alloc(0) });
  secrets.set(fakeId("public"), { projectId: PROJECT, payload, type: "public" });
  secrets.set(fakeId("broken"), { projectId: PROJECT, payload, status: "ERROR" });
  secrets.set(fakeId("foreign"), { projectId: OTHER, payload });
  orders.set(fakeId("order"), [KEY]);
  orders.set(fakeId("pending"), []);
  containers.set(fakeId("box"), [PHRASE]);
  containers.set(fakeId("crate"), [KEY, PHRASE]);
  api.cloud.cinder.volumes.set(fakeId("luks"), { projectId: PROJECT, sizeGiB: 1, isEncrypted: true });
  api.cloud.cinder.volumes.set(fakeId("plain"), { projectId: PROJECT, sizeGiB: 1 });
  const endpoint = `${api.url}/v1/${PROJECT}`;
  anna = connectApi({ endpoint, token: async () => "anna" });
  rita = connectApi({ endpoint, token: async () => "rita" });
});

after(async () => api[Symbol.asyncDispose]());

function instance(volumes: readonly string[] = []): string {
  count += 1;
  const id = fakeId(`instance-${count}`);
  api.cloud.servers.set(id, { name: `i${count}`, projectId: PROJECT, metadata: {}, volumes });
  return id;
}

interface Asked {
  readonly encryption?: boolean;
  readonly secret_uuid?: string | null;
}

async function make(asked: Asked, id = instance(), by = anna): Promise<string> {
  const workload = { name: "w", instances: [{ "instance-id": id }], ...asked };
  return (await by.createWorkload({ body: { workload } })).workload.id;
}

async function shown(workload_id: string) {
  return (await anna.showWorkload({ params: { workload_id } })).workload;
}

async function refusal(work: Promise<unknown>): Promise<Rejection> {
  const outcome = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(outcome instanceof Rejection, String(outcome));
  return outcome;
}

test("a key or a passphrase, by id or address, in an order or a container, encrypts a workload", async () => {
  const place = "http://barbican.example/key-manager/v1";
  const named: readonly (readonly [string, string])[] = [
    [KEY, KEY],
    [PHRASE, PHRASE],
    [fakeId("opaque"), fakeId("opaque")],
    [`${place}/secrets/${KEY}`, KEY],
    [`${place}/orders/${fakeId("order")}`, KEY],
    [`${place}/containers/${fakeId("box")}`, PHRASE],
  ];
  for (const [asked, id] of named) {
    const workload = await shown(await make({ encryption: true, secret_uuid: asked }));
    assert.deepEqual([workload.encryption, workload.secret_uuid], [true, id], asked);
  }
  const { workloads } = await anna.listWorkloadsDetail({ query: {} });
  assert.equal(workloads.filter(({ encryption }) => encryption).length, named.length);
});

test("an unencrypted workload is what clients ask for with an empty secret", async () => {
  for (const secret_uuid of ["", null, undefined, " "]) {
    const asked = { encryption: false, ...(secret_uuid === undefined ? {} : { secret_uuid }) };
    const workload = await shown(await make(asked));
    assert.deepEqual([workload.encryption, workload.secret_uuid], [false, null]);
  }
});

const place = "http://barbican.example/key-manager/v1";
const refused: readonly (readonly [string, Asked, string | RegExp, string, RegExp])[] = [
  ["no secret", { encryption: true }, /needs the secret/, "workload.secret_uuid", /openstack secret list/],
  ["an empty one", { encryption: true, secret_uuid: "" }, /needs the secret/, "workload.secret_uuid", /UUID/],
  ["no encryption", { secret_uuid: KEY }, /not to be encrypted/, "workload.encryption", /encryption: true/],
  ["a word", { encryption: true, secret_uuid: "invalid" }, BAD, "workload.secret_uuid", /no UUID/],
  [
    "an unknown one",
    { encryption: true, secret_uuid: fakeId("no") },
    BAD,
    "workload.secret_uuid",
    /no secret/,
  ],
  [
    "no payload",
    { encryption: true, secret_uuid: fakeId("empty") },
    BAD,
    "workload.secret_uuid",
    /no payload/,
  ],
  ["half a pair", { encryption: true, secret_uuid: fakeId("public") }, BAD, "workload.secret_uuid", /public/],
  [
    "an unsound one",
    { encryption: true, secret_uuid: fakeId("broken") },
    BAD,
    "workload.secret_uuid",
    /ERROR/,
  ],
  ["another's", { encryption: true, secret_uuid: fakeId("foreign") }, BAD, "workload.secret_uuid", /creator/],
  [
    "an order that has not ended",
    { encryption: true, secret_uuid: `${place}/orders/${fakeId("pending")}` },
    BAD,
    "workload.secret_uuid",
    /no secret in it yet/,
  ],
  [
    "a container of two",
    { encryption: true, secret_uuid: `${place}/containers/${fakeId("crate")}` },
    BAD,
    "workload.secret_uuid",
    new RegExp(`Name one of its secrets: ${KEY}, ${PHRASE}`),
  ],
  [
    "an unknown container",
    { encryption: true, secret_uuid: `${place}/containers/${KEY}` },
    BAD,
    "workload.secret_uuid",
    /no container/,
  ],
];
test("a secret that is none, or has no payload, is refused with its field, and makes nothing", async () => {
  for (const [what, asked, words, field, remedy] of refused) {
    const id = instance();
    const details = await refusal(make(asked, id));
    if (typeof words === "string") assert.equal(details.message, words, what);
    else assert.match(details.message, words, what);
    assert.deepEqual([details.status, details.field], [400, field], what);
    assert.match(details.remedy, remedy, what);
    assert.deepEqual(api.cloud.servers.get(id)?.metadata, {}, `${what}: nor is anything marked`);
  }
});

test("whoever may not read secrets makes no encrypted workload", async () => {
  const details = await refusal(make({ encryption: true, secret_uuid: KEY }, instance(), rita));
  assert.equal(details.message, BAD);
  assert.match(details.remedy, /a role such as creator/);
});

test("a cloud without Barbican says so", async () => {
  api.cloud.barbican.isThere = false;
  try {
    api.cloud.tokens.set("anna-later", { userId: "anna", projectId: PROJECT, roles: ["member"] });
    const later = connectApi({ endpoint: `${api.url}/v1/${PROJECT}`, token: async () => "anna-later" });
    const details = await refusal(make({ encryption: true, secret_uuid: KEY }, instance(), later));
    assert.match(details.message, /no key manager \(Barbican\)/);
    assert.deepEqual([details.status, details.field], [400, "workload.encryption"]);
    await make({ encryption: false, secret_uuid: "" }, instance(), later);
  } finally {
    api.cloud.barbican.isThere = true;
  }
});

test("encryption and secret stay; the same payload under another id is the same secret", async () => {
  const id = await make({ encryption: true, secret_uuid: KEY });
  const change = async (workload: Asked & { readonly name?: string }) =>
    anna.modifyWorkload({ params: { workload_id: id }, body: { workload } });
  const plain = await refusal(change({ encryption: false, name: "renamed" }));
  assert.match(plain.message, /decided when it was created/);
  const another = await refusal(change({ secret_uuid: PHRASE }));
  assert.match(another.message, /fixed when it is created/);
  assert.deepEqual([another.field, another.value], ["workload.secret_uuid", PHRASE]);
  assert.equal((await refusal(change({ secret_uuid: fakeId("empty") }))).message, BAD);
  await change({ name: "still sealed" });
  await change({ encryption: true, secret_uuid: KEY });
  const kept = await shown(id);
  assert.deepEqual([kept.name, kept.encryption, kept.secret_uuid], ["still sealed", true, KEY]);
  await change({ secret_uuid: fakeId("again") });
  assert.equal((await shown(id)).secret_uuid, fakeId("again"));
});

test("an unencrypted workload gets no secret later", async () => {
  const workload_id = await make({});
  for (const workload of [{ encryption: true, secret_uuid: KEY }, { secret_uuid: KEY }]) {
    const details = await refusal(anna.modifyWorkload({ params: { workload_id }, body: { workload } }));
    assert.equal(details.status, 400);
  }
  await anna.modifyWorkload({
    params: { workload_id },
    body: { workload: { encryption: false, secret_uuid: "" } },
  });
  assert.equal((await shown(workload_id)).encryption, false);
});

test("an instance with an encrypted volume is a member of an encrypted workload alone", async () => {
  const luks = instance([fakeId("plain"), fakeId("luks")]);
  const words = `Unencrypted workload cannot have instance: ${luks} with encrypted Volume: ${fakeId("luks")}`;
  assert.equal((await refusal(make({}, luks))).message, words);
  const first = instance([fakeId("plain")]);
  const workload_id = await make({}, first);
  const instances = [first, luks].map((id) => ({ "instance-id": id }));
  const change = { params: { workload_id }, body: { workload: { instances } } };
  assert.equal((await refusal(anna.modifyWorkload(change))).message, words);
  assert.equal((await shown(workload_id)).instances.length, 1);
  assert.equal((await shown(await make({ encryption: true, secret_uuid: KEY }, luks))).instances.length, 1);
});

test("no payload is in a row, an answer or a line of the log", async () => {
  const id = await make({ encryption: true, secret_uuid: PHRASE });
  const row = await findWorkload(api.database.handle, { id });
  const places = [JSON.stringify(row), JSON.stringify(await shown(id)), api.lines.join("\n")].join("\n");
  for (const secret of [payload, phrase]) {
    for (const form of ["base64", "hex", "latin1"] as const)
      assert.ok(!places.includes(secret.toString(form)));
  }
});
