import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, Fault } from "@cairn/kernel";
import { connectCloud } from "../cloud.ts";
import { VersionMemory } from "./discovery.ts";
import { catalogueOf, type Play, startRecordedCloud, tokenDocument } from "./recorded-cloud.ts";

const LOGIN = "POST /v3/auth/tokens";

/** A login whose catalogue has these addresses, at the host that was asked. */
const withCatalogue =
  (paths: Readonly<Record<string, string>>): Play =>
  ({ headers }) => {
    const url = `http://${headers.host ?? ""}`;
    const addresses = Object.entries(paths).map(([type, path]) => [type, `${url}${path}`]);
    const catalog = catalogueOf(Object.fromEntries(addresses) as Record<string, string>);
    return {
      status: 201,
      headers: { "x-subject-token": "planted" },
      json: tokenDocument(url, { catalog }),
    };
  };

const nova = (id: string, most: string, href: string) => ({
  id,
  version: most,
  min_version: most === "" ? "" : "2.1",
  links: [{ rel: "self", href }],
});

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => assert.fail("it worked"),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Fault, String(error));
  return error;
}

void test("an address without a version is asked for it; links to inner hosts are not followed", async () => {
  await using recorded = await startRecordedCloud({
    [LOGIN]: withCatalogue({
      compute: "/compute",
      "block-storage": "/volume",
      network: "/net",
      image: "/img",
    }),
    "GET /compute/": {
      json: {
        versions: [
          nova("v2.0", "", "http://inner:8774/v2/"),
          nova("v2.1", "2.93", "http://inner:8774/v2.1/"),
        ],
      },
    },
    "GET /compute/v2.1/": { json: { version: nova("v2.1", "2.93", "http://inner:8774/v2.1/") } },
    "GET /compute/v2.1/servers/detail": { json: { servers: [] } },
    "GET /volume/": {
      status: 300,
      json: { versions: [{ id: "v3.0", version: "3.70", min_version: "3.0", links: [] }] },
    },
    "GET /volume/v3/": { json: { versions: [{ id: "v3.0", version: "3.70", min_version: "3.0" }] } },
    "GET /volume/v3/p1/volumes/detail": { json: { volumes: [] } },
    "GET /net/": {
      json: { versions: [{ id: "v2.0", links: [{ rel: "self", href: "http://inner:9696/v2.0/" }] }] },
    },
    "GET /net/v2.0/networks": { json: { networks: [] } },
    "GET /img/": {
      status: 300,
      json: { versions: [{ id: "v2.15", links: [{ rel: "self", href: "http://inner:9292/v2/" }] }] },
    },
    "GET /img/v2/images": { json: { images: [] } },
  });
  const cloud = connectCloud(recorded.options());
  await cloud.nova.servers.list();
  assert.equal(recorded.seen.at(-1)?.headers["openstack-api-version"], "compute 2.79");
  await cloud.cinder.volumes.list();
  await cloud.neutron.networks.list();
  await cloud.glance.images.list({ isHidden: true });
  assert.match(recorded.seen.at(-1)?.path ?? "", /os_hidden=true/);
  await cloud.neutron.networks.list();
  assert.equal(recorded.count("GET /net/"), 1);
});

void test("an address with a version is believed, whatever the service's root says", async () => {
  await using recorded = await startRecordedCloud({
    [LOGIN]: withCatalogue({ network: "/net/v2.0", volumev2: "/volume/v2/p1" }),
    "GET /net/v2.0/networks": { json: { networks: [] } },
    "GET /volume/v3/": { json: { versions: [{ id: "v3.0", version: "3.50", min_version: "3.0" }] } },
    "GET /volume/v3/p1/volumes/detail": { json: { volumes: [] } },
  });
  const cloud = connectCloud(recorded.options());
  await cloud.neutron.networks.list();
  await cloud.cinder.volumes.list();
  assert.equal(recorded.seen.at(-1)?.headers["openstack-api-version"], "volume 3.50");
  assert.equal(recorded.count("GET /net/"), 0);
});

