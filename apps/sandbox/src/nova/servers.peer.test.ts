import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { connectQmp } from "@cairn/qmp";
import { at, openSandbox, type RunningSandbox, textIn, until } from "../testing/running-sandbox.ts";
import { openTenant, type Tenant } from "../testing/tenant.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

let sandbox: RunningSandbox;
let demo: Tenant;
let admin: Tenant;
let imageId: string;
const imageBytes = Buffer.concat([randomBytes(MiB), Buffer.alloc(3 * MiB)]);
before(async () => {
  sandbox = await openSandbox();
  demo = await openTenant(sandbox, "demo", "demo");
  admin = await openTenant(sandbox, "admin", "admin");
  imageId = await demo.makeImage(imageBytes);
});
after(async () => sandbox[Symbol.asyncDispose]());

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const hook = async (path: string) => sandbox.ask("GET", `/sandbox${path}`);

const guestWrites = async (id: string, device: string, offset: number, bytes: Buffer) =>
  sandbox.ask("POST", `/sandbox/instances/${id}/disks/${device}/write?offset=${offset}`, { bytes });

const diskHash = async (id: string, device: string): Promise<string> =>
  textIn((await hook(`/instances/${id}/disks/${device}/sha256`)).json, "sha256");

async function removeServer(id: string): Promise<void> {
  assert.equal((await demo.compute("DELETE", `/servers/${id}`)).status, 204);
  await demo.serverGone(id);
}

for (const { zone, format } of [
  { zone: "az1", format: "qcow2" },
  { zone: "az2", format: "raw" },
]) {
  void test(`a local ${format} disk boots in ${zone} and keeps a guest's writes`, async () => {
    const id = await demo.makeServer({ imageRef: imageId, availability_zone: zone });
    const shown = await demo.compute("GET", `/servers/${id}`);
    assert.equal(at(shown.json, "server", "status"), "ACTIVE");
    assert.equal(at(shown.json, "server", "OS-EXT-STS:power_state"), 1);
    assert.equal(await diskHash(id, "vda"), sha256(imageBytes));
    const written = Buffer.from(imageBytes);
    const text = randomBytes(70_001);
    text.copy(written, 12_345);
    assert.equal((await guestWrites(id, "vda", 12_345, text)).status, 200);
    assert.equal(await diskHash(id, "vda"), sha256(written));
    const domain = (await hook(`/instances/${id}`)).json;
    assert.equal(at(domain, "disks", 0, "format"), format);
    assert.equal(at(domain, "disks", 0, "qdevId"), "disk-vda");
    await demo.compute("POST", `/servers/${id}/action`, { "os-stop": null });
    await demo.serverStatus(id, "SHUTOFF");
    assert.equal(await diskHash(id, "vda"), sha256(written));
    await demo.compute("POST", `/servers/${id}/action`, { "os-start": null });
    await demo.serverStatus(id, "ACTIVE");
    assert.notEqual(
      at((await hook(`/instances/${id}`)).json, "disks", 0, "nodeName"),
      at(domain, "disks", 0, "nodeName"),
    );
    await removeServer(id);
  });
}

void test("zeroes and discards of the guest read as zeroes", async () => {
  const id = await demo.makeServer({ imageRef: imageId, availability_zone: "az1" });
  const range = (offset: number, length: number) => `?offset=${offset}&length=${length}`;
  const disk = `/instances/${id}/disks/vda`;
  await sandbox.ask("POST", `/sandbox${disk}/zero${range(0, 65_536)}`);
  await sandbox.ask("POST", `/sandbox${disk}/discard${range(131_072, 65_536)}`);
  const expected = Buffer.from(imageBytes);
  expected.fill(0, 0, 65_536);
  const { bytes } = await hook(`${disk}/export`);
  assert.equal(bytes.subarray(0, 131_072).compare(expected.subarray(0, 131_072)), 0);
  const part = await hook(`${disk}/read${range(1000, 100)}`);
  assert.deepEqual(part.bytes, expected.subarray(1000, 1100));
  assert.equal(at((await hook(`${disk}/digest`)).json, "size_bytes"), imageBytes.length);
  assert.equal((await guestWrites(id, "vda", imageBytes.length, Buffer.alloc(512))).status, 500);
  await removeServer(id);
});

