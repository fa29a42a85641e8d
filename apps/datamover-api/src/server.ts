import {
  BarrierRequest,
  ClaimRequest,
  FinishRequest,
  HelloRequest,
  ProgressRequest,
  parseAs,
} from "@cairn/contract";
import { findHostOfToken, isDatabaseAway, touchDatamover } from "@cairn/database";
import { asError, type HostName, Rejection, Secret } from "@cairn/kernel";
import { answerStatus, type Log, type Status } from "@cairn/service";
import { default as createApp, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { barrier } from "./barriers.ts";
import { claim, finish, type OrdersWorld, progress } from "./orders.ts";

export interface ServerOptions {
  readonly world: OrdersWorld;
  readonly log: Log;
  readonly status: Status;
  /** Ends waiting claims. */
  readonly signal: AbortSignal;
}

/** Outcomes of an instance with many disks are the largest that comes in. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

interface OrderParams {
  readonly id: string;
}

/** Called for the host that the request's token stands for. */
type Handler<Params> = (
  host: HostName,
  request: FastifyRequest<{ Params: Params }>,
  reply: FastifyReply,
) => Promise<void>;

/** The HTTP side of `contract/order-protocol.ts`. Holds no state: it may be killed at any time. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { world, signal } = options;
  const app = createApp({ bodyLimit: BODY_BYTES_MAX, logger: false });
  answerStatus(app, options.status);
  app.setErrorHandler((fault, _request, reply) => refuse(options, asError(fault), reply));
  app.setNotFoundHandler((_request, reply) => answer(reply, 404, "There is nothing here."));
  const post = <Params = unknown>(url: string, handler: Handler<Params>): void => {
    app.route<{ Params: Params }>({
      method: "POST",
      url,
      handler: async (request, reply) => handler(await hostOf(world, request), request, reply),
    });
  };
  post("/v1/hello", async (host, request, reply) => {
    await touchDatamover(world.database.handle, host, parseAs(HelloRequest, request.body));
    await reply.code(204).send();
  });
  post("/v1/orders/claim", async (host, request, reply) => {
    const wanted = parseAs(ClaimRequest, request.body);
    const claimed = await claim(world, host, wanted, AbortSignal.any([signal, goneWith(reply)]));
    for (const { id, runId, body } of claimed.orders) {
      options.log.info("order.claimed", { order: id, run: runId, kind: body.kind, host });
    }
    await reply.send(claimed);
  });
  post<OrderParams>("/v1/orders/:id/progress", async (host, request, reply) => {
    const report = parseAs(ProgressRequest, request.body);
    const stop = AbortSignal.any([signal, goneWith(reply)]);
    await reply.send(await progress(world, { host, orderId: request.params.id }, report, stop));
  });
  post<OrderParams>("/v1/orders/:id/barrier", async (host, request, reply) => {
    const report = parseAs(BarrierRequest, request.body);
    const stop = AbortSignal.any([signal, goneWith(reply)]);
    await reply.send(await barrier(world, { host, orderId: request.params.id }, report, stop));
  });
  post<OrderParams>("/v1/orders/:id/finish", async (host, request, reply) => {
    const report = parseAs(FinishRequest, request.body);
    await finish(world, host, request.params.id, report);
    options.log.info("order.finished", { order: request.params.id, outcome: report.outcome.kind, host });
    await reply.code(204).send();
  });
  return app;
}

/** The host that the bearer token stands for; nothing else in a request says which host it is. */
async function hostOf(world: OrdersWorld, request: FastifyRequest): Promise<HostName> {
  const token = /^Bearer ([\x21-\x7e]{1,512})$/.exec(request.headers.authorization ?? "")?.[1];
  const host =
    token === undefined ? undefined : await findHostOfToken(world.database.handle, new Secret(token));
  if (host !== undefined) return host;
  throw new Rejection("The host token is missing or unknown.", {
    status: 401,
    remedy: "Register the host again: docs/operating.md says how.",
  });
}

/**
 * Aborted when the caller has hung up: an order must not be handed to nobody (it would wait for its lease).
 */
function goneWith(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  const callerGone = new Rejection("The caller is gone.", { status: 400, remedy: "Ask again." });
  reply.raw.once("close", () => gone.abort(callerGone));
  return gone.signal;
}

async function refuse(options: ServerOptions, fault: Error, reply: FastifyReply): Promise<void> {
  if (fault instanceof Rejection) {
    const { status, message, field, value, remedy } = fault;
    await answer(reply, status, message, { field, value, remedy });
    return;
  }
  // Fastify's own refusals: no JSON, too large.
  const code = "statusCode" in fault && typeof fault.statusCode === "number" ? fault.statusCode : 500;
  if (code < 500) {
    await answer(reply, code, fault.message);
    return;
  }
  if (options.signal.aborted) {
    await answer(reply, 503, "This program is stopping.");
    return;
  }
  options.status.failed("request", fault);
  options.log.error("request.failed", { fault });
  const away = isDatabaseAway(fault);
  await answer(reply, away ? 503 : 500, away ? "The database is away." : "Internal error.");
}

async function answer(
  reply: FastifyReply,
  code: number,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await reply.code(code).send({ error: { code, message, ...details } });
}
