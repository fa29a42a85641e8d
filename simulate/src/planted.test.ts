import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { drawScenario, type Flaw } from "./scenario.ts";
import { simulate } from "./simulation.ts";

const SEEDS_MAX = 50;

/** The first seed that notices the planted mistake, and the rule that it breaks. */
async function firstFinding(
  flaw: Flaw,
): Promise<{ readonly seed: number; readonly rule: string } | undefined> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const { violations } = await simulate(drawScenario(seed, flaw));
    const [first] = violations;
    if (first !== undefined) return { seed, rule: first.rule };
  }
  return undefined;
}

// Not "dedup-on-condemned": nothing is lost by it in hundreds of seeds, because a sweep marks anew before it
// removes. To find it, a rule must compare what a commit refers to with what was condemned when it began.
describe(`a planted mistake is found within ${SEEDS_MAX} seeds`, () => {
  const planted: readonly (readonly [flaw: Flaw, what: string])[] = [
    ["commit-before-packs", "a writer that commits before its packs are durable"],
    ["timeout-is-success", "a writer that takes a time-out for success"],
    ["failed-listing-is-empty", "a sweep that takes a listing that failed for one that is empty"],
    ["hasty-sweeper", "a sweep that does not wait"],
    ["locks-not-extended", "locks that are not extended"],
    ["lease-not-checked", "a writer that commits when its session's time is over"],
    ["removal-before-journal", "a sweep that does not wait for its journal"],
    ["mirror-commits-first", "a mirror that copies commits first"],
  ];
  for (const [flaw, what] of planted) {
    it(`${what} (${flaw})`, async () => {
      const found = await firstFinding(flaw);
      assert.ok(found !== undefined);
      assert.match(found.rule, /^(?:I\d+ |calm-)/);
    });
  }
});
