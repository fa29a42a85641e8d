import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Layout } from "./layout.ts";

/** A cloud that is there already: the tree protects its instances on this machine. */
export interface OpenStackPlace {
  /** Keystone's address, with its version. */
  readonly authUrl: string;
  readonly region: string;
  /** By user, all in the domain Default: `cairn`, which is the service's, `admin`, and whoever else acts. */
  readonly passwords: Readonly<Record<string, string>>;
  /** This machine as Nova names it. */
  readonly computeHost: string;
  readonly libvirtSocket: string;
  /** Where QEMU's account may write: for what guests overwrite while they are read. */
  readonly scratchFolder: string;
  /** Where the host has its mounts of Cinder's file shares. */
  readonly volumesFolder: string;
  /** Programs that come before the system's: what stands in for those that the machine lacks. */
  readonly programsFolder: string;
  /** The message bus, where jobs shall make way for what is announced there. */
  readonly busUrl?: string | undefined;
}

/** The cloud of a tree. */
export type CloudPlace =
  | { readonly kind: "sandbox"; readonly authUrl: string; readonly region: string }
  | ({ readonly kind: "openstack" } & OpenStackPlace);

/** What the environment of a part is made of. */
export interface PartSettings {
  readonly layout: Layout;
  /** To listen on; 0 lets the system choose. */
  readonly port: string;
  readonly datamoverApiPort: string;
  readonly databaseUrl: string;
  readonly escrowPublicKey: string;
  /** `password` is that of the user `cairn`. */
  readonly cloud: CloudPlace & { readonly password: string };
  readonly options: {
    readonly transitionMs?: number;
    readonly leaseMs?: number;
    readonly maintenanceLookSeconds?: number;
    readonly targetLookSeconds?: number;
    readonly scratchReserveMib?: number;
    readonly osBrick?: boolean;
    readonly seedFile?: string;
    readonly runsMax?: number;
  };
}

/**
 * A small young generation: the datamover's buffers live outside the heap, and its memory has a bound (300
 * MiB).
 */
export const DATAMOVER_NODE_OPTIONS = ["--max-semi-space-size=1"] as const;
/**
 * glibc (mallopt(3)) keeps few arenas and gives back what is free beyond 32 MiB. Blocks of 1 MiB are reused
 * and not mapped anew each time: that costs a second of page faults for each GiB that is stored.
 */
const DATAMOVER_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: "16777216",
  MALLOC_TRIM_THRESHOLD_: "33554432",
  MALLOC_ARENA_MAX: "2",
} as const;

/** The settings of a part of the tree, as its program reads them. */
export function environmentOf(part: string, settings: PartSettings): Record<string, string> {
  switch (part) {
    case "sandbox":
      return sandboxEnvironment(settings);
    case "datamover-api":
      return datamoverApiEnvironment(settings);
    case "engine":
    case "engine-2":
      return engineEnvironment(settings);
    case "api":
      return {
        CAIRN_DATABASE_URL: settings.databaseUrl,
        ...keystoneEnvironment(settings),
        CAIRN_API_LISTEN_HOST: "127.0.0.1",
        CAIRN_API_LISTEN_PORT: settings.port,
        CAIRN_API_POLICY_FILE: settings.layout.policyFile,
        ...(existsSync(BUILT_CONSOLE) ? { CAIRN_API_CONSOLE_FOLDER: BUILT_CONSOLE } : {}),
      };
    default:
      return datamoverEnvironment(part.slice("datamover-".length), settings);
  }
}

function sandboxEnvironment({ layout, port, options }: PartSettings): Record<string, string> {
  return {
    CAIRN_SANDBOX_DIR: layout.sandbox,
    CAIRN_SANDBOX_LISTEN_PORT: port,
    CAIRN_SANDBOX_TRANSITION_MS: String(options.transitionMs ?? 150),
    ...(options.seedFile === undefined ? {} : { CAIRN_SANDBOX_SEED: options.seedFile }),
  };
}

function datamoverApiEnvironment({
  layout,
  port,
  databaseUrl,
  options,
}: PartSettings): Record<string, string> {
  return {
    CAIRN_DATABASE_URL: databaseUrl,
    CAIRN_DATAMOVER_API_LISTEN_HOST: "127.0.0.1",
    CAIRN_DATAMOVER_API_LISTEN_PORT: port,
    CAIRN_KEYS_KEY_FILE: layout.keyFile,
    ...optional("CAIRN_DATAMOVER_API_LEASE_MS", options.leaseMs),
  };
}

