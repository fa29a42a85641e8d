import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { inspect } from "node:util";
import { asId, describeFault, Fault, Rejection, Secret } from "@cairn/kernel";
import { type CloudOptions, connectCloud } from "../cloud.ts";
import type { CloudLogEntry } from "./exchange.ts";
import { type Play, type Recorded, type Seen, startRecordedCloud } from "./recorded-cloud.ts";
import { cloudReplyOf } from "./refusal.ts";

const instance = asId<"instance">("42");
const START = "POST /compute/v2.1/servers/42/action";
const SHOW = "GET /compute/v2.1/servers/42";

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => assert.fail("it worked"),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Fault, inspect(error));
  return error;
}

async function refusedStart(play: Play, change?: Partial<CloudOptions>): Promise<Fault> {
  await using recorded = await startRecordedCloud({ [START]: play });
  return await faultOf(connectCloud(recorded.options(change)).nova.servers.start(instance));
}

void test("a refusal says what we did, in the cloud's words why, and where to look in its log", async () => {
  const fault = await refusedStart({
    status: 409,
    headers: { "retry-after": "3" },
    json: { conflictingRequest: { code: 409, message: "Cannot 'start' while it is active" } },
  });
  assert.equal(fault.code, "openstack-conflict");
  assert.equal(
    describeFault(fault),
    "starting instance 42: HTTP 409: Cannot 'start' while it is active (request req-of-the-cloud)",
  );
  assert.equal(cloudReplyOf(fault)?.retryAfterMs, 3000);
  assert.equal(cloudReplyOf(fault)?.status, 409);
});

void test("what is absent is undefined if looked for, a fault if demanded, and deletes well", async () => {
  await using recorded = await startRecordedCloud({});
  const { servers } = connectCloud(recorded.options()).nova;
  assert.equal(await servers.find(instance), undefined);
  assert.equal((await faultOf(servers.get(instance))).code, "openstack-not-found");
  await servers.delete(instance);
});

void test("a read that is not answered in time is unavailable and is not repeated", async () => {
  await using recorded = await startRecordedCloud({ [SHOW]: "hang" });
  const fault = await faultOf(
    connectCloud(recorded.options({ requestTimeoutMs: 150 })).nova.servers.get(instance),
  );
  assert.equal(fault.code, "openstack-unavailable");
  assert.equal(fault.retry, "later");
  assert.equal(recorded.count(SHOW), 1);
});

void test("a write that is not answered in time has an unknown outcome and is not repeated", async () => {
  await using recorded = await startRecordedCloud({ [START]: "hang" });
  const cloud = connectCloud(recorded.options({ requestTimeoutMs: 150 }));
  const fault = await faultOf(cloud.nova.servers.start(instance));
  assert.equal(fault.code, "openstack-outcome-unknown");
  assert.equal(fault.message, "starting instance 42");
  assert.equal(recorded.count(START), 1);
});

void test("a connection that breaks makes a read unavailable and a write's outcome unknown", async () => {
  assert.equal((await refusedStart("drop")).code, "openstack-outcome-unknown");
  await using recorded = await startRecordedCloud({ [SHOW]: ["drop", "cut"] });
  const { servers } = connectCloud(recorded.options()).nova;
  assert.equal((await faultOf(servers.get(instance))).code, "openstack-unavailable");
  assert.equal((await faultOf(servers.get(instance))).code, "openstack-unavailable");
});

void test("a write that could not even connect is unavailable: nothing was sent", async () => {
  await using recorded = await startRecordedCloud({});
  const gone = await startRecordedCloud({});
  await gone[Symbol.asyncDispose]();
  const toNowhere: typeof fetch = async (url, init) =>
    fetch(typeof url === "string" && url.endsWith("/action") ? gone.url : url, init);
  const cloud = connectCloud(recorded.options({ fetch: toNowhere }));
  assert.equal((await faultOf(cloud.nova.servers.start(instance))).code, "openstack-unavailable");
});

void test("a creation that was sent is not hung up on, so that what it made can be found", async () => {
  const stop = new AbortController();
  const reason = new Error("the run was cancelled");
  const volume = { id: "v", name: "n", size: 1, status: "creating", bootable: "false", metadata: {} };
  await using recorded = await startRecordedCloud({
    "POST /volume/v3/p1/volumes": () => {
      stop.abort(reason);
      return { status: 202, json: { volume } };
    },
  });
  const { volumes } = connectCloud(recorded.options()).cinder;
  const wanted = { name: "n", sizeGiB: 1 };
  assert.equal((await volumes.create(wanted, stop.signal)).id, "v");
  await assert.rejects(volumes.create(wanted, stop.signal), reason);
  assert.equal(recorded.count("POST /volume/v3/p1/volumes"), 1, "none is sent after the wish to stop");
});

void test("an aborted call ends with the caller's own reason", async () => {
  await using recorded = await startRecordedCloud({ [SHOW]: "hang" });
  const cloud = connectCloud(recorded.options());
  await cloud.token();
  const stop = new AbortController();
  const reason = new Error("the run was cancelled");
  const call = cloud.nova.servers.get(instance, stop.signal);
  setImmediate(() => stop.abort(reason));
  await assert.rejects(call, (error) => error === reason);
});

void test("an answer that makes no sense is a fault that names the field", async () => {
  await using recorded = await startRecordedCloud({
    [SHOW]: [{ json: { server: { id: 7 } } }, { text: "<html>welcome</html>" }, { json: { instance: {} } }],
  });
  const { servers } = connectCloud(recorded.options()).nova;
  const wrongField = await faultOf(servers.get(instance));
  assert.equal(wrongField.code, "openstack-bad-reply");
  assert.match(wrongField.message, /answer\.server\.id/);
  assert.equal((await faultOf(servers.get(instance))).code, "openstack-bad-reply");
  assert.match((await faultOf(servers.get(instance))).message, /answer\.server /);
});

