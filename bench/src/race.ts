import { rm } from "node:fs/promises";
import { Fault, formatBytes } from "@cairn/kernel";
import type { CairnTool } from "./cairn.ts";
import { type DiskImage, firstDifference, planWrites, warm } from "./disk-image.ts";
import { type Measured, type Meter, measure } from "./measure.ts";
import type { Tool } from "./tool.ts";

export type Work = "full" | "incremental" | "restore";

/** The figures of one tool for one work, as they go into the JSON. */
export interface Figures {
  readonly seconds: number;
  readonly cpu_seconds: number;
  /** What the work added; for a restore, the repository that it read from. */
  readonly stored_bytes: number;
  readonly peak_bytes: number;
}

export type Results = Record<Work, Record<string, Figures>>;

/**
 * Full, changes, incremental, restore, each by all tools one after the other, in another order each time.
 * Before each run the disk is read once and all writes are synced, so that nobody finds a colder cache or
 * pays for another.
 */
export async function race(
  meter: Meter,
  image: DiskImage,
  entrants: { readonly cairn: CairnTool; readonly peers: readonly Tool[] },
  tell: (line: string) => void,
): Promise<Results> {
  const { cairn, peers } = entrants;
  const results: Results = { full: {}, incremental: {}, restore: {} };
  const run = async (work: Work, tool: Tool, perform: () => Promise<Measured>): Promise<void> => {
    const before = work === "full" ? 0 : await tool.storedBytes();
    await warm(image.path);
    await measure(meter, { program: "sync", parameters: [] });
    const { seconds, cpuSeconds, peakBytes } = await perform();
    const after = await tool.storedBytes();
    // zstd has no repository: its second file stands beside the first.
    const added = work === "incremental" && tool.name !== "zstd" ? after - before : after;
    results[work][tool.name] = {
      seconds,
      cpu_seconds: cpuSeconds,
      stored_bytes: added,
      peak_bytes: peakBytes,
    };
    tell(`${work.padEnd(11)} ${tool.name.padEnd(6)} ${seconds.toFixed(1)} s`);
  };
  const tools = [cairn, ...peers];
  for (const tool of tools) await tool.prepare();
  for (const tool of tools.toReversed()) await run("full", tool, async () => tool.full());
  const writes = planWrites(image.sizeBytes);
  await cairn.change(writes);
  tell(`${writes.length} random writes of 64 KiB`);
  for (const tool of tools) await run("incremental", tool, async () => tool.incremental());
  for (const tool of rotated(tools)) {
    await run("restore", tool, async () => {
      const measured = await tool.restore();
      await compare(image, tool, measured.file);
      return measured;
    });
  }
  return results;
}

function rotated<Item>(items: readonly Item[]): readonly Item[] {
  return [...items.slice(2), ...items.slice(0, 2)];
}

/** A restore that is not the disk, byte for byte, ends the bench: its time means nothing. */
async function compare(image: DiskImage, tool: Tool, file: string): Promise<void> {
  const at = await firstDifference(image.path, file);
  if (at !== undefined) {
    throw new Fault(
      "restore-mismatch",
      `what ${tool.name} restored differs from the disk at byte ${at}`,
      "never",
    );
  }
  await rm(file);
}

/** The figures as a table, each tool also as a multiple of Cairn. */
export function formatTable(results: Results): string {
  const lines: string[] = [];
  for (const [work, tools] of Object.entries(results)) {
    lines.push(
      "",
      `${work.padEnd(12)} ${"wall".padStart(16)} ${"CPU".padStart(16)} ${"stored".padStart(19)}  peak memory`,
    );
    const cairn = tools["cairn"];
    for (const [tool, figures] of Object.entries(tools)) {
      const times = (value: number, base: number | undefined): string =>
        base === undefined || base === 0 ? "" : `(${(value / base).toFixed(2)})`;
      const cell = (text: string, ratio: string): string => `${text.padStart(9)} ${ratio.padEnd(7)}`;
      lines.push(
        [
          `  ${tool.padEnd(10)}`,
          cell(`${figures.seconds.toFixed(1)} s`, times(figures.seconds, cairn?.seconds)),
          cell(`${figures.cpu_seconds.toFixed(1)} s`, times(figures.cpu_seconds, cairn?.cpu_seconds)),
          cell(
            formatBytes(figures.stored_bytes).padStart(12),
            times(figures.stored_bytes, cairn?.stored_bytes),
          ),
          formatBytes(figures.peak_bytes).padStart(10),
        ].join(" "),
      );
    }
  }
  lines.push("", "In brackets: as a multiple of cairn.");
  return lines.join("\n");
}
