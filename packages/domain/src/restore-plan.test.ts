import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB } from "@cairn/kernel";
import * as fc from "fast-check";
import type { RestoreObservation } from "./restore-observation.ts";
import { planRestore } from "./restore-plan.ts";
import type { InPlaceInstance, RestoreRequest, SelectiveInstance } from "./restore-request.ts";
import type {
  CreatePortStep,
  CreateSecurityGroupsStep,
  CreateServerStep,
  CreateVolumeStep,
  FinishServerStep,
  PlaceholderImageStep,
  WriteInstanceDiskStep,
  WriteVolumeStep,
} from "./restore-steps.ts";
import { assertPlan, type Plan } from "./run.ts";
import {
  SMALL,
  sampleInstance,
  sampleOriginal,
  sampleRestoreObservation,
  sampleVolumeInstance,
} from "./sample-observations.ts";

function plan(fields: Partial<RestoreObservation> = {}): Plan {
  const verdict = planRestore(sampleRestoreObservation(fields));
  assert.ok(verdict.kind === "planned", verdict.kind === "refused" ? verdict.message : "");
  assertPlan(verdict.plan);
  assert.deepEqual(JSON.parse(JSON.stringify(verdict.plan)), verdict.plan);
  return verdict.plan;
}

function refusal(fields: Partial<RestoreObservation>): string {
  const verdict = planRestore(sampleRestoreObservation(fields));
  assert.ok(verdict.kind === "refused", "the planner refuses");
  return verdict.message;
}

function parametersOf<Parameters>(from: Plan, kind: string): Parameters[] {
  const steps = from.stages.flat().filter((step) => step.kind === kind);
  return steps.map((step) => step.parameters as Parameters);
}

function first<Item>(items: readonly Item[]): Item {
  return both([...items, ...items])[0];
}

function both<Item>(items: readonly Item[]): [Item, Item] {
  const [one, two] = items;
  assert.ok(one !== undefined && two !== undefined, "the plan has such steps");
  return [one, two];
}

const keys = (from: Plan) => from.stages.map((stage) => stage.map((step) => step.key));

const selective = (...instances: Partial<SelectiveInstance>[]): RestoreRequest => ({
  kind: "selective",
  networkMappings: [],
  topology: false,
  securityGroups: false,
  instances: instances.map((fields) => ({ id: "web-id", disks: [], ...fields })),
});

test("a one-click restore writes volumes before instances exist, local disks while they are stopped", () => {
  assert.deepEqual(keys(plan()), [
    ["volume-1-1", "volume-2-1", "image-1"],
    ["write-1-1", "write-2-1", "port-1-1", "port-2-1"],
    ["write-image-1-1", "write-image-2-1"],
    ["server-1", "server-2"],
    ["stop-1"],
    ["write-root-1"],
    ["start-1"],
    ["finish-1", "finish-2"],
  ]);
});

test("instances get each volume from the step that may have made another in its place", () => {
  const made = plan();
  const servers = parametersOf<CreateServerStep>(made, "create-server");
  const given = servers.flatMap((server) => server.volumes.map((volume) => volume.volumeStep));
  const finished = parametersOf<FinishServerStep>(made, "finish-server").flatMap((step) => step.volumeSteps);
  const successors = parametersOf<WriteVolumeStep>(made, "write-volume").map((write) => write.byImageStep);
  const last = made.stages.flat().filter((step) => step.kind === "write-by-image");
  assert.deepEqual(given, ["write-image-1-1", "write-image-2-1"]);
  for (const keyed of [finished, successors, last.map((step) => step.key)]) assert.deepEqual(keyed, given);
});

test("a one-click restore brings back names, addresses, groups, types, metadata and boot order", () => {
  const made = plan();
  const [web, db] = both(parametersOf<CreateServerStep>(made, "create-server"));
  assert.equal(web.name, "web");
  assert.equal(web.flavorId, SMALL.id);
  assert.equal(web.imageStep, "image-1");
  assert.equal(web.keyName, "ana");
  assert.equal(web.availabilityZone, "nova");
  assert.deepEqual(web.metadata, sampleInstance().metadata);
  assert.deepEqual(
    web.volumes.map((volume) => [volume.device, volume.isRoot]),
    [["vdb", false]],
  );
  assert.equal(db.imageStep, null);
  assert.deepEqual(
    db.volumes.map((volume) => [volume.device, volume.isRoot]),
    [["vda", true]],
  );
  const port = first(parametersOf<CreatePortStep>(made, "create-port"));
  assert.equal(port.macAddress, "fa:16:3e:00:00:01");
  assert.deepEqual(port.fixedIps, [{ subnetId: "subnet-1", ipAddress: "10.0.0.11" }]);
  assert.deepEqual(port.securityGroups, [{ kind: "existing", id: "sg-web" }]);
  const volume = first(parametersOf<CreateVolumeStep>(made, "create-volume"));
  assert.equal(volume.volumeType, "fast");
  assert.deepEqual(volume.metadata, { owner: "ana" });
  const writes = parametersOf<WriteVolumeStep>(made, "write-volume");
  assert.deepEqual(
    writes.map((write) => write.isBootable),
    [false, true],
  );
  assert.deepEqual(
    writes.map((write) => write.host),
    ["compute-1", "compute-2"],
  );
});

