import { randomUUID } from "node:crypto";
import { type Clock, Fault, type ProjectId, type Secret, systemClock, type UserId } from "@cairn/kernel";
import { type Barbican, barbican } from "./barbican/barbican.ts";
import { CINDER_VERSIONS, type Cinder, cinder } from "./cinder/cinder.ts";
import type { CloudAccess } from "./credentials.ts";
import { type Glance, glance } from "./glance/glance.ts";
import { type Keystone, keystone } from "./keystone/keystone.ts";
import type { Token } from "./keystone/tokens.ts";
import { type Neutron, neutron } from "./neutron/neutron.ts";
import { type Nova, nova } from "./nova/nova.ts";
import { NOVA_VERSIONS } from "./nova/nova-versions.ts";
import { type Placement, placement } from "./placement/placement.ts";
import type { ServiceType } from "./wire/catalogue.ts";
import { VersionMemory } from "./wire/discovery.ts";
import type { CloudLogEntry } from "./wire/exchange.ts";
import { secureFetch, type Tls } from "./wire/secure-fetch.ts";
import { serviceClient } from "./wire/service-client.ts";
import { openSession, type Session } from "./wire/session.ts";

export interface CloudOptions extends CloudAccess {
  /** How long one answer may take; a transfer of an image: how long it may stand still. */
  readonly requestTimeoutMs: number;
  /** `req-<uuid>`, passed on so that the services' logs can be joined with ours; a new one when left out. */
  readonly globalRequestId?: string;
  /**
   * What a service's own cloud gives (`async (signal) => (await own.token(signal)).value`): lets a user's
   * token be used beyond its end, where the service user has the role `service`.
   */
  readonly serviceToken?: (signal: AbortSignal | undefined) => Promise<Secret>;
  /** What services said of their versions; give clouds of the same OpenStack one, and they ask once. */
  readonly versions?: VersionMemory;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  readonly log?: (entry: CloudLogEntry) => void;
}

/**
 * An OpenStack as one set of credentials sees it. Nothing is asked before the first call. What is
 * safe to repeat is made up to three times within the time of one request (`wire/retrying.ts`), and once more
 * with a new token after a 401; everything else is for whoever calls.
 */
export interface Cloud {
  readonly keystone: Keystone;
  readonly nova: Nova;
  readonly cinder: Cinder;
  readonly glance: Glance;
  readonly neutron: Neutron;
  readonly barbican: Barbican;
  /** Not every cloud shows it: `endpoint("placement")` tells. */
  readonly placement: Placement;
  readonly globalRequestId: string;
  /** Whose certificates it takes, beside those that Node knows: for who calls a service in our stead. */
  readonly tls: Tls | undefined;
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
    fetch: options.fetch ?? (options.tls === undefined ? fetch : secureFetch(options.tls)),
    clock: options.clock ?? systemClock,
    log: options.log ?? ((): void => undefined),
    requestTimeoutMs: options.requestTimeoutMs,
    globalRequestId: options.globalRequestId ?? `req-${randomUUID()}`,
    ...(options.serviceToken === undefined ? {} : { serviceToken: options.serviceToken }),
  };
  return cloudOf(openSession(options, wire, options.versions ?? new VersionMemory()), options.tls);
}

function cloudOf(session: Session, tls: Tls | undefined): Cloud {
  return {
    keystone: keystone(serviceClient(session, "identity", undefined)),
    nova: nova(serviceClient(session, "compute", NOVA_VERSIONS)),
    cinder: cinder(serviceClient(session, "volume", CINDER_VERSIONS)),
    glance: glance(serviceClient(session, "image", undefined)),
    neutron: neutron(serviceClient(session, "network", undefined)),
    barbican: barbican(serviceClient(session, "key-manager", undefined)),
    placement: placement(serviceClient(session, "placement", undefined)),
    globalRequestId: session.wire.globalRequestId,
    tls,
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
    withRequestId: (globalRequestId) => cloudOf(session.withRequestId(globalRequestId), tls),
  };
}
