import type { Endpoint, ReplyOf, RequestOf } from "../model/api-types.ts";
import { ApiFailure, failureOf } from "../model/failure.ts";
import { type OwnProject, parseProjects, parseSession, type Session } from "../model/session.ts";
import type { Way } from "./way.ts";

const TIMEOUT_MS = 60_000;

let way: Way | undefined;

/** Says how the API is reached, before anything is asked. */
export function reachBy(chosen: Way): void {
  way = chosen;
}

function chosenWay(): Way {
  if (way === undefined) throw new Error("bug: the API is asked before it is said how to reach it");
  return way;
}

/** Asks the API about a project. Throws an `ApiFailure`; passes an abort on. */
export async function askApi<At extends Endpoint>(
  projectId: string,
  { at, request, signal }: { at: At; request: RequestOf<At>; signal?: AbortSignal },
): Promise<ReplyOf<At>> {
  const { method, url } = addressOf(projectId, at, request);
  const { body } = request as LooseRequest;
  return (await exchange(method, url, { body, signal })) as ReplyOf<At>;
}

/** A file that the API sends: of any size, and for as long as it takes. Throws an `ApiFailure`. */
export async function downloadFile(
  projectId: string,
  request: RequestOf<"GET /snapshots/{snapshot_id}/files/content">,
): Promise<Blob> {
  const { url } = addressOf(projectId, "GET /snapshots/{snapshot_id}/files/content", request);
  const response = await reach(url, { headers: chosenWay().headers() });
  if (response.ok) return received(response.blob());
  throw failureOf(response.status, parsed(await received(response.text())), requestIdOf(response));
}

function addressOf<At extends Endpoint>(
  projectId: string,
  at: At,
  request: RequestOf<At>,
): { readonly method: string; readonly url: URL } {
  const [method = "GET", pattern = ""] = at.split(" ", 2);
  const { params = {}, query = {} } = request as LooseRequest;
  const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const url = new URL(`v1/${encodeURIComponent(projectId)}${path}`, chosenWay().root);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return { method, url };
}

/** Any request, for what does not depend on its endpoint. */
interface LooseRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** What somebody typed in to sign in. */
export type SignIn =
  | { kind: "password"; user: string; domain: string; password: string; project: string }
  | { kind: "application-credential"; id: string; secret: string };

/** Who is signed in; null: nobody. */
export async function readSession(signal: AbortSignal): Promise<Session | null> {
  try {
    return parseSession(await exchange("GET", sessionUrl(), { signal }));
  } catch (cause) {
    if (cause instanceof ApiFailure && cause.kind === "signed-out") return null;
    throw cause;
  }
}

/** Begins a session, in the project that is named or the first one. */
export async function beginSession(signIn: SignIn): Promise<Session> {
  return parseSession(await exchange("POST", sessionUrl(), { body: signIn }));
}

/** Goes on with the session in another project. */
export async function enterProject(projectId: string): Promise<Session> {
  return parseSession(await exchange("PUT", sessionUrl(), { body: { project_id: projectId } }));
}

/** Ends the session here and in Keystone. */
export async function endSession(): Promise<void> {
  await exchange("DELETE", sessionUrl(), {});
}

/** The projects that the user may enter. */
export async function readProjects(signal: AbortSignal): Promise<readonly OwnProject[]> {
  return parseProjects(await exchange("GET", sessionUrl("/projects"), { signal }));
}

function sessionUrl(path = ""): URL {
  return new URL(`console/session${path}`, chosenWay().root);
}

/** By which Horizon tells a script to have the browser go elsewhere. */
const ELSEWHERE = "x-horizon-location";

async function exchange(
  method: string,
  url: URL,
  { body, signal }: { readonly body?: unknown; readonly signal?: AbortSignal | undefined },
): Promise<unknown> {
  const response = await reach(url, {
    method,
    headers: {
      accept: "application/json",
      ...chosenWay().headers(),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]),
  });
  const text = await received(response.text());
  const value = text === "" ? undefined : parsed(text);
  if (response.ok && value !== NOT_JSON) return value;
  // A proxy's page of its own, or that of another server, is no answer of the API's.
  throw failureOf(response.ok ? 502 : response.status, value, requestIdOf(response));
}

function requestIdOf(response: Response): string | undefined {
  return response.headers.get("x-openstack-request-id") ?? undefined;
}

async function reach(url: URL, init: RequestInit): Promise<Response> {
  const response = await received(fetch(url, init));
  const elsewhere = response.headers.get(ELSEWHERE);
  // Horizon's session has ended, or its protection against forgery has another token by now. It says 200.
  if (elsewhere !== null) throw new ApiFailure("signed-out", elsewhere);
  return response;
}

/** What comes over the network, all of it: no answer, and one that breaks off, is a failure to tell of. */
async function received<Got>(coming: Promise<Got>): Promise<Got> {
  try {
    return await coming;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiFailure("offline", cause instanceof Error ? cause.message : String(cause));
  }
}

const NOT_JSON = Symbol("not JSON");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return NOT_JSON;
    throw cause;
  }
}
