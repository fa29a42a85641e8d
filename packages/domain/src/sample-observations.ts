import { GiB } from "@cairn/kernel";
import type {
  CapturedDisk,
  CapturedInstance,
  CapturedNic,
  CapturedRecord,
  CapturedSecurityGroup,
} from "./captured.ts";
import type { FlavorFacts, OriginalInstance, RestoreObservation } from "./restore-observation.ts";
import type { SnapshotObservation } from "./snapshot-plan.ts";

/*
 * Observations for the tests of planners: a workload of two instances, `web` (boots from an image, one more
 * volume) and `db` (boots from a volume), in a cloud that has room for everything.
 */

const SUBNET = { id: "subnet-1", name: "blue", cidr: "10.0.0.0/24", ipVersion: 4, gatewayIp: "10.0.0.1" };

const SAMPLE_RECORD: CapturedRecord = {
  workload: { userId: "user-1", description: "", typeId: null, jobschedule: {}, metadata: {} },
  snapshot: { userId: "user-1", name: "first", description: "", requestedAt: "2026-01-02T03:04:05.000Z" },
};

export const SMALL: FlavorFacts = {
  id: "flavor-small",
  name: "small",
  vcpus: 1,
  ramMiB: 512,
  diskGiB: 5,
  ephemeralGiB: 0,
  swapMiB: 0,
  extraSpecs: {},
};

export function sampleNic(fields: Partial<CapturedNic> = {}): CapturedNic {
  return {
    portId: "port-web",
    portName: "",
    macAddress: "fa:16:3e:00:00:01",
    network: { id: "net-1", name: "blue" },
    fixedIps: [{ ipAddress: "10.0.0.11", subnet: SUBNET }],
    securityGroups: [{ id: "sg-web", name: "web" }],
    isPortSecurityEnabled: true,
    allowedAddressPairs: [],
    vnicType: "normal",
    ...fields,
  };
}

export function sampleVolume(id: string, fields: Partial<CapturedDisk> = {}): CapturedDisk {
  return {
    diskId: id,
    device: "vdb",
    isRoot: false,
    sizeBytes: 2 * GiB,
    source: {
      kind: "volume",
      volumeId: id,
      name: `name of ${id}`,
      description: null,
      sizeGiB: 2,
      volumeType: "fast",
      availabilityZone: "nova",
      metadata: { owner: "ana" },
      imageMetadata: {},
      isBootable: false,
      isEncrypted: false,
      deleteOnTermination: false,
    },
    ...fields,
  };
}

export function sampleInstance(fields: Partial<CapturedInstance> = {}): CapturedInstance {
  const { id: _id, ...flavor } = SMALL;
  return {
    id: "web-id",
    name: "web",
    description: null,
    status: "ACTIVE",
    availabilityZone: "nova",
    flavor,
    image: {
      id: "image-1",
      name: "debian",
      minRamMiB: 0,
      minDiskGiB: 0,
      properties: { hw_disk_bus: "virtio" },
    },
    rootDevice: "vda",
    keyPair: { name: "ana", publicKey: "ssh-ed25519 AAAA", type: "ssh", fingerprint: "aa:bb" },
    userData: "IyEvYmluL3NoCg==",
    hasConfigDrive: false,
    metadata: { role: "web", workload_id: "workload-1", workload_name: "shop" },
    tags: ["prod"],
    serverGroupIds: [],
    nics: [sampleNic()],
    disks: [
      { diskId: "web-id-vda", device: "vda", isRoot: true, sizeBytes: 5 * GiB, source: { kind: "local" } },
      sampleVolume("volume-1"),
    ],
    omitted: [],
    ...fields,
  };
}

export function sampleVolumeInstance(): CapturedInstance {
  return sampleInstance({
    id: "db-id",
    name: "db",
    image: null,
    keyPair: null,
    nics: [
      sampleNic({
        portId: "port-db",
        macAddress: "fa:16:3e:00:00:02",
        fixedIps: [{ ipAddress: "10.0.0.12", subnet: SUBNET }],
      }),
    ],
    disks: [sampleVolume("volume-root", { device: "vda", isRoot: true })],
  });
}

