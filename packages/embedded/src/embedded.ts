import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  type EmbeddedPostgres,
  migrate,
  openDatabase,
  registerDatamover,
  startEmbeddedPostgres,
} from "@cairn/database";
import { asId, assert, hasCode, Secret, systemClock } from "@cairn/kernel";
import { type Cloud, type CloudAccess, connectCloud } from "@cairn/openstack";
import { type Account, giveFolders, underAccount } from "./account.ts";
import { Child } from "./child.ts";
import { type Layout, layoutOf } from "./layout.ts";
import {
  type CloudPlace,
  DATAMOVER_NODE_OPTIONS,
  environmentOf,
  type OpenStackPlace,
} from "./part-environment.ts";
import { SandboxHooks } from "./sandbox-hooks.ts";

export interface EmbeddedOptions {
  /** The folder below which everything lies; made when absent. Keep it short: sockets lie in it. */
  readonly root: string;
  readonly signal: AbortSignal;
  /** The environment of the caller; the programs inherit a few of its variables, such as PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ports to listen on; 0 lets the system choose. */
  readonly ports?: { readonly api: number; readonly datamoverApi: number; readonly sandbox: number };
  /** How long the sandbox's statuses take. */
  readonly transitionMs?: number;
  /** How long a dead engine or datamover holds up its work; the programs' own defaults when left out. */
  readonly leaseMs?: number;
  /**
   * How often the engine looks whether a repository wants sweeping or scrubbing; its default when left out.
   */
  readonly maintenanceLookSeconds?: number;
  /** How often the engine looks at each backup target; its default when left out. */
  readonly targetLookSeconds?: number;
  /** Whether the sandbox's hosts attach volumes by this machine's os-brick; not when left out. */
  readonly osBrick?: boolean;
  /** What stays free of a datamover's scratch folder; its default when left out. */
  readonly scratchReserveMib?: number;
  /** A database on a server that is there already; a PostgreSQL of the tree's own when left out. */
  readonly databaseUrl?: string;
  /** What the sandbox holds at first: a file for `apps/sandbox/src/seed`; its own seed when left out. */
  readonly seedFile?: string;
  /** Of the sandbox's users, where the seed gives them others than `<name>-secret`. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** How much every program logs; their default when left out. */
  readonly logLevel?: "debug" | "info";
  /** Compute hosts whose datamovers the caller runs; the sandbox's two, with ours, when left out. */
  readonly foreignHosts?: readonly string[];
  /** Runs that an engine works on at once; its default when left out. */
  readonly runsMax?: number;
  /** The cloud to protect, which is there already; a sandbox of the tree's own when left out. */
  readonly openstack?: OpenStackPlace;
  /** Under which the programs run; the caller's own when left out. */
  readonly account?: Account;
  /** Told when a part begins to start. */
  readonly onStart?: (part: string) => void;
}

/** A part of the tree that can be killed and started again by name. */
export type PartName =
  | "sandbox"
  | "datamover-api"
  | "engine"
  /** One beside the first: started by whoever wants two. */
  | "engine-2"
  | "api"
  | `datamover-${string}`;

export const COMPUTE_HOSTS = ["compute1", "compute2"] as const;
const READY_TIMEOUT_MS = 60_000;
const REGION = "RegionOne";

/** The running tree. */
export class Embedded {
  readonly layout: Layout;
  readonly databaseUrl: string;
  readonly #postgres: EmbeddedPostgres | undefined;
  readonly #parts = new Map<PartName, Child>();
  readonly #ports = new Map<PartName, number>();
  readonly #options: EmbeddedOptions;
  readonly #escrowPublicKey: string;

  private constructor(
    options: EmbeddedOptions,
    layout: Layout,
    database: EmbeddedPostgres | string,
    escrowPublicKey: string,
  ) {
    this.#options = options;
    this.layout = layout;
    this.#escrowPublicKey = escrowPublicKey;
    this.#postgres = typeof database === "string" ? undefined : database;
    this.databaseUrl = typeof database === "string" ? database : database.url;
    for (const [part, port] of Object.entries(portsOf(options))) this.#ports.set(part as PartName, port);
  }

  /** Starts everything. When a part fails or the signal is aborted, what was started is stopped again. */
  static async start(options: EmbeddedOptions): Promise<Embedded> {
    const layout = layoutOf(options.root);
    const escrowPublicKey = await makeFolders(layout, hostsOf(options));
    const database = options.databaseUrl ?? (await startPostgres(layout, options));
    const embedded = new Embedded(options, layout, database, escrowPublicKey);
    try {
      await embedded.#startParts();
      return embedded;
    } catch (cause) {
      await embedded.stop();
      throw cause;
    }
  }

  async #startParts(): Promise<void> {
    if (this.#options.openstack === undefined) await this.start("sandbox");
    await this.#prepareDatabase();
    await this.#giveAway();
    await this.start("datamover-api");
    const starting = await Promise.allSettled([
      this.start("engine"),
      this.start("api"),
      ...this.#ownDatamovers.map((part) => this.start(part)),
    ]);
    // Only when all have come to an end is it known what must be stopped.
    const failed = starting.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    await this.#registerService();
  }

