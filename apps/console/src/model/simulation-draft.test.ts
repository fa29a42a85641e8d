import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonsText } from "./retention-reasons.ts";
import { newSimulation, simulationOf, simulationProblem } from "./simulation-draft.ts";
import { retentionEnglish } from "./words/english-retention.ts";
import { retentionGerman } from "./words/german-retention.ts";

const draft = newSimulation("Europe/Rome");

void test("tiers that have a number are asked for, in the API's words", () => {
  assert.deepEqual(simulationOf({ ...draft, kept: { ...draft.kept, monthly: " " } }), {
    preview: {
      jobschedule: {
        enabled: true,
        timezone: "Europe/Rome",
        start_time: "21:00",
        hourly: { interval: "6", retention: "8" },
        daily: { backup_time: ["21:00"], retention: "7" },
        weekly: { backup_day: ["sunday"], retention: "4" },
      },
      simulate_days: 365,
      runs: 1,
    },
  });
});

void test("an interval and a policy are asked for by their own fields alone", () => {
  const { preview } = simulationOf({ ...draft, how: "interval", everyHours: "12", keepBy: "days" });
  assert.deepEqual(preview.jobschedule, {
    enabled: true,
    timezone: "Europe/Rome",
    start_time: "21:00",
    interval: "12hrs",
    retention_policy_type: "Number of days to retain Snapshots",
    retention_policy_value: "30",
  });
  assert.equal(simulationOf({ ...draft, how: "p-1" }).preview.policy_id, "p-1");
});

void test("what is wrong is named, and what does not count is not asked", () => {
  const keeping = (kept: Partial<typeof draft.kept>) =>
    simulationProblem({ ...draft, kept: { ...draft.kept, ...kept } });
  assert.equal(simulationProblem(draft), undefined);
  assert.equal(keeping({ hourly: "" }), "noTier");
  assert.equal(keeping({ daily: "" }), "needsDaily");
  assert.equal(keeping({ monthly: "", yearly: "3" }), "needsMonthly");
  assert.equal(keeping({ weekly: "many" }), "keep");
  assert.equal(simulationProblem({ ...draft, days: "0" }), "days");
  assert.equal(simulationProblem({ ...draft, monthday: "32" }), "monthday");
  assert.equal(simulationProblem({ ...draft, how: "interval", monthday: "32" }), undefined);
  assert.equal(simulationProblem({ ...draft, how: "interval", everyHours: "1.5" }), "everyHours");
});

void test("reasons are worded in each language, the strongest first", () => {
  const reasons = [
    { code: "newest" as const },
    { code: "tier" as const, tier: "weekly" as const, period: "2026-W13", place: 1, of: 4 },
    { code: "days" as const, days: 7, by_hand: false },
  ];
  assert.equal(
    reasonsText(reasons, retentionEnglish),
    "the newest that can be restored, also weekly 2026-W13 (1 of 4), within 7 days",
  );
  assert.equal(
    reasonsText(reasons, retentionGerman),
    "der neueste, der wiederhergestellt werden kann, außerdem wöchentlich 2026-W13 (1 von 4), " +
      "nicht älter als 7 Tage",
  );
  assert.equal(
    reasonsText([{ code: "failed", days: 7, is_over: true }], retentionGerman),
    "vor mehr als 7 Tagen fehlgeschlagen",
  );
});
