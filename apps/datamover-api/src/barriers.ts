import type { BarrierReply, BarrierRequest } from "@cairn/contract";
import { type BarrierAnswer, sayAtBarrier } from "@cairn/database";
import { asError, asId, Rejection, unreachable } from "@cairn/kernel";
import type { OrdersWorld, Speaker } from "./orders.ts";

/** Should a notification be lost, the row is looked at again after so long: guests may be frozen. */
const LOOK_AGAIN_MS = { prepared: 250, frozen: 100 } as const;

/**
 * Takes an order's word at its barrier, and answers when it may go on, or after `waitMs`. It holds no state:
 * whoever waits may ask another datamover API. Rejects when the signal is aborted.
 */
export async function barrier(
  world: OrdersWorld,
  { host, orderId }: Speaker,
  report: BarrierRequest,
  signal: AbortSignal,
): Promise<BarrierReply> {
  const { clock, database } = world;
  const holder = { orderId: asId<"order">(orderId), host, generation: report.generation };
  const says = { at: report.at, ...(report.because === undefined ? {} : { because: report.because }) };
  const untilMs = clock.now() + report.waitMs;
  let known: string | undefined;
  for (;;) {
    const passing = new AbortController();
    // Listened to before the row is looked at, so that no change in between is missed.
    const ms = report.at === "frozen" ? LOOK_AGAIN_MS.frozen : LOOK_AGAIN_MS.prepared;
    const changed =
      known === undefined ? undefined : listen(world, { payload: known, ms, signal: passing.signal });
    try {
      const answer = await database.transaction((tx) => sayAtBarrier(tx, holder, says));
      const reply = replyTo(answer, orderId);
      const leftMs = untilMs - clock.now();
      if (reply.verdict !== "wait" || leftMs <= 0) return reply;
      known = answer.kind === "told" ? answer.barrierId : undefined;
      await changed;
      signal.throwIfAborted();
    } finally {
      passing.abort(new Rejection("The wait is over.", { status: 400, remedy: "Ask again." }));
    }
  }
}

/** Resolves at a change, or soon. */
async function listen(
  { database }: OrdersWorld,
  options: { readonly payload: string; readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await database.waitFor("cairn_barrier_changed", options);
  } catch (cause) {
    if (!options.signal.aborted) throw asError(cause);
  }
}

function replyTo(answer: BarrierAnswer, orderId: string): BarrierReply {
  switch (answer.kind) {
    case "told":
      return answer.verdict;
    case "fenced":
      return { verdict: "fenced" };
    case "absent":
      throw new Rejection(`Order ${orderId} with a barrier could not be found.`, {
        status: 404,
        field: "order_id",
        value: orderId,
        remedy: "Let go of it: its run has ended.",
      });
    default:
      return unreachable(answer);
  }
}
