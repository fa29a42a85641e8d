import type { DiskDestination, Order, OrderOutcome } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import type { Log, Status } from "@cairn/service";
import type { DatamoverApi } from "../api/client.ts";
import { OrderBarrier } from "./barrier.ts";
import { carryOut } from "./carry-out.ts";
import { type Equipment, type OrderContext, ProgressBoard } from "./context.ts";

import { Lease } from "./lease.ts";
import { Turns } from "./turns.ts";

export interface OrderLoopParts {
  readonly api: DatamoverApi;
  readonly equipment: Equipment;
  readonly log: Log;
  readonly status: Status;
  /** Orders carried out at once. */
  readonly ordersMax: number;
  readonly version: string;
}

const HELLO_EVERY_MS = 5_000;
const CLAIM_WAIT_MS = 20_000;
const CLAIM_PAUSE_MS = 1000;

/**
 * Orders that move bytes at once; further ones wait with their lease renewed. Each has worker threads and
 * buffers of 80 to 130 MiB on top of the program's own 120 MiB.
 */
const MOVERS_AT_ONCE = 2;

/**
 * Tells the API that we live, fetches orders, carries them out: until the signal is aborted and all have
 * ended.
 */
export class OrderLoop {
  readonly #parts: OrderLoopParts;
  readonly #turns = new Turns(1);
  readonly #movers = new Turns(MOVERS_AT_ONCE);
  readonly #running = new Map<string, Promise<void>>();
  #roomMade = Promise.withResolvers<void>();

  constructor(parts: OrderLoopParts) {
    this.#parts = parts;
    parts.status.queue("orders", () => this.#running.size);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#sayHello(signal), this.#fetchOrders(signal)]);
    await Promise.all(this.#running.values());
  }

  async #sayHello(signal: AbortSignal): Promise<void> {
    const { api, equipment, log, version } = this.#parts;
    const capabilities = [
      `hypervisor:${equipment.hypervisor.name}`,
      "protect-instance",
      "write-disk",
      "mount-in-guest",
      "target:directory",
    ];
    while (!signal.aborted) {
      try {
        const { connector } = equipment.osBrick;
        const ofHost = connector === undefined ? {} : { connector };
        await api.hello({ version, capabilities, ...ofHost }, signal);
      } catch (cause) {
        if (hasEnded(signal)) return;
        log.warn("hello.failed", { fault: cause });
      }
      await this.#pause(HELLO_EVERY_MS, signal);
    }
  }

  async #fetchOrders(signal: AbortSignal): Promise<void> {
    const { api, log, ordersMax, status } = this.#parts;
    while (!signal.aborted) {
      const room = ordersMax - this.#running.size;
      if (room <= 0) {
        await this.#waitForRoom(signal);
        continue;
      }
      try {
        const { orders, leaseMs } = await api.claim({ room, waitMs: CLAIM_WAIT_MS }, signal);
        for (const order of orders) this.#start(order, leaseMs, signal);
      } catch (cause) {
        if (hasEnded(signal)) return;
        log.warn("claim.failed", { fault: cause });
        status.failed("claim", cause);
        await this.#pause(CLAIM_PAUSE_MS, signal);
      }
    }
  }

  #start(order: Order, leaseMs: number, signal: AbortSignal): void {
    const key = `${order.id}/${order.generation}`;
    const work = this.#carryOutOne(order, leaseMs, signal).finally(() => {
      this.#running.delete(key);
      this.#roomMade.resolve();
      this.#roomMade = Promise.withResolvers();
    });
    this.#running.set(key, work);
  }

  async #carryOutOne(order: Order, leaseMs: number, stop: AbortSignal): Promise<void> {
    const { api, equipment, status } = this.#parts;
    const { id, runId: run, generation, body } = order;
    const log = this.#parts.log.child({ order: id, run, generation, kind: body.kind });
    using _ = status.doing(`${body.kind} ${id}`);
    const progress = new ProgressBoard();
    const lease = new Lease(order, leaseMs, { api, clock: equipment.clock, log });
    const signal = AbortSignal.any([stop, lease.lost]);
    const kept = lease.keep(progress);
    log.info("order.started");
    try {
      const outcome = await this.#inTurn(order, {
        ...equipment,
        orderId: id,
        log,
        progress,
        signal,
        barrier: hasBarrier(order)
          ? new OrderBarrier(order, { api, clock: equipment.clock, log })
          : undefined,
        takeTurn: async () => this.#movers.take("movers", signal),
      });
      const told = await lease.finish(outcome);
      log.info("order.finished", { outcome: outcome.kind, told });
      if (outcome.kind === "failed")
        status.failed(body.kind, new Fault(outcome.code, outcome.message, outcome.retry));
      else status.succeeded(body.kind);
    } catch (cause) {
      log.info("order.dropped", { reason: cause });
    } finally {
      // All of it has been taken down: the undo that waits for the order may go on.
      await lease.letGo(stop);
      lease.release();
      await kept;
    }
  }

  async #inTurn(order: Order, context: OrderContext): Promise<OrderOutcome> {
    using _instance = await this.#turns.take(instanceOf(order), context.signal);
    return await carryOut(order, context);
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    const onAbort = (): void => {
      stopped.resolve();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (!signal.aborted) await Promise.race([this.#roomMade.promise, stopped.promise]);
    signal.removeEventListener("abort", onAbort);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.equipment.clock.sleep(ms, signal);
    } catch (cause) {
      if (!signal.aborted) throw cause;
    }
  }
}

function hasBarrier({ body }: Order): boolean {
  return body.kind === "protect-instance" && body.barrier !== undefined;
}

/** As a call, because it changes while the loop waits. */
function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** What an order works on, such as the QEMU of an instance; orders for the same go one after the other. */
function instanceOf(order: Order): string {
  const { body } = order;
  switch (body.kind) {
    case "protect-instance":
    case "abandon-instance":
    case "settle-instance":
      return `instance ${body.instanceId}`;
    // Beside a backup, whose bytes may take hours; the hypervisor's driver keeps it apart from the freeze.
    case "mount-in-guest":
    case "unmount-in-guest":
      return `guest ${body.instanceId}`;
    case "write-disk":
      return destinationOf(body.destination);
  }
}

function destinationOf(destination: DiskDestination): string {
  switch (destination.kind) {
    case "instance":
      return `instance ${destination.instanceId}`;
    case "attached":
      return `volume ${destination.volumeId}`;
    case "image":
      return `image ${destination.imageId}`;
  }
}
