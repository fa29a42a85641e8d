import { CALM, type FaultRates, type Scenario } from "./scenario.ts";

type Simpler = (scenario: Scenario) => Scenario;

function withoutFault(kind: keyof FaultRates): Simpler {
  return (scenario) => ({ ...scenario, faults: { ...scenario.faults, [kind]: CALM[kind] } });
}

/** What can be left out of a scenario, the largest parts first. */
const LEAVING_OUT = {
  mirror: (scenario) => ({ ...scenario, mirrored: false }),
  writers: (scenario) => ({ ...scenario, writers: 1 }),
  "second-sweeper": (scenario) => ({ ...scenario, sweepers: 1 }),
  scrub: (scenario) => ({ ...scenario, scrubbed: false }),
  restores: (scenario) => ({ ...scenario, restored: false }),
  locks: (scenario) => ({ ...scenario, lockWindowMs: undefined }),
  keys: (scenario) => ({ ...scenario, rotatesKeys: false }),
  compaction: (scenario) => ({ ...scenario, compactBelowShare: 0 }),
  rot: (scenario) => ({ ...scenario, rottenPacks: 0 }),
  outages: (scenario) => ({ ...scenario, outages: 0 }),
  lag: (scenario) => ({ ...scenario, listLagMs: 0 }),
  skew: (scenario) => ({ ...scenario, skewMs: 0 }),
  crashes: withoutFault("crash"),
  "errors-before": withoutFault("errorBefore"),
  "errors-after": withoutFault("errorAfter"),
  late: withoutFault("late"),
  "partial-listings": withoutFault("partialListing"),
  garbled: withoutFault("garbled"),
  short: withoutFault("short"),
  "clock-jumps": withoutFault("clockJump"),
} as const satisfies Record<string, Simpler>;

/** The name of something that a scenario can do without. */
export type Part = keyof typeof LEAVING_OUT;

export const PARTS = Object.keys(LEAVING_OUT).filter((name): name is Part => name in LEAVING_OUT);

/** The scenario without these parts. What is drawn in it later is drawn otherwise then. */
export function withoutParts(scenario: Scenario, parts: readonly Part[]): Scenario {
  return parts.reduce((left, part) => LEAVING_OUT[part](left), scenario);
}

/**
 * Which parts a failing scenario does not need to break the same rule: they are left out one after the other,
 * and stay out if it still fails. One run for each part that there is; the answer is small, not the smallest.
 */
export async function shrink(
  scenario: Scenario,
  firstBroken: (scenario: Scenario) => Promise<string | undefined>,
): Promise<readonly Part[]> {
  const rule = await firstBroken(scenario);
  let out: readonly Part[] = [];
  if (rule === undefined) return out;
  for (const part of PARTS) {
    const before = withoutParts(scenario, out);
    const simpler = withoutParts(before, [part]);
    if (JSON.stringify(simpler) === JSON.stringify(before)) continue;
    if ((await firstBroken(simpler)) === rule) out = [...out, part];
  }
  return out;
}
