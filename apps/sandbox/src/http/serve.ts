import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { describeFault, MiB } from "@cairn/kernel";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Cloud } from "../cloud.ts";
import { type Actor, type Answer, ApiError, type Call, type Route, type Service } from "./answer.ts";
import type { Effect } from "./injection.ts";

/** Finds who holds a token; undefined when nobody does. */
export type Authenticate = (token: string) => Actor | undefined;

const NOBODY: Actor = { userId: "", projectId: "", roles: [], isAdmin: false, tokenId: "" };
const JSON_BYTES_MAX = 16 * MiB;

/** The HTTP server of all services; the caller listens and closes. */
export function buildServer(
  cloud: Cloud,
  services: readonly Service[],
  authenticate: Authenticate,
): FastifyInstance {
  const app = Fastify({
    bodyLimit: JSON_BYTES_MAX,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/octet-stream", (_request, payload, done) => {
    done(null, payload);
  });
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, payload, done) => {
    // What is not JSON reaches the handler as undefined, which refuses it by its own words.
    done(null, parseJson(payload.toString("utf8")));
  });
  for (const service of services) {
    for (const each of service.routes) {
      app.route({
        method: each.method,
        url: `${service.prefix}${each.url}`,
        handler: async (request, reply) => {
          await serve({ cloud, service, route: each, authenticate }, request, reply);
        },
      });
    }
  }
  app.setNotFoundHandler(async (request, reply) => {
    const service = services.find((each) => request.url.startsWith(each.prefix));
    const error = new ApiError(404, "The resource could not be found.");
    const answer = service?.render(error, request.headers) ?? { status: 404, body: { error: error.message } };
    await send(reply, answer, {});
  });
  return app;
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // No JSON is no body: whatever route needs one answers 400, in the words of its service.
    return undefined;
  }
}

interface Place {
  readonly cloud: Cloud;
  readonly service: Service;
  readonly route: Route;
  readonly authenticate: Authenticate;
}

async function serve(place: Place, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const requestId = `req-${randomUUID()}`;
  const ids = Object.fromEntries(place.service.requestIdHeaders.map((name) => [name, requestId]));
  const path = request.url.split("?")[0] ?? "";
  const effect = place.cloud.faults.take(place.service.name, request.method, path);
  if (effect !== undefined && (await disturb(effect, { place, request, reply, ids }))) return;
  const { answer, headers } = await answerTo(place, request);
  if (effect?.kind === "apply-then-fail") {
    if (effect.drop) drop(reply);
    else
      await send(reply, place.service.render(new ApiError(effect.status, "injected"), request.headers), ids);
    return;
  }
  await send(reply, answer, { ...headers, ...ids });
}

interface Disturbed {
  readonly place: Place;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly ids: Readonly<Record<string, string>>;
}

/** Carries out what comes before the request is served; true when the request ends there. */
async function disturb(effect: Effect, at: Disturbed): Promise<boolean> {
  const { cloud, service } = at.place;
  switch (effect.kind) {
    case "status": {
      const answer = service.render(
        new ApiError(effect.status, "injected", undefined, effect.headers),
        at.request.headers,
      );
      const body = effect.body === undefined ? answer.body : effect.body;
      await send(at.reply, { ...answer, body }, { ...at.ids, ...effect.headers });
      return true;
    }
    case "delay":
      await cloud.clock.sleep(effect.ms, cloud.tasks.signal);
      return false;
    case "hang":
      // Never answered: the client's patience, or the end of the sandbox, closes the connection.
      at.reply.hijack();
      return true;
    case "drop":
      drop(at.reply);
      return true;
    case "apply-then-fail":
    case "host-fails":
      return false;
  }
}

function drop(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.destroy();
}

async function answerTo(
  place: Place,
  request: FastifyRequest,
): Promise<{ readonly answer: Answer; readonly headers: Readonly<Record<string, string>> }> {
  const { service } = place;
  let headers: Readonly<Record<string, string>> = {};
  try {
    const version = service.negotiate(request.headers);
    headers = version.headers;
    const call = callOf(place, request, version.minor);
    return { answer: await place.route.answer(call), headers };
  } catch (error) {
    if (error instanceof ApiError) return { answer: service.render(error, request.headers), headers };
    place.cloud.log("request.failed", {
      service: service.name,
      url: request.url,
      error: describeFault(error),
    });
    const unexpected = new ApiError(500, `Unexpected error: ${describeFault(error)}`);
    return { answer: service.render(unexpected, request.headers), headers };
  }
}

function callOf(place: Place, request: FastifyRequest, minor: number): Call {
  const { service, route, cloud } = place;
  const call: Call = {
    cloud,
    actor: route.access === "open" ? NOBODY : actorOf(place, request),
    method: request.method,
    url: request.url,
    params: request.params as Record<string, string>,
    query: new URLSearchParams(request.url.split("?")[1] ?? ""),
    body: request.body,
    headers: request.headers,
    minor,
  };
  if (!allows(route, call.actor)) throw service.refusal(route);
  service.admit?.(call);
  return call;
}

/** keystonemiddleware's answer to a missing or wrong token, the same before each service. */
function actorOf(place: Place, request: FastifyRequest): Actor {
  const token = request.headers["x-auth-token"];
  const actor = typeof token === "string" && token !== "" ? place.authenticate(token) : undefined;
  if (actor !== undefined) return actor;
  throw new ApiError(401, "The request you have made requires authentication.", "unauthenticated", {
    "WWW-Authenticate": `Keystone uri="${place.cloud.baseUrl()}/identity"`,
  });
}

function allows(route: Route, actor: Actor): boolean {
  switch (route.access) {
    case "open":
    case "reader":
      return true;
    case "member":
      return actor.isAdmin || actor.roles.includes("member");
    case "admin":
      return actor.isAdmin;
  }
}

async function send(
  reply: FastifyReply,
  answer: Answer,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  reply.status(answer.status).headers({ ...headers, ...answer.headers });
  const { body } = answer;
  if (body === undefined) await reply.send();
  else if (body instanceof Readable) await reply.type("application/octet-stream").send(body);
  else if (Buffer.isBuffer(body)) await reply.type("application/octet-stream").send(body);
  else if (typeof body === "string") await reply.send(body);
  else await reply.type("application/json").send(JSON.stringify(body));
}

/** The stream of an upload; a body that is no octet stream is refused. */
export function streamOf(body: unknown): Readable {
  if (body instanceof Readable) return body;
  throw new ApiError(415, "This operation needs Content-Type application/octet-stream.");
}

/** The fault body that Keystone and keystonemiddleware share. */
export function keystoneError(error: ApiError): Answer {
  const title = STATUS_TITLES[error.status] ?? "Error";
  return {
    status: error.status,
    body: { error: { code: error.status, message: error.message, title } },
    headers: error.headers,
  };
}

export const STATUS_TITLES: Readonly<Record<number, string>> = {
  300: "Multiple Choices",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  406: "Not Acceptable",
  409: "Conflict",
  410: "Gone",
  413: "Request Entity Too Large",
  415: "Unsupported Media Type",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};
