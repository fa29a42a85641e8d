import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describe as describeSeed, parseCommand } from "./command.ts";
import { drawScenario } from "./scenario.ts";
import { simulate } from "./simulation.ts";

/** About a minute of one core; `./cairn simulate` takes more. */
const SEEDS = 200;

describe("the simulator", () => {
  it(`finds every rule held in ${SEEDS} histories`, async () => {
    const seedsWith = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const report = await simulate(drawScenario(seed));
      const plain = { flaw: undefined, without: [] };
      assert.deepEqual(report.violations, [], describeSeed(report, plain).join("\n"));
      for (const what of report.happenings.keys()) seedsWith.set(what, (seedsWith.get(what) ?? 0) + 1);
    }
    // What is tried in few histories is hardly tried at all.
    for (const what of ["sweep", "compaction", "mirror", "lock", "restore"]) {
      assert.ok((seedsWith.get(what) ?? 0) >= SEEDS / 10, `${what} in ${seedsWith.get(what)} seeds`);
    }
  });

  it("does the same again for the same seed, event by event", async () => {
    for (const seed of [3, 8, 21]) {
      const first = await simulate(drawScenario(seed), { keepTrace: true });
      const second = await simulate(drawScenario(seed), { keepTrace: true });
      assert.equal(
        second.trace.find((line, index) => line !== first.trace[index]),
        undefined,
      );
      assert.equal(second.traceHash, first.traceHash);
      assert.equal(second.steps, first.steps);
    }
    const [third, fourth] = [await simulate(drawScenario(3)), await simulate(drawScenario(4))];
    assert.notEqual(third.traceHash, fourth.traceHash);
  });

  it("leaves this process's own clock and chance as they were", async () => {
    await simulate(drawScenario(5));
    assert.ok(Date.now() > Date.UTC(2026, 0) && Math.random() !== Math.random());
  });

  it("takes its seeds from the command line, and says what is wrong with it", () => {
    assert.deepEqual(parseCommand(["--seeds", "3", "--first-seed", "12", "--trace"]), {
      seeds: 3,
      firstSeed: 12,
      trace: true,
      keepGoing: false,
      flaw: undefined,
      shrink: false,
      without: [],
    });
    for (const bad of [
      ["--seeds", "many"],
      ["--flaw", "rain"],
      ["--first-seed", "-1"],
      ["--without", "rain"],
      ["seven"],
    ]) {
      const answer = parseCommand(bad);
      assert.ok("say" in answer && answer.exitCode === 2, bad.join(" "));
    }
    const help = parseCommand(["--help"]);
    assert.ok("say" in help && help.exitCode === 0 && help.say.includes("--first-seed"));
  });
});
