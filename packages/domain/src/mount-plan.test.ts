import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB } from "@cairn/kernel";
import {
  type DismountObservation,
  type MountObservation,
  mountQuestions,
  planSnapshotDismount,
  planSnapshotMount,
} from "./mount-plan.ts";
import type { PlannedStep, PlanVerdict } from "./run.ts";
import { sampleInstance, sampleRestoreObservation, sampleVolume } from "./sample-observations.ts";
import { mountDevice, mountFolder, mountUrl } from "./snapshot-mount.ts";

const RECOVERY = {
  id: "recovery-id",
  name: "recovery",
  status: "ACTIVE",
  host: "compute-2",
  addresses: [
    { address: "10.0.0.40", version: 4, kind: "fixed" },
    { address: "172.24.4.7", version: 4, kind: "floating" },
  ],
} as const;

/** The sample's snapshot of three disks, and an instance that runs. */
function observation(fields: Partial<MountObservation> = {}): MountObservation {
  const { captured, committed, volumeTypeNames, allowances, capacity, liveHosts } =
    sampleRestoreObservation();
  return {
    snapshotId: "snapshot-1",
    captured,
    committed,
    instanceId: RECOVERY.id,
    instance: RECOVERY,
    volumeTypeNames,
    allowances,
    capacity,
    liveHosts,
    mountingHosts: liveHosts,
    ...fields,
  };
}

function stagesOf(verdict: PlanVerdict): readonly (readonly PlannedStep[])[] {
  assert.equal(verdict.kind, "planned", verdict.kind === "refused" ? verdict.message : "");
  assert.deepEqual(JSON.parse(JSON.stringify(verdict.plan)), verdict.plan, "a plan survives JSON");
  return verdict.plan.stages;
}

function refusalOf(fields: Partial<MountObservation>): string {
  const verdict = planSnapshotMount(observation(fields));
  assert.equal(verdict.kind, "refused");
  return verdict.message;
}

test("a mount makes a volume of each disk, writes it, attaches it and has the guest mount all", () => {
  const stages = stagesOf(planSnapshotMount(observation()));
  assert.deepEqual(
    stages.map((stage) => [...new Set(stage.map((step) => step.kind))]),
    [["create-volume"], ["write-volume"], ["write-by-image"], ["attach-volume"], ["mount-in-guest"]],
  );
  assert.deepEqual(
    stages[0]?.map(({ parameters }) => parameters),
    [
      { name: "cairn-mount web vda", sizeGiB: 5, volumeType: null, availabilityZone: null },
      { name: "cairn-mount web vdb", sizeGiB: 2, volumeType: "fast", availabilityZone: "nova" },
      { name: "cairn-mount db vda", sizeGiB: 2, volumeType: "fast", availabilityZone: "nova" },
    ].map((volume) => ({
      ...volume,
      description: "A copy of a disk of snapshot snapshot-1; it is deleted when the snapshot is dismounted.",
      metadata: { cairn_mount: "snapshot-1" },
    })),
  );
  assert.deepEqual(
    stages[1]?.map(({ parameters }) => (parameters as { host: string }).host),
    ["compute-1", "compute-2", "compute-1"],
    "written from all hosts",
  );
  assert.deepEqual(stages[3]?.[1], {
    key: "attach-2",
    kind: "attach-volume",
    parameters: { volumeStep: "write-image-2", instanceId: "recovery-id", instanceName: "recovery" },
  });
  const common = { instanceId: "web-id", instanceName: "web", folder: "web_web-id" };
  assert.deepEqual(stages[4]?.[0]?.parameters, {
    snapshotId: "snapshot-1",
    instanceId: "recovery-id",
    instanceName: "recovery",
    host: "compute-2",
    url: "sftp://172.24.4.7/mnt/cairn/snapshot-1",
    disks: [
      { ...common, volumeStep: "write-image-1", diskId: "web-id-vda", device: "vda" },
      { ...common, volumeStep: "write-image-2", diskId: "volume-1", device: "vdb" },
      {
        volumeStep: "write-image-3",
        diskId: "volume-root",
        instanceId: "db-id",
        instanceName: "db",
        folder: "db_db-id",
        device: "vda",
      },
    ],
  });
});

test("a volume type that is gone gives way to the default, but not for what was encrypted", () => {
  const [create] = stagesOf(planSnapshotMount(observation({ volumeTypeNames: ["slow"] })));
  assert.deepEqual(
    create?.map(({ parameters }) => (parameters as { volumeType: unknown }).volumeType),
    [null, null, null],
  );
  const volume = sampleVolume("volume-1");
  assert.equal(volume.source.kind, "volume");
  const disks = [{ ...volume, source: { ...volume.source, isEncrypted: true } }];
  const { captured } = observation();
  const encrypted = { captured: { ...captured, instances: [sampleInstance({ disks })] } };
  assert.equal(planSnapshotMount(observation(encrypted)).kind, "planned");
  assert.match(
    refusalOf({ ...encrypted, volumeTypeNames: ["slow"] }),
    /^Disk vdb of instance web was an encrypted volume, and the volume type fast does not exist any more/,
  );
});

test("everything that speaks against a mount is told at once", () => {
  const allowances = {
    ...observation().allowances,
    volumes: { max: 10, used: 8 },
    volumeTypes: { fast: { volumes: { max: 1, used: 0 }, gigabytes: { used: 0 } } },
  };
  const message = refusalOf({ instance: { ...RECOVERY, status: "PAUSED" }, allowances });
  assert.match(
    message,
    /The mount instance recovery \(recovery-id\) is PAUSED; start it: it must be ACTIVE\./,
  );
  assert.match(message, /quota of volumes would be exceeded: 3 needed, 8 of 10 in use\./);
  assert.match(message, /quota of volumes of type fast would be exceeded: 2 needed, 0 of 1 in use\./);
});

