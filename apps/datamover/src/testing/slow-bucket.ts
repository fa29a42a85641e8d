import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RepositoryAccess } from "@cairn/contract";
import { newId, systemClock } from "@cairn/kernel";
import { createKeySet, exportKeys, initRepository } from "@cairn/repository";
import { openStore } from "@cairn/store";

/** How fast a bucket takes objects: as fast as they come, so many bytes a second, or never. */
export type Pace = "free" | "hung" | { readonly bytesPerS: number };

/**
 * A bucket in memory that speaks as much S3 as a writer needs, at the pace that a test wants. It proves no
 * signatures: what a bucket has to promise is tested on a real one.
 */
export class SlowBucket implements AsyncDisposable {
  pace: Pace = "free";
  /** Bytes that have arrived. */
  takenBytes = 0;
  readonly #server: Server;
  readonly #objects = new Map<string, Buffer>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<SlowBucket> {
    const server = createServer((request, response) => {
      bucket.#serve(request, response).catch(() => response.destroy());
    });
    const bucket = new SlowBucket(server);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return bucket;
  }

  /** A fresh repository in it, as an order brings it. */
  async repository(): Promise<RepositoryAccess> {
    const repositoryId = newId<"repository">();
    const target = {
      kind: "s3",
      endpoint: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      region: "default",
      bucket: "b",
      prefix: `${repositoryId}/`,
      accessKeyId: "key",
      secretAccessKey: "secret",
      forcePathStyle: true,
    } as const;
    const slots = [{ kind: "key-file", label: "test", key: Buffer.alloc(32, 7) } as const];
    const { keys, bytes } = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 0 });
    const { pace } = this;
    this.pace = "free";
    await initRepository(openStore(target), { repositoryId, keySet: bytes });
    this.pace = pace;
    return { repositoryId, target, keys: exportKeys(keys), indexSegments: [], stateEpoch: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://bucket");
    const key = decodeURIComponent(url.pathname).replace(/^\/b\/?/, "");
    if (request.method === "PUT") await this.#put(key, request, response);
    else if (key === "") this.#list(url.searchParams.get("prefix") ?? "", response);
    else this.#get(key, request, response);
  }

  async #put(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) {
      parts.push(part as Buffer);
      this.takenBytes += (part as Buffer).length;
      await this.#hold((part as Buffer).length);
    }
    if (this.#objects.has(key) && request.headers["if-none-match"] === "*") {
      refuse(response, 412, "PreconditionFailed");
      return;
    }
    this.#objects.set(key, Buffer.concat(parts));
    response.writeHead(200, { etag: '"1"' }).end();
  }

  /** Until so many bytes may have passed; one that hangs never goes on. */
  async #hold(bytes: number): Promise<void> {
    if (this.pace === "hung") await new Promise<never>(() => undefined);
    else if (this.pace !== "free") await systemClock.sleep((bytes * 1000) / this.pace.bytesPerS);
  }

  #get(key: string, request: IncomingMessage, response: ServerResponse): void {
    const bytes = this.#objects.get(key);
    if (bytes === undefined) {
      refuse(response, 404, "NoSuchKey");
      return;
    }
    const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const part = bytes.subarray(Number(from), to === "" ? undefined : Number(to) + 1);
    const isPart = request.headers.range !== undefined;
    response.writeHead(isPart ? 206 : 200, {
      "content-length": part.length,
      ...(isPart
        ? { "content-range": `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}` }
        : {}),
      etag: '"1"',
    });
    response.end(request.method === "HEAD" ? undefined : part);
  }

  #list(prefix: string, response: ServerResponse): void {
    const found = [...this.#objects].filter(([key]) => key.startsWith(prefix));
    found.sort(([one], [other]) => (one < other ? -1 : 1));
    const rows = found.map(([key, { length }]) => {
      const about = "<LastModified>2026-01-01T00:00:00.000Z</LastModified>";
      return `<Contents><Key>${key}</Key>${about}<Size>${length}</Size></Contents>`;
    });
    const body = `<IsTruncated>false</IsTruncated>${rows.join("")}`;
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(`<ListBucketResult>${body}</ListBucketResult>`);
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
