import { Rejection, Secret } from "@cairn/kernel";

/** A broker of the bus and who we are there. */
export interface BusHost {
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: Secret;
  readonly vhost: string;
  readonly isTls: boolean;
}

const FIELD = "notifications.transport_url";
const REMEDY = "take transport_url as it stands in nova.conf: rabbit://USER:PASSWORD@HOST:PORT/VHOST";
const SCHEMES: Readonly<Record<string, { readonly isTls: boolean; readonly port: number }>> = {
  rabbit: { isTls: false, port: 5672 },
  amqp: { isTls: false, port: 5672 },
  kombu: { isTls: false, port: 5672 },
  rabbits: { isTls: true, port: 5671 },
  amqps: { isTls: true, port: 5671 },
};

/**
 * The brokers of an address in oslo.messaging's form, which has several of them before one slash
 * (oslo_messaging/transport.py, `TransportURL.parse`): `rabbit://USER:PASSWORD@HOST:PORT,…/VHOST`. A host
 * without a name takes the one of the host before it; without a virtual host, or with an empty one, it is
 * `/`.
 * `rabbits` and `amqps` are ours: oslo.messaging has TLS in a setting of its own. Throws a Rejection that
 * does not repeat the address: it holds a password.
 */
export function parseTransportUrl(url: string): readonly BusHost[] {
  const match = /^([a-z+]+):\/\/([^/?]+)(?:\/([^?]*))?(?:\?.*)?$/.exec(url.trim());
  const scheme = SCHEMES[match?.[1] ?? ""];
  if (match === null || scheme === undefined) throw refusal("is no address of RabbitMQ");
  const vhost = unescape(match[3] ?? "");
  const hosts: BusHost[] = [];
  for (const part of (match[2] ?? "").split(",").filter((each) => each !== "")) {
    const { credentials, hostname, port } = takeApart(part);
    const before = hosts.at(-1);
    const username = credentials?.username ?? before?.username;
    const password = credentials?.password ?? before?.password;
    if (username === undefined || password === undefined) throw refusal("names no user and password");
    hosts.push({
      hostname,
      port: port ?? scheme.port,
      username,
      password,
      vhost: vhost === "" ? "/" : vhost,
      isTls: scheme.isTls,
    });
  }
  if (hosts.length === 0) throw refusal("names no host");
  return hosts;
}

interface Part {
  readonly credentials: { readonly username: string; readonly password: Secret } | undefined;
  readonly hostname: string;
  readonly port: number | undefined;
}

function takeApart(part: string): Part {
  const at = part.lastIndexOf("@");
  const place = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{0,5}))?$/.exec(part.slice(at + 1));
  const hostname = place?.[1] ?? place?.[2];
  const port = place?.[3] === undefined || place[3] === "" ? undefined : Number(place[3]);
  if (hostname === undefined || (port !== undefined && (port < 1 || port > 65_535))) {
    throw refusal("has a host that cannot be read");
  }
  if (at < 0) return { credentials: undefined, hostname, port };
  const [username = "", ...rest] = part.slice(0, at).split(":");
  const password = new Secret(unescape(rest.join(":")));
  return { credentials: { username: unescape(username), password }, hostname, port };
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (cause instanceof URIError) throw refusal("has a % that begins no escape");
    throw cause;
  }
}

function refusal(because: string): Rejection {
  return new Rejection(`${FIELD} ${because}`, { status: 400, field: FIELD, remedy: REMEDY });
}
