import { sealOrderKeys } from "@cairn/contract";
import { isDatabaseAway } from "@cairn/database";
import { type PlannedStep, progressOf } from "@cairn/domain";
import {
  asError,
  assert,
  describeFault,
  Fault,
  mapLimited,
  Rejection,
  type RepositoryId,
} from "@cairn/kernel";
import { exportKeys } from "@cairn/repository";
import { asInterruption, Interruption, TurningBack } from "./runner-ends.ts";
import { carryOut, endStaleOrders, type OrderContext } from "./runner-order.ts";
import { type AttemptSettings, mayTryAgain, pauseAfter } from "./runner-settings.ts";
import type { Walk } from "./runner-walk.ts";
import type { RunnerWorld } from "./runner-world.ts";
import type { Flow, FlowContext, Log, RunFacts, StepContext, StepDefinition } from "./step.ts";
import { tenantKeys } from "./workload-secret.ts";

/** What steps of one run have in common. */
export interface Stage {
  readonly world: RunnerWorld;
  readonly walk: Walk;
  readonly flow: Flow;
  readonly run: RunFacts;
  /** Without the signal, which each attempt gets anew; absent when the run can only be concluded. */
  readonly context: Omit<FlowContext, "signal"> | undefined;
  readonly log: Log;
}

/** What planning and steps have at hand. */
export function contextOf(stage: Stage): Omit<FlowContext, "signal"> {
  assert(stage.context !== undefined, "a run that was given up is worked on");
  return stage.context;
}

/**
 * Performs the steps of a stage side by side. The first that fails for good turns the run back: its failure
 * is stored, the others are aborted, and all have ended when this returns. Throws only an `Interruption`.
 */
export async function performStage(stage: Stage, steps: readonly PlannedStep[]): Promise<void> {
  const { walk, world } = stage;
  const turning = new AbortController();
  const cancel = (): void => turning.abort(new TurningBack("cancelled"));
  if (walk.held.cancelled.aborted) cancel();
  walk.held.cancelled.addEventListener("abort", cancel, { once: true });
  const work = async (step: PlannedStep, signal: AbortSignal): Promise<void> => {
    await performStep(stage, step, signal);
  };
  const signal = AbortSignal.any([walk.held.life, turning.signal]);
  try {
    const doMeet = steps.every((step) => definitionOf(stage.flow, step).meets === true);
    await mapLimited(steps, doMeet ? steps.length : world.settings.stepsMax, work, signal);
  } catch (cause) {
    walk.held.life.throwIfAborted();
    if (!(cause instanceof TurningBack)) throw cause;
  } finally {
    walk.held.cancelled.removeEventListener("abort", cancel);
  }
}

async function performStep(stage: Stage, step: PlannedStep, signal: AbortSignal): Promise<void> {
  const { walk } = stage;
  const definition = definitionOf(stage.flow, step);
  await walk.record((state) => {
    if (state.state !== "forward") throw new TurningBack("failed");
    return { kind: "step-started", key: step.key };
  });
  try {
    const output = await attempt(stage, { step, phase: "perform" }, signal, (context) =>
      definition.perform(context, step.parameters),
    );
    await walk.record(() => ({ kind: "step-done", key: step.key, output: output ?? null }));
  } catch (cause) {
    walk.held.life.throwIfAborted();
    signal.throwIfAborted();
    stage.log.warn("step.failed", { step: step.key, fault: asError(cause) });
    await walk.record(() => ({ kind: "step-failed", key: step.key, message: sentence(cause) }));
    throw new TurningBack("failed");
  }
}

/**
 * Undoes steps side by side. A step whose undo cannot be had is marked as kept, with the reason, and the
 * others go on. Throws only an `Interruption`; cancellation changes nothing here.
 */
export async function undoStage(stage: Stage, steps: readonly PlannedStep[]): Promise<void> {
  const { walk, world } = stage;
  await mapLimited(
    steps,
    world.settings.stepsMax,
    (step, signal) => undoStep(stage, step, signal),
    walk.held.life,
  );
}

async function undoStep(stage: Stage, step: PlannedStep, signal: AbortSignal): Promise<void> {
  const { walk } = stage;
  const definition = definitionOf(stage.flow, step);
  assert(walk.state.state === "undoing", `step ${step.key} is undone in a run ${walk.state.state}`);
  const progress = progressOf(walk.state.steps, step.key);
  const output = progress.state === "done" ? progress.output : undefined;
  try {
    await attempt(stage, { step, phase: "undo" }, signal, (context) =>
      definition.undo(context, step.parameters, output),
    );
    await walk.record(() => ({ kind: "step-undone", key: step.key }));
  } catch (cause) {
    walk.held.life.throwIfAborted();
    stage.log.error("step.undo-given-up", { step: step.key, fault: asError(cause) });
    await walk.record(() => ({ kind: "step-kept", key: step.key, message: sentence(cause) }));
  }
}

