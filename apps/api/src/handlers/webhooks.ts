import { randomBytes } from "node:crypto";
import { type Webhook, wireTime } from "@cairn/contract";
import {
  changeWebhook,
  createWebhook,
  findWebhook,
  listWebhooks,
  removeWebhook,
  type WebhookRow,
  writeTrial,
} from "@cairn/database";
import { NOTICE_EVENTS, SECRET_BYTES, secretBytes, secretText } from "@cairn/domain";
import { Rejection, Secret } from "@cairn/kernel";
import { assertAdmin, type Caller } from "../policy.ts";
import { notFound } from "../refusals.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { showOne } from "./deliveries.ts";
import { pageOf } from "./lists.ts";

type WebhookHandlers = Pick<
  Handlers,
  "listWebhooks" | "createWebhook" | "showWebhook" | "updateWebhook" | "deleteWebhook" | "testWebhook"
>;

const OF_PROJECT_MAX = 20;
/** A receiver has so long to learn a new secret. */
const FORMER_SECRET_MS = 24 * 60 * 60 * 1000;

/** What is done with webhooks. */
export function webhookHandlers(world: World): WebhookHandlers {
  return {
    listWebhooks: async ({ caller, query }) => {
      const rows = await listWebhooks(world.database.handle, caller.projectId, pageOf(query));
      return { webhooks: rows.filter((row) => isVisible(row, caller)).map(webhookView) };
    },
    createWebhook: async (request) => create(world, request),
    showWebhook: async ({ caller, params }) => ({
      webhook: webhookView(await find(world, caller, params.webhook_id)),
    }),
    updateWebhook: async (request) => update(world, request),
    deleteWebhook: async ({ caller, params }) => {
      const row = await find(world, caller, params.webhook_id);
      await world.database.transaction((transaction) => removeWebhook(transaction, row.id));
      return undefined;
    },
    testWebhook: async ({ caller, params }) => trial(world, caller, params.webhook_id),
  };
}

/** An operator's webhook is no tenant's business, whichever project it was made in. */
function isVisible(row: WebhookRow, caller: Caller): boolean {
  return caller.isAdmin || !row.is_for_all;
}

async function find(world: World, caller: Caller, id: string): Promise<WebhookRow> {
  const row = await findWebhook(world.database.handle, { id, projectId: caller.projectId });
  if (row === undefined || !isVisible(row, caller)) throw notFound("webhook", id);
  return row;
}

async function create(world: World, { body, caller }: ApiRequest<"createWebhook">) {
  const { name, url, events, secret, all_projects: isForAll = false } = body.webhook;
  if (isForAll) {
    assertAdmin(caller, "notification:webhook_create", "Leave all_projects out, or ask an administrator.");
  }
  assertUrl(url);
  const { made, shown } = secretOf(secret);
  const row = await world.database.transaction((transaction) =>
    createWebhook(
      transaction,
      {
        projectId: caller.projectId,
        userId: caller.userId,
        name,
        url,
        events: events ?? NOTICE_EVENTS,
        isForAll,
        seal: (id) => world.seal.close(made, id),
      },
      OF_PROJECT_MAX,
    ),
  );
  if (row === undefined) {
    throw new Rejection(`A project has at most ${String(OF_PROJECT_MAX)} webhooks.`, {
      status: 409,
      field: "webhook",
      value: name,
      remedy: "Delete one first.",
    });
  }
  return { webhook: { ...webhookView(row), ...shown } };
}

/** The secret that was given, or a new one, which is shown this once. */
function secretOf(given: string | undefined): { readonly made: Secret; readonly shown: { secret?: string } } {
  if (given === undefined) {
    const secret = secretText(randomBytes(SECRET_BYTES.made));
    return { made: new Secret(secret), shown: { secret } };
  }
  if (secretBytes(given) !== undefined) return { made: new Secret(given), shown: {} };
  const { min, max } = SECRET_BYTES;
  throw new Rejection("The webhook's secret cannot be used.", {
    status: 400,
    field: "webhook.secret",
    value: "(not shown)",
    remedy: `Give whsec_ and the base64 of ${String(min)} to ${String(max)} random bytes, or none at all.`,
  });
}

/**
 * What can be said of an address without looking it up; whether it leads where it may is judged each time it
 * is used, by the engine.
 */
function assertUrl(given: string): void {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
  if (url === undefined || !isHttp || url.username !== "" || url.password !== "" || url.hash !== "") {
    throw new Rejection("The webhook's URL cannot be used.", {
      status: 400,
      field: "webhook.url",
      value: url !== undefined && url.password !== "" ? "(not shown)" : given,
      remedy: "Give http:// or https:// and a host, without a user, a password or a fragment.",
    });
  }
}

async function update(world: World, { body, caller, params }: ApiRequest<"updateWebhook">) {
  const before = await find(world, caller, params.webhook_id);
  const { name, url, events, enabled, secret, rotate_secret: isRotated } = body.webhook;
  if (url !== undefined) assertUrl(url);
  const changed = secret !== undefined || isRotated === true ? secretOf(secret) : undefined;
  const row = await changeWebhook(world.database.handle, before.id, {
    ...(name === undefined ? {} : { name }),
    ...(url === undefined ? {} : { url }),
    ...(events === undefined ? {} : { events }),
    ...(enabled === undefined ? {} : { isEnabled: enabled }),
    ...(changed === undefined
      ? {}
      : { secret: { sealed: world.seal.close(changed.made, before.id), formerMs: FORMER_SECRET_MS } }),
  });
  if (row === undefined) throw notFound("webhook", params.webhook_id);
  return { webhook: { ...webhookView(row), ...changed?.shown } };
}

async function trial(world: World, caller: Caller, webhookId: string) {
  const row = await find(world, caller, webhookId);
  const id = await world.database.transaction((transaction) =>
    writeTrial(
      transaction,
      { kind: "webhook.test", projectId: caller.projectId, userId: caller.userId },
      {
        projectId: row.project_id,
        channel: "webhook",
        webhookId: row.id,
        lane: `trial ${row.id}`,
        receiver: new URL(row.url).host,
      },
    ),
  );
  return showOne(world, caller, id);
}

function webhookView(row: WebhookRow): Webhook {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    events: row.events,
    enabled: row.is_enabled,
    disabled_reason: row.off_reason,
    all_projects: row.is_for_all,
    project_id: row.project_id,
    user_id: row.user_id,
    created_at: wireTime(row.created_at.getTime()),
    updated_at: wireTime(row.updated_at.getTime()),
  };
}