test("a blank image is as large as the disk, in whole sectors, and has the original's properties", () => {
  const committed = sampleRestoreObservation().committed.map((disk) =>
    disk.diskId === "web-id-vda" ? { ...disk, sizeBytes: 1024 * 1024 + 1 } : disk,
  );
  const image = first(parametersOf<PlaceholderImageStep>(plan({ committed }), "create-placeholder-image"));
  assert.equal(image.virtualSizeBytes, 1024 * 1024 + 512);
  assert.deepEqual(image.image.properties, { hw_disk_bus: "virtio" });
});

test("a one-click restore is refused while any original exists, and names it", () => {
  assert.match(refusal({ originals: [sampleOriginal()] }), /Instance web \(web-id\) still exists/);
});

test("a port that the original left behind is used again instead of fighting for its address", () => {
  const ports = [
    {
      id: "port-web",
      networkId: "net-1",
      macAddress: "fa:16:3e:00:00:01",
      ipAddresses: ["10.0.0.11"],
      isFree: true,
      isOwn: true,
    },
  ];
  const made = plan({ ports });
  const web = first(parametersOf<CreateServerStep>(made, "create-server"));
  assert.deepEqual(web.nics, [{ kind: "existing", portId: "port-web" }]);
  const taken = refusal({ ports: ports.map((port) => ({ ...port, isFree: false })) });
  assert.match(taken, /Address 10\.0\.0\.11 for instance web is taken on network blue/);
  assert.match(taken, /MAC address fa:16:3e:00:00:01 for instance web is taken/);
});

test("security groups that are gone are made again with the groups that their rules refer to", () => {
  const made = plan({ securityGroups: [] });
  const step = first(parametersOf<CreateSecurityGroupsStep>(made, "create-security-groups"));
  assert.deepEqual(
    step.groups.map((group) => group.name),
    ["web", "balancers"],
  );
  const port = first(parametersOf<CreatePortStep>(made, "create-port"));
  assert.deepEqual(port.securityGroups, [
    { kind: "created", groupsStep: "security-groups", capturedId: "sg-web" },
  ]);
  assert.deepEqual(
    made.stages.at(-1)?.map((each) => each.key),
    ["finish-1", "finish-2", "finish-security-groups"],
  );
});

test("a key pair that is gone is imported again; one whose public key is unknown is left out", () => {
  assert.deepEqual(parametersOf(plan({ keyPairs: [] }), "import-key-pair"), [
    { name: "ana", publicKey: "ssh-ed25519 AAAA", type: "ssh" },
  ]);
  const lost = sampleInstance({ keyPair: { name: "ana", publicKey: null, type: "ssh", fingerprint: null } });
  const captured = { ...sampleRestoreObservation().captured, instances: [lost] };
  const made = plan({ keyPairs: [], captured });
  assert.deepEqual(parametersOf(made, "import-key-pair"), []);
  assert.equal(parametersOf<CreateServerStep>(made, "create-server")[0]?.keyName, null);
});

test("a selective restore makes what was chosen, beside the original, with free addresses", () => {
  const made = plan({
    originals: [sampleOriginal()],
    request: selective({
      name: "web-copy",
      flavor: { kind: "properties", vcpus: 4 },
      availabilityZone: "",
      nics: [{ networkId: "net-2", subnetId: "subnet-2", snapshotNetworkId: "net-1" }],
      disks: [{ volumeId: "volume-1", volumeType: "slow" }],
    }),
  });
  const servers = parametersOf<CreateServerStep>(made, "create-server");
  assert.equal(servers.length, 1);
  const server = first(servers);
  assert.equal(server.name, "web-copy");
  assert.equal(server.flavorId, "flavor-large");
  assert.equal(server.availabilityZone, null);
  assert.deepEqual(server.metadata, { role: "web" });
  const port = first(parametersOf<CreatePortStep>(made, "create-port"));
  assert.equal(port.networkId, "net-2");
  assert.equal(port.macAddress, null);
  assert.deepEqual(port.fixedIps, [{ subnetId: "subnet-2", ipAddress: null }]);
  assert.equal(parametersOf<CreateVolumeStep>(made, "create-volume")[0]?.volumeType, "slow");
});

