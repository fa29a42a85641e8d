import assert from "node:assert/strict";
import { test } from "node:test";
import { asId } from "@cairn/kernel";
import { connectCloud } from "./cloud.ts";
import { type Play, type RecordedCloud, startRecordedCloud } from "./wire/recorded-cloud.ts";

/** A cloud of the release Queens: Nova to 2.60, Cinder to 3.50, Glance to 2.6. */
async function startQueens(plays: Readonly<Record<string, Play>>): Promise<RecordedCloud> {
  return startRecordedCloud({
    "GET /compute/v2.1/": { json: { version: { id: "v2.1", version: "2.60", min_version: "2.1" } } },
    "GET /volume/v3/": { json: { versions: [{ id: "v3.0", version: "3.50", min_version: "3.0" }] } },
    "GET /image/": { status: 300, json: { versions: [{ id: "v2.6" }, { id: "v2.5" }] } },
    ...plays,
  });
}

const lastBody = (recorded: RecordedCloud): unknown => JSON.parse(recorded.seen.at(-1)?.body ?? "");

void test("an old nova gives a flavor's extra specs only when asked for them", async () => {
  const flavor = { id: "f", name: "tiny", vcpus: 1, ram: 64, disk: 0, swap: "" };
  await using recorded = await startQueens({
    "GET /compute/v2.1/flavors/f": { json: { flavor } },
    "GET /compute/v2.1/flavors/f/os-extra_specs": { json: { extra_specs: { "hw:cpu_policy": "dedicated" } } },
  });
  const found = await connectCloud(recorded.options()).nova.flavors.get("f");
  assert.deepEqual(found.extraSpecs, { "hw:cpu_policy": "dedicated" });
  assert.equal(recorded.seen.at(-1)?.headers["openstack-api-version"], "compute 2.60");
});

void test("an old nova has a list of one policy in a server group", async () => {
  const group = { id: "g", name: "pair", policies: ["affinity"], members: [], metadata: {} };
  await using recorded = await startQueens({
    "POST /compute/v2.1/os-server-groups": { json: { server_group: group } },
  });
  const made = await connectCloud(recorded.options()).nova.serverGroups.create({
    name: "pair",
    policy: "affinity",
  });
  assert.equal(made.policy, "affinity");
  assert.deepEqual(lastBody(recorded), { server_group: { name: "pair", policies: ["affinity"] } });
});

const SERVER = {
  id: "42",
  status: "ACTIVE",
  tenant_id: "p1",
  user_id: "u1",
  flavor: { original_name: "tiny", vcpus: 1, ram: 64, disk: 0, ephemeral: 0, swap: 0 },
  image: "",
  addresses: {},
};

void test("an old nova tells the server groups of an instance by their members", async () => {
  const groups = ["g1", "g2"].map((id) => ({
    id,
    name: id,
    policies: ["affinity"],
    members: id === "g2" ? ["42"] : [],
  }));
  await using recorded = await startQueens({
    "GET /compute/v2.1/servers/42": { json: { server: SERVER } },
    "GET /compute/v2.1/os-server-groups": (request) => ({
      json: { server_groups: request.path.includes("offset") ? [] : groups },
    }),
  });
  const server = await connectCloud(recorded.options()).nova.servers.get(asId<"instance">("42"));
  assert.deepEqual(server.serverGroupIds, ["g2"]);
});

void test("an old nova gets the host of a new instance behind its zone", async () => {
  await using recorded = await startQueens({
    "POST /compute/v2.1/servers": { status: 202, json: { server: { id: "42" } } },
  });
  const { servers } = connectCloud(recorded.options()).nova;
  const host = asId<"host">("compute1");
  const server = { name: "x", flavorId: "f", networks: "none" as const, host };
  await servers.create({ ...server, availabilityZone: "az1" });
  assert.match(JSON.stringify(lastBody(recorded)), /"availability_zone":"az1:compute1"/);
  await servers.create(server);
  assert.match(JSON.stringify(lastBody(recorded)), /"availability_zone":":compute1"/);
  assert.doesNotMatch(JSON.stringify(lastBody(recorded)), /"host"/);
});

void test("an old cinder attaches for reading and writing, and cannot for reading alone", async () => {
  const attachment = { id: "a1", volume_id: "v", instance: "i", status: "reserved" };
  await using recorded = await startQueens({ "POST /volume/v3/p1/attachments": { json: { attachment } } });
  const { attachments } = connectCloud(recorded.options()).cinder;
  const volumeId = asId<"volume">("v");
  await attachments.create({ volumeId, instanceId: "i", mode: "rw" });
  assert.deepEqual(lastBody(recorded), { attachment: { volume_uuid: "v", instance_uuid: "i" } });
  await assert.rejects(attachments.create({ volumeId, instanceId: "i", mode: "ro" }), {
    code: "openstack-too-old",
  });
});

void test("an old glance hides nothing, so images are neither hidden nor looked for as hidden", async () => {
  const image = { id: "i1", status: "queued" };
  await using recorded = await startQueens({
    "POST /image/v2/images": { status: 201, json: image },
    "PATCH /image/v2/images/i1": { json: image },
    "GET /image/v2/images": { json: { images: [image] } },
  });
  const { images } = connectCloud(recorded.options()).glance;
  await images.create({ name: "x", diskFormat: "raw", containerFormat: "bare", isHidden: true });
  assert.doesNotMatch(recorded.seen.at(-1)?.body ?? "", /os_hidden/);
  await images.patch("i1", [
    { op: "replace", path: "os_hidden", value: true },
    { op: "replace", path: "name", value: "y" },
  ]);
  assert.deepEqual(lastBody(recorded), [{ op: "replace", path: "/name", value: "y" }]);
  assert.equal((await images.list({ isHidden: true })).length, 1);
  assert.doesNotMatch(recorded.seen.at(-1)?.path ?? "", /os_hidden/);
});
