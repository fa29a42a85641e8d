import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, hasCode } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import { isRunning, type ProcessIdentity } from "../host/process-identity.ts";
import type { Scratch } from "../host/scratch.ts";
import { abortQemuPoint } from "./abort-qemu.ts";
import { abortLibvirtPoint, thawLibvirtGuest } from "./libvirt-hands.ts";
import type { GuardedFreeze, GuardedPoint } from "./port.ts";
import { ThresholdEvents } from "./threshold-events.ts";

/** What scratch says. */
export interface Measured {
  readonly freeBytes: number;
  readonly usedBytes: ReadonlyMap<string, number>;
}

/** All that the guard does to the world. Each has a limit of its own, and may be done twice. */
export interface GuardHands {
  measure(ids: readonly string[]): Promise<Measured>;
  /** Takes a point down so that its guest's writes go on. Tells whether a paused guest was resumed. */
  abort(point: GuardedPoint, mayResume: boolean): Promise<{ readonly resumed: boolean }>;
  thaw(freeze: GuardedFreeze): Promise<void>;
  /** Kills it if it still runs. */
  endDatamover(): Promise<void>;
  /** Tells of each block threshold that is passed at this place; asked for again, it goes on. */
  listen(place: GuardedFreeze["place"], take: (instanceId: string, device: string) => void): void;
  /** Nothing is open: connections close. */
  rest(): void;
}

/** What the hands of a guard work with. */
interface HandsParts {
  readonly scratch: Scratch;
  readonly datamover: ProcessIdentity;
  readonly clock: Clock;
  readonly log: Log;
}

/** The hands of a guard that works in this scratch folder. */
export function guardHands({ clock, datamover, log, scratch }: HandsParts): GuardHands {
  const events = new ThresholdEvents(log);
  return {
    measure: async (ids) => {
      const used = ids.map(async (id) => [id, await usedBytes(scratch.folderOf(id))] as const);
      const { bavail, bsize } = await statfs(scratch.path);
      return { freeBytes: bavail * bsize, usedBytes: new Map(await Promise.all(used)) };
    },
    abort: async (point, mayResume) => {
      const { reach } = point;
      switch (reach.kind) {
        case "qemu-folder":
          return abortQemuPoint(scratch, point, reach);
        case "libvirt":
          return abortLibvirtPoint({ scratch, clock }, point, { ...reach, mayResume });
      }
    },
    thaw: async (freeze) => thawLibvirtGuest(freeze),
    endDatamover: async () => {
      if (await isRunning(datamover)) process.kill(datamover.pid, "SIGKILL");
    },
    listen: (place, take) => {
      events.listen(place, ({ domain, device }) => {
        take(domain.uuid, device);
      });
    },
    rest: () => {
      events.rest();
    },
  };
}

/** stat(2) counts in blocks of 512 bytes, whatever the file system's are. */
const STAT_BLOCK_BYTES = 512;

/** What the files of a folder take; one that is not there takes nothing. */
async function usedBytes(folder: string): Promise<number> {
  try {
    const names = await readdir(folder);
    const files = await Promise.all(names.map(async (name) => stat(join(folder, name))));
    return files.reduce((sum, { blocks }) => sum + blocks * STAT_BLOCK_BYTES, 0);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return 0;
    throw cause;
  }
}
