import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Secret } from "@cairn/kernel";
import {
  type Cloud,
  type CloudAccess,
  connectCloud,
  credentialsFromEnvironment,
  type Environment,
} from "@cairn/openstack";

/** An OpenStack that the contract suite may use: the sandbox, or a real one. */
export interface PeerCloud extends AsyncDisposable {
  readonly tenant: CloudAccess;
  readonly admin: CloudAccess;
  /** The sandbox's address, for its hooks; undefined when the cloud is a real one. */
  readonly sandboxUrl: string | undefined;
}

/** How long the suite gives one answer. */
const REQUEST_TIMEOUT_MS = 60_000;

/**
 * Whether the suite shall use the cloud that the environment names, and not the sandbox. Never by accident.
 */
export function usesRealCloud(env: Environment): boolean {
  return env["CAIRN_TEST_CLOUD"] === "environment";
}

/**
 * The sandbox, started for this test file; or, with `CAIRN_TEST_CLOUD=environment`, the cloud of the `OS_*`
 * variables (a member of a project) and of the same with `ADMIN_` before them (an admin of another project).
 */
export async function openPeerCloud(env: Environment): Promise<PeerCloud> {
  if (!usesRealCloud(env)) return startSandbox();
  return {
    tenant: credentialsFromEnvironment(env),
    admin: credentialsFromEnvironment(withoutPrefix(env, "ADMIN_")),
    sandboxUrl: undefined,
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

function withoutPrefix(env: Environment, prefix: string): Environment {
  const entries = Object.entries(env).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** A cloud for these credentials, with the suite's time limit. */
export function connect(access: CloudAccess): Cloud {
  return connectCloud({ ...access, requestTimeoutMs: REQUEST_TIMEOUT_MS });
}

async function startSandbox(): Promise<PeerCloud> {
  // The path of a socket must be short, so the folder is, too.
  const folder = await mkdtemp("/var/tmp/cairn-o-");
  const main = fileURLToPath(new URL("../../apps/sandbox/src/main.ts", import.meta.url));
  const flags = ["--sandbox-dir", folder, "--sandbox-listen-port", "0", "--sandbox-transition-ms", "50"];
  const child = spawn(process.execPath, [main, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const sandboxUrl = `http://127.0.0.1:${String(await readyPort(child))}`;
    return {
      tenant: sandboxAccess(sandboxUrl, "demo", "demo"),
      admin: sandboxAccess(sandboxUrl, "admin", "admin"),
      sandboxUrl,
      [Symbol.asyncDispose]: async () => stopSandbox(child, folder),
    };
  } catch (cause) {
    await stopSandbox(child, folder);
    throw cause;
  }
}

/** A user of the sandbox's default seed, in a project. */
export function sandboxAccess(sandboxUrl: string, user: string, project: string): CloudAccess {
  const domain = { id: "default" };
  return {
    authUrl: `${sandboxUrl}/identity/v3`,
    region: "RegionOne",
    interface: "public",
    credentials: {
      kind: "password",
      user: { name: user, domain },
      password: new Secret(`${user}-secret`),
      scope: { kind: "project", project: { name: project, domain } },
    },
  };
}

async function readyPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the sandbox has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /"event":"service\.ready".*"port":(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    return Number(port);
  }
  throw new Error("the sandbox ended before it was ready");
}

async function stopSandbox(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  await rm(folder, { recursive: true, force: true });
}
