import { type LookupAddress, lookup } from "node:dns";
import { BlockList, isIP, isIPv4 } from "node:net";
import { Fault } from "@cairn/kernel";

/** Where operators let the words of tenants lead to, beyond the public internet. */
export interface Reach {
  /** Networks such as `10.20.0.0/16` or `fd00::/8`. */
  readonly networks: readonly string[];
  /** Names of hosts, whatever their addresses. */
  readonly hosts: readonly string[];
}

/** A place to connect to: its address was judged, and it is the one that is connected to. */
export interface Receiver {
  /** As it was named; certificates are checked against it. */
  readonly host: string;
  readonly address: string;
}

/** How names become addresses: the system's way, unless a test has another. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * Networks that a tenant has no business in: this machine, its neighbours, private ones, whatever translates
 * to those, and what is no host. Sources: RFC 6890 with its IANA registries for IPv4 and IPv6.
 */
const CLOSED =
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 " +
  "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 " +
  "::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 " +
  "fc00::/7 fe80::/10 fec0::/10 ff00::/8";
/** No operator's list opens these to tenants: there are the keys of clouds and the neighbours of hosts. */
const NEVER = "169.254.0.0/16 fe80::/10 0.0.0.0/8 ::/128 224.0.0.0/4 ff00::/8";

const closed = networkList(CLOSED.split(" "));
const never = networkList(NEVER.split(" "));

/** Networks as a list to ask; throws an Error that completes "`<network>` …" when one is none. */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits = ""] = network.split("/", 2);
    const version = isIP(address);
    const max = version === 4 ? 32 : 128;
    if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > max) {
      throw new Error(`${network} must be a network such as 10.20.0.0/16 or fd00::/8`);
    }
    list.addSubnet(address, Number(bits), version === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** Whether a tenant's word may lead to this address, which a host of this name has. */
export function isReachable(host: string, address: string, reach: Reach): boolean {
  const plain = withoutMapping(address);
  const family = isIPv4(plain) ? "ipv4" : "ipv6";
  if (never.check(plain, family)) return false;
  if (!closed.check(plain, family)) return true;
  const isNamed = reach.hosts.some((each) => each.toLowerCase() === host.toLowerCase());
  return isNamed || networkList(reach.networks).check(plain, family);
}

/** `::ffff:10.0.0.1` is 10.0.0.1, however it is written (RFC 4291, 2.5.5.2). */
function withoutMapping(address: string): string {
  if (isIPv4(address)) return address;
  const short = new URL(`http://[${address.split("%", 1)[0] ?? ""}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}

/**
 * The place that a name means now. For a tenant's word only addresses that it may lead to count; whoever
 * connects does so to this address and does not ask for the name again, so that it cannot mean another one by
 * then. `reach` undefined: an operator's word, which leads anywhere.
 */
export async function findReceiver(
  named: string,
  reach: Reach | undefined,
  resolve: Resolve = resolveBySystem,
): Promise<Receiver> {
  const host = named.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) === 0 ? await resolve(host) : [host];
  const address = addresses.find((each) => reach === undefined || isReachable(host, each, reach));
  if (address !== undefined) return { host, address };
  throw new Fault(
    "receiver-closed",
    `connecting to ${host}: its address is of a network that operators have not opened to projects`,
    "never",
  );
}

async function resolveBySystem(host: string): Promise<readonly string[]> {
  const found = await new Promise<LookupAddress[]>((resolve, reject) => {
    lookup(host, { all: true }, (fault, addresses) => {
      if (fault === null) resolve(addresses);
      else reject(new Fault("receiver-unknown", `looking up ${host}`, "later", fault));
    });
  });
  return found.map(({ address }) => address);
}
