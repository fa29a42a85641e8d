import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type ClaimReply,
  ClaimRequest,
  FinishRequest,
  HelloRequest,
  type Order,
  type OrderBody,
  type OrderOutcome,
  type OrderProgress,
  type ProgressReply,
  ProgressRequest,
  parseAs,
  type RepositoryAccess,
} from "@cairn/contract";
import { systemClock } from "@cairn/kernel";

interface Entry {
  order: Order;
  /** When nobody reported for so long, the order is handed out again. */
  leaseUntilMs: number;
  verdict: ProgressReply["verdict"];
  readonly finished: PromiseWithResolvers<OrderOutcome>;
  readonly reports: OrderProgress[];
  readonly watchers: Set<() => void>;
}

const TOKEN = "token-of-node-1";

/** The datamover API with its state in memory: orders, leases, generations, fencing. Times are short. */
export class FakeDatamoverApi implements AsyncDisposable {
  readonly token = TOKEN;
  leaseMs = 3000;
  /** While true every call is answered 503. */
  isAway = false;
  hellos = 0;
  readonly #server: Server;
  readonly #entries = new Map<string, Entry>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<FakeDatamoverApi> {
    const server = createServer((request, response) => {
      void api.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(body === undefined ? "" : JSON.stringify(body));
        return undefined;
      });
    });
    const api = new FakeDatamoverApi(server);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Puts an order into the queue; gives its id. */
  add(body: OrderBody, repository?: RepositoryAccess): string {
    const id = randomUUID();
    const order = {
      id,
      runId: randomUUID(),
      generation: 0,
      body,
      ...(repository === undefined ? {} : { repository }),
    };
    this.#entries.set(id, {
      order,
      leaseUntilMs: 0,
      verdict: "continue",
      finished: Promise.withResolvers(),
      reports: [],
      watchers: new Set(),
    });
    return id;
  }

  async outcome(id: string): Promise<OrderOutcome> {
    return this.#entry(id).finished.promise;
  }

  generation(id: string): number {
    return this.#entry(id).order.generation;
  }

  /** Resolves at the first report, from now on, that satisfies the predicate. */
  async reported(id: string, accepts: (progress: OrderProgress) => boolean): Promise<void> {
    const entry = this.#entry(id);
    const seen = Promise.withResolvers<void>();
    const watch = (): void => {
      const last = entry.reports.at(-1);
      if (last !== undefined && accepts(last)) seen.resolve();
    };
    entry.watchers.add(watch);
    await seen.promise;
    entry.watchers.delete(watch);
  }

  answerWith(id: string, verdict: ProgressReply["verdict"]): void {
    this.#entry(id).verdict = verdict;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`no order ${id}`);
    return entry;
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body?: unknown }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.isAway) return { status: 503 };
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return { status: 401 };
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const [, , room, id = "", verb] = (request.url ?? "").split("/");
    if (room === "hello") {
      parseAs(HelloRequest, body);
      this.hellos += 1;
      return { status: 204 };
    }
    if (id === "claim") return { status: 200, body: await this.#claim(parseAs(ClaimRequest, body)) };
    if (verb === "progress") return this.#progress(this.#entry(id), parseAs(ProgressRequest, body));
    return this.#finish(this.#entry(id), parseAs(FinishRequest, body));
  }

  async #claim({ room, waitMs }: ClaimRequest): Promise<ClaimReply> {
    const until = systemClock.now() + Math.min(waitMs, 500);
    for (;;) {
      const due = [...this.#entries.values()]
        .filter((entry) => entry.leaseUntilMs < systemClock.now())
        .slice(0, room);
      if (due.length > 0 || systemClock.now() >= until) {
        return { orders: due.map((entry) => this.#handOut(entry)), leaseMs: this.leaseMs };
      }
      await systemClock.sleep(20);
    }
  }

  #handOut(entry: Entry): Order {
    entry.order = { ...entry.order, generation: entry.order.generation + 1 };
    entry.leaseUntilMs = systemClock.now() + this.leaseMs;
    return entry.order;
  }

  #progress(entry: Entry, request: ProgressRequest): { status: number; body: ProgressReply } {
    if (request.generation !== entry.order.generation) return { status: 200, body: { verdict: "fenced" } };
    entry.leaseUntilMs = systemClock.now() + this.leaseMs;
    entry.reports.push(request.progress);
    for (const watch of entry.watchers) watch();
    return { status: 200, body: { verdict: entry.verdict } };
  }

  #finish(entry: Entry, request: FinishRequest): { status: number } {
    if (request.generation !== entry.order.generation) return { status: 409 };
    entry.leaseUntilMs = Number.POSITIVE_INFINITY;
    entry.finished.resolve(request.outcome);
    return { status: 204 };
  }
}
