import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that the receiver got. */
export interface GotRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An HTTP server that keeps what it is sent, on a free port of the loopback. */
export interface TestReceiver extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly requests: readonly GotRequest[];
  /** The status of its next answers; undefined: it gives none. */
  status: number | undefined;
  headers: Readonly<Record<string, string>>;
}

/** Starts it; disposing of it ends every connection. */
export async function startTestReceiver(): Promise<TestReceiver> {
  const requests: GotRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      const body = Buffer.concat(chunks).toString("utf8");
      requests.push({ method: request.method ?? "", path: request.url ?? "", headers, body });
      if (made.status !== undefined) response.writeHead(made.status, made.headers).end("thanks");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const made: TestReceiver = {
    port,
    url: `http://127.0.0.1:${String(port)}`,
    requests,
    status: 204,
    headers: {},
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return made;
}
