import type { Clock, ProjectId, UserId } from "@cairn/kernel";
import type { Cinder } from "./cinder/cinder.ts";
import type { CloudAccess } from "./credentials.ts";
import type { Glance } from "./glance/glance.ts";
import type { Keystone } from "./keystone/keystone.ts";
import type { Token } from "./keystone/tokens.ts";
import type { Neutron } from "./neutron/neutron.ts";
import type { Nova } from "./nova/nova.ts";

/** One request that was answered or was not; never with a secret in it. */
export interface CloudLogEntry {
  readonly event: "openstack.request";
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly globalRequestId: string;
  readonly durationMs: number;
}

export interface CloudOptions extends CloudAccess {
  /** How long one answer may take; a transfer of an image: how long it may stand still. */
  readonly requestTimeoutMs: number;
  /** `req-<uuid>`, passed on so that the services' logs can be joined with ours; a new one when left out. */
  readonly globalRequestId?: string;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  readonly log?: (entry: CloudLogEntry) => void;
}

/** The services that the clients here and the catalogue know by one name, whatever the catalogue calls them. */
export type ServiceType = "identity" | "compute" | "volume" | "image" | "network" | "workloads";

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
  readonly globalRequestId: string;
  /** A token that is good for a while: renewed before it expires. */
  token(signal?: AbortSignal): Promise<Token>;
  /** The project that the token is for; a Fault when it is for none. */
  projectId(signal?: AbortSignal): Promise<ProjectId>;
  userId(signal?: AbortSignal): Promise<UserId>;
  /** The service's address in the catalogue, for the region and interface of this cloud, without a slash at its end. */
  endpoint(service: ServiceType, signal?: AbortSignal): Promise<string>;
  /** The same cloud, token and catalogue, under another global request id. */
  withRequestId(globalRequestId: string): Cloud;
}

/** An OpenStack as these credentials see it. Asks nothing yet; there is nothing to close. */
export declare function connectCloud(options: CloudOptions): Cloud;
