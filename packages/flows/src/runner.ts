import { claimRun, isDatabaseAway, type RunRow, releaseRun } from "@cairn/database";
import { duty, type RunDuty, type RunResult } from "@cairn/domain";
import { asError, assert, Fault, type RunId, unreachable } from "@cairn/kernel";
import { noteRunEnd } from "./auditing.ts";
import { noteEnd } from "./notice-writing.ts";
import { HeldRun } from "./runner-claim.ts";
import { asInterruption, Interruption } from "./runner-ends.ts";
import { mayTryAgain, pauseAfter } from "./runner-settings.ts";
import { contextOf, performStage, type Stage, sentence, undoStage } from "./runner-steps.ts";
import { Walk } from "./runner-walk.ts";
import type { RunnerWorld } from "./runner-world.ts";
import type { ConcludedRun, RunFacts } from "./step.ts";

/** How the work of this engine on a run ended. */
export type RunExecution =
  /** Somebody else holds it, or it has concluded already. */
  | { readonly kind: "not-claimed" }
  | { readonly kind: "concluded"; readonly result: RunResult }
  /** It goes on elsewhere, or here when it is claimed again. */
  | { readonly kind: "interrupted"; readonly because: Interruption["kind"] };

/**
 * Claims a run and walks it to its end: plan, perform stage after stage, or undo. Safe to call for the same
 * run anywhere and at any time: only the holder of the newest generation has an effect. When `signal` is
 * aborted, the run is given back and goes on from its rows wherever it is claimed next.
 */
export async function executeRun(
  world: RunnerWorld,
  runId: RunId,
  signal: AbortSignal,
): Promise<RunExecution> {
  const { database, engine, settings } = world;
  signal.throwIfAborted();
  const row = await claimRun(database.handle, { runId, engine, leaseMs: settings.leaseMs });
  if (row === undefined) return { kind: "not-claimed" };
  const held = new HeldRun(database, { runId, generation: row.generation });
  const stop = (): void => held.interrupt(new Interruption("stopping"));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const beating = new AbortController();
  const heart = held.beat({ clock: world.clock, settings, log: world.log, signal: beating.signal });
  const quiet = async (): Promise<void> => {
    signal.removeEventListener("abort", stop);
    beating.abort();
    await heart;
  };
  try {
    if (row.cancel_requested_at !== null) held.noteCancellation();
    const done = await walkRun(world, row, held);
    await quiet();
    return done;
  } catch (cause) {
    // In this order: a renewal that comes after the release would take the run back for a whole lease.
    await quiet();
    return interrupted(world, held, cause);
  }
}

/** Gives the run back at once, so that nobody has to wait for the end of the lease. */
async function interrupted(world: RunnerWorld, held: HeldRun, cause: unknown): Promise<RunExecution> {
  const reason =
    asInterruption(cause) ??
    asInterruption(held.life.reason) ??
    (isDatabaseAway(cause) ? new Interruption("database-away", cause) : undefined);
  held.interrupt(reason ?? new Interruption("stopping"));
  try {
    await releaseRun(world.database.handle, held.claim);
  } catch (fault) {
    // The lease ends by itself; the run goes on a little later then.
    world.log.warn("run.release-failed", { run: held.claim.runId, fault: asError(fault) });
  }
  if (reason === undefined) throw cause;
  world.log.warn("run.interrupted", { run: held.claim.runId, because: reason.kind });
  return { kind: "interrupted", because: reason.kind };
}

async function walkRun(world: RunnerWorld, row: RunRow, held: HeldRun): Promise<RunExecution> {
  const facts = factsOf(row);
  const walk = await Walk.load(held);
  world.log.info("run.claimed", { run: row.id, flow: facts.flow, generation: row.generation });
  const stage = await prepare(world, facts, walk);
  // What has concluded is not lost: a renewal on its way at that moment finds nothing to renew any more.
  while (walk.state.state !== "concluded") {
    held.life.throwIfAborted();
    if (held.cancelled.aborted) await turnBack(walk);
    const next = duty(walk.state);
    assert(next.kind !== "rest", "a run rests before its end");
    await perform(stage, next);
  }
  world.log.info("run.concluded", { run: row.id, flow: facts.flow, result: walk.state.result.kind });
  return { kind: "concluded", result: walk.state.result };
}

