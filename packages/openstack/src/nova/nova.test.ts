import assert from "node:assert/strict";
import { test } from "node:test";
import { asId } from "@cairn/kernel";
import { connectCloud } from "../cloud.ts";
import { startRecordedCloud } from "../wire/recorded-cloud.ts";

const instance = asId<"instance">("2ce4c5b3-2866-4972-93ce-77a2ea46a7f9");

/** Nova's API reference, "Show Server Details", response of microversion 2.79 as an admin sees it. */
const SERVER = {
  id: instance,
  name: "new-server-test",
  status: "ACTIVE",
  tenant_id: "6f70656e737461636b20342065766572",
  user_id: "admin",
  metadata: { "My Server Name": "Apache1" },
  hostId: "0e12087af1",
  image: { id: "70a599e0-31e7-49b7-b260-868f441e862b", links: [] },
  flavor: {
    vcpus: 1,
    ram: 512,
    disk: 1,
    ephemeral: 0,
    swap: 0,
    original_name: "m1.tiny.specs",
    extra_specs: { "hw:numa_nodes": "1" },
  },
  created: "2017-02-14T19:23:58Z",
  updated: "2017-02-14T19:24:00Z",
  addresses: {
    private: [
      {
        version: 4,
        addr: "192.168.1.30",
        "OS-EXT-IPS:type": "fixed",
        "OS-EXT-IPS-MAC:mac_addr": "00:0c:29:0d:11:74",
      },
      {
        version: 4,
        addr: "172.24.4.3",
        "OS-EXT-IPS:type": "floating",
        "OS-EXT-IPS-MAC:mac_addr": "00:0c:29:0d:11:74",
      },
    ],
  },
  accessIPv4: "1.2.3.4",
  config_drive: "",
  "OS-DCF:diskConfig": "AUTO",
  "OS-EXT-AZ:availability_zone": "nova",
  "OS-EXT-SRV-ATTR:host": "compute",
  "OS-EXT-SRV-ATTR:hostname": "new-server-test",
  "OS-EXT-SRV-ATTR:instance_name": "instance-00000001",
  "OS-EXT-SRV-ATTR:root_device_name": "/dev/sda",
  "OS-EXT-SRV-ATTR:user_data": "IyEvYmluL2Jhc2gK",
  "OS-EXT-STS:task_state": null,
  "OS-EXT-STS:vm_state": "active",
  "OS-EXT-STS:power_state": 1,
  "os-extended-volumes:volumes_attached": [{ id: "volume_id1", delete_on_termination: false }],
  locked: true,
  key_name: null,
  description: null,
  tags: ["blue"],
  security_groups: [{ name: "default" }],
  server_groups: [],
};

void test("an instance is read with everything that a restore needs, and kept as it came", async () => {
  await using recorded = await startRecordedCloud({
    [`GET /compute/v2.1/servers/${instance}`]: { json: { server: SERVER } },
  });
  const server = await connectCloud(recorded.options()).nova.servers.get(instance);
  assert.deepEqual(server.raw, SERVER);
  assert.deepEqual(
    [server.host, server.hypervisorName, server.isLocked],
    ["compute", "instance-00000001", true],
  );
  assert.deepEqual(
    [server.taskState, server.powerState, server.keyName, server.description, server.hasConfigDrive],
    [undefined, 1, undefined, undefined, false],
  );
  assert.equal(server.imageId, "70a599e0-31e7-49b7-b260-868f441e862b");
  assert.deepEqual(server.flavor, {
    name: "m1.tiny.specs",
    vcpus: 1,
    ramMiB: 512,
    diskGiB: 1,
    ephemeralGiB: 0,
    swapMiB: 0,
    extraSpecs: { "hw:numa_nodes": "1" },
  });
  assert.deepEqual(
    server.addresses.map((each) => [each.network, each.address, each.kind]),
    [
      ["private", "192.168.1.30", "fixed"],
      ["private", "172.24.4.3", "floating"],
    ],
  );
  assert.deepEqual(server.volumes, [{ id: "volume_id1", deleteOnTermination: false }]);
});

void test("what only an admin sees is undefined for a tenant, as is the image of a volume's", async () => {
  const tenants = Object.entries(SERVER).filter(([name]) => !name.startsWith("OS-EXT-SRV-ATTR"));
  const json = {
    servers: [{ ...Object.fromEntries(tenants), image: "", fault: { code: 500, message: "Boom" } }],
  };
  await using recorded = await startRecordedCloud({ "GET /compute/v2.1/servers/detail": { json } });
  const [server] = await connectCloud(recorded.options()).nova.servers.list({
    name: "a.b",
    allProjects: true,
  });
  assert.deepEqual(
    [server?.host, server?.hypervisorName, server?.userData, server?.imageId],
    [undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(server?.fault, { code: 500, message: "Boom" });
  const asked = new URL(recorded.seen.at(-1)?.path ?? "", recorded.url).searchParams;
  assert.equal(asked.get("name"), "^a\\.b$");
  assert.equal(asked.get("all_tenants"), "1");
});

void test("an instance is created with what was given and nothing else", async () => {
  await using recorded = await startRecordedCloud({
    "POST /compute/v2.1/servers": { status: 202, json: { server: { id: instance, links: [] } } },
  });
  const { servers } = connectCloud(recorded.options()).nova;
  const id = await servers.create({
    name: "db",
    flavorId: "f1",
    networks: [{ portId: "port1" }, { networkId: "net1", fixedIp: "10.0.0.9" }],
    blockDevices: [
      {
        source: "volume",
        id: "v1",
        destination: "volume",
        bootIndex: 0,
        deleteOnTermination: false,
        diskBus: "scsi",
      },
    ],
    hasConfigDrive: true,
    serverGroupId: "g1",
    securityGroups: ["web"],
    metadata: { role: "db" },
  });
  assert.equal(id, instance);
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), {
    server: {
      name: "db",
      flavorRef: "f1",
      networks: [{ port: "port1" }, { uuid: "net1", fixed_ip: "10.0.0.9" }],
      block_device_mapping_v2: [
        {
          source_type: "volume",
          destination_type: "volume",
          boot_index: 0,
          delete_on_termination: false,
          uuid: "v1",
          disk_bus: "scsi",
        },
      ],
      metadata: { role: "db" },
      config_drive: true,
      security_groups: [{ name: "web" }],
    },
    "os:scheduler_hints": { group: "g1" },
  });
  await servers.create({
    name: "x",
    flavorId: "f1",
    imageId: "i1",
    networks: "none",
    host: asId<"host">("c1"),
  });
  const bare = { name: "x", flavorRef: "f1", networks: "none", imageRef: "i1", host: "c1" };
  assert.deepEqual(JSON.parse(recorded.seen.at(-1)?.body ?? ""), { server: bare });
});