function definitionOf(flow: Flow, step: PlannedStep): StepDefinition {
  const definition = flow.steps[step.kind];
  assert(definition !== undefined, `flow ${flow.name} has no step ${step.kind}`);
  return definition;
}

/** A cause as text for the user: the chain of a refusal; a bug is said to be one. */
export function sentence(cause: unknown): string {
  const isOurs = cause instanceof Fault || cause instanceof Rejection;
  return isOurs ? describeFault(cause) : `internal error: ${describeFault(cause)}`;
}

type Phase = "perform" | "undo";

/** The one place that repeats: within attempts and deadline, and only what may work later. */
async function attempt<Output>(
  stage: Stage,
  { step, phase }: Pick<Attempt, "step" | "phase">,
  signal: AbortSignal,
  work: (context: StepContext) => Promise<Output>,
): Promise<Output> {
  const settings = stage.world.settings[phase];
  for (;;) {
    const count = stage.walk.attempts(step.key)[phase];
    const number = phase === "perform" ? count : count + 1;
    try {
      return await once(stage, { step, phase, count, number }, signal, work);
    } catch (cause) {
      signal.throwIfAborted();
      throwIfDatabaseAway(stage, cause);
      if (!mayWorkLater(phase, cause) || !mayTryAgain(settings, number, cause)) throw cause;
      const fields = { step: step.key, attempt: number, fault: asError(cause) };
      stage.log.warn(`step.${phase}-again`, fields);
      await stage.walk.countAttempt(step, phase);
      await pause(stage, settings, number, signal);
    }
  }
}

interface Attempt {
  readonly step: PlannedStep;
  readonly phase: Phase;
  readonly count: number;
  readonly number: number;
}

/** One attempt with its deadline. Past the deadline counts as away: it may work later. */
async function once<Output>(
  stage: Stage,
  which: Attempt,
  signal: AbortSignal,
  work: (context: StepContext) => Promise<Output>,
): Promise<Output> {
  const { deadlineMs } = stage.world.settings[which.phase];
  const deadline = AbortSignal.timeout(deadlineMs);
  const bounded = AbortSignal.any([signal, deadline]);
  try {
    const attempt = `${which.phase}/${which.count}/`;
    await endStaleOrders(orderContext(stage, bounded), { stepKey: which.step.key, attempt });
    return await work(stepContext(stage, which, bounded));
  } catch (cause) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw cause;
    throw new Fault(
      "step-deadline",
      `step ${which.step.key} took longer than ${deadlineMs} ms`,
      "later",
      cause,
    );
  }
}

async function pause(
  stage: Stage,
  settings: AttemptSettings,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  await stage.world.clock.sleep(pauseAfter(settings, number), signal);
}

/**
 * Perform obeys the fault. Undo gives up only what will never work: what it leaves stays in the user's cloud.
 */
function mayWorkLater(phase: Phase, cause: unknown): boolean {
  const retry = cause instanceof Fault ? cause.retry : "never";
  switch (phase) {
    case "perform":
      return retry === "later";
    case "undo":
      return !(cause instanceof Fault) || retry !== "never";
    default:
      return phase satisfies never;
  }
}

function throwIfDatabaseAway(stage: Stage, cause: unknown): void {
  const interruption = asInterruption(cause);
  if (interruption !== undefined) throw interruption;
  if (!isDatabaseAway(cause)) return;
  const away = new Interruption("database-away", cause);
  stage.walk.held.interrupt(away);
  throw away;
}

function orderContext({ walk, world }: Stage, signal: AbortSignal): OrderContext {
  return { database: world.database, held: walk.held, settings: world.settings, signal };
}

function stepContext(stage: Stage, which: Attempt, signal: AbortSignal): StepContext {
  let calls = 0;
  return {
    ...contextOf(stage),
    signal,
    step: { key: which.step.key, attempt: which.number },
    output: (key) => stage.walk.output(key),
    order: async (host, body, repositoryId) => {
      calls += 1;
      const call = `${which.phase}/${which.count}/${calls}`;
      const sealKeys = await keySealer({ ...contextOf(stage), signal }, repositoryId);
      const request = { stepKey: which.step.key, call, host, body, repositoryId, sealKeys };
      return carryOut(orderContext(stage, signal), request);
    },
  };
}

/** What an order on an encrypted workload's repository takes along: keys that the key file does not open. */
async function keySealer(
  context: FlowContext,
  repositoryId: RepositoryId | undefined,
): Promise<((orderId: string) => string) | undefined> {
  const set = repositoryId === undefined ? undefined : await tenantKeys(context, repositoryId);
  if (set === undefined) return undefined;
  const keys = exportKeys(set.keys);
  const masterKey = context.masterKey.reveal();
  return (orderId) => sealOrderKeys(keys, { orderId, repositoryId: set.repositoryId }, masterKey);
}
