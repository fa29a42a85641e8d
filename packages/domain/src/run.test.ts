import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  advance,
  duty,
  isUndoOwed,
  openedRun,
  type Plan,
  progressOf,
  type RunEvent,
  type RunState,
  type StepBook,
} from "./run.ts";

function planOf(...stages: string[][]): Plan {
  return { stages: stages.map((keys) => keys.map((key) => ({ key, kind: "k", parameters: null }))) };
}

function after(run: RunState, ...events: RunEvent[]): RunState {
  return events.reduce(advance, run);
}

const started = (key: string): RunEvent => ({ kind: "step-started", key });
const done = (key: string): RunEvent => ({ kind: "step-done", key, output: key });
const failed = (key: string): RunEvent => ({ kind: "step-failed", key, message: "no" });
const undone = (key: string): RunEvent => ({ kind: "step-undone", key });
const planned = (plan: Plan): RunEvent => ({ kind: "planned", plan });

test("an opened run is planned first", () => {
  assert.deepEqual(duty(openedRun()), { kind: "plan" });
});

test("the steps of a stage are due together, those of the next only when all of it are done", () => {
  const run = after(openedRun(), planned(planOf(["a", "b"], ["c"])));
  assert.deepEqual(keysOf(run), ["a", "b"]);
  assert.deepEqual(keysOf(after(run, started("a"), done("a"))), ["b"]);
  assert.deepEqual(keysOf(after(run, started("a"), started("b"), done("b"), done("a"))), ["c"]);
});

test("a run without steps succeeds", () => {
  const run = after(openedRun(), planned(planOf()), { kind: "concluded" });
  assert.deepEqual(run, { state: "concluded", result: { kind: "succeeded" }, leftovers: [] });
});

test("a refused plan concludes with the planner's sentence", () => {
  const run = after(openedRun(), { kind: "planning-failed", message: "flavor too small" });
  assert.deepEqual(duty(run), {
    kind: "conclude",
    result: { kind: "failed", message: "flavor too small" },
    leftovers: [],
  });
});

test("a failure is undone newest stage first, and steps that never began are left alone", () => {
  const plan = planOf(["a"], ["b", "c"], ["d"]);
  let run = after(openedRun(), planned(plan), started("a"), done("a"), started("b"), failed("b"));
  assert.deepEqual(keysOf(run), ["b"]);
  run = after(run, undone("b"));
  assert.deepEqual(keysOf(run), ["a"]);
  run = after(run, undone("a"), { kind: "concluded" });
  assert.equal(run.state === "concluded" && run.result.kind, "failed");
});

test("a step that ends after the run turned back is undone with its output", () => {
  const plan = planOf(["a", "b"]);
  const run = after(openedRun(), planned(plan), started("a"), started("b"), failed("b"), done("a"));
  assert.equal(run.state, "undoing");
  assert.deepEqual(progressOf(run.steps, "a"), { state: "done", output: "a" });
  assert.deepEqual(keysOf(run), ["a", "b"]);
});

test("the first reason to turn back stands", () => {
  const plan = planOf(["a", "b"]);
  const run = after(openedRun(), planned(plan), started("a"), failed("a"), { kind: "cancel-requested" });
  assert.deepEqual(run.state === "undoing" && run.because, { kind: "failed", message: "no" });
});

test("a cancellation before the end turns back even when all steps are done", () => {
  const run = after(openedRun(), planned(planOf(["a"])), started("a"), done("a"), {
    kind: "cancel-requested",
  });
  assert.deepEqual(keysOf(run), ["a"]);
});

test("a cancellation after the end changes nothing", () => {
  const run = after(openedRun(), planned(planOf()), { kind: "concluded" });
  assert.equal(after(run, { kind: "cancel-requested" }), run);
});

test("an undo that was given up is named at the end", () => {
  const kept: RunEvent = { kind: "step-kept", key: "a", message: "in use" };
  const run = after(openedRun(), planned(planOf(["a"])), started("a"), failed("a"), kept);
  const next = duty(run);
  assert.deepEqual(next.kind === "conclude" && next.leftovers, [{ key: "a", message: "in use" }]);
});

test("a plan with two steps of one key is a bug", () => {
  assert.throws(
    () => after(openedRun(), planned(planOf(["a"], ["a"]))),
    /two steps of the plan are called a/,
  );
});

