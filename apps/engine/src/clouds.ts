import { type Database, type Delegation, findDelegation } from "@cairn/database";
import type { RunFacts } from "@cairn/flows";
import { Fault } from "@cairn/kernel";
import { type Cloud, type CloudOptions, type Credentials, connectCloud, secretSeal } from "@cairn/openstack";
import type { ConfigOf } from "@cairn/service";
import type { engineSpec } from "./config.ts";

/** Where Keystone is, and who the service is there. */
export type Keystone = Omit<ConfigOf<typeof engineSpec>["keystone"], "caFile" | "insecure"> &
  Pick<CloudOptions, "tls">;

const REQUEST_TIMEOUT_MS = 60_000;

/** OpenStack as the service user of the configuration. */
export function adminCloud(keystone: Keystone): Cloud {
  const domain = { name: keystone.domain };
  return connectCloud({
    ...common(keystone),
    credentials: {
      kind: "password",
      user: { name: keystone.username, domain },
      password: keystone.password,
      scope: { kind: "project", project: { name: keystone.projectName, domain } },
    },
  });
}

/**
 * OpenStack as the user who asked for a run, through the trust or application credential that the API made
 * with that user's own token.
 * The run's id is the global request id, so that OpenStack's logs can be joined with ours.
 */
export async function tenantCloud(
  database: Database,
  keystone: Keystone,
  run: Pick<RunFacts, "id" | "userId" | "projectId">,
): Promise<Cloud> {
  const delegation = await findDelegation(database.handle, run.userId, run.projectId);
  if (delegation === undefined) {
    throw new Fault(
      "trust-missing",
      `user ${run.userId} has no trust for project ${run.projectId}; modifying the workload makes one`,
      "after-operator",
    );
  }
  const credentials = credentialsOf(keystone, delegation);
  const own = adminCloud(keystone);
  return connectCloud({
    ...common(keystone),
    credentials,
    globalRequestId: `req-${run.id}`,
    // Without it Cinder asks Nova, in the user's name, whether an attachment may go (its bug 2004555), and
    // Keystone gives nobody a new token for that of a trust.
    serviceToken: async (signal) => (await own.token(signal)).value,
  });
}

function credentialsOf(keystone: Keystone, delegation: Delegation): Credentials {
  switch (delegation.kind) {
    case "trust": {
      const user = { name: keystone.username, domain: { name: keystone.domain } };
      return { kind: "trust", user, password: keystone.password, trustId: delegation.trustId };
    }
    case "application-credential": {
      const { credentialId: id, sealed } = delegation;
      const secret = secretSeal(keystone.password).open(sealed, id);
      return { kind: "application-credential", credential: { id }, secret };
    }
  }
}

function common(keystone: Keystone): Omit<CloudOptions, "credentials"> {
  return {
    authUrl: keystone.authUrl,
    region: keystone.region,
    interface: keystone.interface,
    ...(keystone.tls === undefined ? {} : { tls: keystone.tls }),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  };
}
