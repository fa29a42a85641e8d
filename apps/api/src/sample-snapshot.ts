import assert from "node:assert/strict";
import {
  completeSnapshot,
  createWorkload,
  type Database,
  ensureDefaultTarget,
  ensureRepository,
  openSnapshot,
  releaseWorkload,
} from "@cairn/database";
import type { CapturedDisk, SnapshotDiskRecord, SnapshotInstanceRecord } from "@cairn/domain";
import { asId, GiB, newId, type SnapshotId, type WorkloadId } from "@cairn/kernel";
import { fakeId } from "./fake-openstack.ts";

/*
 * For tests: a committed snapshot of an instance with a local root disk and one volume, as the engine leaves
 * it.
 */

export const WEB = fakeId("web");
export const VOLUME = fakeId("volume");
export const NETWORK = fakeId("network");
export const SUBNET = fakeId("subnet");

/** Writes workload and snapshot of a project's user. */
export async function makeSampleSnapshot(
  database: Database,
  owner: { readonly projectId: string; readonly userId: string },
): Promise<{ readonly workloadId: WorkloadId; readonly snapshotId: SnapshotId }> {
  const workloadId: WorkloadId = newId();
  const asker = { projectId: asId<"project">(owner.projectId), userId: asId<"user">(owner.userId) };
  const snapshotId = await database.transaction(async (transaction) => {
    const target = await ensureDefaultTarget(transaction, "/nowhere");
    const repository = await ensureRepository(transaction, {
      projectId: asker.projectId,
      targetId: target.id,
      id: newId(),
      wrappedKeys: Buffer.from("keys"),
    });
    await createWorkload(transaction, {
      ...asker,
      id: workloadId,
      name: "web",
      description: "",
      instances: [],
    });
    const opened = await openSnapshot(transaction, asker, {
      workloadId,
      name: "nightly",
      description: "",
      snapshotType: "full",
    });
    assert.ok(opened.kind === "opened");
    await completeSnapshot(transaction, opened.snapshot.id, {
      snapshotType: "full",
      repositoryId: repository.id,
      sizeBytes: 3 * GiB,
      readBytes: 1000,
      storedBytes: 500,
      pointAt: new Date(1_000),
      instances: [instanceRecord()],
      disks: diskRecords(),
    });
    await releaseWorkload(transaction, { workloadId, runId: opened.runId });
    await transaction
      .updateTable("run")
      .set({ state: "concluded", result: JSON.stringify({ kind: "succeeded" }) })
      .where("id", "=", opened.runId)
      .execute();
    return opened.snapshot.id;
  });
  return { workloadId, snapshotId };
}

/** The instance at its point. */
export function instanceRecord(): SnapshotInstanceRecord {
  return {
    id: WEB,
    name: "wéb 网",
    description: null,
    status: "ACTIVE",
    availabilityZone: "nova",
    flavor: { name: "small", vcpus: 1, ramMiB: 64, diskGiB: 2, ephemeralGiB: 0, swapMiB: 0, extraSpecs: {} },
    image: { id: fakeId("image"), name: "debian", minRamMiB: 0, minDiskGiB: 0, properties: {} },
    rootDevice: "vda",
    keyPair: null,
    userData: null,
    hasConfigDrive: false,
    metadata: { role: "shop" },
    tags: [],
    serverGroupIds: [],
    nics: [
      {
        portId: fakeId("port"),
        portName: "",
        macAddress: "fa:16:3e:00:00:01",
        network: { id: NETWORK, name: "lan" },
        fixedIps: [
          {
            ipAddress: "10.0.0.5",
            subnet: { id: SUBNET, name: "lan4", cidr: "10.0.0.0/24", ipVersion: 4, gatewayIp: "10.0.0.1" },
          },
        ],
        securityGroups: [{ id: "g1", name: "default" }],
        isPortSecurityEnabled: true,
        allowedAddressPairs: [],
        vnicType: null,
      },
    ],
    disks: capturedDisks(),
    omitted: [],
    pointAt: 1_000,
    consistency: { quality: "crash", reason: "the instance has no guest agent" },
  };
}

function diskRecords(): SnapshotDiskRecord[] {
  const common = {
    instanceId: WEB,
    root: "ab",
    readBytes: 500,
    auditedBytes: 0,
    changedBytes: 500,
    storedBytes: 250,
  };
  const read = { mode: "full", because: "first snapshot" } as const;
  return [
    { ...common, diskId: `${WEB}-vda`, device: "vda", sizeBytes: 2 * GiB, format: "qcow2", read },
    { ...common, diskId: VOLUME, device: "vdb", sizeBytes: GiB, format: "raw", read },
  ];
}

function capturedDisks(): CapturedDisk[] {
  return [
    { diskId: `${WEB}-vda`, device: "vda", isRoot: true, sizeBytes: 2 * GiB, source: { kind: "local" } },
    {
      diskId: VOLUME,
      device: "vdb",
      isRoot: false,
      sizeBytes: GiB,
      source: {
        kind: "volume",
        volumeId: VOLUME,
        name: "data",
        description: null,
        sizeGiB: 1,
        volumeType: "nfs",
        availabilityZone: "nova",
        metadata: {},
        imageMetadata: {},
        isBootable: false,
        isEncrypted: false,
        deleteOnTermination: false,
      },
    },
  ];
}
