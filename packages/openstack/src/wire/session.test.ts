import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, describeFault, Fault, Secret } from "@cairn/kernel";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud, tokenDocument } from "./recorded-cloud.ts";

const LOGIN = "POST /v3/auth/tokens";
const SERVERS = "GET /compute/v2.1/servers/detail";

function standingClock(): Clock & { ms: number } {
  return {
    ms: 0,
    now() {
      return this.ms;
    },
    sleep(ms) {
      this.ms += ms;
      return Promise.resolve();
    },
  };
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => assert.fail("it worked"),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Fault, String(error));
  return error;
}

void test("one login serves all calls of a cloud, however many begin at once", async () => {
  await using recorded = await startRecordedCloud({ [SERVERS]: { json: { servers: [] } } });
  const cloud = connectCloud(recorded.options());
  await Promise.all(Array.from({ length: 8 }, async () => cloud.nova.servers.list()));
  assert.equal(recorded.count(LOGIN), 1);
  assert.equal(recorded.count("GET /compute/v2.1/"), 1);
  assert.equal(recorded.count(SERVERS), 8);
});

void test("a token is renewed before it expires, by our own clock", async () => {
  await using recorded = await startRecordedCloud({});
  const clock = standingClock();
  const cloud = connectCloud(recorded.options({ clock }));
  const first = await cloud.token();
  clock.ms = 54 * 60_000;
  assert.equal((await cloud.token()).value, first.value);
  clock.ms = 56 * 60_000;
  assert.equal((await cloud.token()).value.reveal(), "planted-token-2");
});

void test("a token that the cloud rejects is replaced once and the call is made again", async () => {
  await using recorded = await startRecordedCloud({
    [SERVERS]: (request) =>
      request.headers["x-auth-token"] === "planted-token-1"
        ? { status: 401, json: { error: { message: "The request you have made requires authentication." } } }
        : { json: { servers: [] } },
  });
  const cloud = connectCloud(recorded.options());
  assert.deepEqual(await cloud.nova.servers.list(), []);
  assert.equal(recorded.count(LOGIN), 2);
});

void test("a cloud that rejects the new token too is a fault after two attempts", async () => {
  await using recorded = await startRecordedCloud({ [SERVERS]: { status: 401, json: {} } });
  const fault = await faultOf(connectCloud(recorded.options()).nova.servers.list());
  assert.equal(fault.code, "openstack-unauthorized");
  assert.equal(recorded.count(SERVERS), 2);
  assert.equal(recorded.count(LOGIN), 2);
});

void test("wrong credentials are a fault, and the next call tries to log in again", async () => {
  await using recorded = await startRecordedCloud({
    [LOGIN]: { status: 401, json: { error: { message: "no" } } },
  });
  const cloud = connectCloud(recorded.options());
  assert.equal((await faultOf(cloud.token())).code, "openstack-unauthorized");
  await faultOf(cloud.token());
  assert.equal(recorded.count(LOGIN), 2);
});

void test("a token of somebody else is looked up, used as it is and never replaced", async () => {
  await using recorded = await startRecordedCloud({
    "GET /v3/auth/tokens": (request) => ({ json: tokenDocument(`http://${request.headers.host ?? ""}`) }),
    [SERVERS]: { status: 401, json: {} },
  });
  const cloud = connectCloud(
    recorded.options({ credentials: { kind: "token", token: new Secret("theirs") } }),
  );
  assert.equal(await cloud.projectId(), "p1");
  assert.equal(await cloud.userId(), "u1");
  assert.equal((await cloud.token()).value.reveal(), "theirs");
  assert.equal((await faultOf(cloud.nova.servers.list())).code, "openstack-unauthorized");
  assert.equal(recorded.count(LOGIN), 0);
  assert.equal(recorded.count(SERVERS), 1);
});

void test("a token of somebody else that is worthless is a fault of authentication", async () => {
  await using recorded = await startRecordedCloud({ "GET /v3/auth/tokens": { status: 404, json: {} } });
  const credentials = { kind: "token" as const, token: new Secret("theirs") };
  const fault = await faultOf(connectCloud(recorded.options({ credentials })).token());
  assert.equal(fault.code, "openstack-unauthorized");
});

void test("who gives up waiting for a login does not take it away from the others", async () => {
  await using recorded = await startRecordedCloud({});
  const cloud = connectCloud(recorded.options());
  const leaving = new AbortController();
  const gone = cloud.token(leaving.signal);
  const staying = cloud.token();
  leaving.abort(new Error("enough"));
  await assert.rejects(gone, /enough/);
  assert.equal((await staying).user.name, "demo");
  assert.equal(recorded.count(LOGIN), 1);
});

void test("a token that is for no project says so when a project is asked for", async () => {
  await using recorded = await startRecordedCloud({
    [LOGIN]: {
      status: 201,
      headers: { "x-subject-token": "unscoped" },
      json: tokenDocument("http://127.0.0.1", { project: undefined, catalog: undefined }),
    },
  });
  const cloud = connectCloud(recorded.options());
  assert.equal((await faultOf(cloud.projectId())).code, "openstack-no-project");
  assert.equal((await faultOf(cloud.endpoint("compute"))).code, "openstack-no-endpoint");
});