void test("an image whose size is no multiple of 512 makes a disk that is rounded up", async () => {
  const odd = randomBytes(MiB + 1);
  const image = await demo.makeImage(odd);
  for (const zone of ["az1", "az2"]) {
    const id = await demo.makeServer({ imageRef: image, availability_zone: zone });
    const { bytes } = await hook(`/instances/${id}/disks/vda/export`);
    assert.equal(bytes.length, MiB + 512);
    assert.deepEqual(bytes.subarray(0, odd.length), odd);
    await removeServer(id);
  }
});

void test("a server boots from a volume, with further volumes, and lets go of them in the end", async () => {
  const boot = await demo.makeVolume({ size: 1, imageRef: imageId, volume_type: "nfs-raw" });
  const data = await demo.makeVolume({ size: 1 });
  const id = await demo.makeServer({
    block_device_mapping_v2: [
      { boot_index: 0, uuid: boot, source_type: "volume", destination_type: "volume" },
      { uuid: data, source_type: "volume", destination_type: "volume" },
      { source_type: "blank", destination_type: "volume", volume_size: 1, delete_on_termination: true },
    ],
  });
  const shown = (await demo.compute("GET", `/servers/${id}`)).json;
  assert.equal(at(shown, "server", "status"), "ACTIVE");
  assert.equal(at(shown, "server", "image"), "");
  const attached = at(shown, "server", "os-extended-volumes:volumes_attached") as object[];
  assert.deepEqual(
    attached.map((each) => at(each, "delete_on_termination")),
    [false, false, true],
  );
  const blank = textIn(attached, 2, "id");
  const { bytes } = await hook(`/instances/${id}/disks/vda/read?length=${imageBytes.length}`);
  assert.equal(sha256(bytes), sha256(imageBytes));
  assert.equal(at((await demo.volume("GET", `/volumes/${boot}`)).json, "volume", "status"), "in-use");
  assert.equal(
    at((await demo.volume("GET", `/volumes/${boot}`)).json, "volume", "attachments", 0, "device"),
    "/dev/vda",
  );
  const mine = at(
    (await demo.volume("GET", `/attachments?instance_id=${id}`)).json,
    "attachments",
  ) as object[];
  const refused = await demo.volume("DELETE", `/attachments/${textIn(mine, 0, "id")}`);
  assert.equal(refused.status, 409);
  await guestWrites(id, "vdb", 4096, Buffer.from("guest"));
  await removeServer(id);
  assert.equal(at((await demo.volume("GET", `/volumes/${boot}`)).json, "volume", "status"), "available");
  await until(
    "the blank volume is gone",
    async () => (await demo.volume("GET", `/volumes/${blank}`)).status === 404,
  );
  assert.equal((await hook(`/volumes/${data}/read?offset=4096&length=5`)).bytes.toString(), "guest");
});

