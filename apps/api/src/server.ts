import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import {
  type BodyOf,
  type Download,
  faultBody,
  fullPaths,
  matches,
  normaliseBody,
  normaliseQuery,
  type ParamsOf,
  parseAs,
  type QueryOf,
  type ReplyOf,
  type Route,
  type RouteId,
  type Routes,
  routeIds,
  routeOf,
} from "@cairn/contract";
import type { Handle } from "@cairn/database";
import { asksForOwner, type PolicyRules } from "@cairn/domain";
import { asError, asId, Rejection, Secret } from "@cairn/kernel";
import { answerStatus, type Log, type Status } from "@cairn/service";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { askedThing } from "./asked-thing.ts";
import type { AuditedRequest, Auditor } from "./auditing.ts";
import type { TokenValidator } from "./authentication.ts";
import { type Console, serveConsole } from "./console/console.ts";
import { goneSignal } from "./gone-signal.ts";
import { assertAllowed, assertProject, type Caller, isAdministrator } from "./policy.ts";
import type { PolicyFile } from "./policy-file.ts";
import { brokenRequestReply, failureReply } from "./replies.ts";

/** What a handler gets: the parts of the request, validated, and who asks. */
export interface ApiRequest<Id extends RouteId> {
  readonly params: ParamsOf<Id>;
  readonly query: QueryOf<Id>;
  readonly body: BodyOf<Id>;
  /** Absent only for public routes. */
  readonly caller: Routes[Id]["scope"] extends "project" ? Caller : undefined;
  /** `req-<uuid>`: OpenStack's services are told it too. */
  readonly requestId: string;
  /** Scheme and host as the client named them, for links. */
  readonly origin: string;
  readonly log: Log;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

/** One handler for each route of the contract: a route without one does not compile. */
export type Handlers = {
  readonly [Id in RouteId]: (request: ApiRequest<Id>) => Promise<ReplyOf<Id>>;
};

export interface ServerOptions {
  readonly handlers: Handlers;
  readonly tokens: TokenValidator;
  /** Who may do what. */
  readonly policy: PolicyFile;
  readonly database: Handle;
  readonly auditor: Auditor;
  readonly console: Console;
  /** Told to whoever comes without a good token. */
  readonly authUrl: string;
  readonly log: Log;
  readonly status: Status;
}

const BODY_BYTES_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;

/** The HTTP server with every route of the contract; it does not listen yet. */
export function createServer(options: ServerOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 255 },
    genReqId: (request) => requestIdOf(request.headers["x-openstack-request-id"]),
    clientErrorHandler: (error, socket) => {
      // A client that went away is nobody to talk to.
      if (error.code !== "ECONNRESET" && socket.writable) socket.write(brokenRequestReply(error.code));
      socket.destroy();
    },
    frameworkErrors: (error, request, reply) => {
      void answerFailure(options, error, request, reply);
    },
  });
  readBodiesLeniently(app);
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers({ "x-compute-request-id": request.id, "x-openstack-request-id": request.id });
  });
  app.addHook("onResponse", async (request, reply) => logAnswer(options.log, request, reply));
  app.setErrorHandler((error, request, reply) => answerFailure(options, error, request, reply));
  app.setNotFoundHandler(async (request, reply) => refuseUnknown(options, request, reply));
  app.get("/healthcheck", () => "OK");
  answerStatus(app, options.status);
  for (const id of routeIds) addRoute(app, options, id);
  serveConsole(app, options.console);
  return app;
}

function addRoute(app: FastifyInstance, options: ServerOptions, id: RouteId): void {
  const route = routeOf(id);
  for (const path of fullPaths(route)) {
    app.route({
      method: [...route.methods],
      url: path.replaceAll(/\{(\w+)\}/g, ":$1"),
      // HEAD must change nothing, also where old clients change things with GET.
      exposeHeadRoute: route.effect === "read" || route.effect === "inspect",
      handler: async (request, reply) => answer(options, id, request, reply),
    });
  }
}

/**
 * The order matters: who asks comes before what is asked, so that nobody without a token learns what exists
 * or how input is judged.
 */
