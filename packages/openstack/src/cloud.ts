import { randomUUID } from "node:crypto";
import { type Clock, Fault, type ProjectId, systemClock, type UserId } from "@cairn/kernel";
import { type Barbican, barbican } from "./barbican/barbican.ts";
import { CINDER_VERSIONS, type Cinder, cinder } from "./cinder/cinder.ts";
import type { CloudAccess } from "./credentials.ts";
import { type Glance, glance } from "./glance/glance.ts";
import { type Keystone, keystone } from "./keystone/keystone.ts";
import type { Token } from "./keystone/tokens.ts";
import { type Neutron, neutron } from "./neutron/neutron.ts";
import { NOVA_VERSIONS, type Nova, nova } from "./nova/nova.ts";
import type { ServiceType } from "./wire/catalogue.ts";
import type { CloudLogEntry } from "./wire/exchange.ts";
import { serviceClient } from "./wire/service-client.ts";
import { openSession, type Session } from "./wire/session.ts";

export interface CloudOptions extends CloudAccess {
  /** How long one answer may take; a transfer of an image: how long it may stand still. */
  readonly requestTimeoutMs: number;
  /** `req-<uuid>`, passed on so that the services' logs can be joined with ours; a new one when left out. */
  readonly globalRequestId?: string;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  readonly log?: (entry: CloudLogEntry) => void;
}

/**
 * An OpenStack as one set of credentials sees it. Nothing is asked before the first call. No call is ever
 * repeated inside, but for one new token after a 401: whoever calls owns the retry rule.
 */
export interface Cloud {
  readonly keystone: Keystone;
  readonly nova: Nova;
  readonly cinder: Cinder;
  readonly glance: Glance;
  readonly neutron: Neutron;
  readonly barbican: Barbican;
  readonly globalRequestId: string;
  /** A token that is good for a while: renewed before it expires. */
  token(signal?: AbortSignal): Promise<Token>;
  /** The project that the token is for; a Fault when it is for none. */
  projectId(signal?: AbortSignal): Promise<ProjectId>;
  userId(signal?: AbortSignal): Promise<UserId>;
  /**
   * The service's address in the catalogue, for the region and interface of this cloud, without a slash at
   * its end.
   */
  endpoint(service: ServiceType, signal?: AbortSignal): Promise<string>;
  /** The same cloud, token and catalogue, under another global request id. */
  withRequestId(globalRequestId: string): Cloud;
}

/** An OpenStack as these credentials see it. Asks nothing yet; there is nothing to close. */
export function connectCloud(options: CloudOptions): Cloud {
  const wire = {
    fetch: options.fetch ?? fetch,
    clock: options.clock ?? systemClock,
    log: options.log ?? ((): void => undefined),
    requestTimeoutMs: options.requestTimeoutMs,
    globalRequestId: options.globalRequestId ?? `req-${randomUUID()}`,
  };
  return cloudOf(openSession(options, wire));
}

function cloudOf(session: Session): Cloud {
  return {
    keystone: keystone(serviceClient(session, "identity", undefined)),
    nova: nova(serviceClient(session, "compute", NOVA_VERSIONS)),
    cinder: cinder(serviceClient(session, "volume", CINDER_VERSIONS)),
    glance: glance(serviceClient(session, "image", undefined)),
    neutron: neutron(serviceClient(session, "network", undefined)),
    barbican: barbican(serviceClient(session, "key-manager", undefined)),
    globalRequestId: session.wire.globalRequestId,
    token: async (signal) => session.token(signal),
    projectId: async (signal) => {
      const { project } = await session.token(signal);
      if (project !== undefined) return project.id;
      throw new Fault(
        "openstack-no-project",
        "finding the project of a token that is for none",
        "after-operator",
      );
    },
    userId: async (signal) => (await session.token(signal)).user.id,
    endpoint: async (service, signal) => session.endpoint(service, signal),
    withRequestId: (globalRequestId) => cloudOf(session.withRequestId(globalRequestId)),
  };
}
