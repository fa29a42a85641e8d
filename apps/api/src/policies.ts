import type { JobSchedule } from "@cairn/contract";
import {
  findPolicy,
  type Handle,
  holdPolicy,
  listPolicies,
  type PolicyId,
  type PolicyRow,
} from "@cairn/database";
import { choosePolicy, followPolicy, type PolicyWish } from "@cairn/domain";
import { Rejection } from "@cairn/kernel";
import type { Caller } from "./policy.ts";
import type { World } from "./world.ts";

/** What a request wants of a workload's policy and schedule. */
export interface PolicyRequest {
  /** As the body has it. */
  readonly asked: string | null | undefined;
  /** The policy that the workload follows so far. */
  readonly currentId: PolicyId | null;
  readonly before: JobSchedule;
  /** The schedule after the request, if no policy had a say; absent: it says nothing of it. */
  readonly after: JobSchedule | undefined;
}

/** The policy that a workload follows, and the schedule that results; absent: that stays as it is. */
export interface Following {
  readonly policy: PolicyRow | undefined;
  readonly jobschedule: JobSchedule | undefined;
  /** The workload begins to follow the policy, or another one than before. */
  readonly isNew: boolean;
}

/** More policies than a project sensibly has. */
const ASSIGNED_MAX = 1000;

/** Settles policy and schedule of a workload; a Rejection says why a wish cannot be, and what can. */
export async function settlePolicy(world: World, caller: Caller, request: PolicyRequest): Promise<Following> {
  const { handle } = world.database;
  const wish = wishOf(request.asked);
  const find = async (id: string | null) => (id === null ? undefined : findPolicy(handle, id));
  const { before, after } = request;
  const policy = choosePolicy({
    wish,
    current: await find(request.currentId),
    named: await find(wish.kind === "named" ? wish.id : null),
    assigned: await listPolicies(handle, { assignedTo: caller.projectId }, { limit: ASSIGNED_MAX }),
    isAdmin: caller.isAdmin,
    jobschedule: { before, after: after ?? before },
  });
  if (policy === undefined) return { policy, jobschedule: after, isNew: false };
  const isNew = policy.id !== request.currentId;
  const isSaid = isNew || after !== undefined;
  const jobschedule = isSaid ? followPolicy(after ?? before, policy.field_values) : undefined;
  return { policy, jobschedule, isNew };
}

/** Existing clients write an empty text where they mean nothing; to follow none takes a word of its own. */
function wishOf(asked: string | null | undefined): PolicyWish {
  if (asked === undefined || asked === null || asked === "") return { kind: "silent" };
  return asked === "none" ? { kind: "none" } : { kind: "named", id: asked };
}

/** Keeps the policy as it was seen until the workload that follows it is written. */
export async function holdFollowed(transaction: Handle, { policy }: Following): Promise<void> {
  if (policy === undefined || (await holdPolicy(transaction, policy))) return;
  throw new Rejection(`The policy ${policy.name} was changed while this was asked.`, {
    status: 409,
    field: "workload.policy_id",
    value: policy.id,
    remedy: "Look at the policy, and ask again.",
  });
}
