import { type Database, listInstancesBeingRead, type YieldSubject, yieldOrders } from "@cairn/database";
import { asError, type Clock, mapLimited } from "@cairn/kernel";
import { announcementOf, type Cloud, isDisturbing, parseTransportUrl } from "@cairn/openstack";
import type { ConfigOf, Log, Status } from "@cairn/service";
import type { engineSpec } from "../config.ts";
import { subscribe } from "./bus.ts";
import { listenToBus } from "./listener.ts";

export interface YieldingWorld {
  readonly database: Database;
  /** OpenStack as the service user. */
  readonly admin: Cloud;
  readonly clock: Clock;
  readonly log: Log;
  readonly status: Status;
}

/** oslo.messaging's `TOPIC.PRIORITY`: Nova's versioned notifications; its legacy ones, and Cinder's. */
const ROUTING_KEYS = ["versioned_notifications.info", "notifications.info"];
const LOOKS_AT_ONCE = 4;

/**
 * Makes jobs yield to what Nova and Cinder announce on the bus, while one is configured. Each engine listens:
 * orders are the same for all of them, and to ask one twice to end is to ask once.
 */
export function startYielding(
  world: YieldingWorld,
  settings: ConfigOf<typeof engineSpec>["notifications"],
): { stop(): Promise<void> } {
  const { transportUrl, novaExchange, cinderExchange } = settings;
  if (transportUrl === undefined) return { stop: async () => Promise.resolve() };
  const stopping = new AbortController();
  const hosts = parseTransportUrl(transportUrl.reveal());
  const bindings = { exchanges: [...new Set([novaExchange, cinderExchange])], routingKeys: ROUTING_KEYS };
  const pending = new Set<Promise<void>>();
  const onMessage = (content: string): void => {
    const work = hear(world, content).finally(() => pending.delete(work));
    pending.add(work);
  };
  const listening = listenToBus(
    {
      ...world,
      hosts,
      subscribe: async (host) => subscribe(host, bindings, onMessage),
      catchUp: async (signal) => catchUp(world, signal),
    },
    stopping.signal,
  );
  return {
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await listening;
      await Promise.all(pending);
    },
  };
}

/** Has the readers of whatever a message is about make way. Never throws. */
async function hear(world: YieldingWorld, content: string): Promise<void> {
  const announced = announcementOf(content);
  if (announced === undefined) return;
  await makeWay(world, announced, announced.operation);
}

/** Operations that began while nobody listened: instances that are being read are looked at once. */
async function catchUp(world: YieldingWorld, signal: AbortSignal): Promise<void> {
  const ids = await listInstancesBeingRead(world.database.handle);
  await mapLimited(ids, LOOKS_AT_ONCE, async (instanceId) => {
    const server = await world.admin.nova.servers.find(instanceId, signal);
    const taskState = server?.taskState;
    if (taskState !== undefined && isDisturbing(taskState)) await makeWay(world, { instanceId }, taskState);
  });
}

async function makeWay(world: YieldingWorld, subject: YieldSubject, operation: string): Promise<void> {
  const { database, log, status } = world;
  try {
    const yielded = await database.transaction((transaction) => yieldOrders(transaction, subject));
    for (const { id, host, instanceId } of yielded) {
      status.succeeded("yield");
      log.info("order.yields", { order: id, host, instance: instanceId, operation });
    }
  } catch (cause) {
    status.failed("yield", cause);
    log.warn("order.yield-failed", { ...subject, operation, fault: asError(cause) });
  }
}
