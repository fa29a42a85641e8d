import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CALM, drawScenario, type Scenario } from "./scenario.ts";
import { PARTS, shrink, withoutParts } from "./shrink.ts";

const full: Scenario = {
  ...drawScenario(1),
  writers: 3,
  sweepers: 2,
  mirrored: true,
  scrubbed: true,
  restored: true,
  rotatesKeys: true,
  lockWindowMs: 1,
  compactBelowShare: 0.4,
  rottenPacks: 1,
  outages: 1,
  listLagMs: 1,
  skewMs: 1,
  faults: {
    errorBefore: 1,
    errorAfter: 1,
    late: 1,
    partialListing: 1,
    garbled: 1,
    short: 1,
    crash: 1,
    clockJump: 1,
  },
};

describe("a failing scenario", () => {
  it("is left with what it needs to break the same rule", async () => {
    const needs = ({ faults, mirrored }: Scenario): string | undefined => {
      if (faults.crash === 0) return undefined;
      return mirrored ? "the rule" : "another rule";
    };
    const out = await shrink(full, async (scenario) => needs(scenario));
    assert.deepEqual(new Set(out), new Set(PARTS.filter((part) => part !== "crashes" && part !== "mirror")));
  });

  it("is not run again for what it does not have", async () => {
    let runs = 0;
    const out = await shrink(withoutParts(full, PARTS), async () => {
      runs += 1;
      return "the rule";
    });
    assert.deepEqual([out, runs], [[], 1]);
  });

  it("without any part is calm, and one writer and one sweeper are alone", () => {
    const bare = withoutParts(full, PARTS);
    assert.deepEqual(bare.faults, CALM);
    assert.deepEqual(
      [bare.writers, bare.sweepers, bare.mirrored, bare.lockWindowMs],
      [1, 1, false, undefined],
    );
  });
});
