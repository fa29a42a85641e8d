import { type RouteId, routeIds, routeOf } from "@cairn/contract";
import { isAllowed, type PolicyRules } from "@cairn/domain";
import { Rejection, Secret } from "@cairn/kernel";
import type { Token } from "@cairn/openstack";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { asBearer, type Bearer } from "../authentication.ts";
import { goneSignal } from "../gone-signal.ts";
import { isAdministrator } from "../policy.ts";
import type { PolicyFile } from "../policy-file.ts";
import type { Page } from "./pages.ts";
import { CONSOLE_HEADER, type SessionCookie } from "./session-cookie.ts";
import { type Connect, enterProject, parseSignIn, projectsOf, signIn, signOut } from "./sign-in.ts";

/** What the console needs beside the routes of the contract: its files, and sessions of its own. */
export interface Console {
  /** Undefined: this server shows no pages and signs nobody in; who has a token is told what it may do. */
  readonly pages: ReadonlyMap<string, Page> | undefined;
  readonly cookie: SessionCookie;
  readonly connect: Connect;
  /** What a token says; undefined when Keystone does not know it, or not any more. */
  readonly validate: (token: Secret) => Promise<Token | undefined>;
  readonly policy: PolicyFile;
}

/**
 * Everything comes from this server, no script or style stands in a page, and no page is shown inside of
 * another site's.
 */
const PAGE_HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  vary: "accept-encoding",
} as const;
const LASTING_SECONDS = 31_536_000;

/** Adds the console's paths, all below `/console`, to an API server. */
export function serveConsole(app: FastifyInstance, console: Console): void {
  app.get("/console/session", async (request, reply) => {
    void reply.header("cache-control", "no-store");
    return showSession(console, request);
  });
  const { pages } = console;
  if (pages === undefined) return;
  serveSessions(app, console);
  app.get("/console", async (request, reply) => {
    // The addresses in the page count from the folder that it is in.
    if (request.url.split("?")[0] === "/console") await reply.redirect("/console/", 308);
    else await sendPage(pages, "index.html", { request, reply });
  });
  app.get("/console/*", async (request, reply) => {
    const { "*": path = "" } = request.params as Record<string, string>;
    await sendPage(pages, path, { request, reply });
  });
}

/** Signing in, choosing a project and signing out, for those who have no other page that does it. */
function serveSessions(app: FastifyInstance, console: Console): void {
  app.post("/console/session", async (request, reply) => {
    assertConsole(request);
    const token = await signIn(console.connect, parseSignIn(request.body), goneSignal(reply));
    return keepSession(console, token, reply);
  });
  app.put("/console/session", async (request, reply) => {
    const token = sessionToken(console, request);
    const projectId = projectIdOf(request.body);
    const entered = await enterProject(console.connect, { token, projectId }, goneSignal(reply));
    return keepSession(console, entered, reply);
  });
  app.delete("/console/session", async (request, reply) => {
    const token = sessionToken(console, request);
    void reply.header("set-cookie", console.cookie.ending).code(204);
    await signOut(console.connect, token, goneSignal(reply));
  });
  app.get("/console/session/projects", async (request, reply) => {
    const token = sessionToken(console, request);
    void reply.header("cache-control", "no-store");
    return { projects: await projectsOf(console.connect, token, goneSignal(reply)) };
  });
}

async function showSession(console: Console, request: FastifyRequest) {
  // Where another program shows the console, such as Horizon, it sends the token that it has.
  const sent = request.headers["x-auth-token"];
  const secret = typeof sent === "string" && sent !== "" ? new Secret(sent) : sessionToken(console, request);
  const token = await console.validate(secret);
  if (token === undefined) throw signedOut();
  return sessionView(console, token);
}

async function keepSession(console: Console, token: Token, reply: FastifyReply) {
  void reply.headers({ "set-cookie": console.cookie.keeping(token.value), "cache-control": "no-store" });
  return sessionView(console, token);
}

/** Who is signed in: all that a script is told of a token. */
async function sessionView(console: Console, token: Token) {
  const bearer = asBearer(token);
  if (bearer === undefined) throw signedOut();
  const rules = await console.policy.current();
  return {
    user: { id: bearer.userId, name: bearer.userName },
    project: { id: bearer.projectId, name: bearer.projectName },
    roles: bearer.roles,
    is_admin: isAdministrator(rules, bearer),
    may_not: refusedTo(rules, bearer),
    expires_at: new Date(token.expiresAt).toISOString(),
  };
}

/** The routes that the rules refuse to somebody in their own project, with things of their own. */
function refusedTo(rules: PolicyRules, bearer: Bearer): RouteId[] {
  const { projectId, userId } = bearer;
  const question = {
    credentials: { ...bearer, isAdmin: isAdministrator(rules, bearer) },
    target: { projectId, userId },
  };
  return routeIds.filter((id) => {
    const { action } = routeOf(id);
    return action !== undefined && !isAllowed(rules, action, question);
  });
}

function sessionToken(console: Console, request: FastifyRequest): Secret {
  assertConsole(request);
  const token = console.cookie.tokenOf(request.headers);
  if (token === undefined) throw signedOut();
  return token;
}

/** A form of another site cannot send it: nobody is signed in, switched or signed out from elsewhere. */
function assertConsole(request: FastifyRequest): void {
  if (request.headers[CONSOLE_HEADER] !== undefined) return;
  throw new Rejection("This is for the console itself.", {
    status: 403,
    field: CONSOLE_HEADER,
    remedy: "Other programs send a token of Keystone in X-Auth-Token.",
  });
}

function signedOut(): Rejection {
  return new Rejection("Nobody is signed in, or the session has ended.", {
    status: 401,
    remedy: "Sign in.",
  });
}

function projectIdOf(body: unknown): string {
  const id = typeof body === "object" && body !== null && "project_id" in body ? body.project_id : undefined;
  if (typeof id === "string" && id !== "" && id.length <= 64) return id;
  throw new Rejection("The field project_id is missing or is not a text.", {
    status: 400,
    field: "project_id",
    remedy: "Give the id of a project that GET /console/session/projects lists.",
  });
}

async function sendPage(
  pages: ReadonlyMap<string, Page>,
  path: string,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<void> {
  const page = pages.get(path);
  if (page === undefined) {
    throw new Rejection("The console has no such file.", {
      status: 404,
      field: "path",
      value: path,
      remedy: "Open /console/ anew: a newer version may have been installed meanwhile.",
    });
  }
  const kept = page.isLasting ? `public, max-age=${String(LASTING_SECONDS)}, immutable` : "no-cache";
  void reply.headers({ ...PAGE_HEADERS, "cache-control": kept, etag: page.etag });
  if (request.headers["if-none-match"] === page.etag) {
    await reply.code(304).send();
    return;
  }
  const isGzipped = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
  if (isGzipped) void reply.header("content-encoding", "gzip");
  await reply.type(page.contentType).send(isGzipped ? page.gzipped : page.bytes);
}
