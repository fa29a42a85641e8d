import { asError, Fault, Secret } from "@cairn/kernel";
import type { CloudAccess } from "../credentials.ts";
import { decodeToken, encodeLogin, secretsOf, type Token } from "../keystone/tokens.ts";
import { findEndpoint, type ServiceType, serviceRoot, versionRoot } from "./catalogue.ts";
import { answerOf, exchange, isGood, type Outgoing, refuse, type Wire } from "./exchange.ts";
import { agreeOn, decodeSpoken, type Spoken, type VersionRange } from "./microversion.ts";

/** A token is renewed this long before its end, or after nine tenths of its life if that comes later. */
const RENEWAL_MARGIN_MS = 5 * 60_000;

/** One set of credentials, its present token, and what the services said of themselves. */
export interface Session {
  readonly wire: Wire;
  token(signal: AbortSignal | undefined): Promise<Token>;
  /** Does the work with a token, and once more with a new one if the cloud takes the first for worthless. */
  authorised<Value>(signal: AbortSignal | undefined, work: (token: Token) => Promise<Value>): Promise<Value>;
  endpoint(service: ServiceType, signal: AbortSignal | undefined): Promise<string>;
  root(service: ServiceType, signal: AbortSignal | undefined): Promise<string>;
  headers(service: ServiceType, token: Token, call: VersionedCall): Promise<Record<string, string>>;
  /** The same token and knowledge under another global request id. */
  withRequestId(globalRequestId: string): Session;
}

interface VersionedCall {
  readonly doing: string;
  readonly versions?: VersionRange;
  readonly signal?: AbortSignal | undefined;
}

interface Held {
  readonly token: Token;
  /** By our own clock, which need not agree with Keystone's. */
  readonly renewAt: number;
}

/** What is shared by all views of one session: at most one login goes on at a time. */
interface Shared {
  held: Held | undefined;
  login: Promise<Held> | undefined;
  readonly spoken: Map<string, Promise<Spoken>>;
}

export function openSession(access: CloudAccess, wire: Wire): Session {
  return view(access, wire, { held: undefined, login: undefined, spoken: new Map() });
}

function view(access: CloudAccess, wire: Wire, shared: Shared): Session {
  const place = { region: access.region, interface: access.interface };

  const token = async (signal: AbortSignal | undefined): Promise<Token> => {
    const { held } = shared;
    if (held !== undefined && wire.clock.now() < held.renewAt) return held.token;
    return (await abortable(renew(access, wire, shared), signal)).token;
  };

  const endpoint = async (service: ServiceType, signal: AbortSignal | undefined): Promise<string> =>
    findEndpoint((await token(signal)).catalogue, service, place);

  const root = async (service: ServiceType, signal: AbortSignal | undefined): Promise<string> => {
    // Keystone is where the caller said it is, which works for tokens without a catalogue too.
    if (service === "identity") return identityRoot(access);
    return serviceRoot(service, await endpoint(service, signal), (await token(signal)).project?.id);
  };

  return {
    wire,
    token,
    endpoint,
    root,
    authorised: async (signal, work) => {
      const first = await token(signal);
      try {
        return await work(first);
      } catch (cause) {
        if (!isUnauthorized(cause) || !isRenewable(access)) throw cause;
        // Unless another caller has replaced it already.
        if (shared.held?.token === first) shared.held = undefined;
        return work(await token(signal));
      }
    },
    headers: async (service, present, call) => {
      const base = { "x-auth-token": present.value.reveal(), "x-openstack-request-id": wire.globalRequestId };
      if (call.versions === undefined || (service !== "compute" && service !== "volume")) return base;
      const found = await endpoint(service, call.signal);
      const spoken = await abortable(speaks({ wire, shared, token: present }, service, found), call.signal);
      return {
        ...base,
        "openstack-api-version": `${service} ${agreeOn(call.versions, spoken, call.doing)}`,
      };
    },
    withRequestId: (globalRequestId) => view(access, { ...wire, globalRequestId }, shared),
  };
}

function identityRoot(access: CloudAccess): string {
  return serviceRoot("identity", access.authUrl.replace(/\/+$/, ""), undefined);
}

/** A foreign token that is used as it is can only be replaced by whoever gave it to us. */
function isRenewable(access: CloudAccess): boolean {
  return !(access.credentials.kind === "token" && access.credentials.scope === undefined);
}

function isUnauthorized(cause: unknown): boolean {
  return cause instanceof Fault && cause.code === "openstack-unauthorized";
}