async function answer(
  options: ServerOptions,
  id: RouteId,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const route = routeOf(id);
  const { project_id: _, ...params } = request.params as Record<string, string>;
  const caller = route.scope === "public" ? undefined : await admit(options, route, request);
  const handler = options.handlers[id] as (request: LooseRequest) => Promise<unknown>;
  const perform = async (): Promise<unknown> =>
    handler({
      params: pathParams(route, params),
      query: parseAs(route.query, normaliseQuery(id, request.query)),
      body: route.body === undefined ? undefined : parseAs(route.body, normaliseBody(id, request.body)),
      caller,
      requestId: request.id,
      origin: `${request.protocol}://${request.host}`,
      log: options.log.child({
        request: request.id,
        route: id,
        ...(caller === undefined ? {} : { project: caller.projectId }),
      }),
      signal: goneSignal(reply),
    });
  if (caller === undefined) await send(reply, route, await perform());
  else
    await send(reply, route, await noted(options, { route, params, caller, requestId: request.id }, perform));
}

/** Performs a request between the two notes of it. */
async function noted(
  { auditor }: ServerOptions,
  audited: AuditedRequest,
  perform: () => Promise<unknown>,
): Promise<unknown> {
  const entry = await auditor.begin(audited);
  try {
    const result = await perform();
    await entry.succeeded(result);
    return result;
  } catch (cause) {
    await entry.failed(cause);
    throw cause;
  }
}

/** An id that cannot be one names nothing: that is a 404 and not bad input. */
function pathParams(route: Route, params: unknown): unknown {
  if (matches(route.params, params)) return params;
  throw nothingThere("path", route.paths[0]);
}

interface LooseRequest extends Omit<ApiRequest<RouteId>, "params" | "query" | "body" | "caller"> {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly caller: Caller | undefined;
}

/** Who asks, and whether they may; one set of rules judges both. */
async function admit(options: ServerOptions, route: Route, request: FastifyRequest): Promise<Caller> {
  const { project_id: named, ...params } = request.params as Record<string, string>;
  const rules = await options.policy.current();
  const caller = await callerOf(options, { rules, request, named });
  const { projectId } = caller;
  try {
    assertProject(projectId, caller);
    const thing =
      route.action !== undefined && asksForOwner(rules, route.action)
        ? await askedThing(options.database, params, projectId)
        : undefined;
    assertAllowed({ rules, route, caller, ownerId: thing?.ownerId ?? caller.userId });
    return caller;
  } catch (cause) {
    if (cause instanceof Rejection) {
      await options.auditor.refused({ route, params, caller, requestId: request.id }, cause);
    }
    throw cause;
  }
}

interface Asked {
  readonly rules: PolicyRules;
  readonly request: FastifyRequest;
  /** The project of the path; whoever names none asks about the token's. */
  readonly named: string | undefined;
}

async function callerOf(options: ServerOptions, { rules, request, named }: Asked): Promise<Caller> {
  const text = tokenOf(options, request);
  const bearer = await options.tokens.bearerOf(text);
  const isAdmin = isAdministrator(rules, bearer);
  return {
    userId: bearer.userId,
    userName: bearer.userName,
    projectId: named === undefined ? bearer.projectId : asId(named),
    tokenProjectId: bearer.projectId,
    tokenProjectName: bearer.projectName,
    roles: bearer.roles,
    isAdmin,
    token: new Secret(text ?? ""),
  };
}

function tokenOf({ console }: ServerOptions, { headers }: FastifyRequest): string | undefined {
  const header = headers["x-auth-token"];
  return (Array.isArray(header) ? header[0] : header) ?? console.cookie.tokenOf(headers)?.reveal();
}

async function send(reply: FastifyReply, route: Route, result: unknown): Promise<void> {
  if (route.download === true) {
    await sendFile(reply, route, result as Download);
    return;
  }
  void reply.code(route.status).type("application/json");
  // Replies without a body still say that they are JSON: that is what reference clients were built against.
  await reply.send(result === undefined ? "" : Buffer.from(JSON.stringify(result)));
}