const GROUPS: readonly CapturedSecurityGroup[] = [
  {
    id: "sg-web",
    name: "web",
    description: "the web servers",
    isStateful: true,
    rules: [
      {
        direction: "ingress",
        ethertype: "IPv4",
        description: "",
        protocol: "tcp",
        portRangeMin: 443,
        portRangeMax: 443,
        remoteIpPrefix: null,
        remoteGroupId: "sg-lb",
      },
    ],
  },
  { id: "sg-lb", name: "balancers", description: "", isStateful: true, rules: [] },
];

export function sampleSnapshotObservation(fields: Partial<SnapshotObservation> = {}): SnapshotObservation {
  return {
    snapshotId: "snapshot-2",
    workload: { id: "workload-1", name: "shop" },
    record: SAMPLE_RECORD,
    order: "parallel",
    requested: "incremental",
    nextFull: false,
    hasCommittedSnapshot: true,
    instances: [sampleInstance(), sampleVolumeInstance()].map((captured, index) => ({
      kind: "present",
      captured,
      host: `compute-${index + 1}`,
      taskState: undefined,
    })),
    securityGroups: GROUPS,
    liveHosts: ["compute-1", "compute-2"],
    knownDisks: [
      {
        diskId: "volume-1",
        root: "0a0b",
        base: {
          snapshotId: "snapshot-1",
          root: "0a0b",
          sizeBytes: 2 * GiB,
          bitmap: "cairn-snapshot-1",
          qemu: { pid: 4711, startTicks: "99" },
          persistent: true,
          path: "/cinder/volume-1",
        },
      },
    ],
    auditBytes: 1024,
    ...fields,
  };
}

/** A cloud in which the originals are gone and everything else is as it was. */
export function sampleRestoreObservation(fields: Partial<RestoreObservation> = {}): RestoreObservation {
  const instances = [sampleInstance(), sampleVolumeInstance()];
  const disks = instances.flatMap((instance) => instance.disks);
  return {
    restoreId: "restore-1",
    request: { kind: "oneclick" },
    captured: {
      version: 1,
      workload: { id: "workload-1", name: "shop" },
      record: SAMPLE_RECORD,
      instances,
      securityGroups: GROUPS,
    },
    committed: disks.map(({ diskId, sizeBytes }) => ({ diskId, sizeBytes, root: "0c0d" })),
    originals: [],
    flavors: [SMALL, { ...SMALL, id: "flavor-large", name: "large", vcpus: 4, ramMiB: 4096, diskGiB: 20 }],
    networks: [
      { id: "net-1", name: "blue" },
      { id: "net-2", name: "green" },
    ],
    subnets: [
      { id: "subnet-1", networkId: "net-1", name: "blue", cidr: "10.0.0.0/24" },
      { id: "subnet-2", networkId: "net-2", name: "green", cidr: "192.168.7.0/24" },
    ],
    ports: [],
    securityGroups: [
      { id: "sg-web", name: "web" },
      { id: "sg-default", name: "default" },
    ],
    keyPairNames: ["ana"],
    volumeTypeNames: ["fast", "slow"],
    computeZones: [{ name: "nova", isAvailable: true }],
    allowances: {
      instances: { max: 10, used: 0 },
      cores: { max: 20, used: 0 },
      ramMiB: { max: 51_200, used: 0 },
      volumes: { max: 10, used: 0 },
      gigabytes: { max: 1000, used: 0 },
      ports: { max: 50, used: 0 },
      securityGroups: { max: 10, used: 0 },
    },
    liveHosts: ["compute-1", "compute-2"],
    ...fields,
  };
}

/** `web` as it is when it was not lost. */
export function sampleOriginal(fields: Partial<OriginalInstance> = {}): OriginalInstance {
  return {
    id: "web-id",
    name: "web",
    status: "ACTIVE",
    taskState: undefined,
    host: "compute-1",
    flavorDiskGiB: 5,
    volumes: [{ volumeId: "volume-1", device: "vdb", sizeGiB: 2 }],
    ...fields,
  };
}
