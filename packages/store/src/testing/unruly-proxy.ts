import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { finished } from "node:stream/promises";

/** What becomes of one request on its way. */
export type Mishap =
  /** Answered so, and never passed on. */
  | { readonly kind: "refused"; readonly status: number; readonly code: string }
  /** Never answered, never passed on. */
  | { readonly kind: "silence" }
  /** Passed on and carried out, but the connection breaks before the answer. */
  | { readonly kind: "answer-lost" }
  /** The connection breaks when half of the request's body was passed on. */
  | { readonly kind: "cut-off" }
  /** The answer's body ends after half of it. */
  | { readonly kind: "short-answer" }
  /** A bit of the request's body is flipped. */
  | { readonly kind: "flipped" };

export interface UnrulyProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** What happens to the next requests, in this order; afterwards all pass. */
  plan(mishaps: readonly (Mishap | undefined)[]): void;
  /** Methods and queries of all requests, oldest first. */
  readonly seen: readonly string[];
}

/** An HTTP proxy before `endpoint` that lets go wrong what is planned. Bodies pass through memory. */
export async function startUnrulyProxy(endpoint: string): Promise<UnrulyProxy> {
  const planned: (Mishap | undefined)[] = [];
  const seen: string[] = [];
  const server = createServer((incoming, answer) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    pass(endpoint, { incoming, answer, mishap: planned.shift() }).catch(() => answer.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("a server without a port");
  return {
    endpoint: `http://127.0.0.1:${bound.port}`,
    plan: (mishaps) => void planned.splice(0, planned.length, ...mishaps),
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Passing {
  readonly incoming: IncomingMessage;
  readonly answer: ServerResponse;
  readonly mishap: Mishap | undefined;
}

async function pass(endpoint: string, { incoming, answer, mishap }: Passing): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync<Buffer>(incoming));
  if (mishap?.kind === "silence") return;
  if (mishap?.kind === "refused") {
    const text = `<?xml version="1.0"?><Error><Code>${mishap.code}</Code><Message>planned</Message></Error>`;
    answer.writeHead(mishap.status, { "content-type": "application/xml" }).end(text);
    return;
  }
  if (mishap?.kind === "flipped") body.writeUInt8(body.readUInt8(0) ^ 1, 0);
  const { method = "GET", url = "/", headers } = incoming;
  const onwards = request(new URL(url, endpoint), { method, headers, agent: false });
  if (mishap?.kind === "cut-off") {
    onwards.on("error", () => answer.destroy());
    onwards.write(body.subarray(0, body.length / 2), () => onwards.destroy());
    return;
  }
  onwards.end(body);
  const [reply] = (await once(onwards, "response")) as [IncomingMessage];
  if (mishap?.kind === "answer-lost") {
    reply.resume();
    await finished(reply);
    answer.destroy();
    return;
  }
  answer.writeHead(reply.statusCode ?? 502, reply.headers);
  if (mishap?.kind === "short-answer") {
    const whole = Buffer.concat(await Array.fromAsync<Buffer>(reply));
    answer.write(whole.subarray(0, whole.length / 2), () => answer.destroy());
  } else reply.pipe(answer);
}
