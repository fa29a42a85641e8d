import {
  applyProtection,
  claimProtectionRule,
  type Database,
  findWorkload,
  noteProtection,
  type ProtectionApplied,
  readMemberships,
} from "@cairn/database";
import { describeExceeded, type MarkedInstance, planProtection } from "@cairn/domain";
import { asError, describeFault, type ProjectId, type UserId, unreachable } from "@cairn/kernel";
import type { Log } from "./step.ts";

/** What lets instances join and leave workloads by their tags. */
export interface ProtectingWorld {
  readonly database: Database;
  readonly log: Log;
  /** All instances of a project that exist, as a user of it sees them. */
  readonly instancesOf: (owner: {
    readonly userId: UserId;
    readonly projectId: ProjectId;
  }) => Promise<readonly MarkedInstance[]>;
}

/** How often each rule looks; who is tagged is protected by the next schedule's run after that. */
const LOOK_MS = 60_000;
/** As many as a request may name. */
const MEMBERS_MAX = 1_000;

/** Looks at the instances of the rule that is due longest, and changes its workload; false when none is. */
export async function protectOnce(world: ProtectingWorld): Promise<boolean> {
  const { database, log } = world;
  const rule = await claimProtectionRule(database.handle, LOOK_MS);
  if (rule === undefined) return false;
  try {
    const instances = await world.instancesOf({ userId: rule.user_id, projectId: rule.project_id });
    const memberships = await readMemberships(database.handle, rule);
    const workload = await findWorkload(database.handle, { id: rule.workload_id });
    const isEncrypted = (workload?.secret_id ?? null) !== null;
    const question = { mark: rule.mark, instances, isEncrypted, membersMax: MEMBERS_MAX };
    const plan = planProtection({ ...question, ...memberships });
    const { add, remove, notes } = plan;
    const isChange = add.length + remove.length > 0;
    const change = { add, remove, before: memberships.members };
    const applied = isChange
      ? await database.transaction(async (transaction) => applyProtection(transaction, rule, change))
      : ({ kind: "applied" } as const);
    const note = [...notes, ...whyNot(applied)].join("; ");
    await noteProtection(database.handle, rule.id, note === "" ? null : note);
    if (isChange && applied.kind === "applied") {
      const joined = add.map(({ id }) => id);
      log.info("protection.changed", { rule: rule.id, workload: rule.workload_id, joined, left: remove });
    }
  } catch (cause) {
    await noteProtection(database.handle, rule.id, describeFault(asError(cause)));
    log.warn("protection.fault", { rule: rule.id, fault: asError(cause) });
  }
  return true;
}

function whyNot(applied: ProtectionApplied): readonly string[] {
  switch (applied.kind) {
    case "applied":
      return [];
    case "busy":
      return ["the workload is busy; it is looked at again"];
    case "over-quota":
      return [describeExceeded(applied.exceeded)];
    default:
      return unreachable(applied);
  }
}
