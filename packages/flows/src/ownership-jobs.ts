import { setTimeout as pause } from "node:timers/promises";
import {
  claimOwnershipJob,
  type Database,
  finishOwnershipJob,
  type OwnershipClaim,
  type OwnershipJobRow,
  renewOwnershipJob,
} from "@cairn/database";
import { asError, type Clock, describeFault, Fault, type Secret } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import { cloudIdOf, type LookProgress, type OwnershipContext } from "./ownership-context.ts";
import { type ImportRequest, importWorkloads } from "./ownership-import.ts";
import { type ReassignRequest, reassignWorkloads } from "./ownership-reassign.ts";
import type { Log } from "./step.ts";
import { lookAtTargets } from "./target-look.ts";

/** What an engine gives to jobs of ownership. */
export interface OwnershipWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly masterKey: Secret<Buffer>;
  /** OpenStack as the service user. */
  readonly admin: Cloud;
  /** As the operator gave it; the service user's id unless given. */
  readonly cloudId?: string | undefined;
  /** The engine's name, for the record. */
  readonly engine: string;
}

const LEASE_MS = 30_000;
const RENEW_MS = 1_000;

/**
 * Does the oldest job that nobody works on; false when there is none. Every job can be done again from its
 * beginning, which is what happens when an engine dies over one.
 */
export async function doOwnershipJob(world: OwnershipWorld, stopping: AbortSignal): Promise<boolean> {
  const { database, log, engine } = world;
  const job = await claimOwnershipJob(database.handle, { holder: engine, leaseMs: LEASE_MS });
  if (job === undefined) return false;
  const lost = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([stopping, lost.signal]);
  let progress: LookProgress = { doing: "beginning", repositories: 0, repositoriesKnown: 0, workloads: 0 };
  const heart = renew(world, job, {
    now: () => progress,
    lost,
    signal: AbortSignal.any([signal, over.signal]),
  });
  try {
    const cloudId = await cloudIdOf(world, signal);
    const onProgress = (now: LookProgress): void => {
      progress = now;
    };
    const result = await perform({ ...world, cloudId, signal, onProgress }, job);
    over.abort();
    await heart;
    await finishOwnershipJob(database.handle, job, { state: "done", result });
    log.info("ownership.done", { job: job.id, kind: job.kind });
  } catch (cause) {
    over.abort();
    await heart;
    await giveUp(world, job, { cause, isStopping: stopping.aborted });
  }
  return true;
}

async function giveUp(
  { database, log }: OwnershipWorld,
  job: OwnershipJobRow,
  { cause, isStopping }: { readonly cause: unknown; readonly isStopping: boolean },
): Promise<void> {
  if (isStopping) {
    await finishOwnershipJob(database.handle, job, { state: "queued" });
    return;
  }
  log.error("ownership.failed", { job: job.id, kind: job.kind, fault: asError(cause) });
  // A mistake of ours has no words for people.
  const errorMessage =
    cause instanceof Fault ? describeFault(cause) : "an unexpected error; see the engine's log";
  await finishOwnershipJob(database.handle, job, { state: "failed", errorMessage });
}

async function perform(context: OwnershipContext, job: OwnershipJobRow): Promise<unknown> {
  switch (job.kind) {
    case "look": {
      const look = await lookAtTargets(context, job.request as { targetIds?: readonly string[] });
      return { workloads: look.workloads.size, repositories: look.repositories.size, skipped: look.skipped };
    }
    case "import":
      return importWorkloads(context, job.request as ImportRequest);
    case "reassign":
      return reassignWorkloads(context, job.request as ReassignRequest);
  }
}

async function renew(
  { database, log }: OwnershipWorld,
  claim: OwnershipClaim,
  beat: {
    readonly now: () => LookProgress;
    readonly lost: AbortController;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  let goodUntilMs = performance.now() + LEASE_MS;
  const isOver = (): boolean => beat.signal.aborted;
  while (!isOver()) {
    await pause(RENEW_MS, undefined, { signal: beat.signal }).catch(() => undefined);
    if (isOver()) return;
    try {
      const holds = await renewOwnershipJob(database.handle, claim, {
        leaseMs: LEASE_MS,
        progress: beat.now(),
      });
      if (!holds) beat.lost.abort(new Error("another engine has the job"));
      else goodUntilMs = performance.now() + LEASE_MS;
    } catch (cause) {
      log.warn("ownership.renewal-failed", { job: claim.id, fault: asError(cause) });
      if (performance.now() > goodUntilMs) beat.lost.abort(new Error("the lease is over"));
    }
  }
}