/** Everything that steps need; a run that cannot have it ends where it stands, and says what it leaves. */
async function prepare(world: RunnerWorld, run: RunFacts, walk: Walk): Promise<Stage> {
  const { database, clock, masterKey, keyPolicy, cloudId, log } = world;
  const flow = world.flows[run.flow];
  assert(flow !== undefined, `this engine knows no flow ${run.flow}`);
  const common = { run, database, masterKey, keyPolicy, cloudId, clock, log };
  try {
    const clouds = await patiently(world, walk.held.life, () => world.connect(run, walk.held.life));
    return { world, walk, flow, log, run, context: { ...common, ...clouds } };
  } catch (cause) {
    walk.held.life.throwIfAborted();
    if (isDatabaseAway(cause)) throw new Interruption("database-away", cause);
    log.error("run.no-cloud", { run: run.id, fault: asError(cause) });
    await giveUp(walk, sentence(cause));
    return { world, walk, flow, log, run, context: undefined };
  }
}

/** Leads a run to where only its conclusion is left, touching nothing: its steps cannot be had any more. */
async function giveUp(walk: Walk, message: string): Promise<void> {
  for (;;) {
    const next = duty(walk.state);
    switch (next.kind) {
      case "plan":
        await walk.record(() => ({ kind: "planning-failed", message }));
        break;
      case "perform":
        await walk.record(() => ({ kind: "step-failed", key: next.steps[0]?.key ?? "", message }));
        break;
      case "undo":
        for (const { key } of next.steps) await walk.record(() => ({ kind: "step-kept", key, message }));
        break;
      case "conclude":
      case "rest":
        return;
      default:
        unreachable(next);
    }
  }
}

function factsOf(row: RunRow): RunFacts {
  return {
    id: row.id,
    projectId: row.project_id,
    userId: row.user_id,
    flow: row.flow,
    subject: {
      workloadId: row.workload_id,
      ...(row.snapshot_id === null ? {} : { snapshotId: row.snapshot_id }),
      ...(row.restore_id === null ? {} : { restoreId: row.restore_id }),
    },
    request: row.request,
  };
}

async function turnBack(walk: Walk): Promise<void> {
  await walk.record((state) =>
    state.state === "planning" || state.state === "forward" ? { kind: "cancel-requested" } : undefined,
  );
}

async function perform(stage: Stage, next: Exclude<RunDuty, { kind: "rest" }>): Promise<void> {
  switch (next.kind) {
    case "plan":
      await plan(stage);
      return;
    case "perform":
      await performStage(stage, next.steps);
      return;
    case "undo":
      await undoStage(stage, next.steps);
      return;
    case "conclude":
      await conclude(stage, next);
      return;
    default:
      unreachable(next);
  }
}

/** Plans once: what is stored is the plan, whatever the world looks like later. */
async function plan(stage: Stage): Promise<void> {
  const { world, walk, flow, log } = stage;
  const context = contextOf(stage);
  const { held } = walk;
  const signal = AbortSignal.any([held.life, held.cancelled]);
  try {
    const verdict = await patiently(world, signal, () => flow.plan({ ...context, signal }));
    await walk.record(() =>
      verdict.kind === "planned"
        ? { kind: "planned", plan: verdict.plan }
        : { kind: "planning-failed", message: verdict.message },
    );
  } catch (cause) {
    held.life.throwIfAborted();
    if (held.cancelled.aborted) return;
    if (isDatabaseAway(cause)) throw new Interruption("database-away", cause);
    log.warn("run.planning-failed", { run: walk.runId, fault: asError(cause) });
    await walk.record(() => ({ kind: "planning-failed", message: sentence(cause) }));
  }
}

/** Repeats what the world may grant later, within the attempts of a step. */
async function patiently<Result>(
  world: RunnerWorld,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  const settings = world.settings.perform;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (cause) {
      signal.throwIfAborted();
      const mayWork = cause instanceof Fault && cause.retry === "later" && !isDatabaseAway(cause);
      if (!mayWork || !mayTryAgain(settings, attempt, cause)) throw cause;
      world.log.warn("run.again", { attempt, fault: asError(cause) });
      await world.clock.sleep(pauseAfter(settings, attempt), signal);
    }
  }
}

async function conclude(stage: Stage, next: RunDuty & { kind: "conclude" }): Promise<void> {
  const { walk, flow, run, log } = stage;
  const leftovers = next.leftovers.map(({ key, message }) => `${key}: ${message}`);
  if (leftovers.length > 0) log.error("run.leftovers", { run: walk.runId, leftovers });
  const concluded: ConcludedRun = { ...run, outputs: outputsOf(walk), leftovers };
  await walk.conclude(async (transaction, row) => {
    await flow.conclude(transaction, concluded, next.result);
    await noteRunEnd(transaction, row, next.result);
    await noteEnd(transaction, run, next.result);
  });
}

function outputsOf(walk: Walk): Map<string, unknown> {
  const outputs = new Map<string, unknown>();
  const { state } = walk;
  if (state.state !== "forward" && state.state !== "undoing") return outputs;
  for (const [key, progress] of state.steps) {
    if (progress.state === "done") outputs.set(key, progress.output);
  }
  return outputs;
}
