import {
  claimTarget,
  type Database,
  noteTargetFault,
  noteTargetOffline,
  noteTargetOnline,
  noteTargetProven,
  type TargetRow,
  type TargetWish,
  targetUse,
} from "@cairn/database";
import { asError, describeFault, Fault, type TargetId } from "@cairn/kernel";
import { measureTarget, type TargetMeasure } from "@cairn/store";
import { type ProvingWorld, proveTarget, targetFault } from "./target-proving.ts";
import { addressOf } from "./targets.ts";

/*
 * Looks at every target again and again, and proves what was wished of one. Any engine does any of it; a
 * lease in the target's row keeps them from doing it together.
 */

export interface WatchingWorld extends ProvingWorld {
  readonly database: Database;
  /** Between two looks at a target that is online. */
  readonly everyMs: number;
  /**
   * Looks of this process that have not come back: a mount that hangs costs one thread, and not one each
   * time.
   */
  readonly hanging: Map<TargetId, Promise<unknown>>;
}

/** One that is away is looked at as often at least: runs wait for it. */
const AWAY_AGAIN_MS = 15_000;
/** A target that does not answer within so long is away. */
const ANSWER_MS = 15_000;
/** Probing with two identities takes some thirty requests each. */
const PROOF_MS = 5 * 60_000;
const LEASE_MS = PROOF_MS + 60_000;
const PROVE_AGAIN_MS = 15_000;

/** Looks at the target that is due longest; false when none is. */
export async function watchTargetOnce(world: WatchingWorld, signal: AbortSignal): Promise<boolean> {
  const target = await claimTarget(world.database.handle, LEASE_MS);
  if (target === undefined) return false;
  if (target.wish === null) await look({ ...world, signal }, target);
  else await fulfil({ ...world, signal }, target, target.wish);
  return true;
}

async function fulfil(world: WatchingWorld, target: TargetRow, wish: TargetWish): Promise<void> {
  const { database, log, signal } = world;
  const facts = { target: target.id, path: target.path };
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(PROOF_MS)]);
    const proven = await proveTarget({ ...world, signal: deadline }, target, wish);
    const isDefault = wish.isDefault === true;
    const kept = await database.transaction(async (transaction) =>
      noteTargetProven(transaction, target, { ...proven, isDefault }),
    );
    log.info(kept ? "target.proven" : "target.changed-meanwhile", facts);
  } catch (thrown) {
    signal.throwIfAborted();
    const cause = asError(thrown);
    const isFinal = !(cause instanceof Fault && cause.retry === "later");
    const fault = targetFault(cause);
    log.warn("target.unproven", { ...facts, fault, cause, isFinal });
    await noteTargetFault(database.handle, target, { fault, againInMs: PROVE_AGAIN_MS, isFinal });
  }
}

async function look(world: WatchingWorld, target: TargetRow): Promise<void> {
  const { database, log, everyMs, signal } = world;
  const facts = { target: target.id, path: target.path };
  try {
    const { capacityBytes, usedBytes } = await measured(world, target);
    const used = usedBytes ?? (await targetUse(database.handle, target.id)).storedBytes;
    const seen = { capacityBytes, usedBytes: used, againInMs: everyMs };
    const kept = await noteTargetOnline(database.handle, target, seen);
    if (kept && !target.is_online) log.info("target.online", facts);
  } catch (thrown) {
    signal.throwIfAborted();
    const reason = describeFault(thrown);
    const againInMs = Math.min(everyMs, AWAY_AGAIN_MS);
    const kept = await noteTargetOffline(database.handle, target, { reason, againInMs });
    if (kept && target.is_online) log.warn("target.offline", { ...facts, reason });
  }
}

/** What the target says within its time. One that an earlier look still waits for is not asked again. */
async function measured(world: WatchingWorld, target: TargetRow): Promise<TargetMeasure> {
  const { hanging, clock, signal } = world;
  const silent = new Fault("store-timeout", `looking at ${target.path}: it does not answer`, "later");
  if (hanging.has(target.id)) throw silent;
  const over = new AbortController();
  const asked = AbortSignal.any([signal, over.signal]);
  const answer = measureTarget(addressOf(target, world.masterKey), asked);
  hanging.set(
    target.id,
    answer
      .catch(() => undefined)
      .finally(() => {
        hanging.delete(target.id);
      }),
  );
  const late = clock.sleep(ANSWER_MS, asked).then((): never => {
    throw silent;
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    over.abort(silent);
    // Whichever of the two came second is nobody's any more.
    await Promise.allSettled([late]);
  }
}
