import type { AddressInfo } from "node:net";
import { type Handle, openDatabase, recordAudit } from "@cairn/database";
import type { Secret } from "@cairn/kernel";
import {
  type Cloud,
  type CloudOptions,
  type Credentials,
  connectCloud,
  secretSeal,
  VersionMemory,
} from "@cairn/openstack";
import {
  databaseSettings,
  integer,
  keystoneSettings,
  optional,
  path,
  readTls,
  runService,
  type ServiceContext,
  text,
} from "@cairn/service";
import { Auditor } from "./auditing.ts";
import { TokenValidator } from "./authentication.ts";
import type { Console } from "./console/console.ts";
import { readPages } from "./console/pages.ts";
import { SessionCookie } from "./console/session-cookie.ts";
import { handlersFor } from "./handlers/index.ts";
import { PolicyFile } from "./policy-file.ts";
import { createServer } from "./server.ts";
import type { World } from "./world.ts";

const spec = {
  database: databaseSettings,
  keystone: keystoneSettings,
  api: {
    listenHost: text({ default: "127.0.0.1" }),
    listenPort: integer({ default: 8780, min: 0, max: 65_535 }),
    policyFile: optional(path({ help: "policy.yaml: who may do what, where it is not as it comes" })),
    consoleFolder: optional(
      path({ help: "the built console, to be served below /console; none: no console" }),
    ),
    trusteeRoles: text({
      default: "",
      help: "roles that whoever is given workloads must have in the project, with commas; of none: member",
    }),
  },
};

const CLOUD_TIMEOUT_MS = 30_000;

type Context = ServiceContext<typeof spec>;

async function start({ config, log, status, clock, signal }: Context) {
  const faulty = (fault: Error): void => {
    log.warn("database.fault", { fault });
    status.failed("database", fault);
  };
  const database = openDatabase(config.database.url.reveal(), { onFault: faulty });
  const policy = await PolicyFile.open({
    path: config.api.policyFile,
    clock,
    log,
    onChange: async ({ path: file, rules }) => noteNewRights(database.handle, file, rules),
  });
  // Every request has a cloud of its own; what services speak is asked once for all.
  const versions = new VersionMemory();
  const tls = await readTls(config.keystone);
  const shared = { ...adminOptions(config), versions, ...(tls === undefined ? {} : { tls }) };
  const admin = connectCloud(shared);
  const world: World = {
    database,
    clock,
    admin,
    seal: secretSeal(config.keystone.password),
    trusteeRoles: rolesIn(config.api.trusteeRoles),
    cloudOf: (token: Secret, requestId: string) =>
      connectCloud({
        ...shared,
        credentials: { kind: "token", token },
        globalRequestId: requestId,
      }),
  };
  const connect = (credentials: Credentials): Cloud => connectCloud({ ...shared, credentials });
  const app = createServer({
    handlers: handlersFor(world),
    console: await consoleIn(config.api.consoleFolder, { world, policy, connect }),
    policy,
    database: database.handle,
    auditor: new Auditor(database.handle, log),
    tokens: new TokenValidator(world.admin, clock),
    authUrl: config.keystone.authUrl,
    log,
    status,
  });
  signal.throwIfAborted();
  await app.listen({ host: config.api.listenHost, port: config.api.listenPort });
  const { port } = app.server.address() as AddressInfo;
  return {
    facts: { port, host: config.api.listenHost },
    stop: async () => {
      await app.close();
      await database.close();
    },
  };
}

async function consoleIn(
  folder: string | undefined,
  { world, policy, connect }: Pick<Console, "policy" | "connect"> & { readonly world: World },
): Promise<Console> {
  const validate = async (token: Secret) => world.admin.keystone.tokens.validate(token);
  const cookie = new SessionCookie(world.seal);
  const pages = folder === undefined ? undefined : await readPages(folder);
  return { pages, cookie, policy, connect, validate };
}

function rolesIn(text: string): string[] {
  return text.split(",").flatMap((role) => (role.trim() === "" ? [] : [role.trim()]));
}

function adminOptions({ keystone }: Context["config"]): CloudOptions {
  const domain = { name: keystone.domain };
  return {
    authUrl: keystone.authUrl,
    credentials: {
      kind: "password",
      user: { name: keystone.username, domain },
      password: keystone.password,
      scope: { kind: "project", project: { name: keystone.projectName, domain } },
    },
    region: keystone.region,
    interface: keystone.interface,
    requestTimeoutMs: CLOUD_TIMEOUT_MS,
  };
}

/** Who may do what is as much worth knowing as who did what. */
async function noteNewRights(handle: Handle, file: string, rules: number): Promise<void> {
  const object = { kind: "policy_file", id: file, name: file };
  const subject = {
    origin: "api",
    userName: "cairn-api",
    action: "service:policy_file_read",
    object,
  } as const;
  await recordAudit(handle, subject, { outcome: "accepted", detail: `${rules} rules` });
}

await runService({ name: "api", spec, start }, process);
