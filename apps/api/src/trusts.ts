import { findTrust, saveTrust } from "@cairn/database";
import { hasCode, Rejection, type TrustId } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { Caller } from "./policy.ts";
import type { World } from "./world.ts";

/**
 * Makes sure that the service may act as this user in this project later, without their token: a Keystone
 * trust with the roles of the token, made with the token itself. One that Keystone has forgotten is made
 * anew.
 */
export async function ensureTrust(
  world: World,
  caller: Caller,
  cloud: Cloud,
  signal: AbortSignal,
): Promise<void> {
  const { handle } = world.database;
  const known = await findTrust(handle, caller.userId, caller.projectId);
  if (known !== undefined && (await isGood(world, known.trust_id, caller, signal))) return;
  const trust = await createTrust(world, caller, cloud, signal);
  await saveTrust(handle, {
    userId: caller.userId,
    projectId: caller.projectId,
    trustId: trust,
    roles: caller.roles,
  });
}

/** A trust is good while Keystone knows it, for this trustor and project. */
async function isGood(world: World, id: TrustId, caller: Caller, signal: AbortSignal): Promise<boolean> {
  const trust = await world.admin.keystone.trusts.find(id, signal);
  return trust?.trustorUserId === caller.userId && trust.projectId === caller.projectId;
}

async function createTrust(
  world: World,
  caller: Caller,
  cloud: Cloud,
  signal: AbortSignal,
): Promise<TrustId> {
  try {
    const trust = await cloud.keystone.trusts.create(
      {
        trustorUserId: caller.userId,
        trusteeUserId: await world.admin.userId(signal),
        projectId: caller.projectId,
        roleNames: caller.roles,
        impersonation: true,
      },
      signal,
    );
    return trust.id;
  } catch (cause) {
    if (!hasCode(cause, "openstack-forbidden")) throw cause;
    // Keystone lets no trust be made with a token that itself came from a trust or a restricted credential.
    throw new Rejection("Keystone does not let this token delegate its user's roles to the backup service.", {
      status: 403,
      remedy: "Ask once with a token that was issued for a password; later requests may use any token.",
    });
  }
}

/**
 * Things done later in the user's name need a trust in the project, so a token of another project will not
 * do.
 */
export function assertOwnProject(caller: Caller): void {
  if (caller.tokenProjectId === caller.projectId) return;
  throw new Rejection("This must be asked with a token of the project itself.", {
    status: 403,
    field: "project_id",
    value: caller.projectId,
    remedy: "Ask Keystone for a token that is scoped to this project.",
  });
}
