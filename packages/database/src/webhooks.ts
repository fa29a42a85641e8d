import { newId, type ProjectId, type UserId } from "@cairn/kernel";
import { sql } from "kysely";
import { inFuture } from "./database-time.ts";
import type { WebhookId, WebhookRow } from "./notice-tables.ts";
import type { Page } from "./paging.ts";
import { type Handle, toJson } from "./tables.ts";

export interface NewWebhook {
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly isForAll: boolean;
  /** Closes the secret for the id that the webhook gets. */
  readonly seal: (id: WebhookId) => string;
}

/** Makes a webhook; undefined when the project has `max` already. */
export async function createWebhook(
  transaction: Handle,
  made: NewWebhook,
  max: number,
): Promise<WebhookRow | undefined> {
  const { projectId } = made;
  await sql`select pg_advisory_xact_lock(hashtextextended(${`cairn webhooks ${projectId}`}, 0))`.execute(
    transaction,
  );
  const { count } = await transaction
    .selectFrom("webhook")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("project_id", "=", projectId)
    .executeTakeFirstOrThrow();
  if (count >= max) return undefined;
  const id: WebhookId = newId();
  return transaction
    .insertInto("webhook")
    .values({
      id,
      project_id: projectId,
      user_id: made.userId,
      name: made.name,
      url: made.url,
      events: toJson(made.events),
      is_for_all: made.isForAll,
      off_reason: null,
      sealed_secret: made.seal(id),
      sealed_former: null,
      former_until: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findWebhook(
  handle: Handle,
  key: { readonly id: string; readonly projectId?: ProjectId },
): Promise<WebhookRow | undefined> {
  let query = handle
    .selectFrom("webhook")
    .selectAll()
    .where("id", "=", key.id as WebhookId);
  if (key.projectId !== undefined) query = query.where("project_id", "=", key.projectId);
  return query.executeTakeFirst();
}

/** A project's webhooks, newest first. */
export async function listWebhooks(handle: Handle, projectId: ProjectId, page: Page): Promise<WebhookRow[]> {
  let query = handle
    .selectFrom("webhook")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit);
  if (page.marker !== undefined) {
    query = query.where(
      sql<boolean>`(created_at, id) < (select m.created_at, m.id from webhook m where m.id = ${page.marker})`,
    );
  }
  return query.execute();
}

export interface WebhookChanges {
  readonly name?: string;
  readonly url?: string;
  readonly events?: readonly string[];
  readonly isEnabled?: boolean;
  /** A new secret, closed; the former one signs, too, for so long. */
  readonly secret?: { readonly sealed: string; readonly formerMs: number };
}

export async function changeWebhook(
  transaction: Handle,
  id: WebhookId,
  changes: WebhookChanges,
): Promise<WebhookRow | undefined> {
  const { name, url, events, isEnabled, secret } = changes;
  return transaction
    .updateTable("webhook")
    .set((eb) => ({
      updated_at: sql<Date>`now()`,
      ...(name === undefined ? {} : { name }),
      ...(url === undefined ? {} : { url }),
      ...(events === undefined ? {} : { events: toJson(events) }),
      ...(isEnabled === undefined ? {} : { is_enabled: isEnabled, off_reason: null }),
      ...(secret === undefined
        ? {}
        : {
            sealed_former: eb.ref("sealed_secret"),
            former_until: inFuture(secret.formerMs),
            sealed_secret: secret.sealed,
          }),
    }))
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirst();
}

/** Switches a webhook off that said that it wants nothing any more. */
export async function switchWebhookOff(handle: Handle, id: WebhookId, reason: string): Promise<void> {
  await handle
    .updateTable("webhook")
    .set({ is_enabled: false, off_reason: reason, updated_at: sql<Date>`now()` })
    .where("id", "=", id)
    .execute();
}

/** Removes a webhook; what is on its way to it goes no further, and stays in the log. */
export async function removeWebhook(transaction: Handle, id: WebhookId): Promise<void> {
  await transaction
    .updateTable("delivery")
    .set({ state: "dropped", message: "the webhook was deleted", finished_at: sql<Date>`now()` })
    .where("webhook_id", "=", id)
    .where("state", "=", "waiting")
    .execute();
  await transaction.deleteFrom("webhook").where("id", "=", id).execute();
}

/** The webhooks that a notice of this kind about this project concerns. */
export async function listListeners(
  handle: Handle,
  about: { readonly projectId: ProjectId; readonly event: string },
): Promise<WebhookRow[]> {
  return handle
    .selectFrom("webhook")
    .selectAll()
    .where("is_enabled", "=", true)
    .where((eb) => eb.or([eb("is_for_all", "=", true), eb("project_id", "=", about.projectId)]))
    .where(sql<boolean>`events ? ${about.event}`)
    .orderBy("id")
    .execute();
}
