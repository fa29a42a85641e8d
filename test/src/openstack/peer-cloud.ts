import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Secret } from "@cairn/kernel";
import {
  type Cloud,
  type CloudAccess,
  connectCloud,
  credentialsFromClouds,
  type Environment,
} from "@cairn/openstack";
import { parse } from "yaml";

/** An OpenStack that the contract suite may use: the sandbox, or a real one. */
export interface PeerCloud extends AsyncDisposable {
  readonly tenant: CloudAccess;
  readonly admin: CloudAccess;
  /** The sandbox's address, for its hooks; undefined when the cloud is a real one. */
  readonly sandboxUrl: string | undefined;
}

/** How long the suite gives one answer: attaching a port is one, and a busy cloud takes minutes for it. */
const REQUEST_TIMEOUT_MS = 240_000;

/**
 * The cloud that `CAIRN_TEST_CLOUD` names: a folder with a `clouds.yaml` in which `admin` is an admin of a
 * project and `demo` a member of another. Without it a sandbox, started for this test file.
 */
export async function openPeerCloud(env: Environment): Promise<PeerCloud> {
  const folder = env["CAIRN_TEST_CLOUD"];
  if (folder === undefined || folder === "") return startSandbox();
  const clouds: unknown = parse(await readFile(join(folder, "clouds.yaml"), "utf8"));
  return {
    tenant: credentialsFromClouds(clouds, "demo", {}),
    admin: credentialsFromClouds(clouds, "admin", {}),
    sandboxUrl: undefined,
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

/** A cloud for these credentials, with the suite's time limit. */
export function connect(access: CloudAccess): Cloud {
  return connectCloud({ ...access, requestTimeoutMs: REQUEST_TIMEOUT_MS });
}

/** A small OpenStack in a process of its own, with its default seed. */
export async function startSandbox(): Promise<PeerCloud> {
  // The path of a socket must be short, so the folder is, too.
  const folder = await mkdtemp("/var/tmp/cairn-o-");
  const main = fileURLToPath(new URL("../../../apps/sandbox/src/main.ts", import.meta.url));
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
