import { randomInt } from "node:crypto";
import {
  claimMaintenance,
  type Database,
  ensureMaintenance,
  finishMaintenance,
  type Handle,
  listBeingRead,
  type MaintenanceClaim,
  type MaintenanceKind,
  type MaintenanceResult,
  type MaintenanceRow,
  noteStateEpoch,
  renewMaintenance,
  replaceSegments,
  saveDegraded,
} from "@cairn/database";
import { asError, type Clock, describeFault, Fault, newId, type Secret } from "@cairn/kernel";
import {
  checkLocks,
  extendLocks,
  heal,
  recordDamage,
  type ScrubCursor,
  type SweepReport,
  scrub,
  sweepApart,
} from "@cairn/maintenance";
import { readState } from "@cairn/repository";
import { noteDeed } from "./auditing.ts";
import { mirrorRepository, openMirror } from "./mirroring.ts";
import { openForMaintenance } from "./repository-access.ts";
import type { Log } from "./step.ts";

/*
 * Keeps repositories sound, one piece of work after the other: sweeps, scrubs, extends locks. Any engine may
 * do any of it; the database's rows say who does what, and when it is due again.
 */

export interface MaintenanceSettings {
  readonly sweepEveryMs: number;
  /** Every byte is to be read again within so long. */
  readonly scrubGoalMs: number;
  readonly scrubBytesPerSecond: number;
  /** How long what is in use stays locked at least, where targets lock objects. */
  readonly lockPromiseMs: number;
  readonly lockEveryMs: number;
  /** How often to look whether a mirror lacks anything, and what copying may read. */
  readonly mirrorEveryMs: number;
  readonly mirrorBytesPerSecond: number;
  /** A holder that gives no sign of life for so long has died. */
  readonly leaseMs: number;
}

export interface MaintenanceWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly masterKey: Secret<Buffer>;
  /** The engine's name, for journals. */
  readonly engine: string;
  /** What a process that sweeps is to find in its environment. */
  readonly environment: NodeJS.ProcessEnv;
  readonly settings: MaintenanceSettings;
}

const KINDS: readonly MaintenanceKind[] = ["sweep", "scrub", "locks", "mirror"];
/** A scrub gives its place in the queue back after so long, so that other work gets its turn. */
const SCRUB_BUDGET_MS = 60_000;
const FAILED_AGAIN_MS = 15 * 60_000;

/**
 * Does the work that is due longest; false when none is. What fails is written down and tried again later.
 */
export async function maintainOnce(world: MaintenanceWorld, signal: AbortSignal): Promise<boolean> {
  const { database, engine, settings, log } = world;
  await ensureMaintenance(database.handle, KINDS);
  const claim = await database.transaction(async (transaction) =>
    claimMaintenance(transaction, { kinds: KINDS, holder: engine, leaseMs: settings.leaseMs }),
  );
  if (claim === undefined) return false;
  const result = await holding(world, claim, signal, async (held) => perform(world, claim, held));
  const kept = await finishMaintenance(database.handle, claim, result);
  const facts = { repository: claim.repositoryId, kind: claim.kind };
  if (!kept) log.warn("maintenance.lost", facts);
  else if (result.errorMessage === undefined) log.info("maintenance.done", facts);
  else log.warn("maintenance.failed", { ...facts, message: result.errorMessage });
  return true;
}

/** Renews the claim while the work goes on, and ends the work when the claim is lost. */
async function holding(
  { database, clock, settings }: MaintenanceWorld,
  claim: MaintenanceClaim,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<MaintenanceResult>,
): Promise<MaintenanceResult> {
  const ended = new AbortController();
  const held = AbortSignal.any([signal, ended.signal]);
  const renewing = (async (): Promise<void> => {
    const isOver = (): boolean => held.aborted;
    while (!isOver()) {
      await clock.sleep(Math.round(settings.leaseMs / 3), held).catch(() => undefined);
      if (isOver()) return;
      const kept = await renewMaintenance(database.handle, claim, settings.leaseMs).catch(() => false);
      if (!kept) ended.abort(new Fault("claim-lost", "holding on to work on a repository", "later"));
    }
  })();
  try {
    return await work(held);
  } catch (cause) {
    signal.throwIfAborted();
    return { againInMs: FAILED_AGAIN_MS, errorMessage: describeFault(asError(cause)) };
  } finally {
    ended.abort(new Error("the work is over"));
    await renewing;
  }
}

async function perform(
  world: MaintenanceWorld,
  row: MaintenanceRow & MaintenanceClaim,
  signal: AbortSignal,
): Promise<MaintenanceResult> {
  const repository = await openForMaintenance({ ...world, signal }, row.repositoryId);
  const work: MaintenanceWork = { world, row, repository, signal };
  switch (row.kind) {
    case "sweep":
      return sweepRepository(work);
    case "scrub":
      return scrubRepository(work);
    case "locks":
      return lockRepository(work);
    case "mirror":
      return mirrorRepository(work);
  }
}

/** One time of work on one repository, claimed. */
export interface MaintenanceWork {
  readonly world: MaintenanceWorld;
  readonly row: MaintenanceRow & MaintenanceClaim;
  readonly repository: Awaited<ReturnType<typeof openForMaintenance>>;
  readonly signal: AbortSignal;
}