test("a network mapping moves the interfaces that were not chosen one by one", () => {
  const made = plan({
    request: {
      kind: "selective",
      topology: false,
      securityGroups: false,
      instances: [{ id: "web-id", disks: [] }],
      networkMappings: [
        {
          from: { networkId: "net-1", subnetId: "subnet-1" },
          to: { networkId: "net-2", subnetId: "subnet-2" },
        },
      ],
    },
  });
  const port = first(parametersOf<CreatePortStep>(made, "create-port"));
  assert.equal(port.networkId, "net-2");
  assert.deepEqual(port.fixedIps, [{ subnetId: "subnet-2", ipAddress: null }]);
});

test("a refusal names every problem at once", () => {
  const message = refusal({
    request: selective(
      {
        flavor: { kind: "id", id: "no-flavor" },
        availabilityZone: "mars",
        nics: [
          { networkId: "no-net" },
          { networkId: "net-1", subnetId: "subnet-2" },
          { networkId: "net-2", ipAddress: "10.9.9.9" },
        ],
        disks: [{ volumeId: "volume-1", volumeType: "golden" }],
      },
      { id: "stranger" },
    ),
    liveHosts: [],
  });
  for (const problem of [
    /Network no-net for instance web does not exist/,
    /Subnet subnet-2 for instance web is not in network blue/,
    /Address 10\.9\.9\.9 for instance web is in no subnet of network green/,
    /Flavor no-flavor for instance web does not exist/,
    /Availability zone mars for instance web does not exist/,
    /Volume type golden for disk vdb of instance web does not exist/,
    /Instance stranger is not in this snapshot/,
    /No compute node has a live datamover/,
  ]) {
    assert.match(message, problem);
  }
});

test("a flavor that cannot hold the captured root disk is refused", () => {
  const tiny = { ...SMALL, id: "flavor-tiny", name: "tiny", diskGiB: 1 };
  const message = refusal({
    flavors: [tiny],
    request: selective({ flavor: { kind: "id", id: "flavor-tiny" } }),
  });
  assert.match(message, /Flavor tiny is too small for instance web: its disk of 1 GiB/);
  plan({
    flavors: [{ ...tiny, diskGiB: 0 }],
    request: selective({ flavor: { kind: "id", id: "flavor-tiny" } }),
  });
});

test("a flavor is found by what the captured one said, the captured name first", () => {
  const twin = { ...SMALL, id: "twin", name: "another" };
  const server = first(parametersOf<CreateServerStep>(plan({ flavors: [twin, SMALL] }), "create-server"));
  assert.equal(server.flavorId, SMALL.id);
  assert.match(
    refusal({ flavors: [] }),
    /No flavor in this project has 1 vCPUs, 512 MiB of memory, 5 GiB of disk/,
  );
});

test("each quota that would be exceeded is named with its figures", () => {
  const table = [
    { kind: "instances", says: /quota of instances would be exceeded: 2 needed, 9 of 10 in use/ },
    { kind: "cores", says: /quota of vCPUs would be exceeded: 2 needed/ },
    { kind: "ramMiB", says: /quota of MiB of memory would be exceeded: 1024 needed/ },
    { kind: "volumes", says: /quota of volumes would be exceeded: 2 needed/ },
    { kind: "gigabytes", says: /quota of GiB of volumes would be exceeded: 4 needed/ },
    { kind: "ports", says: /quota of ports would be exceeded: 2 needed/ },
  ];
  for (const { kind, says } of table) {
    const allowances = { ...sampleRestoreObservation().allowances, [kind]: { max: 10, used: 9 } };
    assert.match(refusal({ allowances }), says);
  }
  const unlimited = { ...sampleRestoreObservation().allowances, instances: { used: 1e6 } };
  plan({ allowances: unlimited });
});

test("two interfaces of one restore cannot have the same address", () => {
  const nic = { networkId: "net-2", subnetId: "subnet-2", ipAddress: "192.168.7.9" };
  assert.match(
    refusal({ request: selective({ nics: [nic, nic] }) }),
    /Address 192\.168\.7\.9 for instance web is taken on network green/,
  );
});

