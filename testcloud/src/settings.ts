import { Fault } from "@cairn/kernel";
import type { Layout } from "./layout.ts";

/** `light` has no Ceph and no Horizon. */
export const PROFILES = ["light", "full"] as const;
export type Profile = (typeof PROFILES)[number];

/** Everything listens on this address only. */
export const LOOPBACK = "127.0.0.1";
export const REGION = "RegionOne";
/** The one compute, volume and network host. */
export const HOST = "cairn-testcloud";

/**
 * The APIs have their usual ports, so that what people know by heart works; the rest is moved away from where
 * a machine's own MariaDB, RabbitMQ or memcached would be.
 */
export const PORTS = {
  keystone: 5000,
  glance: 9292,
  placement: 8778,
  nova: 8774,
  novaMetadata: 8775,
  neutron: 9696,
  cinder: 8776,
  database: 13306,
  rabbit: 5673,
  rabbitDistribution: 25674,
  epmd: 4370,
  memcached: 11212,
  cephMonitor: 6789,
  s3: 7480,
  horizon: 8088,
} as const;

/** Ports that only the full profile listens on. */
export const PORTS_OF_FULL: readonly (keyof typeof PORTS)[] = ["cephMonitor", "s3", "horizon"];

/** Networks that the cloud makes on the machine: documentation and benchmark ranges, and a private one. */
export const NETWORKS = {
  /** Floating IPs; the host has `.1` on the bridge. */
  external: {
    bridge: "br-ext",
    cidr: "172.24.4.0/24",
    gateway: "172.24.4.1",
    first: "172.24.4.100",
    last: "172.24.4.199",
  },
  /** A pair of virtual interfaces that carries VXLAN. */
  tunnel: { device: "cairn-tun0", peer: "cairn-tun1", address: "172.31.255.1" },
  tenant: { cidr: "10.77.0.0/24" },
} as const;

/** Made by chance at the first `up` and kept in the cloud's folder, readable by root only. */
export interface Secrets {
  readonly adminPassword: string;
  readonly demoPassword: string;
  readonly servicePassword: string;
  readonly databasePassword: string;
  readonly rabbitPassword: string;
  readonly metadataSecret: string;
  readonly s3AccessKey: string;
  readonly s3SecretKey: string;
  readonly horizonSecret: string;
}

/** All that decides what the configuration says. */
export interface Settings {
  readonly profile: Profile;
  readonly layout: Layout;
  readonly secrets: Secrets;
  /** Ceph's id of the cluster. */
  readonly cephId: string;
  /** Under this id libvirt knows the key of Ceph's user `cinder`. */
  readonly cephSecretId: string;
}

/** The part of the settings that is stored. */
export type StoredSettings = Omit<Settings, "layout">;

/** Sources of chance; arguments so that tests know what comes. */
export interface Chance {
  readonly password: () => string;
  readonly uuid: () => string;
}

export function newSettings(profile: Profile, { password, uuid }: Chance): StoredSettings {
  return {
    profile,
    cephId: uuid(),
    cephSecretId: uuid(),
    secrets: {
      adminPassword: password(),
      demoPassword: password(),
      servicePassword: password(),
      databasePassword: password(),
      rabbitPassword: password(),
      metadataSecret: password(),
      s3AccessKey: password(),
      s3SecretKey: password(),
      horizonSecret: password(),
    },
  };
}

/** What `settings.json` says. Fault `settings-unreadable` when it is not ours or damaged. */
export function parseSettings(text: string): StoredSettings {
  try {
    const value: unknown = JSON.parse(text);
    if (isStoredSettings(value)) return value;
  } catch (cause) {
    throw new Fault(
      "settings-unreadable",
      "reading settings.json of the test cloud",
      "after-operator",
      cause,
    );
  }
  throw new Fault(
    "settings-unreadable",
    "reading settings.json of the test cloud: a field is missing",
    "after-operator",
  );
}

function isStoredSettings(value: unknown): value is StoredSettings {
  const example = newSettings("light", { password: () => "", uuid: () => "" });
  return hasStringsOf(value, example) && isProfile((value as { profile: string }).profile);
}

function hasStringsOf(value: unknown, example: object): boolean {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map(Object.entries(value));
  return Object.entries(example).every(([name, wanted]) => {
    const found: unknown = fields.get(name);
    return typeof wanted === "object" ? hasStringsOf(found, wanted as object) : typeof found === "string";
  });
}

export function isProfile(value: string): value is Profile {
  return (PROFILES as readonly string[]).includes(value);
}

/** Where a service of the cloud answers. */
export function urlOf(service: keyof typeof PORTS, path = ""): string {
  return `http://${LOOPBACK}:${PORTS[service]}${path}`;
}
