import { randomBytes } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, describeFault, Fault, hasCode, systemClock } from "@cairn/kernel";
import { checkAddress, refusal } from "./check-address.ts";
import { markDirectory } from "./mounted.ts";
import { openStore } from "./open-store.ts";
import type { Store } from "./store.ts";
import type { TargetAddress } from "./target.ts";

const RACERS = 20;
const BODY_BYTES = 256 * 1024;
/** Objects of a probe are locked no longer: they are rubbish afterwards. */
const PROBE_LOCK_MS = 60_000;
/** S3 refuses requests at 15 min; ages that maintenance compares would be wrong earlier. */
const SKEW_MAX_MS = 5 * 60_000;

/** What a target really does, as it was found. JSON. */
export interface TargetReport {
  /** By our clock, ms since 1970. */
  readonly at: number;
  /** Whether other bytes under a taken name are refused when twenty writers race. */
  readonly conditionalPuts: "enforced" | "ignored";
  /** Whether a listing shows what was stored just before it. */
  readonly list: "at-once" | "late";
  /** Whether this identity can remove; a lock hides it. One for datamovers should not. */
  readonly mayRemove: "yes" | "no" | "unknown";
  readonly lock: "none" | "enforced";
  /** The target's clock minus ours. */
  readonly clockAheadMs: number;
  /** Directories only. */
  readonly names?: "case-sensitive" | "case-insensitive";
  /** What an operator should know, as sentences. */
  readonly warnings: readonly string[];
  /** Objects that the probe could not remove. They are small and mean nothing. */
  readonly leftovers: readonly string[];
}

export interface Probed {
  /** The address to keep: with what the probe learned. */
  readonly target: TargetAddress;
  readonly report: TargetReport;
}

export interface ProbeOptions {
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Finds out what a target really does, with a few small objects below `probe/`, and gives a directory its
 * marker. Throws a Rejection with field, value and remedy when it cannot be a target.
 */
export async function probeTarget(target: TargetAddress, options: ProbeOptions = {}): Promise<Probed> {
  checkAddress(target);
  const marked = target.kind === "directory" ? await mark(target) : target;
  const store = openStore(briefly(marked));
  const probe = new Probe(store, options);
  try {
    const report = await probe.run();
    const names = marked.kind === "directory" ? await caseOf(marked.path) : undefined;
    const kept =
      marked.kind === "s3" ? { ...marked, conditional: report.conditionalPuts === "enforced" } : marked;
    return { target: kept, report: { ...report, ...(names !== undefined && { names }) } };
  } catch (thrown) {
    options.signal?.throwIfAborted();
    throw asRefusal(target, thrown);
  }
}

async function mark(target: TargetAddress & { kind: "directory" }): Promise<TargetAddress> {
  if (target.marker !== undefined) return target;
  try {
    return { ...target, marker: await markDirectory(target.path, randomBytes(16).toString("hex")) };
  } catch (thrown) {
    throw asRefusal(target, thrown);
  }
}

function briefly(target: TargetAddress): TargetAddress {
  if (target.kind === "directory" || target.lock === undefined) return target;
  return { ...target, lock: { ...target.lock, windowMs: PROBE_LOCK_MS } };
}

class Probe {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #folder = `probe/${randomBytes(8).toString("hex")}`;
  readonly #stored: string[] = [];

  constructor(store: Store, { clock = systemClock, signal }: ProbeOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#signal = signal;
  }