void test("a root that a proxy does not let through leaves the usual address", async () => {
  const pages: readonly Play[] = [
    { status: 404, text: "nothing here" },
    { status: 403, text: "no" },
    { text: "<html>Welcome</html>" },
    { status: 500, text: "oops" },
  ];
  for (const page of pages) {
    await using recorded = await startRecordedCloud({
      [LOGIN]: withCatalogue({ network: "/net" }),
      "GET /net/": page,
      "GET /net/v2.0/networks": { json: { networks: [] } },
    });
    assert.deepEqual(await connectCloud(recorded.options()).neutron.networks.list(), []);
  }
});

void test("microversions are looked for at the root when the version's address hides them", async () => {
  await using recorded = await startRecordedCloud({
    "GET /compute/v2.1/": { status: 404, json: {} },
    "GET /compute/": { json: { versions: [nova("v2.1", "2.65", "http://inner/v2.1/")] } },
    "GET /compute/v2.1/servers/detail": { json: { servers: [] } },
  });
  await connectCloud(recorded.options()).nova.servers.list();
  assert.equal(recorded.seen.at(-1)?.headers["openstack-api-version"], "compute 2.65");
});

void test("a service without our major version says which it has", async () => {
  await using recorded = await startRecordedCloud({
    [LOGIN]: withCatalogue({ "block-storage": "/volume" }),
    "GET /volume/": { status: 300, json: { versions: [{ id: "v1.0" }, { id: "v2.0" }] } },
  });
  const fault = await faultOf(connectCloud(recorded.options()).cinder.volumes.list());
  assert.equal(fault.code, "openstack-too-old");
  assert.match(fault.message, /version v3 of the volume service, which speaks v1.0, v2.0/);
});

void test("who does not answer is asked again later, and a refused token is replaced", async () => {
  const versions: Play = { json: { version: nova("v2.1", "2.93", "http://inner/v2.1/") } };
  await using recorded = await startRecordedCloud({
    "GET /compute/v2.1/": [{ status: 401, json: {} }, "drop", "drop", "drop", versions],
    "GET /compute/v2.1/servers/detail": { json: { servers: [] } },
  });
  const cloud = connectCloud(recorded.options());
  assert.equal((await faultOf(cloud.nova.servers.list())).code, "openstack-unavailable");
  assert.equal(recorded.count(LOGIN), 2);
  assert.deepEqual(await cloud.nova.servers.list(), []);
});

void test("clouds that share a memory ask once, until an hour has passed", async () => {
  await using recorded = await startRecordedCloud({
    "GET /compute/v2.1/servers/detail": { json: { servers: [] } },
  });
  const clock: Clock & { ms: number } = { ms: 0, now: () => clock.ms, sleep: async () => Promise.resolve() };
  const versions = new VersionMemory();
  const list = async () => connectCloud(recorded.options({ versions, clock })).nova.servers.list();
  await list();
  await list();
  assert.equal(recorded.count("GET /compute/v2.1/"), 1);
  clock.ms = 3_600_000;
  await list();
  assert.equal(recorded.count("GET /compute/v2.1/"), 2);
});

void test("a cloud on IPv6 is as good as any", async () => {
  await using recorded = await startRecordedCloud(
    {
      "GET /compute/v2.1/servers/detail": { json: { servers: [] } },
      "GET /network/": { json: { versions: [{ id: "v2.0", links: [] }] } },
      "GET /network/v2.0/networks": { json: { networks: [] } },
    },
    "::1",
  );
  const cloud = connectCloud(recorded.options());
  assert.match(await cloud.endpoint("compute"), /^http:\/\/\[::1\]:\d+\/compute\/v2.1$/);
  assert.deepEqual(await cloud.nova.servers.list(), []);
  assert.deepEqual(await cloud.neutron.networks.list(), []);
});
