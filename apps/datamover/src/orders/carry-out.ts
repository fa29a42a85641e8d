import type { Order, OrderOutcome } from "@cairn/contract";
import { describeFault, Fault } from "@cairn/kernel";
import { mountInGuest, unmountInGuest } from "../guest-mount/mount-in-guest.ts";
import { protectInstance } from "../protect/protect-instance.ts";
import { uploadImage } from "../write/upload-image.ts";
import { writeDisk } from "../write/write-disk.ts";
import type { OrderContext } from "./context.ts";

/**
 * Carries out an order. A failure is an outcome too; only the signal's own reason is thrown, because then
 * nobody asks.
 */
export async function carryOut(order: Order, context: OrderContext): Promise<OrderOutcome> {
  try {
    return await perform(order, context);
  } catch (cause) {
    if (context.signal.aborted && cause !== context.signal.reason)
      context.log.warn("order.stopped-badly", { fault: cause });
    context.signal.throwIfAborted();
    context.log.warn("order.failed", { fault: cause });
    if (cause instanceof Fault) {
      return { kind: "failed", code: cause.code, message: describeFault(cause), retry: cause.retry };
    }
    return { kind: "failed", code: "bug", message: describeFault(cause), retry: "never" };
  }
}

async function perform(order: Order, context: OrderContext): Promise<OrderOutcome> {
  const { body, repository, image } = order;
  switch (body.kind) {
    case "protect-instance":
      return protectInstance(body, repository, context);
    case "abandon-instance":
      context.progress.enter("cleaning");
      await context.hypervisor.abandonPoint(body.instanceId, body.snapshotId, context.signal);
      return { kind: "abandoned" };
    case "settle-instance":
      context.progress.enter("cleaning");
      await context.hypervisor.settleBitmaps(body.instanceId, body.keepBitmaps, context.signal);
      return { kind: "settled" };
    case "write-disk": {
      using _turn = await context.takeTurn();
      if (body.destination.kind === "image")
        return await uploadImage(body, body.destination, { repository, image }, context);
      return await writeDisk(body, repository, context);
    }
    case "mount-in-guest":
      return mountInGuest(body, context);
    case "unmount-in-guest":
      context.progress.enter("cleaning");
      return unmountInGuest(body, context);
  }
}
