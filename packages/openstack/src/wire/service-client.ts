import { type Clock, Fault, Rejection, type Secret } from "@cairn/kernel";
import type { ServiceType } from "./catalogue.ts";
import { Fields, type Read } from "./decode.ts";
import {
  type Answer,
  answerOf,
  broken,
  exchange,
  isGood,
  type Method,
  type Opened,
  type Outgoing,
  open,
  refuse,
} from "./exchange.ts";
import type { Json } from "./json.ts";
import type { VersionRange } from "./microversion.ts";
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

/** A list to be read page after page. */
export interface Listing<Thing> extends Call {
  /** The field that holds the things. */
  readonly field: string;
  readonly read: Read<Thing>;
}

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
  upload(call: Call, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  download(call: Call): AsyncIterable<Uint8Array>;
}

/** More pages than any list of ours has; a cloud that never ends must not keep us for ever. */
const PAGES_MAX = 1000;

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
    list: async (listing) => listPages(send, listing),
    upload: async (call, bytes) => {
      await sendBytes(session, service, call, bytes);
    },
    download: (call) => receiveBytes(session, service, call),
  };
}

function withVersions(call: Call, versions: VersionRange | undefined): Call {
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
    const outgoing: Outgoing = {
      ...(await address(session, service, call)),
      method,
      isWrite: method !== "GET" && method !== "HEAD",
      ...body,
      headers: { ...headers, ...(await session.headers(service, token, call)) },
      secrets: [token.value, ...(call.secrets ?? [])],
    };
    const opened = await exchange(session.wire, outgoing);
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
  throw new Rejection(`${doing}: "${part}" names nothing`, { status: 400, value: part });
}

/**
 * Follows the links to the next pages. Nova, Cinder, Neutron and Keystone list them as `<field>_links` or
 * `links`, Glance as `next`; only the query of a link is taken, because behind a proxy its host and path are
 * often wrong.
 */
async function listPages<Thing>(
  send: (method: Method, call: Call) => Promise<Answer>,
  listing: Listing<Thing>,
): Promise<readonly Thing[]> {
  const things: Thing[] = [];
  let query: Query | undefined = listing.query ?? {};
  let last = "";
  for (let page = 0; query !== undefined; page += 1) {
    if (page === PAGES_MAX) throw endless(listing);
    const answer: Answer = await send("GET", { ...listing, query });
    const fields = new Fields(answer.body, listing.field);
    // Keystone's `list_limit` cuts a list without a way to the rest; half a list must not pass for the whole.
    if (fields.raw["truncated"] === true) throw endless(listing);
    things.push(...fields.list(listing.field, listing.read));
    const next = nextLink(fields, listing.field);
    if (next !== undefined && next === last) throw endless(listing);
    query = next === undefined ? undefined : queryOf(next, listing.query);
    last = next ?? "";
  }
  return things;
}

function endless(listing: Call): Fault {
  return new Fault(
    "openstack-bad-reply",
    `${listing.doing}: the list has no end that can be reached`,
    "after-operator",
  );
}

function nextLink(fields: Fields, field: string): string | undefined {
  const flat = fields.raw["next"];
  if (typeof flat === "string") return flat;
  const links = fields.raw[`${field}_links`] ?? fields.raw["links"];
  // Keystone: {"links": {"next": null, "self": …}}; the others: [{"rel": "next", "href": …}].
  if (!Array.isArray(links)) {
    return new Fields(links ?? {}, "links").optionalString("next");
  }
  return links
    .map((link) => new Fields(link, "links"))
    .find((link) => link.text("rel") === "next")
    ?.string("href");
}

function queryOf(link: string, first: Query | undefined): Query {
  const next = Object.fromEntries(new URL(link, "http://next.invalid").searchParams);
  return { ...first, ...next };
}

async function sendBytes(
  session: Session,
  service: ServiceType,
  call: Call,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const token = await session.token(call.signal);
  const to = await address(session, service, call);
  const headers = await session.headers(service, token, call);
  const idle = idleLimit(session, call.signal);
  const outgoing: Outgoing = {
    ...to,
    method: "PUT",
    isWrite: true,
    headers: { "content-type": "application/octet-stream", ...headers },
    secrets: [token.value],
    body: ReadableStream.from(idle.watch(bytes)),
  };
  try {
    const opened = await open(session.wire, outgoing, idle.signal);
    const text = await opened.response.text();
    if (!isGood(opened.response.status)) throw refuse(session.wire, outgoing, { ...opened, text });
  } catch (cause) {
    throw broken(outgoing, cause);
  } finally {
    idle.end();
  }
}

async function* receiveBytes(session: Session, service: ServiceType, call: Call): AsyncGenerator<Uint8Array> {
  const idle = idleLimit(session, call.signal);
  try {
    yield* downloaded(await openDownload(session, service, call, idle), idle);
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
    const outgoing: Outgoing = {
      ...(await address(session, service, call)),
      method: "GET",
      isWrite: false,
      headers: { accept: "application/octet-stream", ...(await session.headers(service, token, call)) },
      secrets: [token.value],
    };
    const opened: Opened = await open(session.wire, outgoing, idle.signal);
    if (isGood(opened.response.status)) return { outgoing, response: opened.response };
    throw refuse(session.wire, outgoing, { ...opened, text: await opened.response.text() });
  });
}

async function* downloaded({ outgoing, response }: Download, idle: IdleLimit): AsyncGenerator<Uint8Array> {
  try {
    // A 204 has no body: an image without bytes.
    if (response.body !== null) yield* idle.watch(response.body);
  } catch (cause) {
    throw broken(outgoing, cause);
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
