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

/** Keystone's own register of services, for an admin; a token's catalogue is the tenant's view of it. */
export interface Services {
  list(filter: { readonly type?: string }, signal?: AbortSignal): Promise<readonly Service[]>;
  listEndpoints(filter: { readonly serviceId?: string }, signal?: AbortSignal): Promise<readonly Endpoint[]>;
}