void test("an id that would lead to another path is never sent", async () => {
  await using recorded = await startRecordedCloud({});
  const { servers } = connectCloud(recorded.options()).nova;
  for (const id of ["", ".", ".."]) {
    await assert.rejects(servers.get(asId<"instance">(id)), Rejection);
  }
  await servers.find(asId<"instance">("../flavors?x=1"));
  assert.equal(recorded.seen.at(-1)?.path, "/compute/v2.1/servers/..%2Fflavors%3Fx%3D1");
});

void test("a list is read to its last page, by Nova's links, Glance's and Keystone's", async () => {
  await using recorded = await startRecordedCloud({
    "GET /compute/v2.1/os-keypairs": (request) => {
      const last = request.path.includes("marker=k2");
      const names = last ? ["k3"] : ["k1", "k2"];
      const keypairs = names.map((name) => ({
        keypair: { name, type: "ssh", fingerprint: "f", public_key: "ssh-rsa A" },
      }));
      const next = { rel: "next", href: "http://inside.example/v2.1/os-keypairs?limit=2&marker=k2" };
      return { json: { keypairs, ...(last ? {} : { keypairs_links: [next] }) } };
    },
    "GET /image/v2/images": (request) => {
      const last = request.path.includes("marker=i1");
      const image = { id: last ? "i2" : "i1", status: "active" };
      const next = "/v2/images?limit=500&marker=i1&name=a";
      return { json: { images: [image], ...(last ? {} : { next }) } };
    },
    "GET /v3/roles": {
      json: { roles: [{ id: "r", name: "member", domain_id: null }], links: { next: null } },
    },
  });
  const cloud = connectCloud(recorded.options());
  const keyPairs = await cloud.nova.keyPairs.list();
  assert.deepEqual(
    keyPairs.map((each) => each.name),
    ["k1", "k2", "k3"],
  );
  const images = await cloud.glance.images.list({ name: "a" });
  assert.deepEqual(
    images.map((each) => each.id),
    ["i1", "i2"],
  );
  assert.equal((await cloud.keystone.roles.list({})).length, 1);
});

void test("a list that never ends, or that the cloud cut off, is a fault and not half a list", async () => {
  await using recorded = await startRecordedCloud({
    "GET /image/v2/images": { json: { images: [], next: "/v2/images?marker=same" } },
    "GET /v3/users": { json: { users: [], truncated: true } },
  });
  const cloud = connectCloud(recorded.options());
  assert.equal((await faultOf(cloud.glance.images.list())).code, "openstack-bad-reply");
  assert.equal((await faultOf(cloud.keystone.users.list({}))).code, "openstack-bad-reply");
});

void test("an image goes up and comes down as a stream", async () => {
  await using recorded = await startRecordedCloud({
    "PUT /image/v2/images/i1/file": { status: 204 },
    "GET /image/v2/images/i1/file": {
      text: "the bytes",
      headers: { "content-type": "application/octet-stream" },
    },
  });
  const { images } = connectCloud(recorded.options()).glance;
  await images.upload("i1", pieces("one ", "two"));
  assert.equal(recorded.seen.at(-1)?.body, "one two");
  assert.equal((await buffer(images.download("i1"))).toString(), "the bytes");
});

void test("a transfer that is refused or stands still is a fault", async () => {
  await using recorded = await startRecordedCloud({
    "PUT /image/v2/images/i1/file": { status: 409, json: { message: "Not queued", code: "409 Conflict" } },
    "PUT /image/v2/images/i2/file": "hang",
    "GET /image/v2/images/i1/file": { status: 403, text: "<html><body><h1>403</h1>no</body></html>" },
    "GET /image/v2/images/i2/file": "cut",
  });
  const { images } = connectCloud(recorded.options({ requestTimeoutMs: 200 })).glance;
  assert.equal((await faultOf(images.upload("i1", pieces("x")))).code, "openstack-conflict");
  assert.equal((await faultOf(images.upload("i2", pieces("x")))).code, "openstack-outcome-unknown");
  assert.equal((await faultOf(buffer(images.download("i1")))).code, "openstack-forbidden");
  assert.equal((await faultOf(buffer(images.download("i2")))).code, "openstack-unavailable");
});

void test("no secret shows in an error or in the log, even if the cloud repeats them", async () => {
  const log: CloudLogEntry[] = [];
  const repeating = (request: Seen): Recorded => ({
    status: 400,
    json: { error: { message: `${JSON.stringify(request.headers)} ${request.body}` } },
  });
  await using recorded = await startRecordedCloud({ [START]: repeating, "GET /v3/auth/tokens": repeating });
  await using closed = await startRecordedCloud({ "POST /v3/auth/tokens": repeating });
  const options = recorded.options({ log: (entry) => log.push(entry) });
  const cloud = connectCloud(options);
  const faults = [
    await faultOf(cloud.nova.servers.start(instance)),
    await faultOf(cloud.keystone.tokens.validate(new Secret("planted-foreign-token"))),
    await faultOf(connectCloud(closed.options()).token()),
    await faultOf(connectCloud(recorded.options({ fetch: throwing })).token()),
  ];
  const told = inspect([faults, faults.map(describeFault), log, options, await cloud.token()], { depth: 20 });
  assert.match(told, /\[secret\]/);
  assert.match(told, /openstack\.request/);
  assert.equal(told.match(/planted/), null);
});

function throwing(): Promise<Response> {
  return Promise.reject(new TypeError("cannot send planted-password"));
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
