import {
  type AdmissionSubject,
  type Database,
  isAnybodyWaiting,
  listAdmissionRules,
  listAdmissionSubjects,
  listUnplaced,
  lockAdmission,
  saveHosts,
  storeAdmissionPlan,
} from "@cairn/database";
import { type AdmissionRule, planAdmission } from "@cairn/domain";
import { asError, type Clock, mapLimited } from "@cairn/kernel";
import { OBSERVATIONS_AT_ONCE } from "./limits.ts";
import type { Log } from "./step.ts";

/** What lets waiting snapshots begin. */
export interface AdmittingWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** The host of an instance as Nova has it now; `undefined`: it is on none, or gone. */
  readonly hostOf: (instanceId: string) => Promise<string | undefined>;
}

/** Instances move; where those of a waiting snapshot are is asked again after this. */
const STALE_MS = 60_000;
const LOOKUPS_MAX = 200;

/**
 * Lets those waiting snapshots begin that the limits allow, and writes on the others why they wait; true when
 * one began. One engine decides at a time, in one transaction, so that two never give the same place away.
 */
export async function admitOnce(world: AdmittingWorld): Promise<boolean> {
  const { database, clock, log } = world;
  if (!(await isAnybodyWaiting(database.handle))) return false;
  const rules = (await listAdmissionRules(database.handle)).map((row) => row.rule);
  // Nova is asked before the lock is taken: it may be slow, and what it says is no secret of the transaction.
  if (rules.some((rule) => rule.scope === "host")) await placeRuns(world);
  const begun = await database.transaction(async (transaction) => {
    if (!(await lockAdmission(transaction))) return [];
    const now: readonly AdmissionRule[] = (await listAdmissionRules(transaction)).map((row) => row.rule);
    const subjects = await listAdmissionSubjects(transaction);
    const plan = planAdmission({
      rules: now,
      waiting: subjects.filter((each) => each.admittedAt === null).map(asWaiting),
      running: subjects.filter((each) => each.admittedAt !== null).map(asWaiting),
      nowMs: clock.now(),
    });
    await storeAdmissionPlan(transaction, plan);
    return plan.admitted;
  });
  for (const run of begun) log.info("admission.begun", { run });
  return begun.length > 0;
}

function asWaiting(subject: AdmissionSubject) {
  const { runId, projectId, targetId, hosts, isScheduled, askedAt } = subject;
  return {
    runId,
    projectId,
    targetId: targetId ?? undefined,
    hosts: hosts ?? [],
    isScheduled,
    askedMs: askedAt.getTime(),
  };
}

/** A run whose hosts cannot be told is held back by no limit of a host: it will say itself what is wrong. */
async function placeRuns({ database, log, hostOf }: AdmittingWorld): Promise<void> {
  const unplaced = await listUnplaced(database.handle, { staleMs: STALE_MS, limit: LOOKUPS_MAX });
  await mapLimited(unplaced, OBSERVATIONS_AT_ONCE, async ({ runId, instances }) => {
    try {
      const hosts = await mapLimited(instances, OBSERVATIONS_AT_ONCE, hostOf);
      await saveHosts(database.handle, runId, [...new Set(hosts.flatMap((host) => host ?? []))].toSorted());
    } catch (cause) {
      log.warn("admission.unplaced", { run: runId, fault: asError(cause) });
      await saveHosts(database.handle, runId, []);
    }
  });
}
