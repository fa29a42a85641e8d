import { join } from "node:path";
import type { ApiClient } from "@cairn/contract";
import { Rejection } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import {
  accessFromClouds,
  accessFromEnvironment,
  type CloudAccess,
  connectWith,
  logIn,
  type OpenCloud,
} from "@cairn/sdk";
import type { Shell } from "./shell.ts";

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

/** Finds credentials and gets a token with them. */
export async function openCloud(shell: Shell, flags: CloudFlags): Promise<OpenCloud> {
  return logIn(await findAccess(shell, flags), shell.signal);
}

/** Finds credentials and endpoint; nothing is asked of the API yet. */
export async function openSession(shell: Shell, flags: CloudFlags): Promise<Session> {
  const endpoint = filled(flags.endpoint) ?? filled(shell.env["CAIRN_ENDPOINT"]);
  return connectWith(await openCloud(shell, flags), {
    ...(endpoint === undefined ? {} : { endpoint }),
    signal: shell.signal,
  });
}

/**
 * `--os-cloud` or OS_CLOUD names a cloud of clouds.yaml; otherwise the OS_* variables speak. Flags win over
 * both.
 */
async function findAccess(shell: Shell, flags: CloudFlags): Promise<CloudAccess> {
  const env = { ...shell.env, ...flags.overrides };
  const cloudName = filled(flags.osCloud) ?? filled(env["OS_CLOUD"]);
  try {
    if (cloudName === undefined) {
      await trust(shell, filled(flags.osCacert) ?? filled(env["OS_CACERT"]));
      return await accessFromEnvironment(env);
    }
    const content = await readClouds(shell, env);
    await trust(shell, filled(flags.osCacert) ?? cacertOf(content, cloudName) ?? filled(env["OS_CACERT"]));
    return await accessFromClouds(content, cloudName, env);
  } catch (cause) {
    // Missing or wrong credentials are a matter of authentication, not of the command line.
    if (!(cause instanceof Rejection)) throw cause;
    throw new Rejection(cause.message, {
      status: 401,
      remedy: cause.remedy,
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
    throw new Rejection(`${place} is no YAML: ${String(cause).split("\n")[0]}.`, {
      status: 401,
      field: "clouds.yaml",
      value: place,
      remedy: "Mend it as the message says; openstacksdk's documentation has an example.",
    });
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
