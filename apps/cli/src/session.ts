import { join } from "node:path";
import type { ApiClient } from "@cairn/contract";
import { Fault, hasCode, Rejection } from "@cairn/kernel";
import type { Cloud, CloudAccess } from "@cairn/openstack";
import type { Shell } from "./shell.ts";
import { describeAccess } from "./who.ts";

/** The flags that say which cloud, beside the variables. */
export interface CloudFlags {
  readonly osCloud?: string;
  readonly osCacert?: string;
  readonly endpoint?: string;
  /** `OS_*` variables by flag: `--os-username` is OS_USERNAME. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** A command's way to the API. */
export interface Session {
  readonly api: ApiClient;
  readonly cloud: Cloud;
}

const CLOUD_TIMEOUT_MS = 30_000;

/** OpenStack, and who we are there. */
export interface OpenedCloud {
  readonly cloud: Cloud;
  readonly access: CloudAccess;
}

/** Finds credentials and gets a token with them. */
export async function openCloud(shell: Shell, flags: CloudFlags): Promise<OpenedCloud> {
  // Loaded here and not at the top, so that `--help` and completion start at once.
  const { connectCloud } = await import("@cairn/openstack");
  const access = await findAccess(shell, flags);
  const cloud = connectCloud({ ...access, requestTimeoutMs: CLOUD_TIMEOUT_MS });
  await logIn(cloud, access, shell.signal);
  return { cloud, access };
}

/** Finds credentials and endpoint; nothing is asked of the API yet. */
export async function openSession(shell: Shell, flags: CloudFlags): Promise<Session> {
  const { connectApi } = await import("@cairn/contract");
  const { secureFetch } = await import("@cairn/openstack");
  const { cloud, access } = await openCloud(shell, flags);
  const endpoint = await findEndpoint(shell, flags, { cloud, access });
  const api = connectApi({
    endpoint,
    ...(access.tls === undefined ? {} : { fetch: secureFetch(access.tls) }),
    token: async () => (await cloud.token(shell.signal)).value.reveal(),
  });
  return { api, cloud };
}

/** Gets a token, which later calls share; a refusal says who was refused, where, and what to look at. */
async function logIn(cloud: Cloud, access: CloudAccess, signal: AbortSignal): Promise<void> {
  const { authUrl } = access;
  try {
    await cloud.token(signal);
  } catch (cause) {
    if (hasCode(cause, "openstack-unauthorized")) {
      throw new Rejection(`Keystone at ${authUrl} refused ${describeAccess(access)}.`, {
        status: 401,
        remedy:
          "Check user, password, project and their domains in the OS_* variables or clouds.yaml, " +
          "and that the user has a role in the project.",
      });
    }
    if (hasCode(cause, "openstack-not-found")) {
      throw new Rejection(`There is no Keystone at ${authUrl}.`, {
        status: 401,
        remedy: "OS_AUTH_URL looks like https://controller:5000/v3.",
      });
    }
    if (!hasCode(cause, "openstack-unavailable")) throw cause;
    throw new Fault("openstack-unavailable", `asking Keystone at ${authUrl} for a token`, "later", cause);
  }
}

async function findEndpoint(
  shell: Shell,
  flags: CloudFlags,
  { cloud, access }: OpenedCloud,
): Promise<string> {
  const given = filled(flags.endpoint) ?? filled(shell.env["CAIRN_ENDPOINT"]);
  if (given === undefined) {
    try {
      return await cloud.endpoint("workloads", shell.signal);
    } catch (cause) {
      if (!hasCode(cause, "openstack-no-endpoint")) throw cause;
      const region = access.region === undefined ? "" : ` in region ${access.region}`;
      throw new Rejection(
        `Keystone's catalogue has no ${access.interface} address of Cairn (service type workloads)${region}.`,
        {
          status: 400,
          remedy: "Check OS_REGION_NAME and OS_INTERFACE, or give the address with --endpoint.",
        },
      );
    }
  }
  if (!URL.canParse(given) || !/^https?:/.test(given)) {
    throw new Rejection(`The endpoint ${given} is no http address.`, {
      status: 400,
      field: "--endpoint",
      value: given,
      remedy: "It looks like http://controller:8780 or http://controller:8780/v1/<project id>.",
    });
  }
  const root = given.replace(/\/+$/, "");
  if (/\/v1\/[^/]+$/.test(root)) return root;
  return `${root.replace(/\/v1$/, "")}/v1/${await cloud.projectId(shell.signal)}`;
}

/**
 * `--os-cloud` or OS_CLOUD names a cloud of clouds.yaml; otherwise the OS_* variables speak. Flags win over
 * both.
 */
async function findAccess(shell: Shell, flags: CloudFlags): Promise<CloudAccess> {
  const { credentialsFromClouds, credentialsFromEnvironment } = await import("@cairn/openstack");
  const env = { ...shell.env, ...flags.overrides };
  const cloudName = filled(flags.osCloud) ?? filled(env["OS_CLOUD"]);
  try {
    if (cloudName === undefined) {
      await trust(shell, filled(flags.osCacert) ?? filled(env["OS_CACERT"]));
      return credentialsFromEnvironment(env);
    }
    const content = await readClouds(shell, env);
    await trust(shell, filled(flags.osCacert) ?? cacertOf(content, cloudName) ?? filled(env["OS_CACERT"]));
    return credentialsFromClouds(content, cloudName, env);
  } catch (cause) {
    // Missing or wrong credentials are a matter of authentication, not of the command line.
    if (!(cause instanceof Rejection)) throw cause;
    throw new Rejection(cause.message, {
      status: 401,
      ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }),
    });
  }
}

