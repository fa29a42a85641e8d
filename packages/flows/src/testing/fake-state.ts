import { asId, Fault } from "@cairn/kernel";
import type {
  Attachment,
  Flavor,
  FloatingIp,
  Image,
  KeyPair,
  Network,
  Port,
  Router,
  SecurityGroup,
  Server,
  ServerGroup,
  Subnet,
  Volume,
  VolumeType,
} from "@cairn/openstack";

/** Everything that a fake cloud holds, as plain data: it can be cloned and compared. */
export interface CloudState {
  lastId: number;
  readonly servers: Map<string, Server>;
  /** By instance: what Nova attached, with its device. */
  readonly serverVolumes: Map<string, { volumeId: string; device: string; deleteOnTermination: boolean }[]>;
  readonly volumes: Map<string, Volume>;
  readonly attachments: Map<string, Attachment>;
  readonly images: Map<string, Image>;
  readonly ports: Map<string, Port>;
  readonly groups: Map<string, SecurityGroup>;
  readonly keyPairs: Map<string, KeyPair>;
  readonly flavors: Map<string, Flavor>;
  readonly networks: Map<string, Network>;
  readonly subnets: Map<string, Subnet>;
  readonly routers: Map<string, Router>;
  readonly floatingIps: Map<string, FloatingIp>;
  readonly serverGroups: Map<string, ServerGroup>;
  /** Whether the tenant's token has the role `admin`. */
  isAdmin: boolean;
  readonly volumeTypes: readonly VolumeType[];
  /** Volume types whose volumes no datamover can attach. */
  readonly opaqueTypes: string[];
  readonly quota: { instances: number };
}

export const PROJECT = "project-1";
export const USER = "user-1";

/** A fresh id that is the same in each run of the same calls. */
export function freshId(state: CloudState): string {
  state.lastId += 1;
  return `00000000-0000-4000-8000-${String(state.lastId).padStart(12, "0")}`;
}

export function find<Thing>(things: ReadonlyMap<string, Thing>, id: string): Thing {
  const thing = things.get(id);
  if (thing === undefined) throw new Fault("openstack-not-found", `getting ${id}`, "never");
  return thing;
}

/** Only the flavors, networks and types that exist from the start. */
export function emptyState(): CloudState {
  return {
    lastId: 0,
    servers: new Map(),
    serverVolumes: new Map(),
    volumes: new Map(),
    attachments: new Map(),
    images: new Map(),
    ports: new Map(),
    groups: new Map(),
    keyPairs: new Map(),
    flavors: byId(flavor("flavor-small", "small", 2), flavor("flavor-large", "large", 8)),
    networks: byId(network("net-1", "blue"), network("net-2", "green"), {
      ...network("net-ext", "public"),
      isExternal: true,
      projectId: asId<"project">("operators"),
    }),
    subnets: byId(subnet("subnet-1", "net-1", "10.0.0.0/24"), subnet("subnet-2", "net-2", "10.7.0.0/24")),
    routers: new Map(),
    floatingIps: new Map(),
    serverGroups: new Map(),
    isAdmin: false,
    opaqueTypes: [],
    volumeTypes: [
      {
        id: "type-1",
        name: "fast",
        description: undefined,
        isPublic: true,
        extraSpecs: {},
        raw: {},
      },
    ],
    quota: { instances: 10 },
  };
}

function byId<Thing extends { readonly id: string }>(...things: Thing[]): Map<string, Thing> {
  return new Map(things.map((thing) => [thing.id, thing]));
}

function flavor(id: string, name: string, diskGiB: number): Flavor {
  return {
    id,
    name,
    description: undefined,
    vcpus: 1,
    ramMiB: 512,
    diskGiB,
    ephemeralGiB: 0,
    swapMiB: 0,
    isPublic: true,
    isDisabled: false,
    extraSpecs: {},
    raw: {},
  };
}

function network(id: string, name: string): Network {
  return {
    id,
    name,
    description: "",
    projectId: asId(PROJECT),
    status: "ACTIVE",
    isAdminStateUp: true,
    isShared: false,
    isExternal: false,
    isPortSecurityEnabled: true,
    mtu: 1450,
    availabilityZoneHints: [],
    subnetIds: [],
    raw: {},
  };
}

function subnet(id: string, networkId: string, cidr: string): Subnet {
  return {
    id,
    name: id,
    description: "",
    projectId: asId(PROJECT),
    networkId,
    cidr,
    ipVersion: 4,
    gatewayIp: undefined,
    isDhcpEnabled: true,
    allocationPools: [],
    dnsNameservers: [],
    hostRoutes: [],
    ipv6AddressMode: undefined,
    ipv6RaMode: undefined,
    subnetPoolId: undefined,
    raw: {},
  };
}
