import { randomBytes, randomInt } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { GiB, KiB, TiB } from "@cairn/kernel";
import { openCairn } from "./cairn.ts";
import { atMost, type Family, type Place } from "./rows.ts";

const GRAIN_BYTES = 64 * KiB;
const WRITES = 1024;
const SMALL_BYTES = 10 * GiB;
const LARGE_BYTES = TiB;
/** The best of so many, in turns: one takes less than two seconds, which others on the machine can double. */
const ROUNDS = 3;

type Writes = readonly { readonly offset: number; readonly bytes: Buffer }[];
type Cost = { readonly seconds: number; readonly storedBytes: number };

/** An incremental must cost what has changed, however large the disk is that it is on. */
export const sparseRows: Family = {
  name: "sparse",
  measure: async (place) => {
    const writes = someWrites();
    const small: Cost[] = [];
    const large: Cost[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      small.push(await incremental(place, SMALL_BYTES, writes));
      large.push(await incremental(place, LARGE_BYTES, writes));
    }
    const best = (costs: readonly Cost[]): number => Math.min(...costs.map(({ seconds }) => seconds));
    const stored = (costs: readonly Cost[]): number => costs[0]?.storedBytes ?? Number.NaN;
    place.tell(`sparse      cairn  10 GiB ${best(small).toFixed(2)} s, 1 TiB ${best(large).toFixed(2)} s`);
    const work = "sparse";
    const time = best(large) / best(small);
    return [
      atMost(1.1, { work, figure: "64 MiB dirty: time on 1 TiB / on 10 GiB", is: time, unit: "x" }),
      atMost(1.05, { work, figure: "the same: stored", is: stored(large) / stored(small), unit: "x" }),
    ];
  },
};

function someWrites(): Writes {
  const grains = new Set<number>();
  while (grains.size < WRITES) grains.add(randomInt(SMALL_BYTES / GRAIN_BYTES));
  return [...grains].map((grain) => ({ offset: grain * GRAIN_BYTES, bytes: randomBytes(GRAIN_BYTES) }));
}

async function incremental(place: Place, sizeBytes: number, writes: Writes): Promise<Cost> {
  const folder = join(place.folder, "sparse");
  await mkdir(folder);
  try {
    const disk = join(folder, "disk.img");
    await using file = await open(disk, "w");
    await file.truncate(sizeBytes);
    const cairn = await openCairn(place.meter, join(folder, "cairn"), disk);
    try {
      await cairn.prepare();
      await cairn.full();
      await cairn.change(writes);
      const { seconds, addedBytes } = await cairn.incremental();
      return { seconds, storedBytes: addedBytes };
    } finally {
      await cairn.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
