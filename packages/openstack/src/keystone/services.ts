import { type Fields, theOnly } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

export interface Service {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly enabled: boolean;
  /** What `cairn setup` made for this service: an attribute of ours, which Keystone keeps as it is. */
  readonly made: readonly string[];
}

export interface ServiceCreation {
  readonly type: string;
  readonly name: string;
  readonly description?: string;
  readonly made?: readonly string[];
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
  create(service: ServiceCreation, signal?: AbortSignal): Promise<Service>;
  /** Writes down what was made for the service, in the place of what stood there. */
  setMade(id: string, made: readonly string[], signal?: AbortSignal): Promise<Service>;
  /** With its endpoints; absent is deleted. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
  /** The ids of the regions that an endpoint may be in. */
  listRegions(signal?: AbortSignal): Promise<readonly string[]>;
  listEndpoints(filter: { readonly serviceId?: string }, signal?: AbortSignal): Promise<readonly Endpoint[]>;
  createEndpoint(endpoint: EndpointCreation, signal?: AbortSignal): Promise<Endpoint>;
  updateEndpoint(id: string, change: { readonly url: string }, signal?: AbortSignal): Promise<Endpoint>;
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
    create: async ({ type, name, description, made }, signal) => {
      const described = description === undefined ? {} : { description };
      const noted = made === undefined ? {} : { [MADE]: [...made] };
      const body = { service: { type, name, ...described, ...noted } };
      const doing = `registering service ${name}`;
      return theOnly(await client.post({ doing, path: ["services"], body, signal }), "service", readService);
    },
    setMade: async (id, made, signal) => {
      const body = { service: { [MADE]: [...made] } };
      const doing = `noting what was made for service ${id}`;
      const answer = await client.patch({ doing, path: ["services", id], body, signal });
      return theOnly(answer, "service", readService);
    },
    delete: async (id, signal) => {
      await client.remove({ doing: `removing service ${id}`, path: ["services", id], signal });
    },
    ...endpoints(client),
  };
}

type EndpointCalls = Exclude<keyof Services, "list" | "create" | "setMade" | "delete">;

function endpoints(client: ServiceClient): Pick<Services, EndpointCalls> {
  return {
    listRegions: async (signal) =>
      client.list({
        doing: "listing regions",
        path: ["regions"],
        field: "regions",
        read: (fields) => fields.string("id"),
        signal,
      }),
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
    updateEndpoint: async (id, { url }, signal) => {
      const body = { endpoint: { url } };
      const doing = `changing the address of endpoint ${id}`;
      const answer = await client.patch({ doing, path: ["endpoints", id], body, signal });
      return theOnly(answer, "endpoint", readEndpoint);
    },
    deleteEndpoint: async (id, signal) => {
      await client.remove({ doing: `removing endpoint ${id}`, path: ["endpoints", id], signal });
    },
  };
}

/** Keystone keeps attributes that it does not know, as its schemas allow, and gives them back. */
const MADE = "cairn_made";

function readService(fields: Fields): Service {
  return {
    id: fields.string("id"),
    type: fields.string("type"),
    name: fields.text("name"),
    enabled: fields.optionalBoolean("enabled") ?? true,
    made: fields.strings(MADE),
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