function engineEnvironment(settings: PartSettings): Record<string, string> {
  const { layout, databaseUrl, escrowPublicKey, cloud, options } = settings;
  return {
    CAIRN_DATABASE_URL: databaseUrl,
    ...keystoneEnvironment(settings),
    CAIRN_KEYS_KEY_FILE: layout.keyFile,
    CAIRN_TARGET_DEFAULT_PATH: layout.target,
    CAIRN_ENGINE_ESCROW_PUBLIC_KEY: escrowPublicKey,
    ...(cloud.kind === "sandbox" ? SANDBOX_ENGINE : busEnvironment(cloud)),
    ...(existsSync(UNPACKED_KERNEL) ? { CAIRN_FILES_KERNEL_ROOT: UNPACKED_KERNEL } : {}),
    ...optional("CAIRN_ENGINE_LEASE_MS", options.leaseMs),
    ...optional("CAIRN_ENGINE_RUNS_MAX", options.runsMax),
    ...optional("CAIRN_MAINTENANCE_LOOK_SECONDS", options.maintenanceLookSeconds),
    ...optional("CAIRN_TARGET_LOOK_SECONDS", options.targetLookSeconds),
  };
}

/** Where `./cairn` puts a kernel for the reading of files, unless the host has one. */
const UNPACKED_KERNEL = fileURLToPath(new URL("../../../.toolchain/kernel", import.meta.url));

/** Where `./cairn` builds the console: before it has, the API answers programs only. */
const BUILT_CONSOLE = fileURLToPath(new URL("../../../apps/console/dist", import.meta.url));

/** Not every cloud has Barbican; the sandbox has. Its projects' webhooks are on this machine, too. */
const SANDBOX_ENGINE = {
  CAIRN_ENGINE_BARBICAN_KEYS: "true",
  CAIRN_NOTIFY_ALLOWED_NETWORKS: "127.0.0.0/8",
  // Which works everywhere, and is the slower one: what tests show holds for the other, too.
  CAIRN_FILES_ACCELERATORS: "tcg",
};

function busEnvironment({ busUrl }: OpenStackPlace): Record<string, string> {
  return busUrl === undefined ? {} : { CAIRN_NOTIFICATIONS_TRANSPORT_URL: busUrl };
}

function datamoverEnvironment(host: string, settings: PartSettings): Record<string, string> {
  const { layout, datamoverApiPort, options } = settings;
  return {
    ...DATAMOVER_MEMORY,
    CAIRN_DATAMOVER_API_URL: `http://127.0.0.1:${datamoverApiPort}`,
    CAIRN_DATAMOVER_HOST: host,
    CAIRN_DATAMOVER_TOKEN_FILE: layout.tokenFile(host),
    ...hypervisorEnvironment(host, settings),
    ...optional("CAIRN_DATAMOVER_SCRATCH_RESERVE_MIB", options.scratchReserveMib),
    ...osBrickEnvironment(settings),
  };
}

/** The sandbox's hosts have what the test says, not what this machine happens to have. */
function osBrickEnvironment({ layout, cloud, options }: PartSettings): Record<string, string> {
  if (cloud.kind === "sandbox" && options.osBrick !== true) return { CAIRN_DATAMOVER_OS_BRICK: "none" };
  return { CAIRN_DATAMOVER_OS_BRICK_LOCK_DIR: join(layout.root, "locks") };
}

function hypervisorEnvironment(host: string, { layout, cloud }: PartSettings): Record<string, string> {
  if (cloud.kind === "sandbox") {
    return {
      CAIRN_DATAMOVER_SCRATCH_DIR: layout.scratch(host),
      CAIRN_DATAMOVER_SANDBOX_DIR: layout.sandbox,
    };
  }
  return {
    CAIRN_DATAMOVER_HYPERVISOR: "libvirt",
    CAIRN_DATAMOVER_SCRATCH_DIR: cloud.scratchFolder,
    CAIRN_DATAMOVER_LIBVIRT_SOCKET: cloud.libvirtSocket,
    CAIRN_DATAMOVER_ATTACHMENTS_DIR: cloud.volumesFolder,
  };
}

function keystoneEnvironment({ cloud }: PartSettings): Record<string, string> {
  return {
    CAIRN_KEYSTONE_AUTH_URL: cloud.authUrl,
    CAIRN_KEYSTONE_USERNAME: "cairn",
    CAIRN_KEYSTONE_PASSWORD: cloud.password,
    CAIRN_KEYSTONE_PROJECT_NAME: "service",
    CAIRN_KEYSTONE_DOMAIN: "Default",
    CAIRN_KEYSTONE_REGION: cloud.region,
    CAIRN_KEYSTONE_INTERFACE: "internal",
  };
}

function optional(name: string, value: number | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: String(value) };
}
