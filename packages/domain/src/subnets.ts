/** An IP address as a number of its width, or `undefined` when the text is none. */
function parseAddress(text: string): { readonly version: 4 | 6; readonly value: bigint } | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): { readonly version: 4; readonly value: bigint } | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return { version: 4, value: parts.reduce((value, part) => value * 256n + BigInt(part), 0n) };
}

function parseIpv6(text: string): { readonly version: 6; readonly value: bigint } | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = "", tail] = halves;
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...front, ...Array.from({ length: missing }, () => "0"), ...back];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return { version: 6, value: groups.reduce((value, group) => value * 65536n + BigInt(`0x${group}`), 0n) };
}

/** Whether a text is an IPv4 or IPv6 address. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

/** Whether an address lies in a CIDR such as `10.0.0.0/24`. False for texts that are none. */
export function isInCidr(address: string, cidr: string): boolean {
  const [prefix = "", length = ""] = cidr.split("/");
  const network = parseAddress(prefix);
  const host = parseAddress(address);
  if (network === undefined || host === undefined || network.version !== host.version) return false;
  const width = network.version === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(length) || Number(length) > width) return false;
  const shift = BigInt(width - Number(length));
  return network.value >> shift === host.value >> shift;
}

/** A CIDR as numbers: the address as it is written, and how many bits of it name the network. */
export interface ParsedCidr {
  readonly version: 4 | 6;
  readonly value: bigint;
  readonly prefixBits: number;
}

/** A CIDR such as `10.0.0.0/24` as numbers, or `undefined` when the text is none. */
export function parseCidr(cidr: string): ParsedCidr | undefined {
  const [prefix = "", length = "", ...rest] = cidr.split("/");
  const address = parseAddress(prefix);
  if (address === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const prefixBits = Number(length);
  return prefixBits > (address.version === 4 ? 32 : 128) ? undefined : { ...address, prefixBits };
}
