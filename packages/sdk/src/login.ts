import { Fault, hasCode, Rejection } from "@cairn/kernel";
import type { Cloud, CloudAccess, Environment } from "@cairn/openstack";
import { describeAccess } from "./who.ts";

const CLOUD_TIMEOUT_MS = 30_000;

/** OpenStack, and who we are there. */
export interface OpenCloud {
  readonly cloud: Cloud;
  readonly access: CloudAccess;
}

/** Who and where, out of the `OS_*` variables of OpenStack's clients. */
export async function accessFromEnvironment(env: Environment): Promise<CloudAccess> {
  const { credentialsFromEnvironment } = await import("@cairn/openstack");
  return credentialsFromEnvironment(env);
}

/** Who and where, out of the content of a clouds.yaml (as a parser gave it) and the name of a cloud there. */
export async function accessFromClouds(
  content: unknown,
  cloudName: string,
  env: Environment = {},
): Promise<CloudAccess> {
  const { credentialsFromClouds } = await import("@cairn/openstack");
  return credentialsFromClouds(content, cloudName, env);
}

/** Gets a token, which later calls share; a refusal says who was refused, where, and what to look at. */
export async function logIn(access: CloudAccess, signal?: AbortSignal): Promise<OpenCloud> {
  const { connectCloud } = await import("@cairn/openstack");
  const cloud = connectCloud({ ...access, requestTimeoutMs: CLOUD_TIMEOUT_MS });
  const { authUrl } = access;
  try {
    await cloud.token(signal);
    return { cloud, access };
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