void test("volumes are plugged into and out of a running instance, but not out of a backup job", async () => {
  const id = await demo.makeServer({ imageRef: imageId, availability_zone: "az1" });
  const volume = await demo.makeVolume({ size: 1 });
  const put = await demo.compute("POST", `/servers/${id}/os-volume_attachments`, {
    volumeAttachment: { volumeId: volume },
  });
  assert.equal(put.status, 200);
  assert.equal(at(put.json, "volumeAttachment", "device"), "/dev/vdb");
  await demo.volumeStatus(volume, "in-use");
  assert.equal((await guestWrites(id, "vdb", 0, Buffer.from("here"))).status, 200);
  const twice = await demo.compute("POST", `/servers/${id}/os-volume_attachments`, {
    volumeAttachment: { volumeId: volume },
  });
  assert.equal(twice.status, 400);
  const unplug = async () => demo.compute("DELETE", `/servers/${id}/os-volume_attachments/${volume}`);
  const domain = (await hook(`/instances/${id}`)).json;
  const qmp = await connectQmp({ path: textIn(domain, "qmpSocket"), timeoutMs: 10_000 });
  const target = { driver: "null-co", "node-name": "target", size: 2 ** 30 };
  await qmp.execute("blockdev-add", target);
  const job = {
    "job-id": "held",
    device: textIn(domain, "disks", 1, "nodeName"),
    target: "target",
    sync: "none",
  };
  await qmp.execute("blockdev-backup", job);
  assert.equal((await unplug()).status, 202);
  // Detaching lasts some milliseconds only; that it came back shows the disk, which is still there.
  await demo.volumeStatus(volume, "in-use");
  assert.equal((at((await hook(`/instances/${id}`)).json, "disks") as unknown[]).length, 2);
  const ended = qmp.waitFor("BLOCK_JOB_CANCELLED", () => true);
  await qmp.execute("block-job-cancel", { device: "held" });
  await ended;
  qmp.close();
  assert.equal((await unplug()).status, 202);
  await demo.volumeStatus(volume, "available");
  assert.equal((at((await hook(`/instances/${id}`)).json, "disks") as unknown[]).length, 1);
  assert.deepEqual(
    (at((await hook(`/instances/${id}/nodes`)).json, "nodes") as string[]).filter((name) =>
      name.includes("vdb"),
    ),
    [],
  );
  const unknown = await demo.compute("DELETE", `/servers/${id}/os-volume_attachments/${volume}`);
  assert.equal(unknown.status, 404);
  await removeServer(id);
});

void test("twenty volumes fit on one instance", async () => {
  const volumes = await Promise.all(Array.from({ length: 20 }, async () => demo.makeVolume({ size: 1 })));
  const id = await demo.makeServer({
    imageRef: imageId,
    block_device_mapping_v2: volumes.map((uuid) => ({
      uuid,
      source_type: "volume",
      destination_type: "volume",
    })),
  });
  const disks = at((await hook(`/instances/${id}`)).json, "disks") as object[];
  assert.equal(disks.length, 21);
  assert.deepEqual(
    disks.slice(1).map((disk) => at(disk, "serial")),
    volumes,
  );
  const last = textIn(disks, 20, "device");
  assert.equal(last, "vdu");
  assert.equal((await guestWrites(id, last, 0, Buffer.from("last"))).status, 200);
  await removeServer(id);
  for (const volume of volumes) await demo.volume("DELETE", `/volumes/${volume}`);
});

void test("a QEMU that dies shows as SHUTOFF, and the server starts again", async () => {
  const id = await demo.makeServer({ imageRef: imageId, availability_zone: "az2" });
  assert.equal((await sandbox.ask("POST", `/sandbox/instances/${id}/kill-qemu`)).status, 204);
  await demo.serverStatus(id, "SHUTOFF");
  assert.equal(at((await hook(`/instances/${id}`)).json, "state"), "shutoff");
  await demo.compute("POST", `/servers/${id}/action`, { "os-start": null });
  await demo.serverStatus(id, "ACTIVE");
  assert.equal(await diskHash(id, "vda"), sha256(imageBytes));
  await removeServer(id);
});

void test("a restarted sandbox finds its instances again and can still end them", async () => {
  const id = await demo.makeServer({ imageRef: imageId, availability_zone: "az1" });
  const before = at((await hook("/qemu")).json, "list", 0, "pid");
  await sandbox.restart("keep");
  assert.equal(at((await hook("/qemu")).json, "list", 0, "pid"), before);
  assert.equal((await guestWrites(id, "vda", 0, Buffer.from("after"))).status, 200);
  await sandbox.restart("kill");
  assert.deepEqual(at((await hook("/qemu")).json, "list"), []);
  await demo.serverStatus(id, "SHUTOFF");
  const { bytes } = await hook(`/instances/${id}/disks/vda/read?length=5`);
  assert.equal(bytes.toString(), "after");
  await removeServer(id);
});

