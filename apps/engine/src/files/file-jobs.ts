import { setTimeout as pause } from "node:timers/promises";
import { claimFileJob, type FileJobRow, finishFileJob, renewFileJob } from "@cairn/database";
import { asError, describeFault, Fault } from "@cairn/kernel";
import type { FileWorld, HeldJob } from "./file-world.ts";
import { handOver } from "./handing-over.ts";
import { listFolder } from "./listing.ts";
import { searchSnapshots } from "./searching.ts";

const LEASE_MS = 15_000;
const RENEW_MS = 1_000;
/** A job that takes engines down is not tried for ever. */
const ATTEMPTS_MAX = 3;

/** Does the oldest job that nobody works on; false when there is none. */
export async function doFileJob(world: FileWorld, stopping: AbortSignal): Promise<boolean> {
  const { database, engine, log } = world;
  const job = await claimFileJob(database.handle, { holder: engine, leaseMs: LEASE_MS });
  if (job === undefined) return false;
  const lost = new AbortController();
  const over = new AbortController();
  const deadline = AbortSignal.timeout(world.settings.timeoutMs);
  const signal = AbortSignal.any([stopping, lost.signal, deadline]);
  const heart = renew(world, job, { lost, signal: AbortSignal.any([signal, over.signal]) });
  try {
    refuseWorn(job);
    const end = await perform({ ...world, job, claim: job, signal });
    over.abort();
    await heart;
    await finishFileJob(database.handle, job, end);
    log.info("files.done", { job: job.id, kind: job.kind });
  } catch (cause) {
    over.abort();
    await heart;
    await giveUp(world, job, { cause, isStopping: stopping.aborted, isLate: deadline.aborted });
  }
  return true;
}

/** One that was claimed again: a search may begin anew, a file that went out in part may not. */
function refuseWorn({ kind, generation }: FileJobRow): void {
  if (generation > (kind === "get" ? 1 : ATTEMPTS_MAX)) {
    throw new Fault("files-interrupted", "going on with what another engine began", "later");
  }
}

async function perform(held: HeldJob): Promise<{
  readonly state: "completed";
  readonly result: unknown;
  readonly note?: string | undefined;
}> {
  switch (held.job.kind) {
    case "search":
      return { state: "completed", ...(await searchSnapshots(held)) };
    case "list":
      return { state: "completed", result: await listFolder(held) };
    case "get":
      return { state: "completed", result: await handOver(held) };
  }
}

interface End {
  readonly cause: unknown;
  readonly isStopping: boolean;
  readonly isLate: boolean;
}

async function giveUp(world: FileWorld, job: FileJobRow, { cause, isStopping, isLate }: End): Promise<void> {
  const { database, log, settings } = world;
  if (isStopping && job.kind !== "get") {
    await finishFileJob(database.handle, job, { state: "executing" });
    return;
  }
  log.error("files.failed", { job: job.id, kind: job.kind, fault: asError(cause) });
  const errorMessage = isLate
    ? `it took longer than ${String(settings.timeoutMs / 1000)} s (files.process_timeout)`
    : wordsOf(cause);
  await finishFileJob(database.handle, job, { state: "error", errorMessage });
}

/** A mistake of ours has no words for people. */
function wordsOf(cause: unknown): string {
  return cause instanceof Fault ? describeFault(cause) : "an unexpected error; see the engine's log";
}

async function renew(
  { database, log }: FileWorld,
  job: FileJobRow,
  beat: { readonly lost: AbortController; readonly signal: AbortSignal },
): Promise<void> {
  let goodUntilMs = performance.now() + LEASE_MS;
  const isOver = (): boolean => beat.signal.aborted;
  while (!isOver()) {
    await pause(RENEW_MS, undefined, { signal: beat.signal }).catch(() => undefined);
    if (isOver()) return;
    try {
      const holds = await renewFileJob(database.handle, job, LEASE_MS);
      if (holds) goodUntilMs = performance.now() + LEASE_MS;
      else beat.lost.abort(new Fault("files-unwanted", "reading files for somebody who left", "never"));
    } catch (cause) {
      log.warn("files.renewal-failed", { job: job.id, fault: asError(cause) });
      if (performance.now() > goodUntilMs) {
        beat.lost.abort(new Fault("lease-lost", "holding on to a reading of files", "later"));
      }
    }
  }
}
