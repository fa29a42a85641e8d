import { asError, Fault, type Secret } from "@cairn/kernel";
import type { CloudAccess } from "../credentials.ts";
import type { Token } from "../keystone/tokens.ts";
import { findEndpoint, type ServiceType } from "./catalogue.ts";
import { type Asking, locate, locateSpoken, type VersionMemory } from "./discovery.ts";
import type { Wire } from "./exchange.ts";
import { identityRoot, introduce, logIn } from "./login.ts";
import { agreeOn, type Spoken, type VersionRange } from "./microversion.ts";

/** A token is renewed this long before its end, or after nine tenths of its life if that comes later. */
const RENEWAL_MARGIN_MS = 5 * 60_000;

/** One set of credentials, its present token, and what the services said of themselves. */
export interface Session {
  readonly wire: Wire;
  token(signal: AbortSignal | undefined): Promise<Token>;
  /** Does the work with a token, and once more with a new one if the cloud takes the first for worthless. */
  authorised<Value>(signal: AbortSignal | undefined, work: (token: Token) => Promise<Value>): Promise<Value>;
  endpoint(service: ServiceType, signal: AbortSignal | undefined): Promise<string>;
  /** The address to which the paths of a service's calls are added. */
  root(service: ServiceType, signal: AbortSignal | undefined): Promise<string>;
  /** What every request of ours carries: tokens, our request id, and the microversion agreed on. */
  prepare(service: ServiceType, token: Token, call: VersionedCall): Promise<Prepared>;
  /** The microversion that a call will have; of services without, the newest version they speak. */
  version(service: "compute" | "volume" | "image", call: VersionedCall): Promise<string>;
  /** The same token and knowledge under another global request id. */
  withRequestId(globalRequestId: string): Session;
}

interface Prepared {
  readonly headers: Readonly<Record<string, string>>;
  /** What in them must not show anywhere. */
  readonly secrets: readonly Secret[];
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
  readonly memory: VersionMemory;
}

export function openSession(access: CloudAccess, wire: Wire, memory: VersionMemory): Session {
  return view(access, wire, { held: undefined, login: undefined, memory });
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

  const asking = async (service: Asking["service"], signal: AbortSignal | undefined): Promise<Asking> => ({
    wire,
    memory: shared.memory,
    service,
    endpoint: await endpoint(service, signal),
    token: (await token(signal)).value,
  });

  const root = async (service: ServiceType, signal: AbortSignal | undefined): Promise<string> => {
    if (service === "identity") return identityRoot(access.authUrl);
    if (service === "workloads" || service === "placement") return endpoint(service, signal);
    const url = await abortable(locate(await asking(service, signal)), signal);
    if (service !== "volume") return url;
    // Cinder before 3.67 wants the project in the address, whether the catalogue has it or not.
    const { project } = await token(signal);
    return project === undefined ? url : `${url}/${project.id}`;
  };

  const spoken: Speaks = async (service, signal) =>
    (await abortable(locateSpoken(await asking(service, signal)), signal)).spoken;

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
    ...versioned(wire, spoken),
    withRequestId: (globalRequestId) => view(access, { ...wire, globalRequestId }, shared),
  };
}

async function tokenHeaders(
  wire: Wire,
  service: ServiceType,
  { present, signal }: { readonly present: Token; readonly signal: AbortSignal | undefined },
): Promise<Prepared> {
  // Keystone itself judges no token by another one.
  const beside = service === "identity" ? undefined : await wire.serviceToken?.(signal);
  return {
    secrets: beside === undefined ? [present.value] : [present.value, beside],
    headers: {
      "x-auth-token": present.value.reveal(),
      "x-openstack-request-id": wire.globalRequestId,
      ...(beside === undefined ? {} : { "x-service-token": beside.reveal() }),
    },
  };
}

type Speaks = (service: Asking["service"], signal: AbortSignal | undefined) => Promise<Spoken>;

function versioned(wire: Wire, spoken: Speaks): Pick<Session, "prepare" | "version"> {
  return {
    prepare: async (service, present, call) => {
      const tokens = await tokenHeaders(wire, service, { present, signal: call.signal });
      if (call.versions === undefined || (service !== "compute" && service !== "volume")) return tokens;
      const version = agreeOn(call.versions, await spoken(service, call.signal), call.doing);
      const headers = { ...tokens.headers, "openstack-api-version": `${service} ${version}` };
      return { ...tokens, headers };
    },
    version: async (service, call) => {
      const said = await spoken(service, call.signal);
      return call.versions === undefined ? said.most : agreeOn(call.versions, said, call.doing);
    },
  };
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