void test("a host that vanishes keeps its servers in the books and gives them back stopped", async () => {
  const id = await demo.makeServer({ imageRef: imageId, availability_zone: "az1" });
  const stray = await demo.makeServer({ imageRef: imageId, availability_zone: "az1" });
  await sandbox.ask("POST", "/sandbox/hosts/compute1/vanish");
  await demo.serverStatus(id, "ACTIVE");
  const services = await admin.compute("GET", "/os-services?binary=nova-compute&host=compute1");
  assert.equal(at(services.json, "services", 0, "state"), "down");
  const refused = await demo.makeServer({ imageRef: imageId, availability_zone: "az1" });
  const shown = (await demo.compute("GET", `/servers/${refused}`)).json;
  assert.equal(at(shown, "server", "status"), "ERROR");
  assert.equal(at(shown, "server", "fault", "message"), "No valid host was found. ");
  await removeServer(stray);
  await sandbox.ask("POST", "/sandbox/hosts/compute1/return");
  await demo.serverStatus(id, "SHUTOFF");
  assert.equal((at((await hook("/state")).json, "servers") as unknown[]).length, 2);
  await removeServer(id);
  await removeServer(refused);
});

void test("a host that fails while building leaves a server in ERROR and nothing else", async () => {
  const volume = await demo.makeVolume({ size: 1 });
  const fault = { effect: { kind: "host-fails", message: "internal error: no room" } };
  await sandbox.ask("POST", "/sandbox/faults", { json: fault });
  const network = textIn((await demo.network("GET", "/networks?name=private")).json, "networks", 0, "id");
  const portsBefore = (at((await demo.network("GET", "/ports")).json, "ports") as unknown[]).length;
  const id = await demo.makeServer({
    imageRef: imageId,
    networks: [{ uuid: network }],
    block_device_mapping_v2: [{ uuid: volume, source_type: "volume", destination_type: "volume" }],
  });
  const shown = (await demo.compute("GET", `/servers/${id}`)).json;
  assert.equal(at(shown, "server", "status"), "ERROR");
  assert.match(textIn(shown, "server", "fault", "message"), /internal error: no room/);
  await demo.volumeStatus(volume, "available");
  assert.equal((at((await demo.network("GET", "/ports")).json, "ports") as unknown[]).length, portsBefore);
  await removeServer(id);
});

void test("given ports are free again after their server, ports that Nova made are gone", async () => {
  const network = textIn((await demo.network("GET", "/networks?name=private")).json, "networks", 0, "id");
  const given = textIn(
    (await demo.network("POST", "/ports", { port: { network_id: network } })).json,
    "port",
    "id",
  );
  const id = await demo.makeServer({
    imageRef: imageId,
    networks: [{ port: given }, { uuid: network, fixed_ip: "10.10.0.200" }],
  });
  const shown = (await demo.compute("GET", `/servers/${id}`)).json;
  const addresses = at(shown, "server", "addresses", "private") as object[];
  assert.ok(addresses.some((each) => at(each, "addr") === "10.10.0.200"));
  const interfaces = at(
    (await demo.compute("GET", `/servers/${id}/os-interface`)).json,
    "interfaceAttachments",
  ) as object[];
  assert.equal(interfaces.length, 2);
  const taken = await demo.compute("POST", "/servers", {
    server: { name: "x", flavorRef: "42", imageRef: imageId, networks: [{ port: given }] },
  });
  assert.equal(taken.status, 409);
  await removeServer(id);
  const port = (await demo.network("GET", `/ports/${given}`)).json;
  assert.equal(at(port, "port", "device_id"), "");
  const rest = await demo.network("GET", "/ports?fixed_ips=ip_address=10.10.0.200");
  assert.deepEqual(at(rest.json, "ports"), []);
});