test("an instance without its boot volume in the snapshot is not made anew", () => {
  const rootless = { ...sampleVolumeInstance(), disks: [] };
  const captured = { ...sampleRestoreObservation().captured, instances: [rootless] };
  assert.match(refusal({ captured }), /Boot volume of instance db is not in this snapshot/);
});

const inPlace = (fields: Partial<InPlaceInstance> = {}): RestoreRequest => ({
  kind: "inplace",
  instances: [{ id: "web-id", localRoot: false, volumeIds: ["volume-1"], ...fields }],
});

test("an in-place restore stops what runs, writes what is ticked and differs, and starts it again", () => {
  const made = plan({ originals: [sampleOriginal()], request: inPlace() });
  assert.deepEqual(keys(made), [["stop-1"], ["write-1"], ["start-1"]]);
  const write = first(parametersOf<WriteInstanceDiskStep>(made, "write-instance-disk"));
  assert.deepEqual(write.source, { kind: "volume", volumeId: "volume-1" });
  assert.equal(write.mode, "differences");
  const off = plan({
    originals: [sampleOriginal({ status: "SHUTOFF" })],
    request: inPlace({ localRoot: true }),
  });
  assert.deepEqual(keys(off), [["write-1", "write-2"]]);
});

test("an in-place restore is refused when instance or disks are not what they were", () => {
  const table = [
    { originals: [], says: /web does not exist any more/ },
    {
      originals: [sampleOriginal({ volumes: [] })],
      says: /volume-1 is not attached to instance web any more/,
    },
    {
      originals: [sampleOriginal({ volumes: [{ volumeId: "volume-1", device: "vdb", sizeGiB: 1 }] })],
      says: /Volume volume-1 has 1\.00 GiB, the snapshot's has 2\.00 GiB/,
    },
    {
      originals: [sampleOriginal({ status: "PAUSED" })],
      says: /web is PAUSED; it must be ACTIVE or SHUTOFF/,
    },
    { originals: [sampleOriginal({ taskState: "resizing" })], says: /being changed \(resizing\)/ },
    {
      originals: [sampleOriginal({ host: "compute-9" })],
      says: /compute-9 of instance web has no live datamover/,
    },
  ];
  for (const { originals, says } of table) assert.match(refusal({ originals, request: inPlace() }), says);
  const nothing = inPlace({ volumeIds: [] });
  assert.match(refusal({ originals: [sampleOriginal()], request: nothing }), /No disk was chosen/);
  const foreign = inPlace({ volumeIds: ["volume-9"] });
  assert.match(
    refusal({ originals: [sampleOriginal()], request: foreign }),
    /volume-9 is no disk of instance web/,
  );
});

test("whatever is asked for, a plan uses no address twice and no network that is not there", () => {
  const nic = fc.record({
    networkId: fc.constantFrom("net-1", "net-2", "net-3"),
    ipAddress: fc.option(fc.constantFrom("10.0.0.5", "192.168.7.5", "192.168.7.6"), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(nic, { minLength: 1, maxLength: 4 }), fc.boolean(), (nics, isTaken) => {
      const ports = isTaken
        ? [
            {
              id: "p",
              networkId: "net-2",
              macAddress: "fa:16:3e:00:00:09",
              ipAddresses: ["192.168.7.5"],
              isFree: false,
              isOwn: false,
            },
          ]
        : [];
      const observed = sampleRestoreObservation({ request: selective({ nics }), ports });
      const verdict = planRestore(observed);
      if (verdict.kind === "refused") return;
      const made = parametersOf<CreatePortStep>(verdict.plan, "create-port");
      const given = made.flatMap(({ networkId, fixedIps }) =>
        (fixedIps ?? []).flatMap((fixed) =>
          fixed.ipAddress === null ? [] : [`${networkId} ${fixed.ipAddress}`],
        ),
      );
      assert.equal(new Set(given).size, given.length);
      assert.ok(!isTaken || !given.includes("net-2 192.168.7.5"));
      assert.ok(made.every((port) => observed.networks.some((network) => network.id === port.networkId)));
    }),
    { numRuns: 200 },
  );
});

test("no volume is smaller than the disk that is written to it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 * GiB }), (sizeBytes) => {
      const committed = sampleRestoreObservation().committed.map((disk) =>
        disk.diskId === "volume-1" ? { ...disk, sizeBytes } : disk,
      );
      const allowances = { ...sampleRestoreObservation().allowances, gigabytes: { used: 0 } };
      const volume = first(parametersOf<CreateVolumeStep>(plan({ committed, allowances }), "create-volume"));
      assert.ok(volume.sizeGiB * GiB >= sizeBytes);
    }),
    { numRuns: 100 },
  );
});