void test("a flavor, key pair, limit, zone, service and server group are read in Nova's forms", async () => {
  const flavor = {
    id: "1",
    name: "m1.tiny",
    ram: 512,
    disk: 1,
    vcpus: 1,
    swap: "",
    "OS-FLV-EXT-DATA:ephemeral": 0,
    "OS-FLV-DISABLED:disabled": false,
    "os-flavor-access:is_public": false,
    rxtx_factor: 1,
    description: null,
    extra_specs: { a: "b" },
  };
  const absolute = {
    maxTotalInstances: 10,
    totalInstancesUsed: 3,
    maxTotalCores: -1,
    totalCoresUsed: 5,
    maxTotalRAMSize: 51200,
    totalRAMUsed: 512,
  };
  const group = {
    id: "g",
    name: "apart",
    policy: "anti-affinity",
    rules: { max_server_per_host: 2 },
    members: [instance],
  };
  const service = {
    id: "s",
    binary: "nova-compute",
    host: "c1",
    zone: "az1",
    status: "enabled",
    state: "down",
  };
  await using recorded = await startRecordedCloud({
    "GET /compute/v2.1/flavors/detail": { json: { flavors: [flavor] } },
    "GET /compute/v2.1/limits": { json: { limits: { rate: [], absolute } } },
    "GET /compute/v2.1/os-availability-zone": {
      json: { availabilityZoneInfo: [{ zoneName: "az1", zoneState: { available: true }, hosts: null }] },
    },
    "GET /compute/v2.1/os-services": { json: { services: [service] } },
    "GET /compute/v2.1/os-server-groups/g": { json: { server_group: group } },
  });
  const { nova } = connectCloud(recorded.options());
  const [read] = await nova.flavors.list();
  assert.deepEqual([read?.swapMiB, read?.isPublic, read?.extraSpecs], [0, false, { a: "b" }]);
  assert.deepEqual(await nova.limits.get(), {
    instances: { max: 10, used: 3 },
    cores: { max: undefined, used: 5 },
    ramMiB: { max: 51200, used: 512 },
    serverGroups: { max: undefined, used: 0 },
    keyPairsMax: undefined,
  });
  assert.deepEqual(await nova.availabilityZones.list(), [{ name: "az1", isAvailable: true }]);
  assert.equal((await nova.services.list({ host: asId<"host">("c1") }))[0]?.state, "down");
  const found = await nova.serverGroups.find("g");
  assert.deepEqual([found?.members, found?.maxServersPerHost], [[instance], 2]);
});

void test("volumes and ports of an instance are attached and detached by their own calls", async () => {
  const path = `/compute/v2.1/servers/${instance}`;
  const attachment = { id: "v1", volumeId: "v1", serverId: instance, device: "/dev/vdb", tag: null };
  const plugged = {
    port_id: "p1",
    net_id: "n1",
    mac_addr: "fa:16:3e:00:00:01",
    port_state: "ACTIVE",
    fixed_ips: [{ subnet_id: "s1", ip_address: "10.0.0.3" }],
  };
  await using recorded = await startRecordedCloud({
    [`GET ${path}/os-volume_attachments`]: {
      json: { volumeAttachments: [{ ...attachment, delete_on_termination: true }] },
    },
    [`POST ${path}/os-volume_attachments`]: { json: { volumeAttachment: attachment } },
    [`DELETE ${path}/os-volume_attachments/v1`]: { status: 202 },
    [`GET ${path}/os-interface`]: { json: { interfaceAttachments: [plugged] } },
  });
  const { nova } = connectCloud(recorded.options());
  const [volume] = await nova.volumeAttachments.list(instance);
  assert.deepEqual([volume?.device, volume?.deleteOnTermination], ["/dev/vdb", true]);
  const made = await nova.volumeAttachments.attach(instance, { volumeId: asId<"volume">("v1") });
  assert.equal(made.deleteOnTermination, false);
  await nova.volumeAttachments.detach(instance, asId<"volume">("v1"));
  await nova.volumeAttachments.detach(instance, asId<"volume">("absent"));
  assert.deepEqual((await nova.interfaces.list(instance))[0]?.fixedIps, [
    { subnetId: "s1", ipAddress: "10.0.0.3" },
  ]);
});

void test("an instance that is deleted and still shown for a moment is found no more", async () => {
  await using recorded = await startRecordedCloud({
    [`GET /compute/v2.1/servers/${instance}`]: { json: { server: { ...SERVER, status: "DELETED" } } },
  });
  const { servers } = connectCloud(recorded.options()).nova;
  assert.equal(await servers.find(instance), undefined);
  assert.equal(await servers.waitFor(instance, "absent", { withinMs: 1_000 }), undefined);
});
