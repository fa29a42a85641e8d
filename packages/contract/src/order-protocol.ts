import { type Static, Type } from "typebox";
import { Order, OrderOutcome, OrderProgress } from "./orders.ts";

/**
 * The HTTP protocol of cairn-datamover-api. Every call carries `Authorization: Bearer <host token>`; the
 * token names the host. 401: unknown token.
 *
 * - `POST /v1/hello`                    HelloRequest → 204. Heartbeat, at least every 10 s.
 * - `POST /v1/orders/claim`             ClaimRequest → ClaimReply. Waits up to `waitMs` for work.
 * - `POST /v1/orders/{id}/progress`     ProgressRequest → ProgressReply. Renews the lease.
 * - `POST /v1/orders/{id}/barrier`      BarrierRequest → BarrierReply. Waits up to `waitMs` for its word.
 * - `POST /v1/orders/{id}/finish`       FinishRequest → 204, or 409 when fenced.
 */
export const HelloRequest = Type.Object({
  version: Type.String(),
  capabilities: Type.Array(Type.String()),
  /** What os-brick says of the host, for Cinder; absent where the host has none. */
  connector: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type HelloRequest = Static<typeof HelloRequest>;
export const ClaimRequest = Type.Object({
  /** How many more orders this datamover can carry out now. */
  room: Type.Integer({ minimum: 1, maximum: 64 }),
  waitMs: Type.Integer({ minimum: 0, maximum: 30_000 }),
});
export type ClaimRequest = Static<typeof ClaimRequest>;
export const ClaimReply = Type.Object({
  orders: Type.Array(Order),
  /**
   * How long an order stays the datamover's without a report. It reports at least every third of it, and
   * stops by itself at five sixths.
   */
  leaseMs: Type.Integer({ minimum: 1 }),
});
export type ClaimReply = Static<typeof ClaimReply>;
export const ProgressRequest = Type.Object({
  generation: Type.Integer(),
  progress: OrderProgress,
  /** The answer may wait so long for another verdict than `continue`, which then comes at once. */
  waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 30_000 })),
});
export type ProgressRequest = Static<typeof ProgressRequest>;

/**
 * Replies to a progress report; anything but `continue` means: stop, clean up what is yours, report nothing
 * more. After `cancelled` there are 10 s for that; a finish (`failed`, `order-cancelled`) lets go of the
 * order earlier, and the undo that waits for it goes on at once.
 */
export const ProgressReply = Type.Object({
  verdict: Type.Union([Type.Literal("continue"), Type.Literal("cancelled"), Type.Literal("fenced")]),
});
export type ProgressReply = Static<typeof ProgressReply>;

export const FinishRequest = Type.Object({ generation: Type.Integer(), outcome: OrderOutcome });
export type FinishRequest = Static<typeof FinishRequest>;

/** How far an order with a barrier is. `left`: it failed, and nobody shall wait for it. */
export const BarrierRequest = Type.Object({
  generation: Type.Integer(),
  at: Type.Union([
    Type.Literal("prepared"),
    Type.Literal("frozen"),
    Type.Literal("taken"),
    Type.Literal("thawed"),
    Type.Literal("left"),
  ]),
  because: Type.Optional(Type.String()),
  waitMs: Type.Integer({ minimum: 0, maximum: 30_000 }),
});
export type BarrierRequest = Static<typeof BarrierRequest>;

/**
 * What follows. `wait`: ask again. `freeze`: all are prepared. `cut`: all are frozen, or had their time.
 * `noted`: so long after the word to cut (for `taken`) or to freeze (for `thawed`). `alone`: nobody is waited
 * for; thaw, and take the point alone. `fenced`: the order is somebody else's.
 */
export const BarrierReply = Type.Union([
  Type.Object({
    verdict: Type.Union([
      Type.Literal("wait"),
      Type.Literal("freeze"),
      Type.Literal("cut"),
      Type.Literal("fenced"),
    ]),
  }),
  Type.Object({ verdict: Type.Literal("noted"), afterMs: Type.Integer({ minimum: 0 }) }),
  Type.Object({ verdict: Type.Literal("alone"), because: Type.String() }),
]);
export type BarrierReply = Static<typeof BarrierReply>;