  /** Starts one part; does nothing when it runs. */
  async start(part: PartName): Promise<void> {
    if (this.#parts.get(part)?.running === true) return;
    const { account } = this.#options;
    this.#options.onStart?.(part);
    const child = await Child.start(
      {
        name: part,
        program: programOf(part),
        under: account === undefined ? [] : underAccount(account, isDatamover(part)),
        nodeOptions: isDatamover(part) ? DATAMOVER_NODE_OPTIONS : [],
        environment: { ...inherited(this.#options), ...this.#environmentOf(part) },
        logFile: this.layout.logFile(part),
        readyTimeoutMs: READY_TIMEOUT_MS,
      },
      this.#options.signal,
    );
    this.#parts.set(part, child);
    if (child.ready.port !== undefined) this.#ports.set(part, child.ready.port);
  }

  /** Kills one part with SIGKILL, as a crash would. */
  async kill(part: PartName): Promise<void> {
    await this.#parts.get(part)?.kill();
  }

  /** Waits; ends at once when the tree's signal is aborted. */
  async pause(ms: number): Promise<void> {
    await systemClock.sleep(ms, this.#options.signal);
  }

  /** The process id of a running part. */
  pidOf(part: PartName): number | undefined {
    const child = this.#parts.get(part);
    return child?.running === true ? child.pid : undefined;
  }

  get postgres(): EmbeddedPostgres {
    assert(this.#postgres !== undefined, "the tree has a PostgreSQL of its own");
    return this.#postgres;
  }

  get sandboxUrl(): string {
    return `http://127.0.0.1:${String(this.#ports.get("sandbox") ?? 0)}`;
  }

  get authUrl(): string {
    return this.#cloudPlace().authUrl;
  }

  /** The compute hosts that have a datamover, as Nova names them. */
  get hosts(): readonly string[] {
    return hostsOf(this.#options);
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${String(this.#ports.get("api") ?? 0)}`;
  }

  get datamoverApiUrl(): string {
    return `http://127.0.0.1:${String(this.#ports.get("datamover-api") ?? 0)}`;
  }

  get sandbox(): SandboxHooks {
    return new SandboxHooks(this.sandboxUrl);
  }

  get #ownDatamovers(): readonly PartName[] {
    return this.#options.foreignHosts === undefined
      ? this.hosts.map((host) => `datamover-${host}` as const)
      : [];
  }

  /** The cloud as one of its users. */
  cloud(user: string, project: string): Cloud {
    const domain = { name: "Default" } as const;
    const access: CloudAccess = {
      authUrl: this.authUrl,
      credentials: {
        kind: "password",
        user: { name: user, domain },
        password: new Secret(this.#passwordOf(user)),
        scope: { kind: "project", project: { name: project, domain } },
      },
      region: this.#cloudPlace().region,
      interface: "public",
    };
    return connectCloud({ ...access, requestTimeoutMs: 60_000 });
  }

  /** What a person sets to be one of the cloud's users. */
  environmentOfUser(user: string, project: string): Record<string, string> {
    return {
      OS_AUTH_URL: this.authUrl,
      OS_USERNAME: user,
      OS_PASSWORD: this.#passwordOf(user),
      OS_PROJECT_NAME: project,
      OS_USER_DOMAIN_NAME: "Default",
      OS_PROJECT_DOMAIN_NAME: "Default",
      OS_REGION_NAME: this.#cloudPlace().region,
      OS_IDENTITY_API_VERSION: "3",
    };
  }

  /** Stops everything, those first that use the others. May be called twice. */
  async stop(): Promise<void> {
    const order = ["api", "engine", "engine-2", ...this.#ownDatamovers] as const;
    await Promise.all(order.map(async (part) => this.#parts.get(part)?.stop()));
    await this.#parts.get("datamover-api")?.stop();
    await this.#parts.get("sandbox")?.stop();
    await this.#postgres?.stop();
  }

  async #prepareDatabase(): Promise<void> {
    await migrate(this.databaseUrl);
    const database = openDatabase(this.databaseUrl);
    try {
      for (const host of this.hosts) {
        const token = randomBytes(32).toString("base64url");
        await writeFile(this.layout.tokenFile(host), token, { mode: 0o600 });
        await registerDatamover(database.handle, asId(host), new Secret(token));
      }
    } finally {
      await database.close();
    }
  }

  /** What the programs read and write is their account's. */
  async #giveAway(): Promise<void> {
    const { account, openstack } = this.#options;
    if (account === undefined) return;
    const { root, secrets, target } = this.layout;
    // It may be a temporary folder of the caller's: theirs alone.
    await chmod(root, 0o711);
    const scratch = this.hosts.map((host) => this.layout.scratch(host));
    const shared = openstack === undefined ? [] : [openstack.scratchFolder];
    await giveFolders(account, [secrets, target, ...scratch, ...shared]);
  }

  /** The catalogue leads clients to the API; done again it finds what is there. */
  async #registerService(): Promise<void> {
    const services = this.cloud("admin", "admin").keystone.services;
    const { signal } = this.#options;
    const found = (await services.list({ type: "workloads" }, signal))[0];
    const service = found ?? (await services.create({ type: "workloads", name: "cairn" }, signal));
    const url = `${this.apiUrl}/v1/$(project_id)s`;
    const { region } = this.#cloudPlace();
    const endpoints = await services.listEndpoints({ serviceId: service.id }, signal);
    for (const side of ["public", "internal", "admin"] as const) {
      const old = endpoints.find((endpoint) => endpoint.interface === side);
      if (old?.url === url) continue;
      if (old !== undefined) await services.deleteEndpoint(old.id, signal);
      await services.createEndpoint({ serviceId: service.id, interface: side, region, url }, signal);
    }
  }

  #environmentOf(part: PartName): Record<string, string> {
    return environmentOf(part, {
      layout: this.layout,
      port: String(this.#ports.get(part) ?? 0),
      datamoverApiPort: String(this.#ports.get("datamover-api") ?? 0),
      databaseUrl: this.databaseUrl,
      escrowPublicKey: this.#escrowPublicKey,
      cloud: { ...this.#cloudPlace(), password: this.#passwordOf("cairn") },
      options: this.#options,
    });
  }

  #cloudPlace(): CloudPlace {
    const { openstack } = this.#options;
    if (openstack !== undefined) return { kind: "openstack", ...openstack };
    return { kind: "sandbox", authUrl: `${this.sandboxUrl}/identity/v3`, region: REGION };
  }

  #passwordOf(user: string): string {
    const { openstack, passwords } = this.#options;
    if (openstack === undefined) return passwords?.[user] ?? `${user}-secret`;
    const password = openstack.passwords[user];
    assert(password !== undefined, `the password of the cloud's user ${user} is known`);
    return password;
  }
}

async function startPostgres(layout: Layout, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  options.onStart?.("PostgreSQL");
  return startEmbeddedPostgres({ directory: layout.postgres, signal: options.signal });
}

/** The last but one has programs start in half the time; by the last the test runner knows whose one is. */
const INHERITED = [
  "HOME",
  "TMPDIR",
  "LANG",
  "LC_ALL",
  "TZ",
  "NODE_COMPILE_CACHE",
  "CAIRN_TEST_MARK",
] as const;

function inherited({ environment, logLevel, openstack }: EmbeddedOptions): Record<string, string> {
  const kept = INHERITED.flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]] as const],
  );
  const search = [openstack?.programsFolder, environment["PATH"]].filter((each) => each !== undefined);
  return {
    ...Object.fromEntries(kept),
    PATH: search.join(":"),
    ...(logLevel === undefined ? {} : { CAIRN_LOG_LEVEL: logLevel }),
  };
}

function portsOf(options: EmbeddedOptions): Record<string, number> {
  const { api, datamoverApi, sandbox } = options.ports ?? { api: 0, datamoverApi: 0, sandbox: 0 };
  return { api, "datamover-api": datamoverApi, sandbox };
}

function hostsOf({ openstack, foreignHosts }: EmbeddedOptions): readonly string[] {
  if (foreignHosts !== undefined) return foreignHosts;
  return openstack === undefined ? COMPUTE_HOSTS : [openstack.computeHost];
}

function isDatamover(part: PartName): boolean {
  return part.startsWith("datamover-") && part !== "datamover-api";
}

function programOf(part: PartName): string {
  const app = isDatamover(part) ? "datamover" : part === "engine-2" ? "engine" : part;
  return fileURLToPath(new URL(`../../../apps/${app}/src/main.ts`, import.meta.url));
}

/** Makes folders and keys that are not there yet; returns the escrow's public key. */
async function makeFolders(layout: Layout, hosts: readonly string[]): Promise<string> {
  const folders = [layout.root, layout.sandbox, layout.target, layout.logs, layout.secrets];
  for (const folder of [...folders, ...hosts.map((host) => layout.scratch(host))]) {
    await mkdir(folder, { recursive: true, mode: folder === layout.root ? 0o711 : 0o700 });
  }
  await writeOnce(layout.keyFile, randomBytes(32).toString("base64"));
  const escrow = generateKeyPairSync("x25519");
  await writeOnce(layout.escrowKey, escrow.privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  // The private half that stands in the file counts; the last 32 bytes of a public key's DER are the key.
  const publicKey = createPublicKey(await readFile(layout.escrowKey, "utf8"));
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  await writeOnce(layout.escrowPublicKey, raw.toString("base64"));
  return raw.toString("base64");
}

/** The key of an earlier start is the key of its backups: it stays. */
async function writeOnce(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    if (!hasCode(cause, "EEXIST")) throw cause;
  }
}
