import {
  type ClaimReply,
  type FinishRequest,
  type Order,
  type OrderBody,
  openImageAccess,
  type ProgressReply,
  type ProgressRequest,
} from "@cairn/contract";
import {
  claimOrders,
  type Database,
  finishOrder,
  type OrderRow,
  reportProgress,
  touchDatamover,
} from "@cairn/database";
import {
  asError,
  asId,
  type Clock,
  Fault,
  type HostName,
  Rejection,
  type Secret,
  unreachable,
} from "@cairn/kernel";
import { repositoryAccess } from "./repository-access.ts";

/** What the orders' side of the API lives on. */
export interface OrdersWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly masterKey: Secret<Buffer>;
  /** How long an order stays a datamover's without a report. */
  readonly leaseMs: number;
}

/**
 * A waiting claim is woken by notifications; it looks again after so long, in case one was missed. A thousand
 * that look often would be all that the database does.
 */
const LOOK_AGAIN_MS = 15_000;

/**
 * Hands out up to `room` orders of a host; waits up to `waitMs` for the first. Rejects when the signal is
 * aborted.
 */
export async function claim(
  world: OrdersWorld,
  host: HostName,
  wanted: { readonly room: number; readonly waitMs: number },
  signal: AbortSignal,
): Promise<ClaimReply> {
  const { database, clock } = world;
  const until = clock.now() + wanted.waitMs;
  for (;;) {
    await touchDatamover(database.handle, host);
    const rows = await database.transaction((tx) => claimOrders(tx, host, wanted.room, world.leaseMs));
    const leftMs = until - clock.now();
    if (rows.length > 0 || leftMs <= 0) {
      const orders = await Promise.all(rows.map((row) => toOrder(world, row)));
      return { orders: orders.filter((order) => order !== undefined), leaseMs: world.leaseMs };
    }
    const ms = Math.min(leftMs, LOOK_AGAIN_MS);
    await database.waitFor("cairn_order_queued", { payload: host, ms, signal });
  }
}

/** Undefined: the order has ended here, since its keys are gone; its engine gives another. */
async function toOrder(world: OrdersWorld, row: OrderRow): Promise<Order | undefined> {
  const { database, masterKey } = world;
  // Written by a flow from the contract's type.
  const body = row.body as OrderBody;
  const order = {
    id: row.id,
    runId: row.run_id,
    generation: row.generation,
    body,
    ...imageOf(body, masterKey),
  };
  if (row.repository_id === null) return order;
  try {
    return { ...order, repository: await repositoryAccess(database, masterKey, row.repository_id, row.id) };
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "order-keys-gone") throw cause;
    const { code, message, retry } = cause;
    const holder = { orderId: row.id, host: row.host, generation: row.generation };
    const outcome = { kind: "failed", code, message, retry };
    await database.transaction((tx) => finishOrder(tx, holder, outcome));
    return undefined;
  }
}

/** What reaches the image that an order fills: in the row it is sealed. */
function imageOf(body: OrderBody, masterKey: Secret<Buffer>): Pick<Order, "image"> {
  if (body.kind !== "write-disk" || body.destination.kind !== "image") return {};
  const { imageId, sealedAccess } = body.destination;
  return { image: openImageAccess(sealedAccess, imageId, masterKey.reveal()) };
}

/** Which order something is about, and which host says it. */
export interface Speaker {
  readonly host: HostName;
  readonly orderId: string;
}

/**
 * Takes progress and renews the lease. Answers at once when the order is cancelled or somebody else's, also
 * while it waits as long as the report allows: Nova waits for jobs that make way. An order of another host is
 * 404, as one that never was. Rejects when the signal is aborted.
 */
export async function progress(
  world: OrdersWorld,
  { host, orderId }: Speaker,
  report: ProgressRequest,
  signal: AbortSignal,
): Promise<ProgressReply> {
  const { clock, database, leaseMs } = world;
  const holder = { orderId: asId<"order">(orderId), host, generation: report.generation };
  const look = async (): Promise<ProgressReply> => {
    const verdict = await reportProgress(database.handle, holder, report.progress, leaseMs);
    if (verdict === "absent") throw unknownOrder(orderId);
    return { verdict };
  };
  const ms = report.waitMs ?? 0;
  if (ms === 0) return look();
  const untilMs = clock.now() + ms;
  const looked = new AbortController();
  // Listened to before the row is looked at, so that no change in between is missed.
  const changed = changeOf(world, { payload: orderId, ms, signal: AbortSignal.any([signal, looked.signal]) });
  try {
    const reply = await look();
    if (reply.verdict !== "continue") return reply;
    await changed;
    signal.throwIfAborted();
    return clock.now() < untilMs ? await look() : reply;
  } finally {
    looked.abort(new Rejection("The wait is over.", { status: 400, remedy: "Ask again." }));
  }
}

/** Resolves when the order has changed, when the time is over or the signal is aborted. */
async function changeOf(
  { database }: OrdersWorld,
  options: { readonly payload: string; readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await database.waitFor("cairn_order_changed", options);
  } catch (cause) {
    if (!options.signal.aborted) throw asError(cause);
  }
}

/** Takes the outcome of an order; from the same generation it may come twice. */
export async function finish(
  world: OrdersWorld,
  host: HostName,
  orderId: string,
  report: FinishRequest,
): Promise<void> {
  const holder = { orderId: asId<"order">(orderId), host, generation: report.generation };
  const taken = await world.database.transaction((tx) => finishOrder(tx, holder, report.outcome));
  switch (taken) {
    case "finished":
      return;
    case "absent":
      throw unknownOrder(orderId);
    case "fenced":
      throw new Rejection(
        `Order ${orderId} has been handed out again since generation ${report.generation}.`,
        {
          status: 409,
          field: "generation",
          value: report.generation,
          remedy: "Stop working on it and forget it.",
        },
      );
    default:
      unreachable(taken);
  }
}

function unknownOrder(orderId: string): Rejection {
  return new Rejection(`Order ${orderId} could not be found.`, {
    status: 404,
    field: "order_id",
    value: orderId,
    remedy: "Let go of it: its run has ended.",
  });
}