async function sweepRepository({
  world,
  row,
  repository,
  signal,
}: MaintenanceWork): Promise<MaintenanceResult> {
  const { database, engine, settings, environment } = world;
  const { target, repositoryId, keys } = repository;
  const heldSnapshots = new Set(await listBeingRead(database.handle, row.repositoryId));
  const by = `${engine}#${row.generation}`;
  const report = await sweepApart(
    { target, handle: { repositoryId, keys }, by, heldSnapshots },
    { environment, signal },
  );
  await database.transaction(async (transaction) => {
    await replaceSegments(transaction, row.repositoryId, report.indexSegments);
    await noteStateEpoch(transaction, row.repositoryId, report.epochAfter);
    await noteSweep(transaction, row.repositoryId, report);
  });
  return { againInMs: settings.sweepEveryMs, report };
}

/** A sweep that found nothing to do is not worth an entry. */
async function noteSweep(handle: Handle, repositoryId: string, report: SweepReport): Promise<void> {
  const { condemned, compacted, rescued, removed, removedBytes, confirmationNeeded } = report;
  const touched = condemned.length + compacted.length + rescued.length + removed.length;
  if (touched === 0 && confirmationNeeded === undefined) return;
  const counts = [
    `condemned ${condemned.length + compacted.length}`,
    `rescued ${rescued.length}`,
    `removed ${removed.length} (${removedBytes} bytes)`,
    ...(confirmationNeeded === undefined ? [] : ["removals wait for a person's word"]),
  ];
  await noteDeed(handle, {
    action: "engine:repository_swept",
    object: { kind: "repository", id: repositoryId, name: "" },
    detail: counts.join(", "),
  });
}

async function scrubRepository(work: MaintenanceWork): Promise<MaintenanceResult> {
  const { world, row, repository, signal } = work;
  const { clock, settings } = world;
  const scope = { store: repository.store, handle: repository, clock, signal };
  const cursor = row.cursor === null ? {} : { cursor: row.cursor as ScrubCursor };
  const report = await scrub({
    ...scope,
    ...cursor,
    goalMs: settings.scrubGoalMs,
    rate: { bytesPerSecond: settings.scrubBytesPerSecond },
    budgetMs: SCRUB_BUDGET_MS,
  });
  if (report.damage.length > 0) {
    const { epoch } = await recordDamage({ ...scope, damage: report.damage, by: world.engine });
    await noteStateEpoch(world.database.handle, row.repositoryId, epoch);
  }
  // Also what an earlier pass found: a backup may have stored it again meanwhile.
  if (report.damage.length > 0 || report.passFinished) await healRepository(work);
  // At the end of a pass there is time until the next must begin to meet the goal.
  const againInMs = report.passFinished ? Math.round(settings.scrubGoalMs / 2) : 0;
  return { againInMs, cursor: report.cursor, report };
}

/** What can be healed is healed; what cannot is written on the snapshots that suffer. */
async function healRepository({ world, row, repository, signal }: MaintenanceWork): Promise<void> {
  const { database, clock, log } = world;
  const { store, stateEpoch } = repository;
  const state = await readState(store, repository, { hint: stateEpoch, signal });
  if (state.damaged.length === 0) return;
  const mirror = await openMirror(world, row.repositoryId);
  const from = mirror === undefined ? {} : { mirror: mirror.store };
  const report = await heal({ store, handle: repository, clock, signal, sessionId: newId(), ...from });
  const degraded = report.degraded.map((detail) => ({ snapshotId: detail.snapshotId, detail }));
  await database.transaction(async (transaction) => {
    await saveDegraded(transaction, row.repositoryId, degraded);
    await noteStateEpoch(transaction, row.repositoryId, report.epoch);
    await noteDeed(transaction, {
      action: "engine:repository_damaged",
      object: { kind: "repository", id: row.repositoryId, name: "" },
      detail: `healed ${report.healed.length}, lost ${report.unhealed.length}`,
      outcome: report.unhealed.length === 0 ? "accepted" : "failed",
    });
  });
  log.error("repository.damaged", {
    repository: row.repositoryId,
    healed: report.healed.length,
    unhealed: report.unhealed.length,
    snapshots: degraded.map(({ snapshotId }) => snapshotId),
  });
}

async function lockRepository({ world, repository, signal }: MaintenanceWork): Promise<MaintenanceResult> {
  const { clock, settings } = world;
  const { store } = repository;
  if (store.lock === undefined) return { againInMs: settings.lockEveryMs };
  const report = await extendLocks({
    store,
    handle: repository,
    clock,
    signal,
    promiseMs: settings.lockPromiseMs,
    intervalMs: settings.lockEveryMs,
  });
  // Read back: a store that says yes and keeps nothing is found out by asking it.
  const check = await checkLocks(
    { store, handle: repository, clock, signal, promiseMs: settings.lockPromiseMs },
    (below) => randomInt(below),
  );
  const short = check.tooShort[0];
  if (short === undefined) return { againInMs: settings.lockEveryMs, report: { extended: report, check } };
  const until =
    short.lockedUntil === null ? "not at all" : `until ${new Date(short.lockedUntil).toISOString()}`;
  const count = check.tooShort.length;
  const errorMessage = `${count} objects are locked for less than promised: ${short.object} ${until}`;
  return { againInMs: FAILED_AGAIN_MS, report: { extended: report, check }, errorMessage };
}
