import type { AllocationPool } from "../state/network-rows.ts";

/** IPv4 arithmetic of subnets, without state. */
export function ipToNumber(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255))
    return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function numberToIp(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

export interface Cidr {
  /** As it should be written: without host bits. */
  readonly text: string;
  readonly first: number;
  readonly last: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const address = ipToNumber(match?.[1] ?? "");
  const bits = Number(match?.[2] ?? 33);
  if (address === undefined || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  const first = Math.floor(address / size) * size;
  return { text: `${numberToIp(first)}/${bits}`, first, last: first + size - 1 };
}

export const contains = (cidr: Cidr, ip: number): boolean => ip >= cidr.first && ip <= cidr.last;

export const overlap = (one: Cidr, other: Cidr): boolean =>
  one.first <= other.last && other.first <= one.last;

/** Neutron's default pools: all addresses but network, broadcast and gateway. */
export function defaultPools(cidr: Cidr, gateway: number | undefined): AllocationPool[] {
  const first = cidr.first + 1;
  const last = cidr.last - 1;
  const ranges =
    gateway === undefined || gateway < first || gateway > last
      ? [[first, last] as const]
      : [[first, gateway - 1] as const, [gateway + 1, last] as const];
  return ranges
    .filter(([from, to]) => from <= to)
    .map(([from, to]) => ({ start: numberToIp(from), end: numberToIp(to) }));
}

/** The lowest free address of the pools. */
export function firstFree(pools: readonly AllocationPool[], used: ReadonlySet<string>): string | undefined {
  for (const pool of pools) {
    const last = ipToNumber(pool.end) ?? -1;
    for (let ip = ipToNumber(pool.start) ?? 0; ip <= last; ip += 1) {
      const text = numberToIp(ip);
      if (!used.has(text)) return text;
    }
  }
  return undefined;
}