  async run(): Promise<TargetReport> {
    const clockAheadMs = (await this.#store.time(this.#signal)) - this.#clock.now();
    await this.#readBack();
    const conditionalPuts = await this.#race();
    const list = await this.#list();
    const lock = await this.#lock();
    const leftovers = await this.#removeAll();
    const mayRemove: TargetReport["mayRemove"] =
      lock === "enforced" ? "unknown" : leftovers.length === 0 ? "yes" : "no";
    const found = { conditionalPuts, list, mayRemove, lock, clockAheadMs };
    return { at: this.#clock.now(), ...found, warnings: warningsOf(found), leftovers };
  }

  async #put(name: string, bytes: Buffer): Promise<void> {
    if (!this.#stored.includes(name)) this.#stored.push(name);
    await this.#store.put(name, [bytes], this.#signal);
  }

  /** Stores, stores again, reads the whole and a range: what comes back must be what was sent. */
  async #readBack(): Promise<void> {
    const name = `${this.#folder}/read-back`;
    const bytes = randomBytes(BODY_BYTES);
    await this.#put(name, bytes);
    await this.#put(name, bytes);
    const whole = await this.#store.get(name, this.#signal);
    const range = await this.#store.getRange(name, 1000, 5000, this.#signal);
    const size = await this.#store.size(name, this.#signal);
    if (whole.equals(bytes) && range.equals(bytes.subarray(1000, 6000)) && size === bytes.length) return;
    throw new Fault("store-io", "what was stored does not come back as it was", "never");
  }

  async #race(): Promise<TargetReport["conditionalPuts"]> {
    const name = `${this.#folder}/race`;
    const bodies = Array.from({ length: RACERS }, (_, index) => Buffer.alloc(1024, index));
    const settled = await Promise.allSettled(bodies.map(async (body) => this.#put(name, body)));
    let stored = 0;
    for (const each of settled) {
      if (each.status === "fulfilled") stored += 1;
      else if (!hasCode(each.reason, "object-exists")) throw each.reason;
    }
    const kept = await this.#store.get(name, this.#signal);
    if (!bodies.some((body) => body.equals(kept))) {
      throw new Fault("store-io", "of writers that race, none is kept whole", "never");
    }
    return stored === 1 ? "enforced" : "ignored";
  }

  async #list(): Promise<TargetReport["list"]> {
    const seen = new Set(await Array.fromAsync(this.#store.list(`${this.#folder}/`, this.#signal)));
    return this.#stored.every((name) => seen.has(name)) ? "at-once" : "late";
  }

  /** A lock that is not enforced is worse than none: everybody would rely on it. */
  async #lock(): Promise<TargetReport["lock"]> {
    const { lock } = this.#store;
    if (lock === undefined) return "none";
    const name = `${this.#folder}/read-back`;
    const until = await lock.lockedUntil(name, this.#signal);
    if (until === undefined) throw new Fault("target-unfit", "objects are not locked", "never");
    await lock.extend(name, until + 1000, this.#signal);
    if (((await lock.lockedUntil(name, this.#signal)) ?? 0) < until + 1000) {
      throw new Fault("target-unfit", "a lock is not extended", "never");
    }
    try {
      await this.#store.remove(name, this.#signal);
    } catch (thrown) {
      if (hasCode(thrown, "object-locked") || hasCode(thrown, "store-denied")) return "enforced";
      throw thrown;
    }
    throw new Fault("target-unfit", "a locked object can be removed", "never");
  }

  async #removeAll(): Promise<readonly string[]> {
    const leftovers: string[] = [];
    for (const name of this.#stored) {
      try {
        await this.#store.remove(name, this.#signal);
      } catch (thrown) {
        if (!hasCode(thrown, "store-denied") && !hasCode(thrown, "object-locked")) throw thrown;
        leftovers.push(name);
      }
    }
    return leftovers;
  }
}

function warningsOf(
  found: Pick<TargetReport, "conditionalPuts" | "list" | "clockAheadMs">,
): readonly string[] {
  const warnings: string[] = [];
  if (found.conditionalPuts === "ignored") {
    warnings.push("Writers of one name can replace each other's objects: run one maintenance at a time.");
  }
  if (found.list === "late") {
    warnings.push("Listings lag behind what is stored: maintenance waits, and backups are not slower.");
  }
  if (Math.abs(found.clockAheadMs) > SKEW_MAX_MS) {
    const minutes = Math.round(found.clockAheadMs / 60_000);
    warnings.push(`The target's clock differs from ours by ${minutes} min: synchronise both with NTP.`);
  }
  return warnings;
}

async function caseOf(path: string): Promise<"case-sensitive" | "case-insensitive"> {
  const file = join(path, `.cairn-case-${randomBytes(4).toString("hex")}`);
  try {
    await writeFile(file, "");
    await stat(file.replace(".cairn-case", ".cairn-CASE"));
    return "case-insensitive";
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw cause;
    return "case-sensitive";
  } finally {
    await rm(file, { force: true });
  }
}

/** What to change for each code, in a directory and in a bucket. */
const REMEDIES: Readonly<Record<string, { readonly directory: string; readonly s3: string }>> = {
  "store-away": {
    directory: "make the directory, or mount the export there",
    s3: "make the bucket, check its name and the endpoint, and whether the network lets us through",
  },
  "store-denied": {
    directory: "give the service's user the right to make files there, on a file system with hard links",
    s3: "check the keys and the bucket's policy (docs/targets.md has one for datamovers)",
  },
  "store-full": { directory: "free space, or raise the quota", s3: "raise the quota" },
  "target-unfit": {
    directory: "take another file system",
    s3: "make the bucket with object lock, or leave the lock out",
  },
  "store-clock": {
    directory: "synchronise the clocks of client and server with NTP",
    s3: "synchronise the clocks of client and service with NTP",
  },
  "store-stale": { directory: "mount the export again", s3: "try again" },
};
const OTHERWISE = { directory: "take another file system", s3: "take another service" };

const FIELDS: Readonly<Record<string, "endpoint" | "accessKeyId" | "bucket" | "lock">> = {
  "store-denied": "accessKeyId",
  "target-unfit": "lock",
  "store-full": "bucket",
};

function asRefusal(target: TargetAddress, thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const code = Object.keys(REMEDIES).find((each) => hasCode(thrown, each)) ?? codeOfSystem(thrown);
  const remedy = (REMEDIES[code] ?? OTHERWISE)[target.kind];
  const what = `cannot be used: ${describeFault(thrown)}`;
  if (target.kind === "directory") return refusal({ field: "path", value: target.path, what }, remedy);
  const field = fieldOf(code, thrown);
  // Enough of an access key's id for its owner to know it: the rest has no place in logs and lists.
  const value = field === "accessKeyId" ? `…${target.accessKeyId.slice(-4)}` : target[field];
  return refusal({ field, value, what }, remedy);
}

function codeOfSystem(thrown: Error): string {
  if (hasCode(thrown, "ENOENT") || hasCode(thrown, "ENOTDIR")) return "store-away";
  if (["EACCES", "EPERM", "EROFS", "ENOTSUP"].some((each) => hasCode(thrown, each))) return "store-denied";
  return hasCode(thrown, "ENOSPC") || hasCode(thrown, "EDQUOT") ? "store-full" : "";
}

/** A bucket that is not there is one thing, a service that does not answer another. */
function fieldOf(code: string, thrown: Error): "endpoint" | "accessKeyId" | "bucket" | "lock" {
  if (code === "store-away")
    return thrown instanceof Fault && thrown.retry === "later" ? "endpoint" : "bucket";
  return FIELDS[code] ?? "endpoint";
}
