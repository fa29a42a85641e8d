import { readFile } from "node:fs/promises";
import type { PartName } from "@cairn/embedded";
import { memoryOf } from "../measure.ts";
import type { ApiTree } from "./tree.ts";

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;
const APPLIANCE: readonly PartName[] = ["api", "datamover-api", "engine", "engine-2"];

/** What a program has used so far. */
interface Used {
  readonly pid: number;
  readonly cpuSeconds: number;
  readonly highestBytes: number;
}

export type Cost = ReadonlyMap<PartName, Used>;

/** What the appliance's programs have used so far. */
export async function costOf(tree: ApiTree): Promise<Cost> {
  const cost = new Map<PartName, Used>();
  for (const part of APPLIANCE) {
    const pid = tree.embedded.pidOf(part);
    if (pid === undefined) continue;
    const stat = await readFile(`/proc/${String(pid)}/stat`, "utf8");
    const { highest } = await memoryOf(pid);
    cost.set(part, { pid, cpuSeconds: ticksOf(stat) / TICKS_A_SECOND, highestBytes: highest });
  }
  return cost;
}

/** Share of a core between two looks, and the highest memory; no share for one that was killed. */
export function costText(before: Cost, after: Cost, seconds: number): string {
  const parts = [...after].map(([part, { pid, cpuSeconds, highestBytes }]) => {
    const earlier = before.get(part);
    const share = (100 * (cpuSeconds - (earlier?.cpuSeconds ?? 0))) / seconds;
    const cpu = earlier?.pid === pid ? ` ${share.toFixed(0)} % of a core,` : "";
    return `${part}${cpu} ${(highestBytes / 2 ** 20).toFixed(0)} MiB at most`;
  });
  return parts.join("; ");
}

/**
 * User and system time, in ticks (`/proc/PID/stat`, fields 14 and 15; see proc(5)). The program's name, which
 * may hold blanks and parentheses, ends with the last parenthesis.
 */
export function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
