import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

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
  /** With its endpoints; absent is deleted. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
  listEndpoints(filter: { readonly serviceId?: string }, signal?: AbortSignal): Promise<readonly Endpoint[]>;
  createEndpoint(endpoint: EndpointCreation, signal?: AbortSignal): Promise<Endpoint>;
  /** Absent is deleted. */
  deleteEndpoint(id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about the register of services. */
export function services(client: ServiceClient): Services {
  return {
    list: async (filter, signal) =>
      client.list({
        doing: "listing services",
        path: ["services"],
        query: { type: filter.type },
        field: "services",
        read: readService,
        signal,
      }),
    create: async ({ type, name }, signal) => {
      const body = { service: { type, name } };
      const doing = `registering service ${name}`;
      return theOnly(await client.post({ doing, path: ["services"], body, signal }), "service", readService);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `removing service ${id}`, path: ["services", id], signal });
    },
    listEndpoints: async (filter, signal) =>
      client.list({
        doing: "listing endpoints",
        path: ["endpoints"],
        query: { service_id: filter.serviceId },
        field: "endpoints",
        read: readEndpoint,
        signal,
      }),
    createEndpoint: async ({ serviceId, interface: kind, region, url }, signal) => {
      const body = { endpoint: { service_id: serviceId, interface: kind, region_id: region, url } };
      const doing = `registering the ${kind} endpoint of service ${serviceId}`;
      return theOnly(
        await client.post({ doing, path: ["endpoints"], body, signal }),
        "endpoint",
        readEndpoint,
      );
    },
    deleteEndpoint: async (id, signal) => {
      await client.remove({ doing: `removing endpoint ${id}`, path: ["endpoints", id], signal });
    },
  };
}

function readService(fields: Fields): Service {
  return {
    id: fields.string("id"),
    type: fields.string("type"),
    name: fields.text("name"),
    enabled: fields.optionalBoolean("enabled") ?? true,
  };
}

function readEndpoint(fields: Fields): Endpoint {
  return {
    id: fields.string("id"),
    serviceId: fields.string("service_id"),
    interface: fields.string("interface"),
    region: fields.optionalString("region_id") ?? fields.optionalString("region"),
    url: fields.string("url"),
    enabled: fields.optionalBoolean("enabled") ?? true,
  };
}
