import { type Clock, Fault, type Secret } from "@cairn/kernel";
import { MAJORS, takeApart, type VersionedService } from "./catalogue.ts";
import { answerOf, isGood, type Outgoing, refuse, type Wire } from "./exchange.ts";
import { type ApiVersion, decodeVersions, findMajor, type Spoken, UNTOLD } from "./microversion.ts";
import { exchangeSafely } from "./retrying.ts";

/** Where a service's calls go, and what it speaks there. */
export interface ApiRoot {
  /** With the version and without a project, without a slash at its end. */
  readonly url: string;
  readonly spoken: Spoken;
}

/** Clouds are upgraded while programs run: what a service said of itself is believed this long. */
const BELIEVED_MS = 60 * 60_000;
/** More services than any cloud has; a memory must not grow for ever. */
const DOCUMENTS_MAX = 200;

/** What services said of their versions, by the address of the document. May be shared by many clouds. */
export class VersionMemory {
  readonly #documents = new Map<string, { readonly at: number; readonly said: Promise<Document> }>();

  /** What was said at this address, or is just being asked; a failure is not kept. */
  async recall(clock: Clock, url: string, ask: () => Promise<Document>): Promise<Document> {
    const known = this.#documents.get(url);
    if (known !== undefined && clock.now() < known.at + BELIEVED_MS) return known.said;
    const said = ask();
    if (this.#documents.size >= DOCUMENTS_MAX) this.#documents.clear();
    this.#documents.set(url, { at: clock.now(), said });
    try {
      return await said;
    } catch (cause) {
      if (this.#documents.get(url)?.said === said) this.#documents.delete(url);
      throw cause;
    }
  }
}

/** Whoever answers at an address may be a proxy that knows no versions. */
type Document =
  | { readonly kind: "versions"; readonly versions: readonly ApiVersion[] }
  | { readonly kind: "none"; readonly because: Fault };

/** A service's address in the catalogue, and with what to ask there. */
export interface Asking {
  readonly wire: Wire;
  readonly memory: VersionMemory;
  readonly service: VersionedService;
  readonly endpoint: string;
  readonly token: Secret;
}

/**
 * Where the service's calls go. An address that names a version is believed; else the service is asked. It
 * answers with a list of versions whose links often name hosts that only the cloud's inside knows, so only
 * the last part of a link's path is taken (keystoneauth1/discover.py does the same).
 */
export async function locate(asking: Asking): Promise<string> {
  const { base, isVersioned } = takeApart(asking.endpoint);
  const guess = `${base}/${MAJORS[asking.service].path}`;
  if (isVersioned) return guess;
  const document = await read(asking, `${base}/`);
  // Behind some proxies a service's root cannot be reached, or is a page for people.
  if (document.kind === "none") return guess;
  const ours = majorOf(asking, document.versions);
  return besideBase(base, ours.link) ?? guess;
}

/** Where the service's calls go and which microversions it speaks there. */
export async function locateSpoken(asking: Asking): Promise<ApiRoot> {
  const { service } = asking;
  const { base } = takeApart(asking.endpoint);
  const url = await locate(asking);
  // Nova and Cinder tell all of it at the version's own address, the others only at the service's root.
  if (service === "compute" || service === "volume") {
    const own = await read(asking, `${url}/`);
    const spoken = own.kind === "versions" ? findMajor(own.versions, service) : undefined;
    if (spoken !== undefined) return { url, spoken };
  }
  const document = await read(asking, `${base}/`);
  if (document.kind === "versions") return { url, spoken: majorOf(asking, document.versions) };
  if (service === "compute" || service === "volume") throw document.because;
  return { url, spoken: UNTOLD };
}

function majorOf({ service }: Asking, versions: readonly ApiVersion[]): ApiVersion {
  const ours = findMajor(versions, service);
  if (ours !== undefined) return ours;
  const ids = versions.length === 0 ? "nothing" : versions.map((each) => each.id).join(", ");
  throw new Fault(
    "openstack-too-old",
    `finding version ${MAJORS[service].path} of the ${service} service, which speaks ${ids}`,
    "after-operator",
  );
}

/** The last part of the link's path, at the address that the catalogue gave us. */
function besideBase(base: string, link: string | undefined): string | undefined {
  if (link === undefined || !URL.canParse(link, `${base}/`)) return undefined;
  const last = /\/(v\d+(?:\.\d+)?)\/?$/.exec(new URL(link, `${base}/`).pathname)?.[1];
  return last === undefined ? undefined : `${base}/${last}`;
}

async function read(asking: Asking, url: string): Promise<Document> {
  const { wire, memory, service, token } = asking;
  return memory.recall(wire.clock, url, async () => {
    const outgoing: Outgoing = {
      service,
      doing: `asking which versions the ${service} service speaks`,
      method: "GET",
      isWrite: false,
      url,
      headers: {
        accept: "application/json",
        "x-auth-token": token.reveal(),
        "x-openstack-request-id": wire.globalRequestId,
      },
      secrets: [token],
    };
    try {
      const opened = await exchangeSafely(wire, outgoing);
      const { status } = opened.response;
      // 300 Multiple Choices is how Keystone, Cinder and Glance hand out the list.
      if (!isGood(status) && status !== 300) throw refuse(wire, outgoing, opened);
      return { kind: "versions", versions: decodeVersions(answerOf(outgoing, opened).body) };
    } catch (cause) {
      if (cause instanceof Fault && SAYS_NOTHING.includes(cause.code))
        return { kind: "none", because: cause };
      throw cause;
    }
  });
}

/** Somebody answered, and it was no version document. An absent answer or a refused token is no answer. */
const SAYS_NOTHING = [
  "openstack-not-found",
  "openstack-forbidden",
  "openstack-bad-request",
  "openstack-bad-reply",
  "openstack-failed",
];