/** Bytes that a tenant's disk holds: to be stored, never shown by a browser as what they claim to be. */
async function sendFile(
  reply: FastifyReply,
  route: Route,
  { name, contentType, sizeBytes, bytes }: Download,
): Promise<void> {
  void reply.code(route.status).headers({
    "content-type": contentType,
    "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
    "x-content-type-options": "nosniff",
    ...(sizeBytes === undefined ? {} : { "content-length": sizeBytes }),
  });
  await reply.send(Readable.from(bytes, { objectMode: false }));
}

async function answerFailure(
  options: ServerOptions,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const failure = failureReply(error);
  if (failure.isOurs) {
    options.log.error("request.failed", {
      request: request.id,
      path: pathOf(request),
      fault: asError(error),
    });
    options.status.failed("request", error);
  }
  if (failure.status === 401) void reply.header("www-authenticate", `Keystone uri="${options.authUrl}"`);
  await reply.code(failure.status).type("application/json").send(JSON.stringify(failure.body));
}

/** Under `/v1` whoever has no token learns only that. */
async function refuseUnknown(
  options: ServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const path = pathOf(request);
  if (/^\/v1(\/|$)/.test(path)) await options.tokens.bearerOf(tokenOf(options, request));
  const allowed = methodsOf(path).join(", ");
  if (allowed === "") throw nothingThere("path", `${request.method} ${path}`);
  const body = faultBody({
    code: 405,
    message: `${request.method} is not possible at ${path}.`,
    field: "method",
    value: request.method,
    remedy: `Use ${allowed}.`,
  });
  await reply.code(405).header("allow", allowed).type("application/json").send(JSON.stringify(body));
}

/** The methods of the routes that a path belongs to. */
function methodsOf(path: string): string[] {
  const segments = path.replace(/\/$/, "").split("/");
  const found = routeIds.flatMap((id) => {
    const route = routeOf(id);
    return fullPaths(route).some((each) => isAt(each.split("/"), segments)) ? route.methods : [];
  });
  return [...new Set(found)];
}

function isAt(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((each, index) => each.startsWith("{") || each === segments[index]);
}

function nothingThere(field: string, value: string): Rejection {
  const remedy = "GET /v1/openapi.json lists what exists.";
  return new Rejection("The resource could not be found.", { status: 404, field, value, remedy });
}

/** Existing clients send JSON under any content type, or say JSON and send nothing. */
function readBodiesLeniently(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, async (_: FastifyRequest, text: string | Buffer) => {
    const body = String(text);
    if (body.trim() === "") return undefined;
    try {
      return JSON.parse(body, withoutNul) as unknown;
    } catch (cause) {
      throw unreadable(body, asError(cause));
    }
  });
}

/** V8's message shows a piece of the text, which may be of a password: only the place is told. */
function unreadable(body: string, { message }: Error): Rejection {
  const position = /at position (\d+)/.exec(message)?.[1];
  const place = position === undefined ? "" : ` at character ${String(Number(position) + 1)}`;
  const why = message.startsWith(NO_NUL) ? message : `it is not JSON${place}`;
  return new Rejection(`The body cannot be read: ${why}.`, {
    status: 400,
    field: "body",
    value: `${String(body.length)} characters`,
    remedy: "Send one JSON object.",
  });
}

const NO_NUL = "U+0000 is not allowed";

/** PostgreSQL's texts cannot hold U+0000, and nothing good is called that. */
function withoutNul(key: string, value: unknown): unknown {
  if (!key.includes("\0") && !(typeof value === "string" && value.includes("\0"))) return value;
  throw new Error(`${NO_NUL}, near ${JSON.stringify(key)}`);
}

function logAnswer(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  log.info("request.answered", {
    request: request.id,
    method: request.method,
    path: pathOf(request),
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime),
  });
}

/** Without the query: it may hold names that are nobody's business. */
function pathOf(request: FastifyRequest): string {
  return request.url.split("?")[0] ?? "";
}

function requestIdOf(header: string | string[] | undefined): string {
  const given = Array.isArray(header) ? header[0] : header;
  if (given !== undefined && /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(given)) return given;
  return `req-${randomUUID()}`;
}
