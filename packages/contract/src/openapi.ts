import type { TSchema } from "typebox";
import * as restores from "./restores.ts";
import type { Method, Route } from "./route.ts";
import { fullPath, fullPaths, type RouteId, routeIds, routeOf } from "./routes.ts";
import { DiskProgress, FaultDetail, Links, MetadataRow, Progress } from "./shapes.ts";
import * as snapshots from "./snapshots.ts";
import * as workloads from "./workloads.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const { WORKLOAD_TYPES: _ids, ...workloadSchemas } = workloads;

/** Schemas that stand under their own name in the document and are referred to elsewhere. */
const named: Readonly<Record<string, TSchema>> = {
  DiskProgress,
  FaultDetail,
  Links,
  MetadataRow,
  Progress,
  ...restores,
  ...snapshots,
  ...workloadSchemas,
};
const nameOf = new Map<unknown, string>(Object.entries(named).map(([name, schema]) => [schema, name]));

/** The OpenAPI 3.1 document of the interface. The same table gives the same document, key by key. */
export function openapi(): Record<string, unknown> {
  const paths: Record<string, Record<string, Json>> = {};
  for (const id of routeIds) {
    const route = routeOf(id);
    for (const at of fullPaths(route)) {
      for (const method of route.methods) {
        paths[at] = { ...paths[at], [method.toLowerCase()]: operation(id, at, method) };
      }
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Cairn",
      version: "1",
      summary: "Backup as a service for OpenStack",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      securitySchemes: {
        keystone: { type: "apiKey", in: "header", name: "X-Auth-Token", description: "a Keystone token" },
      },
      schemas: { Fault: faultSchema(), ...namedSchemas() },
    },
  };
}

function operation(id: RouteId, at: string, method: Method): Json {
  const route = routeOf(id);
  const [first] = fullPaths(route);
  const preferred = at === first && method === route.methods[0];
  const needs = route.action === undefined ? "" : ` Needs the right \`${route.action}\`.`;
  return {
    operationId: preferred ? id : `${id}_${method.toLowerCase()}_${spelling(route, at)}`,
    summary: route.summary,
    description: preferred
      ? `${route.summary}.${needs}`
      : `A spelling of \`${id}\` for existing clients.${needs}`,
    ...(preferred ? {} : { deprecated: true }),
    tags: [tagOf(route)],
    security: route.scope === "public" ? [] : [{ keystone: [] }],
    parameters: parameters(route, at),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: json(route.body) } }),
    responses: responses(route),
  };
}

function parameters(route: Route, at: string): Json {
  const placed = Array.from(at.matchAll(/\{(\w+)\}/g), (match) => match[1] ?? "");
  const inPath = placed.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const inQuery = properties(route.query)
    .filter(([name]) => !placed.includes(name))
    .map(([name, schema]) => ({ name, in: "query", required: false, schema: plain(schema) }));
  return [...inPath, ...inQuery];
}

function responses(route: Route): Json {
  const said = route.reply === undefined ? {} : { content: json(route.reply) };
  const bytes = route.download === true ? { content: { "application/octet-stream": {} } } : said;
  const fault = { description: "Refused or failed", content: faultContent };
  return { [String(route.status)]: { description: route.summary, ...bytes }, default: fault };
}

const faultContent: Json = { "application/json": { schema: { $ref: "#/components/schemas/Fault" } } };

function faultSchema(): Json {
  return {
    type: "object",
    description: "One key, named after the kind of fault, such as badRequest or itemNotFound",
    additionalProperties: plain(FaultDetail),
    minProperties: 1,
    maxProperties: 1,
  };
}

function json(schema: TSchema): Json {
  return { "application/json": { schema: plain(schema) } };
}

/** A schema as plain JSON, with references in place of the named schemas in it. */
function plain(schema: TSchema): Json {
  const text = JSON.stringify(schema, (_, value: unknown) => {
    const name = nameOf.get(value);
    return name === undefined ? value : { $ref: `#/components/schemas/${name}` };
  });
  return JSON.parse(text) as Json;
}

function namedSchemas(): Record<string, Json> {
  const sorted = Object.entries(named).sort(([one], [other]) => one.localeCompare(other));
  return Object.fromEntries(sorted.map(([name, schema]) => [name, plain({ ...schema })]));
}

function properties(schema: TSchema): [string, TSchema][] {
  return "properties" in schema ? Object.entries(schema.properties as Record<string, TSchema>) : [];
}

function tagOf(route: Route): string {
  return route.action?.split(":")[0] ?? "service";
}

/** What tells a spelling from others of its route. */
function spelling(route: Route, at: string): string {
  if (route.rootPaths?.includes(at) === true) return `root_${slug(at)}`;
  return slug(route.paths.find((path) => fullPath(route, path) === at) ?? at);
}

function slug(path: string): string {
  return path.replaceAll(/[^\w]+/g, "_").replaceAll(/^_+|_+$/g, "");
}
