import type { RepositoryId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import { type Handle, type MaintenanceKind, type MaintenanceRow, toJson } from "./tables.ts";

/*
 * Recurring work on repositories: one row for each kind of work on each repository. Whoever claims a row does
 * the work until the lease is over; every later write names the claim's generation, so that a late holder
 * changes nothing. Times are the database's.
 */

/** A claim on some work. */
export interface MaintenanceClaim {
  readonly repositoryId: RepositoryId;
  readonly kind: MaintenanceKind;
  readonly generation: number;
}

/** Somebody holds the work. */
const HELD = sql<boolean>`lease_until is not null and lease_until >= now()`;

/**
 * Makes the rows of repositories that have none of this kind yet; the first time is due at once. Those of
 * another cloud are that cloud's to keep. Only what lies on a target with a mirror is mirrored.
 */
export async function ensureMaintenance(handle: Handle, kinds: readonly MaintenanceKind[]): Promise<void> {
  for (const kind of kinds) {
    await handle
      .insertInto("maintenance")
      .columns(["repository_id", "kind"])
      .expression((eb) =>
        eb
          .selectFrom("repository")
          .select(["id", eb.val(kind).as("kind")])
          .where("is_foreign", "=", false)
          .$if(kind === "mirror", (query) =>
            query.where("target_id", "in", (of) =>
              of.selectFrom("target").select("target.id").where("target.mirror_id", "is not", null),
            ),
          ),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/**
 * Claims the work that is due longest and that nobody holds, or `undefined` when there is none. One kind of
 * work at a time on a repository: each writes the next state, and not every store keeps two from writing the
 * same one.
 */
export async function claimMaintenance(
  transaction: Handle,
  by: { readonly kinds: readonly MaintenanceKind[]; readonly holder: string; readonly leaseMs: number },
): Promise<(MaintenanceRow & MaintenanceClaim) | undefined> {
  const due = await transaction
    .selectFrom("maintenance")
    .innerJoin("repository", "repository.id", "maintenance.repository_id")
    .select(["repository_id", "kind"])
    // Work on a target that is away would only fail; it is due as soon as that is back.
    .where("repository.target_id", "in", (eb) =>
      eb.selectFrom("target").select("target.id").where("target.is_online", "=", true),
    )
    .where("kind", "in", by.kinds)
    .where("due_at", "<=", sql<Date>`now()`)
    .where("repository_id", "not in", (eb) =>
      eb.selectFrom("maintenance").select("repository_id").where(HELD),
    )
    .orderBy("due_at")
    .limit(1)
    .forUpdate(["repository"])
    .skipLocked()
    .executeTakeFirst();
  if (due === undefined) return undefined;
  // Only now is the repository ours to claim: what others claimed before that is seen by a new statement
  // alone.
  const held = await transaction
    .selectFrom("maintenance")
    .select("kind")
    .where("repository_id", "=", due.repository_id)
    .where(HELD)
    .executeTakeFirst();
  if (held !== undefined) return undefined;
  const row = await transaction
    .updateTable("maintenance")
    .set((eb) => ({
      generation: eb("generation", "+", 1),
      claimed_by: by.holder,
      lease_until: inFuture(by.leaseMs),
      started_at: sql<Date>`now()`,
    }))
    .where("repository_id", "=", due.repository_id)
    .where("kind", "=", due.kind)
    .returningAll()
    .executeTakeFirstOrThrow();
  return { ...row, repositoryId: row.repository_id };
}

/** Holds on to claimed work; false when somebody else has it by now. */
export async function renewMaintenance(
  handle: Handle,
  claim: MaintenanceClaim,
  leaseMs: number,
): Promise<boolean> {
  const done = await handle
    .updateTable("maintenance")
    .set({ lease_until: inFuture(leaseMs) })
    .where("repository_id", "=", claim.repositoryId)
    .where("kind", "=", claim.kind)
    .where("generation", "=", claim.generation)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}

/** What a time of work came to. */
export interface MaintenanceResult {
  /** When it is due again. */
  readonly againInMs: number;
  /** What the last time found; kept as it was when left out. */
  readonly report?: unknown;
  /** Where the next time goes on; kept as it was when left out. */
  readonly cursor?: unknown;
  /** Why it failed; empty when it did not. */
  readonly errorMessage?: string;
}

/** Ends claimed work; false when somebody else has it by now. */
export async function finishMaintenance(
  handle: Handle,
  claim: MaintenanceClaim,
  result: MaintenanceResult,
): Promise<boolean> {
  const done = await handle
    .updateTable("maintenance")
    .set({
      lease_until: null,
      claimed_by: null,
      finished_at: sql<Date>`now()`,
      due_at: inFuture(result.againInMs),
      error_message: result.errorMessage ?? null,
      ...(result.report === undefined ? {} : { report: toJson(result.report) }),
      ...(result.cursor === undefined ? {} : { cursor: toJson(result.cursor) }),
    })
    .where("repository_id", "=", claim.repositoryId)
    .where("kind", "=", claim.kind)
    .where("generation", "=", claim.generation)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}
