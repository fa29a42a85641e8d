import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { performance } from "node:perf_hooks";
import type { Chance } from "./chance.ts";

/** The loop's own way to wait until all promises have settled that can. */
const realSetImmediate = setImmediate;

/** Resolves when no microtask is left. */
export async function microtasksDone(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve);
  });
}

/** The process's real clock, for measuring the simulator itself. */
export function realMs(): number {
  return performance.now();
}

/**
 * While it is in use, what this process draws at random comes from the seed (ids of packs, nonces), and
 * real time cannot be asked for or waited for: the simulated code then says so by failing. The imports of
 * `node:crypto` in all modules change with it, so that no product code needs to know.
 */
export function standInForChanceAndTime(chance: Chance): Disposable {
  const { randomBytes, randomUUID, randomInt } = crypto;
  const { setTimeout, setInterval } = globalThis;
  const { now } = Date;
  const { random } = Math;
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const seeded = {
    randomBytes: (length: number) => chance.bytes(length),
    randomUUID: () => uuidOf(chance.bytes(16)),
    randomInt: (low: number, high?: number) =>
      high === undefined ? chance.below(low) : low + chance.below(high - low),
  };
  Object.assign(crypto, seeded);
  Object.assign(Date, { now: refuse("Date.now") });
  Object.assign(Math, { random: refuse("Math.random") });
  Object.assign(AbortSignal, { timeout: refuse("AbortSignal.timeout") });
  Object.assign(globalThis, { setTimeout: refuse("setTimeout"), setInterval: refuse("setInterval") });
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]: () => {
      Object.assign(crypto, { randomBytes, randomUUID, randomInt });
      Object.assign(Date, { now });
      Object.assign(Math, { random });
      Object.assign(AbortSignal, { timeout });
      Object.assign(globalThis, { setTimeout, setInterval });
      syncBuiltinESMExports();
    },
  };
}

function refuse(what: string): () => never {
  return () => {
    throw new Error(`bug: ${what} in simulated code; time and chance come in as arguments`);
  };
}

/** A UUID of version 4. */
export function uuidOf(bytes: Buffer): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts
    .slice(1)
    .map((end, index) => hex.slice(cuts[index], end))
    .join("-");
}