void test("a service that is not in the catalogue of the region is named in the fault", async () => {
  await using recorded = await startRecordedCloud({});
  const cloud = connectCloud(recorded.options({ region: "Mars" }));
  const fault = await faultOf(cloud.nova.servers.list());
  assert.equal(fault.code, "openstack-no-endpoint");
  assert.match(fault.message, /public address of service compute in region Mars/);
});

void test("every request carries the global request id, and a view can have its own", async () => {
  await using recorded = await startRecordedCloud({ [SERVERS]: { json: { servers: [] } } });
  const cloud = connectCloud(recorded.options({ globalRequestId: "req-ours" }));
  await cloud.nova.servers.list();
  assert.ok(recorded.seen.every((each) => each.headers["x-openstack-request-id"] === "req-ours"));
  await cloud.withRequestId("req-other").nova.servers.list();
  assert.equal(recorded.seen.at(-1)?.headers["x-openstack-request-id"], "req-other");
  assert.equal(recorded.count(LOGIN), 1);
});

void test("calls of nova and cinder name the newest microversion that both sides know", async () => {
  await using recorded = await startRecordedCloud({
    [SERVERS]: { json: { servers: [] } },
    "GET /volume/v3/p1/volumes/detail": { json: { volumes: [] } },
  });
  const cloud = connectCloud(recorded.options());
  await cloud.nova.servers.list();
  assert.equal(recorded.seen.at(-1)?.headers["openstack-api-version"], "compute 2.79");
  await cloud.cinder.volumes.list();
  assert.equal(recorded.seen.at(-1)?.headers["openstack-api-version"], "volume 3.59");
});

void test("a service that is too old for a field is refused before the call is made", async () => {
  await using recorded = await startRecordedCloud({
    "GET /compute/v2.1/": { json: { version: { id: "v2.1", version: "2.65", min_version: "2.1" } } },
  });
  const disk = { source: "blank", destination: "volume", bootIndex: 0, deleteOnTermination: true } as const;
  const blockDevices = [{ ...disk, sizeGiB: 1, volumeType: "fast" }];
  const creation = { name: "x", flavorId: "f", networks: "none" as const, blockDevices };
  const fault = await faultOf(connectCloud(recorded.options()).nova.servers.create(creation));
  assert.equal(fault.code, "openstack-too-old");
  assert.match(
    fault.message,
    /creating instance x: needs microversion 2.67 and the service speaks 2.1 to 2.65/,
  );
  assert.equal(recorded.count("POST /compute/v2.1/servers"), 0);
});

void test("a service's own token goes beside a user's to every service but keystone", async () => {
  await using recorded = await startRecordedCloud({
    "GET /v3/auth/tokens": (request) => ({ json: tokenDocument(`http://${request.headers.host ?? ""}`) }),
    [SERVERS]: (request) => ({
      status: 400,
      json: { badRequest: { message: `seen ${String(request.headers["x-service-token"])}` } },
    }),
  });
  const credentials = { kind: "token" as const, token: new Secret("theirs") };
  const serviceToken = async () => Promise.resolve(new Secret("planted-service"));
  const cloud = connectCloud(recorded.options({ credentials, serviceToken }));
  const fault = await faultOf(cloud.nova.servers.list());
  assert.match(describeFault(fault), /seen \[secret\]/);
  const sent = recorded.seen.map((each) => [each.path.slice(0, 3), each.headers["x-service-token"]]);
  assert.deepEqual(sent, [
    ["/v3", undefined],
    ["/co", undefined],
    ["/co", "planted-service"],
  ]);
});

void test("a trust and an application credential log in with their own bodies", async () => {
  await using recorded = await startRecordedCloud({});
  const user = { id: "svc" };
  const trust = { kind: "trust" as const, user, password: new Secret("pw"), trustId: "t1" };
  await connectCloud(recorded.options({ credentials: trust })).token();
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    auth: {
      identity: { methods: ["password"], password: { user: { id: "svc", password: "pw" } } },
      scope: { "OS-TRUST:trust": { id: "t1" } },
    },
  });
  const credential = { name: "cli", user: { name: "demo", domain: { name: "Default" } } };
  const application = { kind: "application-credential" as const, credential, secret: new Secret("s") };
  await connectCloud(recorded.options({ credentials: application })).token();
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    auth: {
      identity: {
        methods: ["application_credential"],
        application_credential: {
          name: "cli",
          user: { name: "demo", domain: { name: "Default" } },
          secret: "s",
        },
      },
    },
  });
  const token = { kind: "token" as const, token: new Secret("old"), scope: { kind: "unscoped" as const } };
  await connectCloud(recorded.options({ credentials: token })).token();
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    auth: { identity: { methods: ["token"], token: { id: "old" } }, scope: "unscoped" },
  });
});
