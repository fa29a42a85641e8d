import { type Plan, type RunEvent, type RunState, type StepProgress, unplannedRun } from "@cairn/domain";
import { asId, assert, type RunId, unreachable } from "@cairn/kernel";
import { type ExpressionBuilder, sql } from "kysely";
import { inFuture } from "./database-time.ts";
import type { Database } from "./open.ts";
import { type Handle, type RunRow, type StepRow, type Tables, toJson } from "./tables.ts";

/** What a claimant names with each write: its generation. A later claim makes the former refused. */
export interface RunClaim {
  readonly runId: RunId;
  readonly generation: number;
}

/**
 * Takes a run that nobody holds: not concluded, and never leased or its lease over. An engine whose node is
 * out of service gets none. Of two that try at once
 * one gets it. Undefined when there is nothing to take.
 */
export async function claimRun(
  handle: Handle,
  wanted: { readonly runId: RunId; readonly engine: string; readonly leaseMs: number },
): Promise<RunRow | undefined> {
  return handle
    .updateTable("run")
    .set((eb) => ({
      generation: eb("generation", "+", 1),
      claimed_by: wanted.engine,
      lease_until: inFuture(wanted.leaseMs),
      waiting_reason: null,
      updated_at: sql<Date>`now()`,
    }))
    .where("id", "=", wanted.runId)
    .where("state", "<>", "concluded")
    .where((eb) => eb.or([eb("lease_until", "is", null), eb("lease_until", "<=", sql<Date>`now()`)]))
    .where((eb) => eb.not(eb.exists(outOfService(eb, wanted.engine))))
    .returningAll()
    .executeTakeFirst();
}

/** The switch that takes the node of an engine (`node/process`) out of service. */
function outOfService(eb: ExpressionBuilder<Tables, "run">, engine: string) {
  return eb
    .selectFrom("disabled_service")
    .select("host")
    .where("host", "=", asId<"host">(engine.split("/")[0] ?? engine))
    .where("service", "=", "engine");
}

/** Prolongs the lease. `lost`: another engine has claimed the run, or it has concluded. */
export async function renewRun(
  handle: Handle,
  claim: RunClaim,
  leaseMs: number,
): Promise<{ readonly kind: "held"; readonly cancelRequested: boolean } | { readonly kind: "lost" }> {
  const row = await handle
    .updateTable("run")
    .set({ lease_until: inFuture(leaseMs) })
    .where("id", "=", claim.runId)
    .where("generation", "=", claim.generation)
    .where("state", "<>", "concluded")
    .returning("cancel_requested_at")
    .executeTakeFirst();
  return row === undefined
    ? { kind: "lost" }
    : { kind: "held", cancelRequested: row.cancel_requested_at !== null };
}

/** Gives a run back so that any engine may claim it at once; no effect when it was lost already. */
export async function releaseRun(handle: Handle, claim: RunClaim): Promise<void> {
  await handle
    .updateTable("run")
    .set({ lease_until: sql<Date>`now()` })
    .where("id", "=", claim.runId)
    .where("generation", "=", claim.generation)
    .execute();
}

/**
 * A transaction that holds the run's row and goes on only while the claim is good: of a late engine and its
 * successor, one writes. The row says whether cancellation was asked for.
 */
export async function withClaimedRun<Result>(
  database: Database,
  claim: RunClaim,
  work: (transaction: Handle, row: RunRow) => Promise<Result>,
): Promise<{ readonly kind: "held"; readonly result: Result } | { readonly kind: "lost" }> {
  return database.transaction(async (transaction) => {
    const row = await transaction
      .selectFrom("run")
      .selectAll()
      .where("id", "=", claim.runId)
      .where("generation", "=", claim.generation)
      .where("state", "<>", "concluded")
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return { kind: "lost" };
    return { kind: "held", result: await work(transaction, row) };
  });
}