const REFUSED: readonly (readonly [string, Partial<MountObservation>, RegExp])[] = [
  ["is gone", { instance: undefined }, /^The mount instance recovery-id does not exist in this project\.$/],
  [
    "is on no host",
    { instance: { ...RECOVERY, host: undefined } },
    /cannot be reached: its compute node has no live datamover/,
  ],
  [
    "is where no datamover is",
    { liveHosts: ["compute-1"] },
    /its compute node compute-2 has no live datamover/,
  ],
  [
    "is where the datamover cannot have guests mount",
    { mountingHosts: ["compute-1"] },
    /datamover of its compute node compute-2 is of an earlier release; upgrade it, or choose/,
  ],
];
for (const [why, fields, message] of REFUSED) {
  test(`a mount in an instance that ${why} is refused`, () => {
    assert.match(refusalOf(fields), message);
  });
}

test("a disk that is not committed, a snapshot without disks and a full pool are refused", () => {
  assert.match(refusalOf({ committed: [] }), /^Disk vda of instance web is not in the snapshot's commit\./);
  const { captured } = observation();
  assert.match(
    refusalOf({ captured: { ...captured, instances: [] } }),
    /^This snapshot has no disk to mount\.$/,
  );
  const pool = {
    name: "pool",
    totalGiB: 10,
    freeGiB: 1,
    provisionedGiB: 9,
    reservedPercent: 0,
    isThin: false,
    overSubscription: undefined,
  };
  const capacity = { noRoom: [], pools: { fast: [pool] } };
  assert.match(
    refusalOf({ capacity }),
    /Volume type fast has no room for disk vdb of instance web: 2 GiB needed/,
  );
  assert.deepEqual(mountQuestions(observation()), { rooms: [], volumeTypes: ["fast"] });
});

test("a copy is as large as what was written, also of a disk that its volume was smaller than", () => {
  const committed = observation().committed.map((disk) => ({ ...disk, sizeBytes: 7 * GiB + 1 }));
  const [create] = stagesOf(planSnapshotMount(observation({ committed })));
  const sizes = create?.map(({ parameters }) => (parameters as { sizeGiB: number }).sizeGiB);
  assert.deepEqual(sizes, [8, 8, 8]);
});

function dismounting(fields: Partial<DismountObservation> = {}): DismountObservation {
  return {
    snapshotId: "snapshot-1",
    instanceId: RECOVERY.id,
    instanceName: RECOVERY.name,
    copies: [{ volumeId: "copy-1" }, { volumeId: "copy-2" }],
    instance: RECOVERY,
    liveHosts: ["compute-2"],
    ...fields,
  };
}

test("a dismount asks the guest, detaches and deletes, in this order", () => {
  const stages = stagesOf(planSnapshotDismount(dismounting()));
  assert.deepEqual(
    stages.map((stage) => stage.map(({ kind, key }) => `${kind} ${key}`)),
    [
      ["unmount-in-guest guest"],
      ["detach-copy detach-1", "detach-copy detach-2"],
      ["delete-copy delete-1", "delete-copy delete-2"],
    ],
  );
  const parameters = { snapshotId: "snapshot-1", instanceId: "recovery-id", volumeId: "copy-2" };
  assert.deepEqual(stages[1]?.[1]?.parameters, parameters);
});

test("only a guest that runs is asked to let go; one out of reach is not, and that is told", () => {
  for (const instance of [undefined, { ...RECOVERY, status: "SHUTOFF" }]) {
    const stages = stagesOf(planSnapshotDismount(dismounting({ instance })));
    assert.deepEqual(
      stages.map((stage) => stage[0]?.kind),
      ["detach-copy", "delete-copy"],
    );
  }
  const [first] = stagesOf(planSnapshotDismount(dismounting({ liveHosts: [] })));
  assert.equal(first?.[0]?.kind, "note");
  assert.match(JSON.stringify(first[0].parameters), /without its guest having unmounted them/);
});

test("a snapshot that was mounted with nothing is dismounted with nothing to do", () => {
  const stages = stagesOf(planSnapshotDismount(dismounting({ copies: [], instance: undefined })));
  assert.deepEqual(stages, []);
});

test("folders and devices have letters that no shell and no file system minds", () => {
  assert.equal(mountFolder({ id: "a-1", name: "web" }), "web_a-1");
  assert.equal(mountFolder({ id: "a-1", name: "../数 $(x)" }), ".._____x__a-1");
  const long = mountFolder({ id: "a-1", name: "n".repeat(300) });
  assert.equal(long.length, 255);
  assert.ok(long.endsWith("n_a-1"));
  assert.equal(mountDevice("vdb"), "vdb");
  assert.equal(mountDevice("xvd/../a"), "xvda");
  assert.equal(mountDevice("--"), "disk");
});

test("the address that reaches furthest is in the URL; without one there is none", () => {
  const fixed = { address: "10.0.0.4", version: 4, kind: "fixed" } as const;
  const six = { address: "2001:db8::7", version: 6, kind: "floating" } as const;
  assert.equal(mountUrl([fixed], "s"), "sftp://10.0.0.4/mnt/cairn/s");
  assert.equal(mountUrl([fixed, six], "s"), "sftp://[2001:db8::7]/mnt/cairn/s");
  assert.equal(mountUrl([{ ...six, kind: "fixed" }, fixed], "s"), "sftp://10.0.0.4/mnt/cairn/s");
  assert.equal(mountUrl([], "s"), "");
});
