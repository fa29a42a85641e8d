import { Agent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { getCACertificates } from "node:tls";
import { asError } from "@cairn/kernel";

/** Whose certificates are taken for good, beyond those of the authorities that Node knows. */
export interface Tls {
  /** Certificates of further authorities, in PEM. */
  readonly authorities?: string;
  /** Takes any certificate for good, and so gives tokens and passwords to whoever is in between. */
  readonly isInsecure?: boolean;
}

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const WITHOUT_BODY = [101, 103, 204, 205, 304];

/**
 * Node's `fetch` cannot be told whom to trust, so requests by https go through `node:https` here; others go
 * to `plain`. As much of `fetch` as our clients use: an address, a method, headers, a body, `redirect:
 * "manual"` and a signal.
 */
export function secureFetch(tls: Tls, plain: typeof fetch = fetch): typeof fetch {
  const ca = tls.authorities === undefined ? {} : { ca: [...getCACertificates("default"), tls.authorities] };
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: tls.isInsecure !== true, ...ca });
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== "https:") return plain(input, init);
    return new Promise((resolve, reject) => {
      const options = {
        agent,
        method: init?.method ?? "GET",
        headers: Object.fromEntries(new Headers(init?.headers)),
        ...(init?.signal === undefined || init.signal === null ? {} : { signal: init.signal }),
      };
      const request = httpsRequest(url, options, (answer) => {
        const headers = new Headers();
        for (const [name, value] of Object.entries(answer.headers)) {
          if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
        }
        const status = answer.statusCode ?? 0;
        if (WITHOUT_BODY.includes(status)) answer.resume();
        const body = WITHOUT_BODY.includes(status) ? null : Readable.toWeb(answer);
        resolve(new Response(body as ReadableStream | null, { status, headers }));
      });
      request.on("error", reject);
      sendBody(request, init?.body).catch((cause: unknown) => {
        request.destroy(asError(cause));
        reject(asError(cause));
      });
    });
  };
}

type Sending = ReturnType<typeof httpsRequest>;

async function sendBody(request: Sending, body: RequestInit["body"]): Promise<void> {
  if (body instanceof ReadableStream) {
    await finished(Readable.fromWeb(body).pipe(request), {
      readable: false,
    });
    return;
  }
  if (body !== undefined && body !== null && typeof body !== "string") {
    throw new TypeError("a body is a text or a stream here");
  }
  request.end(body ?? undefined);
}
