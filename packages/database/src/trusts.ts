import type { ProjectId, TrustId, UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { type Handle, type TrustRow, toJson } from "./tables.ts";

/** The trust through which the service acts as this user in this project. */
export async function findTrust(
  handle: Handle,
  userId: UserId,
  projectId: ProjectId,
): Promise<TrustRow | undefined> {
  return handle
    .selectFrom("trust")
    .selectAll()
    .where("user_id", "=", userId)
    .where("project_id", "=", projectId)
    .executeTakeFirst();
}

/** Remembers a trust; a later one for the same user and project takes its place. */
export async function saveTrust(
  handle: Handle,
  trust: {
    readonly userId: UserId;
    readonly projectId: ProjectId;
    readonly trustId: TrustId;
    readonly roles: readonly string[];
  },
): Promise<void> {
  const changing = { trust_id: trust.trustId, roles: toJson(trust.roles), created_at: sql<Date>`now()` };
  await handle
    .insertInto("trust")
    .values({ user_id: trust.userId, project_id: trust.projectId, ...changing })
    .onConflict((conflict) => conflict.columns(["user_id", "project_id"]).doUpdateSet(changing))
    .execute();
}
