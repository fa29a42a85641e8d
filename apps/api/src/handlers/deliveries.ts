import { type Delivery, wireTime } from "@cairn/contract";
import { findDelivery, type ListedDelivery, listDeliveries, repeatDelivery } from "@cairn/database";
import { Rejection } from "@cairn/kernel";
import { assertAdmin, type Caller } from "../policy.ts";
import { notFound } from "../refusals.ts";
import type { Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { pageOf } from "./lists.ts";

type DeliveryHandlers = Pick<Handlers, "listDeliveries" | "showDelivery" | "retryDelivery">;

/** What is shown of mails and webhooks' requests that were sent, or were not. */
export function deliveryHandlers(world: World): DeliveryHandlers {
  return {
    listDeliveries: async ({ caller, query }) => {
      const isAll = query.all_projects === true;
      if (isAll) assertAdmin(caller, "notification:delivery_list");
      const filter = { webhookId: query.webhook_id, state: query.status };
      const projectId = isAll ? undefined : caller.projectId;
      const rows = await listDeliveries(world.database.handle, { projectId, ...filter }, pageOf(query));
      return { deliveries: rows.map(deliveryView) };
    },
    showDelivery: async ({ caller, params }) => showOne(world, caller, params.delivery_id),
    retryDelivery: async ({ caller, params }) => {
      const before = await find(world, caller, params.delivery_id);
      assertRepeatable(before);
      await world.database.transaction((transaction) => repeatDelivery(transaction, before.id));
      return showOne(world, caller, params.delivery_id);
    },
  };
}

/** One delivery as the log shows it. */
export async function showOne(world: World, caller: Caller, id: string): Promise<{ delivery: Delivery }> {
  return { delivery: deliveryView(await find(world, caller, id)) };
}

async function find(world: World, { projectId }: Caller, id: string): Promise<ListedDelivery> {
  const row = await findDelivery(world.database.handle, { id, projectId });
  if (row === undefined) throw notFound("delivery", id);
  return row;
}

function assertRepeatable({ state, kind, id, webhook_id: webhookId, channel }: ListedDelivery): void {
  const isOver = state === "failed" || state === "dropped";
  const isTrial = kind === "email.test" || kind === "webhook.test";
  const isNowhere = channel === "webhook" && webhookId === null;
  if (isOver && !isTrial && !isNowhere) return;
  throw new Rejection(`The delivery ${id} is not sent again.`, {
    status: 409,
    field: "status",
    value: state,
    remedy: isOver
      ? "A test is made anew, and a deleted webhook gets nothing more."
      : "Only what failed or was dropped is sent again; what waits is tried by itself.",
  });
}

function deliveryView(row: ListedDelivery): Delivery {
  return {
    id: row.id,
    event: row.kind,
    channel: row.channel,
    webhook_id: row.webhook_id,
    receiver: row.receiver,
    status: row.state,
    attempts: row.attempt,
    message: row.message,
    next_attempt_at: row.state === "waiting" ? wireTime(row.next_at.getTime()) : null,
    resource_id: resourceOf(row),
    project_id: row.project_id,
    created_at: wireTime(row.created_at.getTime()),
    finished_at: row.finished_at === null ? null : wireTime(row.finished_at.getTime()),
  };
}

/** The snapshot or restore that it tells of. */
function resourceOf({ body }: ListedDelivery): string | null {
  if ("snapshot" in body) return body.snapshot.id;
  return "restore" in body ? body.restore.id : null;
}
