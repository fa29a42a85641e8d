import { parseArgs } from "node:util";
import { drawScenario, FLAWS, type Flaw, type Scenario } from "./scenario.ts";
import { PARTS, type Part, shrink, withoutParts } from "./shrink.ts";
import { type SeedReport, simulate } from "./simulation.ts";
import { realMs } from "./stand-in.ts";

export const USAGE = `Usage: ./cairn simulate [OPTIONS]

Simulates writers, sweeps, scrubs, mirrors, crashes and bad targets, each seed a history of its own.
A seed that fails is replayed exactly by the line that is printed.

  --seeds N         how many seeds (200)
  --first-seed S    the first one (1)
  --trace           print all that happened: time, process, call, answer
  --flaw NAME       plant a mistake that must be found: ${FLAWS.slice(0, 3).join(", ")},
                    ${FLAWS.slice(3, 6).join(", ")},
                    ${FLAWS.slice(6).join(", ")}
  --shrink          look for what a seed that fails can do without (at most ${PARTS.length} more runs)
  --without PARTS   leave that out: ${PARTS.slice(0, 8).join(", ")},
                    ${PARTS.slice(8, 15).join(", ")},
                    ${PARTS.slice(15).join(", ")}
  --keep-going      go on after the first seed that fails
  --help
`;

export interface Command {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly trace: boolean;
  readonly keepGoing: boolean;
  readonly flaw: Flaw | undefined;
  readonly shrink: boolean;
  readonly without: readonly Part[];
}

/** What the arguments ask for; a text is an answer instead: help, or what is wrong with them. */
export function parseCommand(
  args: readonly string[],
): Command | { readonly say: string; readonly exitCode: 0 | 2 } {
  const parsed = parse(args);
  if (typeof parsed === "string") return { say: `${parsed}\n\n${USAGE}`, exitCode: 2 };
  const {
    seeds,
    "first-seed": first,
    trace,
    flaw,
    help,
    "keep-going": keepGoing,
    without,
    shrink: small,
  } = parsed;
  if (help) return { say: USAGE, exitCode: 0 };
  const [count, firstSeed] = [Number(seeds), Number(first)];
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(firstSeed) || firstSeed < 0) {
    return { say: "--seeds and --first-seed are whole numbers", exitCode: 2 };
  }
  const known = FLAWS.find((each) => each === flaw);
  if (flaw !== undefined && known === undefined) {
    return { say: `there is no flaw ${flaw}; there are ${FLAWS.join(", ")}`, exitCode: 2 };
  }
  const names = without === undefined ? [] : without.split(",");
  const parts = PARTS.filter((part) => names.includes(part));
  if (parts.length < names.length) {
    return { say: `there is no such part as ${without}; there are ${PARTS.join(", ")}`, exitCode: 2 };
  }
  return { seeds: count, firstSeed, trace, keepGoing, flaw: known, shrink: small, without: parts };
}

function parse(args: readonly string[]) {
  try {
    const options = {
      seeds: { type: "string", default: "200" },
      "first-seed": { type: "string", default: "1" },
      trace: { type: "boolean", default: false },
      "keep-going": { type: "boolean", default: false },
      shrink: { type: "boolean", default: false },
      without: { type: "string" },
      flaw: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** Runs the seeds one after the other. `true` when none broke a rule. */
export async function runSeeds(command: Command, say: (line: string) => void): Promise<boolean> {
  const began = realMs();
  let [failed, events, snapshots, ran] = [0, 0, 0, 0];
  for (let seed = command.firstSeed; seed < command.firstSeed + command.seeds; seed += 1) {
    const scenario = withoutParts(drawScenario(seed, command.flaw), command.without);
    const report = await simulate(scenario, { keepTrace: command.trace });
    ran += 1;
    events += report.steps;
    snapshots += report.snapshots;
    for (const line of report.trace) say(line);
    if (command.trace) say(`trace ${report.traceHash}`);
    if (report.violations.length === 0) continue;
    failed += 1;
    const out = command.shrink ? await shrink(scenario, firstBroken) : [];
    const without = [...command.without, ...out];
    for (const line of describe(report, { ...command, without })) say(line);
    if (!command.keepGoing) break;
  }
  const seconds = ((realMs() - began) / 1000).toFixed(1);
  const verdict = failed === 0 ? "all rules held" : `${failed} failed`;
  say(`${ran} seeds, ${snapshots} snapshots, ${events} events in ${seconds} s: ${verdict}`);
  return failed === 0;
}

async function firstBroken(scenario: Scenario): Promise<string | undefined> {
  const { violations } = await simulate(scenario);
  return violations[0]?.rule;
}

/** What went wrong, and the line that does it again. */
export function describe(report: SeedReport, command: Pick<Command, "flaw" | "without">): readonly string[] {
  const flaw = command.flaw === undefined ? "" : ` --flaw ${command.flaw}`;
  const without = command.without.length === 0 ? "" : ` --without ${command.without.join()}`;
  const first = report.violations[0];
  return [
    `seed ${report.seed} failed: ${report.violations.length} violations, the first: ${first?.rule ?? "?"}`,
    ...report.violations.slice(0, 5).map(({ rule, message }) => `  ${rule}: ${message}`),
    `  again: ./cairn simulate --first-seed ${report.seed} --seeds 1 --trace${flaw}${without}`,
  ];
}