/** A new token, or the one that is just being fetched, by whomever. A failed login is not kept. */
async function renew(access: CloudAccess, wire: Wire, shared: Shared): Promise<Held> {
  if (shared.login !== undefined) return shared.login;
  shared.login = obtain(access, wire);
  try {
    shared.held = await shared.login;
    return shared.held;
  } finally {
    shared.login = undefined;
  }
}

async function obtain(access: CloudAccess, wire: Wire): Promise<Held> {
  const { credentials } = access;
  const now = wire.clock.now();
  if (credentials.kind === "token" && credentials.scope === undefined) {
    const token = await introduce(access, wire, credentials.token);
    return { token, renewAt: Number.POSITIVE_INFINITY };
  }
  const token = await logIn(access, wire);
  const lifeMs = Math.max(0, token.expiresAt - token.issuedAt);
  return { token, renewAt: now + lifeMs - Math.min(RENEWAL_MARGIN_MS, lifeMs / 10) };
}

async function logIn(access: CloudAccess, wire: Wire): Promise<Token> {
  const outgoing: Outgoing = {
    service: "identity",
    doing: "authenticating at keystone",
    method: "POST",
    // A token that nobody got does no harm, so a lost answer is no unknown outcome.
    isWrite: false,
    url: `${identityRoot(access)}/auth/tokens`,
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      "x-openstack-request-id": wire.globalRequestId,
    },
    body: JSON.stringify(encodeLogin(access.credentials)),
    secrets: secretsOf(access.credentials),
  };
  const opened = await exchange(wire, outgoing);
  if (!isGood(opened.response.status)) throw refuse(wire, outgoing, opened);
  const value = opened.response.headers.get("x-subject-token");
  if (value === null) {
    throw new Fault("openstack-bad-reply", "authenticating at keystone: no token came", "after-operator");
  }
  return decodeToken(answerOf(outgoing, opened), new Secret(value));
}

/**
 * Everybody may ask Keystone what their own token says (policy `identity:validate_token`, rule
 * token_subject).
 */
async function introduce(access: CloudAccess, wire: Wire, token: Secret): Promise<Token> {
  const outgoing: Outgoing = {
    service: "identity",
    doing: "looking up a given token",
    method: "GET",
    isWrite: false,
    url: `${identityRoot(access)}/auth/tokens`,
    headers: {
      accept: "application/json",
      "x-auth-token": token.reveal(),
      "x-subject-token": token.reveal(),
      "x-openstack-request-id": wire.globalRequestId,
    },
    secrets: [token],
  };
  const opened = await exchange(wire, outgoing);
  if (isGood(opened.response.status)) return decodeToken(answerOf(outgoing, opened), token);
  const refused = refuse(wire, outgoing, opened);
  // A token that is gone is 404 when it is its own witness in some releases, 401 in others.
  if (refused.code !== "openstack-not-found") throw refused;
  throw new Fault("openstack-unauthorized", outgoing.doing, "after-operator", refused.cause);
}

interface Asking {
  readonly wire: Wire;
  readonly shared: Shared;
  readonly token: Token;
}

async function speaks(asking: Asking, service: "compute" | "volume", found: string): Promise<Spoken> {
  const { spoken } = asking.shared;
  const root = versionRoot(service, found);
  const known = spoken.get(root);
  if (known !== undefined) return known;
  const asked = discover(asking, service, root);
  spoken.set(root, asked);
  try {
    return await asked;
  } catch (cause) {
    spoken.delete(root);
    throw cause;
  }
}

async function discover(asking: Asking, service: "compute" | "volume", root: string): Promise<Spoken> {
  const { wire, token } = asking;
  const outgoing: Outgoing = {
    service,
    doing: `asking which microversions the ${service} service speaks`,
    method: "GET",
    isWrite: false,
    url: `${root}/`,
    headers: {
      accept: "application/json",
      "x-auth-token": token.value.reveal(),
      "x-openstack-request-id": wire.globalRequestId,
    },
    secrets: [token.value],
  };
  const opened = await exchange(wire, outgoing);
  const { status } = opened.response;
  // 300 Multiple Choices is how some releases hand out the version document.
  if (!isGood(status) && status !== 300) throw refuse(wire, outgoing, opened);
  return decodeSpoken(answerOf(outgoing, opened).body, service === "compute" ? "v2.1" : "v3");
}

/**
 * Waits for shared work, but no longer than the caller's own signal allows; the work goes on for the others.
 */
async function abortable<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    reject(asError(signal.reason));
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
