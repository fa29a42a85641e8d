import { assert, unreachable } from "@cairn/kernel";

/**
 * A run is one execution of a workflow. It is always in one of four states:
 *
 * - `planning`. Entry: the run was opened. Duty: observe, plan, store the plan. Exits: `forward` with the
 *   plan;
 *   `concluded` when the planner refuses, planning fails, or the run is cancelled (nothing was touched yet).
 * - `forward`. Entry: the plan is stored, every step `waiting`. Duty: perform the steps of the first stage
 *   that
 *   is not done, side by side; a step's row says `started` before it is performed. Exits: `concluded` if all
 *   steps are done and kept; `undoing` when a step fails for good or the run is cancelled.
 * - `undoing`. Entry: failure or cancellation. Duty: let what is being performed end, then undo every step
 *   that
 *   was started, newest stage first. Exit: `concluded` when each is undone or its undo was given up.
 * - `concluded`. Entry: see above. No duty, no exit. Leftovers name the steps whose undo was given up.
 *
 * A crash at any point loses nothing: the state and the steps' states are rows, and `duty` derives from them
 * what is to be done, so that another engine goes on where the rows say.
 */

/** The workflows that exist. A name is stored in rows and never changes its meaning. */
export const FLOW_NAMES = [
  "snapshot",
  "safety-snapshot",
  "restore",
  "snapshot-delete",
  "snapshot-mount",
  "snapshot-dismount",
  "workload-delete",
  "workload-reset",
  "workload-mark",
] as const;
export type FlowName = (typeof FLOW_NAMES)[number];

/** One thing to do. The key is unique in the run and part of the name of whatever the step makes. */
export interface PlannedStep {
  readonly key: string;
  readonly kind: string;
  /** JSON. */
  readonly parameters: unknown;
}

/** Stages one after the other; the steps of a stage side by side. */
export interface Plan {
  readonly stages: readonly (readonly PlannedStep[])[];
}

/** A planner's answer. The message of a refusal is a sentence for the user. */
export type PlanVerdict =
  | { readonly kind: "planned"; readonly plan: Plan }
  | { readonly kind: "refused"; readonly message: string };

/** Why a run turned back. */
export type Because = { readonly kind: "failed"; readonly message: string } | { readonly kind: "cancelled" };

/** How a run ended. */
export type RunResult = { readonly kind: "succeeded" } | Because;

/**
 * Where a step is. `waiting`: never begun. `started`: may have begun, undo is owed. `done`: performed and
 * its output stored, undo is owed if the run turns back. `undone`: as found. `kept`: undo was given up, what
 * it made may still be there.
 */
export type StepProgress =
  | { readonly state: "waiting" }
  | { readonly state: "started" }
  | { readonly state: "done"; readonly output: unknown }
  | { readonly state: "undone" }
  | { readonly state: "kept"; readonly message: string };

/** By step key; a step of the plan that is not listed is `waiting`. */
export type StepBook = ReadonlyMap<string, StepProgress>;

/** A step whose undo was given up, and why. */
export interface Leftover {
  readonly key: string;
  readonly message: string;
}

export type RunState =
  | { readonly state: "planning" }
  | { readonly state: "forward"; readonly plan: Plan; readonly steps: StepBook }
  | { readonly state: "undoing"; readonly plan: Plan; readonly steps: StepBook; readonly because: Because }
  | { readonly state: "concluded"; readonly result: RunResult; readonly leftovers: readonly Leftover[] };

/** What happened to a run. Each is stored together with the state that follows from it. */
export type RunEvent =
  | { readonly kind: "planned"; readonly plan: Plan }
  | { readonly kind: "planning-failed"; readonly message: string }
  | { readonly kind: "cancel-requested" }
  | { readonly kind: "step-started"; readonly key: string }
  | { readonly kind: "step-done"; readonly key: string; readonly output: unknown }
  | { readonly kind: "step-failed"; readonly key: string; readonly message: string }
  | { readonly kind: "step-undone"; readonly key: string }
  | { readonly kind: "step-kept"; readonly key: string; readonly message: string }
  | { readonly kind: "concluded" };

/**
 * What is to be done now. The same state always gives the same duty, so that it can be taken up by anyone.
 */
export type RunDuty =
  | { readonly kind: "plan" }
  | { readonly kind: "perform"; readonly steps: readonly PlannedStep[] }
  | { readonly kind: "undo"; readonly steps: readonly PlannedStep[] }
  | { readonly kind: "conclude"; readonly result: RunResult; readonly leftovers: readonly Leftover[] }
  | { readonly kind: "rest" };

/** Where a step of a run is; `waiting` when nothing is known of it. */
export function progressOf(steps: StepBook, key: string): StepProgress {
  return steps.get(key) ?? { state: "waiting" };
}

/** The plan of a run that ended before it had one. */
export const unplannedRun: Plan = { stages: [] };

/** A run that was just opened. */
export function openedRun(): RunState {
  return { state: "planning" };
}

/** What is to be done now. */
export function duty(run: RunState): RunDuty {
  switch (run.state) {
    case "planning":
      return { kind: "plan" };
    case "forward":
      return forwardDuty(run.plan, run.steps);
    case "undoing":
      return undoDuty(run.plan, run.steps, run.because);
    case "concluded":
      return { kind: "rest" };
    default:
      return unreachable(run);
  }
}

function forwardDuty(plan: Plan, steps: StepBook): RunDuty {
  for (const stage of plan.stages) {
    const left = stage.filter((step) => progressOf(steps, step.key).state !== "done");
    if (left.length > 0) return { kind: "perform", steps: left };
  }
  return { kind: "conclude", result: { kind: "succeeded" }, leftovers: [] };
}

