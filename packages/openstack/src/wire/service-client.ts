import { type Clock, Fault, Rejection, type Secret } from "@cairn/kernel";
import type { ServiceType } from "./catalogue.ts";
import {
  type Answer,
  answerOf,
  broken,
  isGood,
  type Method,
  type Opened,
  type Outgoing,
  open,
  refuse,
} from "./exchange.ts";
import type { Json } from "./json.ts";
import type { VersionRange } from "./microversion.ts";
import { type Listing, listPages } from "./paging.ts";
import { exchangeSafely } from "./retrying.ts";
import type { Session } from "./session.ts";

/** A call of one service, before the session adds address, token and microversion. */
export interface Call {
  /** What we are doing to which thing: `starting instance 42`. */
  readonly doing: string;
  /** The parts of the path beneath the service's root; each is escaped. */
  readonly path: readonly string[];
  readonly query?: Query;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  readonly secrets?: readonly Secret[];
  readonly versions?: VersionRange;
  readonly signal?: AbortSignal | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** How the resources of a service talk to it. Every method throws a Fault unless it says otherwise. */
export interface ServiceClient {
  readonly clock: Clock;
  get(call: Call): Promise<Answer>;
  /** Undefined when the cloud says 404. */
  find(call: Call): Promise<Answer | undefined>;
  post(call: Call): Promise<Answer>;
  put(call: Call): Promise<Answer>;
  /** A PUT that takes something away: 404 is success. */
  putUnlessAbsent(call: Call): Promise<void>;
  patch(call: Call): Promise<Answer>;
  /** 404 is success: what is absent is deleted. */
  remove(call: Call): Promise<void>;
  list<Thing>(listing: Listing<Thing>): Promise<readonly Thing[]>;
  /**
   * The microversion that such a call will have, for what is written differently in older ones; of Glance the
   * newest version that it speaks.
   */
  version(call: Pick<Call, "doing" | "versions" | "signal">): Promise<string>;
  upload(call: Call, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Where such a call goes, for who makes it in our stead. */
  address(call: Pick<Call, "doing" | "path" | "signal">): Promise<string>;
  download(call: Call): AsyncIterable<Uint8Array>;
}

export function serviceClient(
  session: Session,
  service: ServiceType,
  versions: VersionRange | undefined,
): ServiceClient {
  const send = async (method: Method, call: Call): Promise<Answer> =>
    sendJson(session, service, method, withVersions(call, versions));
  return {
    clock: session.wire.clock,
    get: async (call) => send("GET", call),
    find: async (call) => unlessAbsent(send("GET", call)),
    post: async (call) => send("POST", call),
    put: async (call) => send("PUT", call),
    putUnlessAbsent: async (call) => {
      await unlessAbsent(send("PUT", call));
    },
    patch: async (call) => send("PATCH", call),
    remove: async (call) => {
      await unlessAbsent(send("DELETE", call));
    },
    list: async (listing) => listPages(async (call) => send("GET", call), listing),
    version: async (call) =>
      session.version(service === "compute" || service === "volume" ? service : "image", {
        ...withVersions(call, versions),
        doing: call.doing,
      }),
    upload: async (call, bytes) => {
      await sendBytes(session, service, call, bytes);
    },
    download: (call) => receiveBytes(session, service, call),
    address: async (call) => (await address(session, service, call)).url,
  };
}

function withVersions<Some extends { readonly versions?: VersionRange }>(
  call: Some,
  versions: VersionRange | undefined,
): Some {
  if (call.versions !== undefined || versions === undefined) return call;
  return { ...call, versions };
}

async function unlessAbsent(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof Fault && cause.code === "openstack-not-found") return undefined;
    throw cause;
  }
}

async function sendJson(session: Session, service: ServiceType, method: Method, call: Call): Promise<Answer> {
  const body = call.body === undefined ? {} : { body: JSON.stringify(call.body) };
  const json: Record<string, string> = call.body === undefined ? {} : { "content-type": "application/json" };
  const headers = { accept: "application/json", ...json, ...call.headers };
  return session.authorised(call.signal, async (token) => {
    const prepared = await session.prepare(service, token, call);
    const { signal, ...to } = await address(session, service, call);
    // What is absent after a deletion was deleted by it or before: `remove` takes 404 for success.
    const isRepeatable = method === "GET" || method === "HEAD" || method === "DELETE";
    signal?.throwIfAborted();
    const outgoing: Outgoing = {
      ...to,
      // Whoever hung up on a creation would look for what it made too early, find nothing, and leave it.
      ...(isRepeatable ? { signal } : {}),
      method,
      isWrite: method !== "GET" && method !== "HEAD",
      ...body,
      isRepeatable,
      headers: { ...headers, ...prepared.headers },
      secrets: [...prepared.secrets, ...(call.secrets ?? [])],
    };
    const opened = await exchangeSafely(session.wire, outgoing);
    if (!isGood(opened.response.status)) throw refuse(session.wire, outgoing, opened);
    return answerOf(outgoing, opened);
  });
}

