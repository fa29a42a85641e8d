import { Fault, type Secret } from "@cairn/kernel";
import type { SecretSeal } from "@cairn/openstack";

const NAME = "cairn_session";
/** Whom a sealed text is about; another kind of sealed text opens as none of these. */
const ABOUT = "console session";
/**
 * What the console's own script sends and no form or image of another site can: a page elsewhere would have
 * to ask this server first, which allows none.
 */
export const CONSOLE_HEADER = "x-cairn-console";

/** A header as Node gives it. */
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The console's session is a cookie that holds nothing but the sealed token: any API server opens it, none
 * has to remember it, and no script can read it.
 */
export class SessionCookie {
  readonly #seal: SecretSeal;

  constructor(seal: SecretSeal) {
    this.#seal = seal;
  }

  /** The value of `Set-Cookie` that keeps a token until the browser is closed. */
  keeping(token: Secret): string {
    return `${NAME}=${this.#seal.close(token, ABOUT)}; ${ATTRIBUTES}`;
  }

  /** The value of `Set-Cookie` that ends the session. */
  get ending(): string {
    return `${NAME}=; ${ATTRIBUTES}; Max-Age=0`;
  }

  /** The token of a request of the console's; nothing without its header, whatever the cookie says. */
  tokenOf(headers: Headers): Secret | undefined {
    if (headers[CONSOLE_HEADER] === undefined) return undefined;
    const sealed = cookieIn(headers["cookie"]);
    if (sealed === undefined) return undefined;
    try {
      return this.#seal.open(sealed, ABOUT);
    } catch (cause) {
      // Sealed under a former password of the service, or by somebody else: nobody is signed in.
      if (cause instanceof Fault) return undefined;
      throw cause;
    }
  }
}

/** `Secure` counts on this machine's own address, too, without TLS. */
const ATTRIBUTES = "Path=/; HttpOnly; Secure; SameSite=Strict";

function cookieIn(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.join("; ") : header;
  const pairs = (text ?? "").split(";").map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
  return found === "" ? undefined : found;
}
