export interface Service {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly enabled: boolean;
}

export interface Endpoint {
  readonly id: string;
  readonly serviceId: string;
  readonly interface: string;
  readonly region: string | undefined;
  readonly url: string;
  readonly enabled: boolean;
}

export interface EndpointCreation {
  readonly serviceId: string;
  readonly interface: "public" | "internal" | "admin";
  readonly region: string;
  /** May hold `$(project_id)s`, which Keystone fills in for each token's catalogue. */
  readonly url: string;
}

/** Keystone's own register of services, for an admin; a token's catalogue is the tenant's view of it. */
export interface Services {
  list(filter: { readonly type?: string }, signal?: AbortSignal): Promise<readonly Service[]>;
  create(service: { readonly type: string; readonly name: string }, signal?: AbortSignal): Promise<Service>;
  listEndpoints(filter: { readonly serviceId?: string }, signal?: AbortSignal): Promise<readonly Endpoint[]>;
  createEndpoint(endpoint: EndpointCreation, signal?: AbortSignal): Promise<Endpoint>;
  /** Absent is deleted. */
  deleteEndpoint(id: string, signal?: AbortSignal): Promise<void>;
}
