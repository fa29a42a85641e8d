import { asError, Fault } from "@cairn/kernel";
import type { BusHost } from "@cairn/openstack";
import { type ChannelModel, connect } from "amqplib";

/** What is listened to on the bus. */
export interface BusBindings {
  /** Of Nova and of Cinder; oslo.messaging calls them `control_exchange`. */
  readonly exchanges: readonly string[];
  /** `versioned_notifications.info`: oslo.messaging's `TOPIC.PRIORITY`. */
  readonly routingKeys: readonly string[];
}

/** A subscription that stands. */
export interface Subscription {
  /** Resolves with the reason when the bus is gone; never rejects. */
  readonly gone: Promise<Error>;
  close(): Promise<void>;
}

const CONNECT_MS = 10_000;
/** A broker that says nothing for two of these is gone. */
const HEARTBEAT_S = 5;
/** Messages that wait while this program is busy: notifications are news, older ones are worthless. */
const MESSAGE_MS = 30_000;
const MESSAGES_MAX = 10_000;
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Subscribes to notifications with a queue of our own, which goes with the connection: nobody else's messages
 * are taken away, and nothing piles up while we are gone. The exchanges belong to Nova and Cinder; one that
 * is not there is a Fault, and they are never made here, where they would be made otherwise.
 */
export async function subscribe(
  host: BusHost,
  bindings: BusBindings,
  onMessage: (content: string) => void,
): Promise<Subscription> {
  const connection = await open(host);
  const gone = Promise.withResolvers<Error>();
  // An `error` that nobody listens to would end the program; `close` follows it.
  connection.on("error", (cause) => {
    gone.resolve(asError(cause));
  });
  connection.on("close", (cause) => {
    gone.resolve(cause ?? new Error("the connection was closed"));
  });
  try {
    await listen(connection, bindings, onMessage, gone.resolve);
  } catch (cause) {
    await close(connection);
    throw new Fault("bus-refused", `subscribing to notifications at ${nameOf(host)}`, "later", cause);
  }
  return { gone: gone.promise, close: async () => close(connection) };
}

/** A broker as messages name it: without the password. */
export function nameOf({ hostname, port, vhost }: BusHost): string {
  return `${hostname}:${String(port)}${vhost === "/" ? "" : `/${vhost}`}`;
}

async function open(host: BusHost): Promise<ChannelModel> {
  const { hostname, port, username, password, vhost, isTls } = host;
  try {
    return await connect(
      {
        protocol: isTls ? "amqps" : "amqp",
        hostname,
        port,
        username,
        password: password.reveal(),
        vhost,
        heartbeat: HEARTBEAT_S,
      },
      { timeout: CONNECT_MS, clientProperties: { connection_name: "cairn-engine" } },
    );
  } catch (cause) {
    throw new Fault("bus-away", `connecting to the message bus at ${nameOf(host)}`, "later", cause);
  }
}

async function listen(
  connection: ChannelModel,
  { exchanges, routingKeys }: BusBindings,
  onMessage: (content: string) => void,
  onGone: (reason: Error) => void,
): Promise<void> {
  const channel = await connection.createChannel();
  channel.on("error", onGone);
  channel.on("close", () => {
    onGone(new Error("the channel was closed"));
  });
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    autoDelete: true,
    durable: false,
    messageTtl: MESSAGE_MS,
    maxLength: MESSAGES_MAX,
  });
  for (const exchange of exchanges) {
    await channel.checkExchange(exchange);
    for (const key of routingKeys) await channel.bindQueue(queue, exchange, key);
  }
  await channel.consume(
    queue,
    (message) => {
      // The broker took the queue away, as when its node leaves a cluster.
      if (message === null) onGone(new Error("the queue was taken away"));
      else if (message.content.length <= MESSAGE_BYTES_MAX) onMessage(message.content.toString("utf8"));
    },
    { noAck: true, exclusive: true },
  );
}

async function close(connection: ChannelModel): Promise<void> {
  // What is closed already cannot be closed again, and nothing follows from that.
  await connection.close().catch((cause: unknown) => asError(cause));
}