const impossible: [string, RunState, RunEvent][] = [
  ["a step is done that never began", after(openedRun(), planned(planOf(["a"]))), done("a")],
  ["a step ends that the plan does not have", after(openedRun(), planned(planOf(["a"]))), done("x")],
  ["a step begins before the plan", openedRun(), started("a")],
  ["a run concludes with steps left", after(openedRun(), planned(planOf(["a"]))), { kind: "concluded" }],
  ["a second plan comes", after(openedRun(), planned(planOf(["a"]))), planned(planOf(["a"]))],
  ["an undo comes while the run goes forward", after(openedRun(), planned(planOf(["a"]))), undone("a")],
];
for (const [what, run, event] of impossible) {
  test(`it is a bug when ${what}`, () => {
    assert.throws(() => advance(run, event), /bug/);
  });
}

/** What may happen to an engine at each thing it does. */
type Luck = "well" | "fails" | "crashes-before" | "crashes-after" | "cancelled";
const luck = fc.constantFrom<Luck>(
  "well",
  "well",
  "well",
  "fails",
  "crashes-before",
  "crashes-after",
  "cancelled",
);
const plans = fc
  .array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 })
  .map((sizes) =>
    planOf(...sizes.map((size, stage) => Array.from({ length: size }, (_, at) => `${stage}.${at}`))),
  );

/**
 * A world and an engine over the machine: a crash forgets everything but the stored state; each thing that
 * was in the works is then done again. Luck runs out after a while, as a bounded number of crashes does.
 */
function play(plan: Plan, lucks: readonly Luck[]): { run: RunState; world: Set<string>; book: StepBook } {
  const world = new Set<string>();
  const left = [...lucks];
  let run = openedRun();
  let book: StepBook = new Map();
  const store = (event: RunEvent): void => {
    run = advance(run, event);
    if (run.state === "forward" || run.state === "undoing") book = run.steps;
  };
  for (let turns = 0; turns < 1_000 && run.state !== "concluded"; turns += 1) {
    const chance = left.shift() ?? "well";
    if (chance === "crashes-before") continue;
    if (chance === "cancelled") {
      store({ kind: "cancel-requested" });
      continue;
    }
    act(run, plan, { world, chance, store });
  }
  return { run, world, book };
}

function act(
  run: RunState,
  plan: Plan,
  { world, chance, store }: { world: Set<string>; chance: Luck; store: (event: RunEvent) => void },
): void {
  const next = duty(run);
  switch (next.kind) {
    case "plan":
      store(chance === "fails" ? { kind: "planning-failed", message: "no" } : planned(plan));
      return;
    case "perform": {
      const step = next.steps[0];
      assert.ok(step !== undefined);
      store(started(step.key));
      world.add(step.key);
      if (chance === "crashes-after") return;
      store(chance === "fails" ? failed(step.key) : done(step.key));
      return;
    }
    case "undo": {
      const step = next.steps.at(-1);
      assert.ok(step !== undefined);
      world.delete(step.key);
      if (chance !== "crashes-after" && chance !== "fails") store(undone(step.key));
      return;
    }
    case "conclude":
      if (chance !== "fails") store({ kind: "concluded" });
      return;
    case "rest":
      return;
  }
}

test("whatever crashes, fails or is cancelled: a run ends with all work kept or all undone", () => {
  fc.assert(
    fc.property(plans, fc.array(luck, { maxLength: 60 }), (plan, lucks) => {
      const { run, world, book } = play(plan, lucks);
      assert.equal(run.state, "concluded");
      const keys = plan.stages.flat().map((step) => step.key);
      if (run.result.kind === "succeeded") {
        assert.deepEqual([...world].sort(), keys.sort());
        assert.ok(keys.every((key) => progressOf(book, key).state === "done"));
      } else {
        assert.deepEqual([...world], []);
        assert.ok(keys.every((key) => !isUndoOwed(progressOf(book, key))));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("the same state gives the same duty, so that anyone may take it up", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const run = after(openedRun(), planned(plan));
      assert.deepEqual(duty(run), duty(structuredClone(run)));
    }),
  );
});

function keysOf(run: RunState): string[] {
  const next = duty(run);
  return next.kind === "perform" || next.kind === "undo" ? next.steps.map((step) => step.key) : [];
}
