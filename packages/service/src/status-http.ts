import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Status, StatusReport } from "./status.ts";

/** As much of a Fastify instance as `answerStatus` needs. */
interface HasGet {
  get(route: "/status", handler: () => StatusReport): unknown;
}

/** Answers `GET /status` on a Fastify instance of the program. Call it before `listen`. */
export function answerStatus(app: HasGet, status: Status): void {
  app.get("/status", () => status.report());
}

/** The small HTTP server of a program that serves nothing else. */
export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `GET /status` on its own port (0: any free one). Rejects when the address is taken. */
export async function serveStatus(
  status: Status,
  address: { readonly host: string; readonly port: number },
): Promise<StatusServer> {
  const server = createServer((request, response) => {
    const found = request.method === "GET" && request.url === "/status";
    const body = found
      ? status.report()
      : { error: { code: 404, message: "only GET /status is served here" } };
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(`${JSON.stringify(body)}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