/** One run. */
export async function findRun(handle: Handle, id: RunId): Promise<RunRow | undefined> {
  return handle.selectFrom("run").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The rows of a run's steps: only those that were begun. */
export async function listSteps(handle: Handle, runId: RunId): Promise<StepRow[]> {
  return handle
    .selectFrom("step")
    .selectAll()
    .where("run_id", "=", runId)
    .orderBy("stage")
    .orderBy("position")
    .execute();
}

/** The state of a run from its rows. */
export function runStateOf(row: RunRow, steps: readonly StepRow[]): RunState {
  const book = new Map(steps.map((step) => [step.key, progressOfRow(step)]));
  switch (row.state) {
    case "planning":
      return { state: "planning" };
    case "forward":
      return { state: "forward", plan: planOf(row), steps: book };
    case "undoing":
      assert(row.because !== null, `run ${row.id} is undoing for no reason`);
      return { state: "undoing", plan: row.plan ?? unplannedRun, steps: book, because: row.because };
    case "concluded":
      assert(row.result !== null, `run ${row.id} concluded with no result`);
      return { state: "concluded", result: row.result, leftovers: row.leftovers };
    default:
      return unreachable(row.state);
  }
}

function planOf(row: RunRow): Plan {
  assert(row.plan !== null, `run ${row.id} has no plan`);
  return row.plan;
}

function progressOfRow(step: StepRow): StepProgress {
  switch (step.state) {
    case "started":
      return { state: "started" };
    case "done":
      return { state: "done", output: step.output };
    case "undone":
      return { state: "undone" };
    case "kept":
      return { state: "kept", message: step.message ?? "" };
    default:
      return unreachable(step.state);
  }
}

/** Stores an event and the state that follows from it. The caller holds the run's row. */
export async function storeRunEvent(
  transaction: Handle,
  runId: RunId,
  event: RunEvent,
  next: RunState,
): Promise<void> {
  await storeStepOf(transaction, runId, event, next);
  await transaction
    .updateTable("run")
    .set({ ...columnsOf(next), updated_at: sql<Date>`now()` })
    .where("id", "=", runId)
    .execute();
  if (next.state === "concluded") {
    await transaction
      .updateTable("run")
      .set({ lease_until: null, concluded_at: sql<Date>`now()` })
      .where("id", "=", runId)
      .execute();
  }
}

function columnsOf(next: RunState): Record<string, string | null> {
  switch (next.state) {
    case "planning":
      return { state: next.state };
    case "forward":
      return { state: next.state, plan: toJson(next.plan) };
    case "undoing":
      return { state: next.state, plan: toJson(next.plan), because: toJson(next.because) };
    case "concluded":
      return { state: next.state, result: toJson(next.result), leftovers: toJson(next.leftovers) };
    default:
      return unreachable(next);
  }
}

async function storeStepOf(
  transaction: Handle,
  runId: RunId,
  event: RunEvent,
  next: RunState,
): Promise<void> {
  switch (event.kind) {
    case "step-started":
      await insertStep(transaction, runId, event.key, next);
      return;
    case "step-done":
      await updateStep(transaction, runId, event.key, { state: "done", output: toJson(event.output) });
      return;
    case "step-failed":
      await updateStep(transaction, runId, event.key, { message: event.message });
      return;
    case "step-undone":
      await updateStep(transaction, runId, event.key, { state: "undone" });
      return;
    case "step-kept":
      await updateStep(transaction, runId, event.key, { state: "kept", message: event.message });
      return;
    case "planned":
    case "planning-failed":
    case "cancel-requested":
    case "concluded":
      return;
    default:
      unreachable(event);
  }
}

async function insertStep(transaction: Handle, runId: RunId, key: string, next: RunState): Promise<void> {
  assert(next.state === "forward", `step ${key} begins while the run is ${next.state}`);
  const stage = next.plan.stages.findIndex((steps) => steps.some((step) => step.key === key));
  const position = next.plan.stages[stage]?.findIndex((step) => step.key === key) ?? 0;
  const kind = next.plan.stages[stage]?.[position]?.kind ?? "";
  await transaction
    .insertInto("step")
    .values({ run_id: runId, key, stage, position, kind, state: "started", message: null })
    .onConflict((conflict) => conflict.columns(["run_id", "key"]).doNothing())
    .execute();
}

async function updateStep(
  transaction: Handle,
  runId: RunId,
  key: string,
  columns: { state?: StepRow["state"]; output?: string; message?: string },
): Promise<void> {
  await transaction
    .updateTable("step")
    .set({ ...columns, updated_at: sql<Date>`now()` })
    .where("run_id", "=", runId)
    .where("key", "=", key)
    .execute();
}

/** Counts another attempt at performing or undoing a step and says its number. */
export async function countAttempt(
  transaction: Handle,
  runId: RunId,
  key: string,
  what: "perform" | "undo",
): Promise<number> {
  const column = what === "perform" ? "attempt" : "undo_attempt";
  const row = await transaction
    .updateTable("step")
    .set((eb) => ({ [column]: eb(column, "+", 1), updated_at: sql<Date>`now()` }))
    .where("run_id", "=", runId)
    .where("key", "=", key)
    .returning(column)
    .executeTakeFirstOrThrow();
  return row[column];
}

/**
 * Runs that should be going on and are not: their lease is over, or they wait unclaimed for longer than their
 * job should have taken. Oldest first.
 */
export async function listStrandedRuns(
  handle: Handle,
  options: { readonly unclaimedMs: number; readonly limit: number },
): Promise<RunId[]> {
  const rows = await handle
    .selectFrom("run")
    .select("id")
    .where("state", "<>", "concluded")
    // One that waits for its admission has no job on purpose.
    .where(sql<boolean>`not exists (select from admission where run_id = run.id and admitted_at is null)`)
    // What waits for a target is queued when that is back.
    .where("waiting_reason", "is", null)
    .where((eb) =>
      eb.or([
        eb("lease_until", "<=", sql<Date>`now()`),
        eb.and([
          eb("lease_until", "is", null),
          eb("created_at", "<=", sql<Date>`now() - ${options.unclaimedMs} * interval '1 millisecond'`),
        ]),
      ]),
    )
    .orderBy("created_at")
    .limit(options.limit)
    .execute();
  return rows.map((row) => row.id);
}
