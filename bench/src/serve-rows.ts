import { type ChildProcess, spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fault, KiB, MiB, TiB } from "@cairn/kernel";
import { ALLOCATION_ZERO, connectNbd, type NbdClient } from "@cairn/nbd";
import { createKeySet, exportKeys, initRepository } from "@cairn/repository";
import { directoryStore } from "@cairn/store";
import { openTransfer } from "@cairn/transfer";
import { memoryOf } from "./measure.ts";
import type { ReaderWork, StoredDisk } from "./reader-child.ts";
import { atLeast, atMost, type Family, type Place } from "./rows.ts";

const READER = fileURLToPath(new URL("./reader-child.ts", import.meta.url));
const EXPORT = "disk";
const REQUESTS_MAX = 16;
const SEQUENTIAL_BYTES = 512 * KiB;
const RANDOM_READS = 40_000;
const RANDOM_BYTES = 4 * KiB;
const WARM_BYTES = 64 * MiB;
const COLD_AT = 700 * 1024 * MiB;

/** A snapshot's disk over NBD: `cairn repo serve` in a process of its own, one client in this one. */
export const serveRows: Family = {
  name: "serve",
  measure: async (place) => {
    const folder = join(place.folder, "serve");
    await mkdir(folder);
    try {
      const { first, ...rates } = { ...(await rateOf(place, folder)), first: await firstByte(place, folder) };
      const work = "serve";
      place.tell(
        `serve       cairn  ${rates.sequential.toFixed(0)} MiB/s, ${rates.random.toFixed(0)} reads/s, ` +
          `first byte ${first.toFixed(2)} s`,
      );
      return [
        atMost(1, {
          work,
          figure: "program start to first byte of a cold disk of 1 TiB",
          is: first,
          unit: "s",
        }),
        atLeast(300, { work, figure: "data read in order", is: rates.sequential, unit: "MiB/s" }),
        atLeast(20_000, { work, figure: "warm random reads of 4 KiB", is: rates.random, unit: "/s" }),
        atMost(300, { work, figure: "peak memory", is: rates.peakBytes / MiB, unit: "MiB" }),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function rateOf(
  place: Place,
  folder: string,
): Promise<{ readonly sequential: number; readonly random: number; readonly peakBytes: number }> {
  const { clock } = place.meter;
  return withServed(place, folder, place.cairn.snapshot(), async (client, pid) => {
    const stretches = await dataOf(client);
    let started = clock.now();
    const queue = stretches.values();
    const bytes = stretches.reduce((sum, { length }) => sum + length, 0);
    const read = async (): Promise<void> => {
      const into = Buffer.alloc(SEQUENTIAL_BYTES);
      for (const { offset } of queue) await client.readInto(offset, into);
    };
    await Promise.all(Array.from({ length: 8 }, read));
    const sequential = bytes / MiB / ((clock.now() - started) / 1000);
    const warm = stretches.slice(0, WARM_BYTES / SEQUENTIAL_BYTES);
    for (const { offset, length } of warm) await client.read(offset, length);
    started = clock.now();
    let left = RANDOM_READS;
    const readRandomly = async (): Promise<void> => {
      const into = Buffer.alloc(RANDOM_BYTES);
      for (; left > 0; left -= 1) {
        const stretch = warm[randomInt(warm.length)];
        const within = randomInt(SEQUENTIAL_BYTES / RANDOM_BYTES) * RANDOM_BYTES;
        await client.readInto((stretch?.offset ?? 0) + within, into);
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_MAX }, readRandomly));
    const random = RANDOM_READS / ((clock.now() - started) / 1000);
    return { sequential, random, peakBytes: (await memoryOf(pid)).highest };
  });
}

/** The data of a disk, cut into stretches of one length. */
async function dataOf(client: NbdClient): Promise<{ readonly offset: number; readonly length: number }[]> {
  const stretches: { readonly offset: number; readonly length: number }[] = [];
  for await (const { offset, length, flags } of client.status()) {
    if (((flags[0] ?? 0) & ALLOCATION_ZERO) !== 0) continue;
    for (let at = offset; at + SEQUENTIAL_BYTES <= offset + length; at += SEQUENTIAL_BYTES) {
      stretches.push({ offset: at, length: SEQUENTIAL_BYTES });
    }
  }
  return stretches;
}

/** Seconds from the start of the program to the first byte of a disk that nobody has read. */
async function firstByte(place: Place, folder: string): Promise<number> {
  const disk = await hugeDisk(join(folder, "huge"), place.meter.signal);
  const { clock } = place.meter;
  const waits: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const started = clock.now();
    await withServed(place, folder, disk, async (client) => client.read(COLD_AT, RANDOM_BYTES));
    waits.push(clock.now() - started);
  }
  return Math.min(...waits) / 1000;
}

/** A disk of 1 TiB with a little data here and there. */
async function hugeDisk(store: string, signal: AbortSignal): Promise<StoredDisk> {
  await mkdir(store);
  const target = directoryStore(store);
  const repositoryId = randomUUID();
  const slots = [{ kind: "key-file", label: "bench", key: Buffer.alloc(32, 1) } as const];
  const { keys, bytes } = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 0 });
  await initRepository(target, { repositoryId, keySet: bytes });
  const transfer = await openTransfer({ store: target, repositoryId, keys, indexSegments: [], signal });
  const step = 10 * 1024 * MiB;
  const source = {
    sizeBytes: TiB,
    async *extents() {
      for (let offset = 0; offset < TiB; offset += step) {
        yield { offset, length: MiB, kind: "data" } as const;
        const length = Math.min(step, TiB - offset) - MiB;
        yield { offset: offset + MiB, length, kind: "zero" } as const;
      }
    },
    read: async (offset: number, length: number) => Buffer.alloc(length, 1 + ((offset / step) % 255)),
  };
  const { root } = await transfer.storeDisk({ source, auditBytes: 0, signal });
  await transfer.seal(signal);
  await transfer.close();
  return { store, repositoryId, keys: exportKeys(keys), root, sizeBytes: TiB };
}

/** Starts the server, connects, and ends it whatever happens. */
async function withServed<Result>(
  place: Place,
  folder: string,
  disk: StoredDisk,
  use: (client: NbdClient, pid: number) => Promise<Result>,
): Promise<Result> {
  const socket = join(folder, `${randomUUID().slice(0, 8)}.sock`);
  const work: ReaderWork = { ...disk, kind: "serve", socket };
  const child = spawn(process.execPath, [READER, JSON.stringify(work)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...place.meter.environment, NODE_COMPILE_CACHE: join(place.folder, "compiled") },
  });
  const exited = once(child, "exit");
  try {
    await listening(child);
    await using client = await connectNbd({
      address: { kind: "unix", path: socket },
      exportName: EXPORT,
      contexts: ["base:allocation"],
      requestsMax: REQUESTS_MAX,
      silenceMs: 60_000,
      signal: place.meter.signal,
    });
    return await use(client, child.pid ?? 0);
  } finally {
    child.stdin.end();
    const overdue = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(overdue);
  }
}

async function listening({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) throw new Fault("tool-failed", "starting the server", "never");
  for await (const text of stdout) if (String(text).includes("nbd+unix:")) return;
  throw new Fault("tool-failed", "the server ended before it listened", "never");
}
