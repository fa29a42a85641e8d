import type { OrderBody, OrderOutcome } from "@cairn/contract";
import {
  cancelOrder,
  type Database,
  type DatamoverPresence,
  datamoverPresence,
  ensureOrder,
  findOrder,
  listStaleOrders,
  type OrderRow,
  saveOrderKeys,
} from "@cairn/database";
import {
  Fault,
  formatDuration,
  type HostName,
  type OrderId,
  type RepositoryId,
  unreachable,
} from "@cairn/kernel";
import type { HeldRun } from "./runner-claim.ts";
import { asInterruption } from "./runner-ends.ts";
import type { RunnerSettings } from "./runner-settings.ts";
import type { SucceededOutcome } from "./step.ts";

/** What an order is given to live on. */
export interface OrderContext {
  readonly database: Database;
  readonly held: HeldRun;
  readonly settings: RunnerSettings;
  /** The step's: aborted when the step shall end. */
  readonly signal: AbortSignal;
}

/** What shall be carried out, by whom, and which call of the step it is. */
export interface OrderRequest {
  readonly stepKey: string;
  readonly call: string;
  readonly host: HostName;
  readonly body: OrderBody;
  readonly repositoryId: RepositoryId | undefined;
  /** Seals the keys that an encrypted workload's order takes along. */
  readonly sealKeys?: ((orderId: OrderId) => string) | undefined;
}

/**
 * Writes the order, or finds the one that this call wrote before a crash, and waits for its end. Fenced: an
 * engine that lost the run writes none. A datamover that is away is a Fault only once it holds nothing of the
 * order any more, so that the next attempt cannot meet it.
 */
export async function carryOut(context: OrderContext, request: OrderRequest): Promise<SucceededOutcome> {
  context.signal.throwIfAborted();
  const { sealKeys, ...asked } = request;
  const { id, host } = await context.held.transact(async (transaction) => {
    const order = await ensureOrder(transaction, { runId: context.held.claim.runId, ...asked });
    if (sealKeys !== undefined) await saveOrderKeys(transaction, order.id, sealKeys(order.id));
    return order;
  });
  if (host !== request.host) {
    // The step decided differently than before the crash. Never handed to another host: this attempt is over.
    await endOrder(context, id);
    throw new Fault("order-host", `handing an order of host ${host} to host ${request.host}`, "later");
  }
  try {
    return await waitForEnd(context, request.host, id);
  } catch (cause) {
    // Interrupted: the order goes on, whoever takes up the run finds it again. Otherwise it must end first.
    if (context.signal.aborted && asInterruption(context.signal.reason) === undefined) {
      await endOrder(context, id);
    }
    throw cause;
  }
}

async function waitForEnd(context: OrderContext, host: HostName, id: OrderId): Promise<SucceededOutcome> {
  const { database, settings, signal } = context;
  for (;;) {
    const order = await findOrder(database.handle, id);
    if (order === undefined) throw new Fault("order-gone", `finding order ${id} again`, "never");
    const outcome = outcomeOf(order);
    if (outcome !== undefined) return succeeded(outcome);
    await assertPresent(context, host, id);
    await database.waitFor("cairn_order_changed", { payload: id, ms: settings.orderPollMs, signal });
  }
}

/** The outcome of an order that has ended. */
function outcomeOf(order: OrderRow): OrderOutcome | undefined {
  switch (order.state) {
    case "finished":
      // Validated against the contract by the datamover API before it was stored.
      return order.outcome as OrderOutcome;
    case "cancelled":
      throw new Fault("order-cancelled", `the order for ${order.host} was cancelled`, "later");
    case "queued":
    case "claimed":
    case "cancelling":
      return undefined;
    default:
      return unreachable(order.state);
  }
}

function succeeded(outcome: OrderOutcome): SucceededOutcome {
  if (outcome.kind !== "failed") return outcome;
  throw new Fault(outcome.code, outcome.message, outcome.retry);
}

async function assertPresent(context: OrderContext, host: HostName, id: OrderId): Promise<void> {
  const { database, settings } = context;
  const presence = await datamoverPresence(database.handle, host, settings.awayMs);
  if (presence.kind === "present") return;
  const ended = await database.transaction((transaction) => cancelOrder(transaction, id));
  // Held: it was away but its lease is not over; its outcome may still come.
  if (ended === "held") return;
  const order = await findOrder(database.handle, id);
  // It finished in this very moment: the next look takes its outcome.
  if (order?.state === "finished") return;
  throw new Fault("datamover-away", absence(host, presence), "later");
}

function absence(host: HostName, presence: DatamoverPresence): string {
  switch (presence.kind) {
    case "unknown":
      return `no datamover is registered for host ${host}`;
    case "away":
      return presence.seenMs === undefined
        ? `the datamover of host ${host} has not reported yet`
        : `the datamover of host ${host} has not reported for ${formatDuration(presence.seenMs)}`;
    case "present":
      return `the datamover of host ${host} reports`;
    default:
      return unreachable(presence);
  }
}

/**
 * Ends the orders of a step that another attempt gave and that an engine's death left open: before a step is
 * tried again or undone, nobody may be at work on it any more.
 */
export async function endStaleOrders(
  context: OrderContext,
  step: { readonly stepKey: string; readonly attempt: string },
): Promise<void> {
  const { database, held } = context;
  const stale = await listStaleOrders(database.handle, { runId: held.claim.runId, ...step });
  for (const id of stale) await endOrder(context, id);
}

/** Cancels an order and waits until its datamover has let go of it or its lease is over (30 s at most). */
async function endOrder({ database, held, settings }: OrderContext, id: OrderId): Promise<void> {
  while ((await database.transaction((transaction) => cancelOrder(transaction, id))) === "held") {
    await database.waitFor("cairn_order_changed", {
      payload: id,
      ms: settings.orderPollMs,
      signal: held.life,
    });
  }
}