async function readClouds(shell: Shell, env: Shell["env"]): Promise<unknown> {
  const configHome = filled(env["XDG_CONFIG_HOME"]) ?? join(shell.home, ".config");
  const given = filled(env["OS_CLIENT_CONFIG_FILE"]);
  const places = [
    ...(given === undefined ? [] : [given]),
    join(shell.cwd, "clouds.yaml"),
    join(shell.cwd, "clouds.yml"),
    join(configHome, "openstack", "clouds.yaml"),
    join(configHome, "openstack", "clouds.yml"),
    "/etc/openstack/clouds.yaml",
  ];
  for (const place of places) {
    const text = await shell.readFile(place);
    if (text === undefined) continue;
    const clouds = await parseYaml(text, place);
    const secrets = await shell.readFile(place.replace(/clouds(\.ya?ml)$/, "secure$1"));
    return secrets === undefined || place === secureOf(place)
      ? clouds
      : merged(clouds, await parseYaml(secrets, secureOf(place)));
  }
  throw new Rejection("There is no clouds.yaml.", {
    status: 401,
    remedy: `It is looked for in ${places.join(", ")}.`,
  });
}

/** Passwords may lie in a file of their own beside clouds.yaml, as OpenStack's clients have it. */
function secureOf(place: string): string {
  return place.replace(/clouds(\.ya?ml)$/, "secure$1");
}

async function parseYaml(text: string, place: string): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    return parse(text);
  } catch (cause) {
    throw new Rejection(`${place} is no YAML: ${String(cause).split("\n")[0]}.`, { status: 401 });
  }
}

function merged(one: unknown, other: unknown): unknown {
  if (!isRecord(one) || !isRecord(other)) return other ?? one;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(one[key], other[key])]));
}

function cacertOf(content: unknown, cloudName: string): string | undefined {
  const clouds = isRecord(content) ? content["clouds"] : undefined;
  const cloud = isRecord(clouds) ? clouds[cloudName] : undefined;
  const path = isRecord(cloud) ? cloud["cacert"] : undefined;
  return typeof path === "string" ? path : undefined;
}

async function trust(shell: Shell, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const pem = await shell.readFile(path);
  if (pem === undefined) {
    throw new Rejection(`The file of certificate authorities ${path} cannot be read.`, {
      status: 401,
      remedy: "Correct OS_CACERT, or cacert in clouds.yaml.",
    });
  }
  shell.trustAuthorities(pem);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
