import { Fault, Rejection } from "@cairn/kernel";
import { Type } from "typebox";
import { findMismatch, matches } from "./parse.ts";
import type { Download, Route } from "./route.ts";
import {
  type BodyOf,
  fullPath,
  type ParamsOf,
  type QueryOf,
  type ReplyOf,
  type RouteId,
  routeIds,
  routeOf,
} from "./routes.ts";
import { FaultDetail } from "./shapes.ts";

/** What a call sends: the parts that its route has. */
export type CallOptions<Id extends RouteId> = {
  readonly signal?: AbortSignal;
} & (Record<string, never> extends ParamsOf<Id>
  ? { readonly params?: ParamsOf<Id> }
  : { readonly params: ParamsOf<Id> }) &
  (Record<string, never> extends QueryOf<Id>
    ? { readonly query?: QueryOf<Id> }
    : { readonly query: QueryOf<Id> }) &
  (BodyOf<Id> extends undefined ? unknown : { readonly body: BodyOf<Id> });

type Call<Id extends RouteId> =
  Record<string, never> extends CallOptions<Id>
    ? (options?: CallOptions<Id>) => Promise<ReplyOf<Id>>
    : (options: CallOptions<Id>) => Promise<ReplyOf<Id>>;

/**
 * One method for each route. A refusal is a `Rejection`, an API that is away or does not keep the contract a
 * `Fault`.
 */
export type ApiClient = { readonly [Id in RouteId]: Call<Id> };

/** How to reach the API. `endpoint` is the catalogue's: `http://host:8780/v1/<project id>`. */
export interface ApiConnection {
  readonly endpoint: string;
  token(): Promise<string>;
  readonly fetch?: typeof globalThis.fetch;
  /** How long one call may take; 60 s unless told. */
  readonly timeoutMs?: number;
  /** Until the first byte of a file; 5 min unless told. */
  readonly downloadTimeoutMs?: number;
}

/** A client of the API whose methods are the routes of the contract. It never retries. */
export function connectApi(connection: ApiConnection): ApiClient {
  const calls = routeIds.map((id) => [
    id,
    async (options?: LooseOptions) => call(connection, id, options ?? {}),
  ]);
  return Object.fromEntries(calls) as ApiClient;
}

interface LooseOptions {
  readonly params?: Readonly<Record<string, string | undefined>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

async function call(connection: ApiConnection, id: RouteId, options: LooseOptions): Promise<unknown> {
  const route = routeOf(id);
  const url = address(connection.endpoint, route, options);
  if (route.download === true) return download(connection, route, url, options);
  const response = await send(connection, route, url, options);
  const text = await response.text();
  if (!response.ok) throw refusal(response.status, text, `${route.methods[0]} ${url.origin}${url.pathname}`);
  if (route.reply === undefined) return undefined;
  const reply = parseJson(text);
  const mismatch = findMismatch(route.reply, reply);
  if (mismatch === undefined) return reply;
  const what = `${mismatch.field} ${mismatch.expected}`;
  throw new Fault(
    "api-reply",
    `reading the API's reply to ${route.methods[0]} ${url.pathname}: ${what}`,
    "never",
  );
}

/** The answer has to begin in time; its bytes may take as long as they need. */
async function download(
  connection: ApiConnection,
  route: Route,
  url: URL,
  options: LooseOptions,
): Promise<Download> {
  const late = new AbortController();
  const fault = new Fault("api-unreachable", `waiting for a file of the API at ${url.origin}`, "later");
  const timer = setTimeout(() => late.abort(fault), connection.downloadTimeoutMs ?? DOWNLOAD_BEGIN_MS);
  try {
    const response = await send({ ...connection, timeoutMs: LONG_MS }, route, url, {
      ...options,
      signal: options.signal === undefined ? late.signal : AbortSignal.any([options.signal, late.signal]),
    });
    const what = `${route.methods[0]} ${url.origin}${url.pathname}`;
    if (!response.ok) throw refusal(response.status, await response.text(), what);
    if (response.body === null) throw new Fault("api-reply", `reading the bytes of ${what}`, "later");
    const length = response.headers.get("content-length");
    const disposition = response.headers.get("content-disposition") ?? "";
    const name = /filename\*=UTF-8''(\S+)/.exec(disposition)?.[1] ?? "file";
    return {
      name: decodeURIComponent(name),
      contentType: response.headers.get("content-type") ?? "application/octet-stream",
      ...(length === null ? {} : { sizeBytes: Number(length) }),
      bytes: response.body,
    };
  } finally {
    clearTimeout(timer);
  }
}

const DOWNLOAD_BEGIN_MS = 300_000;
const LONG_MS = 24 * 3_600_000;

function address(endpoint: string, route: Route, options: LooseOptions): URL {
  const params = options.params ?? {};
  const path = route.paths.find((each) => placeholders(each).every((name) => params[name] !== undefined));
  if (path === undefined) throw new Error(`bug: missing parameters for ${fullPath(route, route.paths[0])}`);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const root = endpoint.replace(/\/+$/, "");
  const base = route.scope === "project" ? root : root.replace(/\/v1(\/[^/]+)?$/, "");
  const url = new URL(`${base}${filled}`);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function placeholders(path: string): string[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1] ?? "");
}

async function send(
  connection: ApiConnection,
  route: Route,
  url: URL,
  options: LooseOptions,
): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", "user-agent": "cairn" };
  if (route.scope === "project") headers["x-auth-token"] = await connection.token();
  if (options.body !== undefined) headers["content-type"] = "application/json";
  const deadline = AbortSignal.timeout(connection.timeoutMs ?? 60_000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  try {
    return await (connection.fetch ?? fetch)(url, {
      method: route.methods[0],
      headers,
      signal,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new Fault("api-unreachable", `calling the API at ${url.origin}`, "later", cause);
  }
}

const FaultBody = Type.Record(Type.String(), FaultDetail);

/**
 * The field of a 503 that says: it goes on, ask the same again. The client's Fault for it is `still-working`.
 */
export const PROGRESS_FIELD = "progress";

const REFUSALS = [400, 401, 403, 404, 409, 413] as const;

function refusal(status: number, text: string, what: string): Rejection | Fault {
  const body = parseJson(text);
  const detail = matches(FaultBody, body) ? Object.values(body)[0] : undefined;
  const message = detail?.message ?? `${what} was answered with HTTP ${status}`;
  const known = REFUSALS.find((each) => each === status);
  if (known === undefined) {
    const retry = status >= 500 ? "later" : "never";
    if (status === 503 && detail?.field === PROGRESS_FIELD) return new Fault("still-working", message, retry);
    return new Fault(status === 503 ? "api-unavailable" : "api-failed", message, retry);
  }
  // Without Cairn's body somebody else answered: a proxy, or another service.
  const elsewhere = "Check that the endpoint is the address of Cairn's API.";
  return new Rejection(message, {
    status: known,
    ...(detail?.field === undefined ? {} : { field: detail.field }),
    ...(detail?.value === undefined ? {} : { value: detail.value }),
    remedy: detail?.remedy ?? elsewhere,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: a proxy's page, or an empty body; the caller sees `undefined` and judges by the status.
    return undefined;
  }
}
