import { type Delegation, findDelegation, saveDelegation } from "@cairn/database";
import { Fault, hasCode, newId, Rejection } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { Caller } from "./policy.ts";
import type { World } from "./world.ts";

/**
 * Makes sure that the service may act as this user in this project later, without their token: by a Keystone
 * trust with the roles of the token, made with the token itself; for users who cannot make trusts by an
 * application credential. One that Keystone has forgotten is made anew.
 */
export async function ensureTrust(
  world: World,
  caller: Caller,
  cloud: Cloud,
  signal: AbortSignal,
): Promise<void> {
  const { handle } = world.database;
  const asking = { world, caller, cloud, signal };
  const known = await findDelegation(handle, caller.userId, caller.projectId);
  if (known !== undefined && (await isGood(known, asking))) return;
  await delegate(asking);
}

/** Makes a trust or an application credential with the caller's roles; it takes the place of a former one. */
export async function delegate(asking: Asking): Promise<void> {
  const delegation = (await makeTrust(asking)) ?? (await makeCredential(asking));
  const { userId, projectId, roles } = asking.caller;
  await saveDelegation(asking.world.database.handle, { userId, projectId, roles, delegation });
}

/**
 * Whether the service can act for this user in this project, as far as it can tell without them: of an
 * application credential it knows only that it can read it.
 */
export async function isUsable(
  world: World,
  { userId, projectId }: Pick<Caller, "userId" | "projectId">,
  signal: AbortSignal,
): Promise<boolean> {
  const known = await findDelegation(world.database.handle, userId, projectId);
  if (known === undefined) return false;
  if (known.kind === "application-credential") return opens(world, known);
  const trust = await world.admin.keystone.trusts.find(known.trustId, signal);
  return trust?.trustorUserId === userId && trust.projectId === projectId;
}

interface Asking {
  readonly world: World;
  readonly caller: Caller;
  /** OpenStack as the caller. */
  readonly cloud: Cloud;
  readonly signal: AbortSignal;
}

/** A delegation is good while Keystone knows it, for this user and project, and we can still use it. */
async function isGood(known: Delegation, { world, caller, cloud, signal }: Asking): Promise<boolean> {
  switch (known.kind) {
    case "trust": {
      const trust = await world.admin.keystone.trusts.find(known.trustId, signal);
      return trust?.trustorUserId === caller.userId && trust.projectId === caller.projectId;
    }
    case "application-credential": {
      if (!opens(world, known)) return false;
      // Asked as the owner: in some releases an admin may not see those of others.
      const { applicationCredentials } = cloud.keystone;
      const found = await applicationCredentials.find(caller.userId, known.credentialId, signal);
      return found?.projectId === caller.projectId;
    }
  }
}

/** The service password may have changed since. */
function opens(world: World, known: Extract<Delegation, { kind: "application-credential" }>): boolean {
  try {
    world.seal.open(known.sealed, known.credentialId);
    return true;
  } catch (cause) {
    if (cause instanceof Fault && cause.code === "credential-unreadable") return false;
    throw cause;
  }
}

/**
 * Undefined when Keystone lets this user or this token make none: a token that itself came from a trust or an
 * application credential, or a user whose roles come from an identity provider with each login, whom Keystone
 * then tells that it could not find the role (keystone/trust/core.py, keystone/api/trusts.py).
 */
async function makeTrust({ world, caller, cloud, signal }: Asking): Promise<Delegation | undefined> {
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
    return { kind: "trust", trustId: trust.id };
  } catch (cause) {
    if (hasCode(cause, "openstack-forbidden") || hasCode(cause, "openstack-not-found")) return undefined;
    throw cause;
  }
}

/** With the token's roles. What a crash leaves before it is saved is harmless: nobody knows its secret. */
async function makeCredential({ world, caller, cloud, signal }: Asking): Promise<Delegation> {
  try {
    const { credential, secret } = await cloud.keystone.applicationCredentials.create(
      caller.userId,
      {
        // Names are unique for a user, and an older one may still be in use by a run.
        name: `cairn-${newId()}`,
        description: "Cairn: backups without your presence. Delete it to stop them.",
        roleNames: caller.roles,
      },
      signal,
    );
    const sealed = world.seal.close(secret, credential.id);
    return { kind: "application-credential", credentialId: credential.id, sealed };
  } catch (cause) {
    if (!hasCode(cause, "openstack-forbidden")) throw cause;
    // Keystone lets neither be made with a token that itself came from a trust or a restricted credential.
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
