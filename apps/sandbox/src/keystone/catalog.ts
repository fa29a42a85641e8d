import { randomUUID } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { booleanAt, enveloped, given, type Json, requiredText, textAt } from "../http/reading.ts";
import type { EndpointRow, ServiceRow } from "../state/identity-rows.ts";
import { notFound } from "./resolve.ts";

/** An endpoint's address, with the sandbox's own and the project put in. */
function addressOf(cloud: Cloud, endpoint: EndpointRow, projectId: string | undefined): string {
  return endpoint.url
    .replace("{base}", cloud.baseUrl())
    .replace(/[$%]\((?:project|tenant)_id\)s/, projectId ?? "");
}

/** The catalogue as a token carries it; endpoints of a project need one. */
export function catalogOf(cloud: Cloud, projectId: string | undefined): object[] {
  return cloud.state.services
    .where((service) => service.enabled)
    .map((service) => ({
      endpoints: cloud.state.endpoints
        .where((endpoint) => endpoint.service_id === service.id && endpoint.enabled)
        .filter((endpoint) => projectId !== undefined || !/[$%]\(/.test(endpoint.url))
        .map((endpoint) => ({
          id: endpoint.id,
          interface: endpoint.interface,
          region_id: endpoint.region_id,
          url: addressOf(cloud, endpoint, projectId),
          region: endpoint.region_id,
        })),
      id: service.id,
      type: service.type,
      name: service.name,
    }));
}

export function selfLink(call: Call, path: string): { readonly self: string } {
  return { self: `${call.cloud.baseUrl()}/identity/v3/${path}` };
}

export function listLinks(call: Call): object {
  return { next: null, self: `${call.cloud.baseUrl()}${call.url}`, previous: null };
}

function serviceBody(call: Call, { extra, ...service }: ServiceRow): object {
  const links = selfLink(call, `services/${service.id}`);
  return { ...extra, ...service, description: service.description ?? "", links };
}

/** What was asked for beyond Keystone's own attributes (keystone/catalog/schema.py lets it through). */
function extraOf(asked: Json): Record<string, unknown> {
  const own = ["type", "name", "description", "enabled", "id", "links"];
  return Object.fromEntries(Object.entries(asked).filter(([name]) => !own.includes(name)));
}

function listServices(call: Call): Answer {
  const type = call.query.get("type");
  const name = call.query.get("name");
  const rows = call.cloud.state.services
    .where((each) => type === null || each.type === type)
    .filter((each) => name === null || each.name === name);
  return ok({ services: rows.map((each) => serviceBody(call, each)), links: listLinks(call) });
}

function serviceAt(call: Call): ServiceRow {
  const id = param(call, "id");
  const row = call.cloud.state.services.find(id);
  if (row === undefined) throw notFound("service", id);
  return row;
}

function createService(call: Call): Answer {
  const asked = enveloped(call.body, "service");
  const row = call.cloud.state.services.put({
    id: randomUUID().replaceAll("-", ""),
    type: requiredText(asked, "type"),
    name: textAt(asked, "name") ?? "",
    description: textAt(asked, "description") ?? "",
    enabled: booleanAt(asked, "enabled") ?? true,
    extra: extraOf(asked),
  });
  return { status: 201, body: { service: serviceBody(call, row) } };
}

function updateService(call: Call): Answer {
  const asked = enveloped(call.body, "service");
  const fields = {
    type: textAt(asked, "type"),
    name: textAt(asked, "name"),
    description: textAt(asked, "description"),
    enabled: booleanAt(asked, "enabled"),
  };
  const before = serviceAt(call);
  const extra = { ...before.extra, ...extraOf(asked) };
  const row = call.cloud.state.services.patch(before.id, { ...given(fields), extra });
  return ok({ service: serviceBody(call, row) });
}

function deleteService(call: Call): Answer {
  const { state } = call.cloud;
  const { id } = serviceAt(call);
  for (const endpoint of state.endpoints.where((each) => each.service_id === id))
    state.endpoints.remove(endpoint.id);
  state.services.remove(id);
  return noContent;
}

const endpointBody = (call: Call, endpoint: EndpointRow): object => ({
  ...endpoint,
  url: endpoint.url.replace("{base}", call.cloud.baseUrl()),
  region: endpoint.region_id,
  links: selfLink(call, `endpoints/${endpoint.id}`),
});

function listEndpoints(call: Call): Answer {
  const service = call.query.get("service_id");
  const kind = call.query.get("interface");
  const region = call.query.get("region_id");
  const rows = call.cloud.state.endpoints
    .where((each) => service === null || each.service_id === service)
    .filter((each) => kind === null || each.interface === kind)
    .filter((each) => region === null || each.region_id === region);
  return ok({ endpoints: rows.map((each) => endpointBody(call, each)), links: listLinks(call) });
}

function endpointAt(call: Call): EndpointRow {
  const id = param(call, "id");
  const row = call.cloud.state.endpoints.find(id);
  if (row === undefined) throw notFound("endpoint", id);
  return row;
}

function createEndpoint(call: Call): Answer {
  const asked = enveloped(call.body, "endpoint");
  const serviceId = requiredText(asked, "service_id");
  if (call.cloud.state.services.find(serviceId) === undefined) throw notFound("service", serviceId);
  const regionId = textAt(asked, "region_id");
  // A `region` of the old form is made when it is not there, a `region_id` must be there.
  if (regionId !== undefined && call.cloud.state.regions.find(regionId) === undefined)
    throw new ApiError(400, `Expecting to find valid region_id (${regionId}) in Region.`);
  const row = call.cloud.state.endpoints.put({
    id: randomUUID().replaceAll("-", ""),
    service_id: serviceId,
    interface: requiredText(asked, "interface"),
    region_id: regionId ?? textAt(asked, "region") ?? "RegionOne",
    url: requiredText(asked, "url"),
    enabled: booleanAt(asked, "enabled") ?? true,
  });
  return { status: 201, body: { endpoint: endpointBody(call, row) } };
}

function updateEndpoint(call: Call): Answer {
  const asked = enveloped(call.body, "endpoint");
  const fields = {
    service_id: textAt(asked, "service_id"),
    interface: textAt(asked, "interface"),
    region_id: textAt(asked, "region_id"),
    url: textAt(asked, "url"),
    enabled: booleanAt(asked, "enabled"),
  };
  const row = call.cloud.state.endpoints.patch(endpointAt(call).id, given(fields));
  return ok({ endpoint: endpointBody(call, row) });
}

function deleteEndpoint(call: Call): Answer {
  call.cloud.state.endpoints.remove(endpointAt(call).id);
  return noContent;
}

function listRegions(call: Call): Answer {
  const regions = call.cloud.state.regions.all().map((region) => ({
    id: region.id,
    description: "",
    parent_region_id: null,
    links: selfLink(call, `regions/${region.id}`),
  }));
  return ok({ regions, links: listLinks(call) });
}

/** Services, endpoints and regions: what registration writes and every client reads. */
export const catalogRoutes: readonly Route[] = [
  route("GET /v3/services", "identity:list_services", "admin", listServices),
  route("POST /v3/services", "identity:create_service", "admin", createService),
  route("GET /v3/services/:id", "identity:get_service", "admin", (call) =>
    ok({ service: serviceBody(call, serviceAt(call)) }),
  ),
  route("PATCH /v3/services/:id", "identity:update_service", "admin", updateService),
  route("DELETE /v3/services/:id", "identity:delete_service", "admin", deleteService),
  route("GET /v3/endpoints", "identity:list_endpoints", "admin", listEndpoints),
  route("POST /v3/endpoints", "identity:create_endpoint", "admin", createEndpoint),
  route("GET /v3/endpoints/:id", "identity:get_endpoint", "admin", (call) =>
    ok({ endpoint: endpointBody(call, endpointAt(call)) }),
  ),
  route("PATCH /v3/endpoints/:id", "identity:update_endpoint", "admin", updateEndpoint),
  route("DELETE /v3/endpoints/:id", "identity:delete_endpoint", "admin", deleteEndpoint),
  route("GET /v3/regions", "identity:list_regions", "reader", listRegions),
];
