import assert from "node:assert/strict";
import { findRun } from "@cairn/database";
import type { Plan } from "@cairn/domain";
import { Fault, type RunId } from "@cairn/kernel";
import { executeRun } from "../runner.ts";
import type { RunnerWorld } from "../runner-world.ts";
import type { Flow, StepDefinition } from "../step.ts";

/** A fresh world that keeps state, with a run of the flow opened in it. */
export interface TrialWorld extends AsyncDisposable {
  readonly world: RunnerWorld;
  readonly runId: RunId;
  /**
   * Everything that exists in the cloud, on the hosts and in the store, as a value that two worlds can be
   * compared by: sorted, without random ids and times.
   */
  inventory(): Promise<unknown>;
}

/** A flow and how to make worlds for it; each trial runs in worlds of its own. */
export interface FlowTrial {
  readonly flow: Flow;
  makeWorld(): Promise<TrialWorld>;
}

/** Wraps one kind of call of a step. */
type Wrapping = (key: string, definition: StepDefinition) => StepDefinition;

/** Trial 1: every step performed twice ends like every step performed once. */
export async function everyStepTwice(trial: FlowTrial): Promise<void> {
  const once = await runIn(trial, (_, definition) => definition);
  assert.equal(once.result, "succeeded", `the flow itself fails: ${once.message}`);
  const twice = await runIn(trial, (_, definition) => ({
    ...definition,
    perform: async (context, parameters) => {
      await definition.perform(context, parameters);
      return definition.perform(context, parameters);
    },
  }));
  assert.equal(twice.result, "succeeded", `performed twice it fails: ${twice.message}`);
  assert.deepEqual(twice.inventory, once.inventory);
}

/** Trial 2: a failure of any step, before or after it has done its work, leaves the world as it was. */
export async function failAtEachStep(trial: FlowTrial): Promise<void> {
  for (const key of await keysOf(trial)) {
    for (const when of ["before", "after"] as const) await failAt(trial, { key, when, undoTimes: 1 });
  }
}

/** Trial 3: the same when every undo is called twice. */
export async function failAtEachStepAndUndoTwice(trial: FlowTrial): Promise<void> {
  for (const key of await keysOf(trial)) await failAt(trial, { key, when: "after", undoTimes: 2 });
}

/** The steps that the flow plans in a fresh world. */
export async function keysOf(trial: FlowTrial): Promise<string[]> {
  return (await runIn(trial, (_, definition) => definition)).keys;
}

interface Mishap {
  readonly key: string;
  readonly when: "before" | "after";
  readonly undoTimes: number;
}

async function failAt(trial: FlowTrial, { key, when, undoTimes }: Mishap): Promise<void> {
  const said = `failing ${when} the work of ${key}`;
  const done = await runIn(trial, (at, definition) => ({
    perform: async (context, parameters) => {
      if (at === key && when === "before") throw new Fault("trial", said, "never");
      const output = await definition.perform(context, parameters);
      if (at === key) throw new Fault("trial", said, "never");
      return output;
    },
    undo: async (context, parameters, output) => {
      for (let times = 0; times < undoTimes; times += 1) await definition.undo(context, parameters, output);
    },
  }));
  assert.equal(done.result, "failed", said);
  assert.deepEqual(done.leftovers, [], `${said}: every undo ends`);
  assert.deepEqual(done.inventory, done.before, `${said}: the world is as it was`);
}

interface TrialEnd {
  readonly result: string;
  readonly message: string;
  readonly leftovers: readonly unknown[];
  readonly keys: string[];
  readonly before: unknown;
  readonly inventory: unknown;
}

async function runIn(trial: FlowTrial, wrap: Wrapping): Promise<TrialEnd> {
  await using place = await trial.makeWorld();
  const before = await place.inventory();
  const flow = wrapped(trial.flow, wrap);
  const world = { ...place.world, flows: { [flow.name]: flow } };
  const execution = await executeRun(world, place.runId, new AbortController().signal);
  assert.equal(execution.kind, "concluded");
  const run = await findRun(world.database.handle, place.runId);
  const plan: Plan = run?.plan ?? { stages: [] };
  return {
    result: execution.result.kind,
    message: execution.result.kind === "failed" ? execution.result.message : "",
    leftovers: run?.leftovers ?? [],
    keys: plan.stages.flat().map((step) => step.key),
    before,
    inventory: await place.inventory(),
  };
}

/** The kinds are the flow's, the mishaps go by key: each call looks which step it is for. */
function wrapped(flow: Flow, wrap: Wrapping): Flow {
  const kinds = Object.entries(flow.steps).map(([kind, definition]): [string, StepDefinition] => [
    kind,
    {
      perform: (context, parameters) => wrap(context.step.key, definition).perform(context, parameters),
      undo: (context, parameters, output) =>
        wrap(context.step.key, definition).undo(context, parameters, output),
    },
  ]);
  return { ...flow, steps: Object.fromEntries(kinds) };
}