async function address(
  session: Session,
  service: ServiceType,
  call: Call,
): Promise<Pick<Outgoing, "service" | "doing" | "url" | "signal">> {
  const root = await session.root(service, call.signal);
  const url = new URL(`${root}/${call.path.map((part) => escapePart(part, call.doing)).join("/")}`);
  for (const [key, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.append(key, String(value));
  }
  return { service, doing: call.doing, url: url.href, signal: call.signal };
}

/** `..` would leave the resource and an empty name would ask for the list, so neither is ever sent. */
function escapePart(part: string, doing: string): string {
  if (part !== "" && part !== "." && part !== "..") return encodeURIComponent(part);
  throw new Rejection(`${doing}: "${part}" names nothing`, {
    status: 400,
    field: "id",
    value: part,
    remedy: "Give the id or the name of a thing.",
  });
}

async function sendBytes(
  session: Session,
  service: ServiceType,
  call: Call,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const token = await session.token(call.signal);
  const to = await address(session, service, call);
  const { headers, secrets } = await session.prepare(service, token, call);
  const idle = idleLimit(session, call.signal);
  const outgoing: Outgoing = {
    ...to,
    method: "PUT",
    isWrite: true,
    headers: { "content-type": "application/octet-stream", ...headers },
    secrets,
    body: ReadableStream.from(idle.watch(bytes)),
  };
  try {
    const opened = await open(session.wire, outgoing, idle.signal);
    const text = await opened.response.text();
    if (!isGood(opened.response.status)) throw refuse(session.wire, outgoing, { ...opened, text });
  } catch (cause) {
    throw broken(session.wire, outgoing, cause);
  } finally {
    idle.end();
  }
}

async function* receiveBytes(session: Session, service: ServiceType, call: Call): AsyncGenerator<Uint8Array> {
  const idle = idleLimit(session, call.signal);
  try {
    yield* downloaded(session, await openDownload(session, service, call, idle), idle);
  } finally {
    idle.end();
  }
}

interface Download {
  readonly outgoing: Outgoing;
  readonly response: Response;
}

async function openDownload(
  session: Session,
  service: ServiceType,
  call: Call,
  idle: IdleLimit,
): Promise<Download> {
  return session.authorised(call.signal, async (token) => {
    const { headers, secrets } = await session.prepare(service, token, call);
    const outgoing: Outgoing = {
      ...(await address(session, service, call)),
      method: "GET",
      isWrite: false,
      headers: { accept: "application/octet-stream", ...call.headers, ...headers },
      secrets,
    };
    const opened: Opened = await open(session.wire, outgoing, idle.signal);
    if (isGood(opened.response.status)) return { outgoing, response: opened.response };
    throw refuse(session.wire, outgoing, { ...opened, text: await opened.response.text() });
  });
}

async function* downloaded(
  session: Session,
  { outgoing, response }: Download,
  idle: IdleLimit,
): AsyncGenerator<Uint8Array> {
  try {
    // A 204 has no body: an image without bytes.
    if (response.body !== null) yield* idle.watch(response.body);
  } catch (cause) {
    throw broken(session.wire, outgoing, cause);
  }
}

interface IdleLimit {
  readonly signal: AbortSignal;
  watch(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
  end(): void;
}

/** A transfer may last as long as it wants, but not stand still for longer than one answer may take. */
function idleLimit(session: Session, signal: AbortSignal | undefined): IdleLimit {
  const stalled = new AbortController();
  const stop = (): void => {
    stalled.abort(new Error(`no byte moved for ${String(session.wire.requestTimeoutMs)} ms`));
  };
  const timer = setTimeout(stop, session.wire.requestTimeoutMs);
  return {
    signal: signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]),
    watch: async function* (bytes) {
      for await (const part of bytes) {
        timer.refresh();
        yield part;
        timer.refresh();
      }
    },
    end: () => {
      clearTimeout(timer);
    },
  };
}
