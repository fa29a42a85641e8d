import { GiB } from "@cairn/kernel";
import type {
  CapturedDisk,
  CapturedInstance,
  CapturedNic,
  CapturedRecord,
  CapturedSecurityGroup,
} from "./captured.ts";
import type { CapturedTopology } from "./captured-network.ts";
import {
  type FlavorFacts,
  type OriginalInstance,
  type RestoreObservation,
  UNKNOWN_CAPACITY,
} from "./restore-observation.ts";
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
    topology: SAMPLE_TOPOLOGY,
    serverGroups: [],
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

const ALLOWANCES: RestoreObservation["allowances"] = {
  instances: { max: 10, used: 0 },
  cores: { max: 20, used: 0 },
  ramMiB: { max: 51_200, used: 0 },
  volumes: { max: 10, used: 0 },
  gigabytes: { max: 1000, used: 0 },
  networks: { max: 10, used: 0 },
  subnets: { max: 10, used: 0 },
  routers: { max: 10, used: 0 },
  ports: { max: 50, used: 0 },
  floatingIps: { max: 10, used: 0 },
  securityGroups: { max: 10, used: 0 },
  securityGroupRules: { max: 100, used: 0 },
  serverGroups: { max: 10, used: 0 },
  keyPairs: { max: 10, used: 1 },
  volumeTypes: {},
};

/** A cloud in which the originals are gone and everything else is as it was. */
export function sampleRestoreObservation(fields: Partial<RestoreObservation> = {}): RestoreObservation {
  const instances = [sampleInstance(), sampleVolumeInstance()];
  const disks = instances.flatMap((instance) => instance.disks);
  return {
    restoreId: "restore-1",
    userId: "user-1",
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
    mayMakeFlavors: false,
    flavors: [SMALL, { ...SMALL, id: "flavor-large", name: "large", vcpus: 4, ramMiB: 4096, diskGiB: 20 }],
    networks: [
      { id: "net-1", name: "blue", isOwn: true },
      { id: "net-2", name: "green", isOwn: true },
    ],
    subnets: [
      { id: "subnet-1", networkId: "net-1", name: "blue", cidr: "10.0.0.0/24" },
      { id: "subnet-2", networkId: "net-2", name: "green", cidr: "192.168.7.0/24" },
    ],
    ports: [],
    routers: [],
    floatingIps: [],
    securityGroups: [
      { id: "sg-web", name: "web", rules: GROUPS[0]?.rules ?? [] },
      { id: "sg-lb", name: "balancers", rules: [] },
      { id: "sg-default", name: "default", rules: [] },
    ],
    serverGroups: [],
    keyPairs: [{ name: "ana", publicKey: "ssh-ed25519 AAAA" }],
    volumeTypeNames: ["fast", "slow"],
    computeZones: [{ name: "nova", isAvailable: true }],
    allowances: ALLOWANCES,
    capacity: UNKNOWN_CAPACITY,
    liveHosts: ["compute-1", "compute-2"],
    hasOsBrick: false,
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

/** The network `blue` behind a router with a way out and a floating address on `web`. */
export const SAMPLE_TOPOLOGY: CapturedTopology = {
  networks: [
    {
      id: "net-1",
      name: "blue",
      description: "the shop's",
      isAdminStateUp: true,
      isShared: false,
      isPortSecurityEnabled: true,
      mtu: 1450,
      availabilityZoneHints: [],
      subnets: [
        {
          id: "subnet-1",
          name: "blue",
          description: "",
          cidr: "10.0.0.0/24",
          ipVersion: 4,
          gatewayIp: "10.0.0.1",
          isDhcpEnabled: true,
          allocationPools: [{ start: "10.0.0.10", end: "10.0.0.99" }],
          dnsNameservers: ["9.9.9.9"],
          hostRoutes: [{ destination: "10.9.0.0/16", nexthop: "10.0.0.3" }],
          ipv6AddressMode: null,
          ipv6RaMode: null,
        },
      ],
    },
  ],
  routers: [
    {
      id: "router-1",
      name: "out",
      description: "",
      isAdminStateUp: true,
      gateway: {
        networkId: "net-ext",
        networkName: "public",
        isSnatEnabled: true,
        ipAddresses: ["172.24.4.6"],
      },
      routes: [{ destination: "10.8.0.0/16", nexthop: "10.0.0.4" }],
      interfaces: [{ networkId: "net-1", subnetId: "subnet-1", ipAddress: "10.0.0.1" }],
    },
  ],
};

/** The sample with everything around the instances captured, of which nothing is left but the outside. */
export function sampleLostProject(fields: Partial<RestoreObservation> = {}): RestoreObservation {
  const observed = sampleRestoreObservation();
  const [web, ...others] = observed.captured.instances;
  const nics = web?.nics.map((nic) => ({ ...nic, floatingIps: [SAMPLE_FLOATING_IP] })) ?? [];
  const instances = [
    ...(web === undefined ? [] : [{ ...web, nics, serverGroupIds: ["group-1"] }]),
    ...others.map((other) => ({ ...other, serverGroupIds: ["group-1"] })),
  ];
  return {
    ...observed,
    captured: {
      ...observed.captured,
      instances,
      topology: SAMPLE_TOPOLOGY,
      serverGroups: [{ id: "group-1", name: "apart", policy: "anti-affinity", maxServersPerHost: 2 }],
    },
    networks: [{ id: "net-ext", name: "public", isOwn: false }],
    subnets: [],
    securityGroups: [{ id: "sg-default", name: "default", rules: [] }],
    keyPairs: [],
    ...fields,
  };
}

const SAMPLE_FLOATING_IP = {
  id: "floating-1",
  address: "172.24.4.9",
  description: "shop.example",
  networkId: "net-ext",
  networkName: "public",
  fixedIpAddress: "10.0.0.11",
};
