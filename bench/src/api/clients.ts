import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fault } from "@cairn/kernel";
import { type Meter, measure } from "../measure.ts";

/** What clients asked of the API, and how long each answer took. */
export interface Answers {
  readonly count: number;
  readonly seconds: number;
  /** Milliseconds from sending a request to the last byte of its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** With the headers. */
  readonly bytes: number;
}

export interface Load {
  /** `http://host:port`. */
  readonly origin: string;
  readonly token: string;
  readonly clients: number;
  /** At least 1. */
  readonly seconds: number;
  /** What is asked, one after the other and from the start again. */
  readonly paths: readonly string[];
}

const SCRIPT = fileURLToPath(new URL("./load.lua", import.meta.url));

/**
 * Clients that ask without a pause, each as soon as it has its answer; anything but a good answer is a Fault.
 * wrk does the asking: it costs a tenth of what clients in JavaScript cost, and shares the machine's cores
 * with what is measured.
 */
export async function ask(meter: Meter, { origin, token, clients, seconds, paths }: Load): Promise<Answers> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-load-"));
  try {
    const list = join(folder, "paths");
    await writeFile(list, `${paths.join("\n")}\n`);
    const parameters = ["-t", "1", "-c", String(clients), "-d", String(seconds), "-s", SCRIPT, origin];
    const environment = { CAIRN_LOAD_PATHS: list, CAIRN_LOAD_TOKEN: token };
    const { output } = await measure(meter, { program: "wrk", parameters, environment });
    return answersOf(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The last line of what wrk says is the script's. */
function answersOf(output: string): Answers {
  const told = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as Record<string, number>;
  const { count = 0, microseconds = 0, bytes = 0, p50 = 0, p99 = 0, refused = 0, broken = 0 } = told;
  if (refused + broken > 0 || count === 0) {
    const what = `${String(refused)} were refused, ${String(broken)} broken off`;
    throw new Fault("load-refused", `of ${String(count)} requests ${what}`, "never");
  }
  return { count, seconds: microseconds / 1e6, p50Ms: p50 / 1000, p99Ms: p99 / 1000, bytes };
}

/** The smallest of ascending numbers that `percent` of them do not exceed (nearest rank); 0 of none. */
export function percentile(ascending: readonly number[], percent: number): number {
  const rank = Math.ceil((percent / 100) * ascending.length);
  return ascending[Math.max(0, rank - 1)] ?? 0;
}
