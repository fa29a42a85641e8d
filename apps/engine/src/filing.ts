import { type Appliance, buildAppliance, removeOrphanedFolders } from "@cairn/files";
import { asError } from "@cairn/kernel";
import type { ConfigOf, Status } from "@cairn/service";
import type { engineSpec } from "./config.ts";
import { doFileJob } from "./files/file-jobs.ts";
import type { FileSettings, FileWorld } from "./files/file-world.ts";

const FAILED_PAUSE_MS = 5_000;
/** Somebody waits for the answer. */
const LOOK_MS = 300;

/** The section `files` in the units of the work, and what makes the machine's kernel and programs. */
export function fileSettings(
  section: ConfigOf<typeof engineSpec>["files"],
  path: string,
): { readonly settings: FileSettings; appliance(): Promise<Appliance> } {
  let made: Promise<Appliance> | undefined;
  return {
    settings: {
      timeoutMs: section.processTimeout * 1000,
      hitsMax: section.hitsMax,
      accelerators: section.accelerators.split(",").map((name) => name.trim()),
    },
    appliance: async () => {
      made ??= buildAppliance({ kernelRoot: section.kernelRoot, path });
      try {
        return await made;
      } catch (cause) {
        // What is missing may be installed meanwhile.
        made = undefined;
        throw cause;
      }
    },
  };
}

/** Reads files of snapshots: one job at a time in each lane, so that a long search keeps nobody waiting. */
export function startFiling(world: FileWorld, status: Status, lanes: number): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      const pauseMs = await doFileJob(world, signal).then(
        (didWork) => {
          if (didWork) status.succeeded("files");
          return didWork ? 0 : LOOK_MS;
        },
        (cause: unknown) => {
          status.failed("files", cause);
          world.log.warn("files.fault", { fault: asError(cause) });
          return FAILED_PAUSE_MS;
        },
      );
      if (pauseMs > 0) await world.clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  };
  const clearing = removeOrphanedFolders().catch((cause: unknown) => {
    // They take room and nothing else: the next start tries it again.
    world.log.warn("files.orphans", { fault: asError(cause) });
  });
  const working = Promise.all([clearing, ...Array.from({ length: lanes }, lane)]);
  return {
    stop: async () => {
      stopping.abort(new Error("the engine stops"));
      await working;
    },
  };
}
