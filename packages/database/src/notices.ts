import type { Notice } from "@cairn/domain";
import { asId, newId, type ProjectId } from "@cairn/kernel";
import { sql } from "kysely";
import type { DeliveryId, NoticeId, NoticeRow, WebhookId } from "./notice-tables.ts";
import { type Handle, toJson } from "./tables.ts";

/*
 * What has happened, to be told. A notice is written in the transaction of what it tells, so that it is told
 * if and only if that happened; an engine finds out afterwards who wants to hear it.
 */

/** Writes a notice and wakes an engine. Never waits for anybody who listens. */
export async function writeNotice(transaction: Handle, notice: Notice): Promise<NoticeId> {
  const id: NoticeId = newId();
  await transaction
    .insertInto("notice")
    .values({
      id,
      project_id: asId(notice.projectId),
      kind: notice.kind,
      body: toJson(notice),
      expanded_at: null,
    })
    .execute();
  await wakeNotifiers(transaction);
  return id;
}

async function wakeNotifiers(transaction: Handle): Promise<void> {
  await sql`select pg_notify('cairn_notice_written', '')`.execute(transaction);
}

/** The oldest notice that nobody was told of yet; its row is locked until the transaction ends. */
export async function claimNotice(transaction: Handle): Promise<NoticeRow | undefined> {
  return transaction
    .selectFrom("notice")
    .selectAll()
    .where("expanded_at", "is", null)
    .orderBy("created_at")
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

/** One receiver of a notice. */
export interface NewDelivery {
  /** Whose it is to see. */
  readonly projectId: ProjectId;
  readonly channel: "email" | "webhook";
  readonly webhookId: WebhookId | null;
  readonly lane: string;
  readonly receiver: string;
}

/** Writes who is told of a notice. One that concerns nobody is removed. */
export async function expandNotice(
  transaction: Handle,
  id: NoticeId,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  if (deliveries.length === 0) {
    await transaction.deleteFrom("notice").where("id", "=", id).execute();
    return;
  }
  await transaction
    .insertInto("delivery")
    .values(deliveries.map((each) => deliveryRow(newId(), id, each)))
    .execute();
  await transaction
    .updateTable("notice")
    .set({ expanded_at: sql<Date>`now()` })
    .where("id", "=", id)
    .execute();
}

function deliveryRow(id: DeliveryId, noticeId: NoticeId, made: NewDelivery) {
  return {
    id,
    notice_id: noticeId,
    project_id: made.projectId,
    channel: made.channel,
    webhook_id: made.webhookId,
    lane: made.lane,
    receiver: made.receiver,
    sealed_request: null,
    lease_until: null,
    message: null,
    finished_at: null,
  };
}

/** Writes a trial: a notice for one receiver. `seal` closes what it is made with, for the delivery's id. */
export async function writeTrial(
  transaction: Handle,
  notice: Notice,
  trial: NewDelivery & { readonly seal?: (id: DeliveryId) => string },
): Promise<DeliveryId> {
  const noticeId = await writeNotice(transaction, notice);
  await transaction
    .updateTable("notice")
    .set({ expanded_at: sql<Date>`now()` })
    .where("id", "=", noticeId)
    .execute();
  const id: DeliveryId = newId();
  const row = { ...deliveryRow(id, noticeId, trial), sealed_request: trial.seal?.(id) ?? null };
  await transaction.insertInto("delivery").values(row).execute();
  return id;
}