function undoDuty(plan: Plan, steps: StepBook, because: Because): RunDuty {
  for (const stage of plan.stages.toReversed()) {
    const owed = stage.filter((step) => isUndoOwed(progressOf(steps, step.key)));
    if (owed.length > 0) return { kind: "undo", steps: owed };
  }
  return { kind: "conclude", result: because, leftovers: leftoversOf(plan, steps) };
}

/** Whether a step may have made something that is not undone yet. */
export function isUndoOwed(progress: StepProgress): boolean {
  switch (progress.state) {
    case "started":
    case "done":
      return true;
    case "waiting":
    case "undone":
    case "kept":
      return false;
    default:
      return unreachable(progress);
  }
}

function leftoversOf(plan: Plan, steps: StepBook): Leftover[] {
  const found: Leftover[] = [];
  for (const step of plan.stages.flat()) {
    const progress = progressOf(steps, step.key);
    if (progress.state === "kept") found.push({ key: step.key, message: progress.message });
  }
  return found;
}

/**
 * The run after an event. An event that comes too late to matter (a second cancellation, a step that ends
 * after the run turned back) changes no more than it must; one that cannot happen is a bug.
 */
export function advance(run: RunState, event: RunEvent): RunState {
  switch (run.state) {
    case "planning":
      return advancePlanning(run, event);
    case "forward":
      return advanceForward(run, event);
    case "undoing":
      return advanceUndoing(run, event);
    case "concluded":
      assert(event.kind === "cancel-requested", `${event.kind} after the run has concluded`);
      return run;
    default:
      return unreachable(run);
  }
}

function advancePlanning(run: RunState & { state: "planning" }, event: RunEvent): RunState {
  switch (event.kind) {
    case "planned":
      assertPlan(event.plan);
      return { state: "forward", plan: event.plan, steps: new Map() };
    case "planning-failed":
      return { state: "undoing", plan: unplannedRun, steps: new Map(), because: failed(event.message) };
    case "cancel-requested":
      return { state: "undoing", plan: unplannedRun, steps: new Map(), because: { kind: "cancelled" } };
    case "step-started":
    case "step-done":
    case "step-failed":
    case "step-undone":
    case "step-kept":
    case "concluded":
      return misplaced(run, event);
    default:
      return unreachable(event);
  }
}

function advanceForward(run: RunState & { state: "forward" }, event: RunEvent): RunState {
  switch (event.kind) {
    case "step-started":
      return { ...run, steps: begun(run.plan, run.steps, event.key) };
    case "step-done":
      return { ...run, steps: ended(run.plan, run.steps, event) };
    case "step-failed":
      return { ...run, state: "undoing", because: failed(event.message) };
    case "cancel-requested":
      return { ...run, state: "undoing", because: { kind: "cancelled" } };
    case "concluded":
      return conclude(run, event);
    case "planned":
    case "planning-failed":
    case "step-undone":
    case "step-kept":
      return misplaced(run, event);
    default:
      return unreachable(event);
  }
}

function advanceUndoing(run: RunState & { state: "undoing" }, event: RunEvent): RunState {
  switch (event.kind) {
    case "step-done":
      // It was being performed when the run turned back; its output is what its undo wants to know.
      return { ...run, steps: ended(run.plan, run.steps, event) };
    case "step-failed":
    case "cancel-requested":
      return run;
    case "step-undone":
      return { ...run, steps: settled(run.plan, run.steps, event.key, { state: "undone" }) };
    case "step-kept":
      return {
        ...run,
        steps: settled(run.plan, run.steps, event.key, { state: "kept", message: event.message }),
      };
    case "concluded":
      return conclude(run, event);
    case "step-started":
    case "planned":
    case "planning-failed":
      return misplaced(run, event);
    default:
      return unreachable(event);
  }
}

function failed(message: string): Because {
  return { kind: "failed", message };
}

function conclude(run: RunState, event: RunEvent): RunState {
  const next = duty(run);
  if (next.kind !== "conclude") return misplaced(run, event);
  return { state: "concluded", result: next.result, leftovers: next.leftovers };
}

/** Redelivery starts a step again that was begun: that is the same state. */
function begun(plan: Plan, steps: StepBook, key: string): StepBook {
  const before = stepProgress(plan, steps, key);
  assert(
    before.state === "waiting" || before.state === "started",
    `step ${key} begins while ${before.state}`,
  );
  return new Map(steps).set(key, { state: "started" });
}

function ended(plan: Plan, steps: StepBook, event: RunEvent & { kind: "step-done" }): StepBook {
  const before = stepProgress(plan, steps, event.key);
  assert(before.state === "started", `step ${event.key} ends while ${before.state}`);
  return new Map(steps).set(event.key, { state: "done", output: event.output });
}

function settled(plan: Plan, steps: StepBook, key: string, to: StepProgress): StepBook {
  const before = stepProgress(plan, steps, key);
  assert(isUndoOwed(before), `step ${key} is undone while ${before.state}`);
  return new Map(steps).set(key, to);
}

function stepProgress(plan: Plan, steps: StepBook, key: string): StepProgress {
  assert(
    plan.stages.some((stage) => stage.some((step) => step.key === key)),
    `the plan has no step ${key}`,
  );
  return progressOf(steps, key);
}

function misplaced(run: RunState, event: RunEvent): never {
  throw new Error(`bug: ${event.kind} in a run that is ${run.state}`);
}

/** A planner's mistake, found before anything is stored: two steps of one key. */
export function assertPlan(plan: Plan): void {
  const keys = plan.stages.flat().map((step) => step.key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  assert(twice === undefined, `two steps of the plan are called ${twice ?? ""}`);
}
