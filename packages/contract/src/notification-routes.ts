import { NOTICE_EVENTS } from "@cairn/domain";
import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, page, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const webhookParams = Type.Object({ webhook_id: WireId });
const deliveryParams = Type.Object({ delivery_id: WireId });

const Event = Type.Enum([...NOTICE_EVENTS]);
const Name = Type.String({ minLength: 1, maxLength: 255 });
const Url = Type.String({ minLength: 1, maxLength: 2048, description: "http:// or https://" });
const Secret = Type.String({
  maxLength: 256,
  writeOnly: true,
  description: "whsec_ and the base64 of 24 to 64 bytes, as Standard Webhooks has it",
});

/** A webhook. Its secret is shown once, when it is made by the service. */
export const Webhook = Type.Object({
  id: WireId,
  name: Type.String(),
  url: Type.String(),
  events: Type.Array(Type.String()),
  enabled: Type.Boolean(),
  disabled_reason: nullable(Type.String()),
  all_projects: Type.Boolean({ description: "an operator's: it hears of every project" }),
  project_id: WireId,
  user_id: WireId,
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Webhook = Static<typeof Webhook>;

const WebhookWithSecret = Type.Object({
  ...Webhook.properties,
  secret: Type.Optional(Type.String({ description: "only in this reply, if the service made it" })),
});

/** One notice on its way to one receiver. */
export const Delivery = Type.Object({
  id: WireId,
  event: Type.String(),
  channel: Type.Union([Type.Literal("email"), Type.Literal("webhook")]),
  webhook_id: nullable(WireId),
  receiver: Type.String({ description: "addresses of mail once it was sent, or a webhook's host" }),
  status: Type.Union([
    Type.Literal("waiting"),
    Type.Literal("sent"),
    Type.Literal("failed"),
    Type.Literal("dropped"),
  ]),
  attempts: Type.Integer(),
  message: nullable(Type.String({ description: "why the last attempt failed, or why there is none" })),
  next_attempt_at: nullable(Timestamp),
  resource_id: nullable(WireId),
  project_id: WireId,
  created_at: Timestamp,
  finished_at: nullable(Timestamp),
});
export type Delivery = Static<typeof Delivery>;

const webhookReply = Type.Object({ webhook: WebhookWithSecret });
const deliveryReply = Type.Object({ delivery: Delivery });

/** The operations on webhooks, and on the log of what was sent. Not workloadmgr's: beside it. */
export const notificationRoutes = {
  listWebhooks: {
    scope: "project",
    methods: ["GET"],
    paths: ["/notifications/webhooks"],
    params: none,
    query: Type.Object(page),
    reply: Type.Object({ webhooks: Type.Array(Webhook) }),
    status: 200,
    action: "notification:webhook_list",
    effect: "read",
    summary: "List the project's webhooks",
  },
  createWebhook: {
    scope: "project",
    methods: ["POST"],
    paths: ["/notifications/webhooks"],
    params: none,
    query: none,
    body: Type.Object({
      webhook: Type.Object({
        name: Name,
        url: Url,
        events: Type.Optional(
          Type.Array(Event, { minItems: 1, uniqueItems: true, description: "all of them unless given" }),
        ),
        secret: Type.Optional(Secret),
        all_projects: Type.Optional(Type.Boolean({ description: "administrators only" })),
      }),
    }),
    reply: webhookReply,
    status: 200,
    action: "notification:webhook_create",
    effect: "change",
    summary: "Have events posted to a URL, signed",
  },
  showWebhook: {
    scope: "project",
    methods: ["GET"],
    paths: ["/notifications/webhooks/{webhook_id}"],
    params: webhookParams,
    query: none,
    reply: Type.Object({ webhook: Webhook }),
    status: 200,
    action: "notification:webhook_get",
    effect: "read",
    summary: "Show a webhook, without its secret",
  },
  updateWebhook: {
    scope: "project",
    methods: ["PUT"],
    paths: ["/notifications/webhooks/{webhook_id}"],
    params: webhookParams,
    query: none,
    body: Type.Object({
      webhook: Type.Object({
        name: Type.Optional(Name),
        url: Type.Optional(Url),
        events: Type.Optional(Type.Array(Event, { minItems: 1, uniqueItems: true })),
        enabled: Type.Optional(Type.Boolean()),
        secret: Type.Optional(Secret),
        rotate_secret: Type.Optional(
          Type.Boolean({ description: "make a new secret; for a day the former one signs, too" }),
        ),
      }),
    }),
    reply: webhookReply,
    status: 200,
    action: "notification:webhook_update",
    effect: "change",
    summary: "Change a webhook; what is not named stays",
  },
  deleteWebhook: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/notifications/webhooks/{webhook_id}"],
    params: webhookParams,
    query: none,
    status: 200,
    action: "notification:webhook_delete",
    effect: "change",
    summary: "Delete a webhook; what is on its way to it goes no further",
  },
  testWebhook: {
    scope: "project",
    methods: ["POST"],
    paths: ["/notifications/webhooks/{webhook_id}/test"],
    params: webhookParams,
    query: none,
    reply: deliveryReply,
    status: 202,
    action: "notification:webhook_test",
    effect: "change",
    summary: "Send a webhook the event webhook.test, once; the delivery tells what became of it",
  },
  listDeliveries: {
    scope: "project",
    methods: ["GET"],
    paths: ["/notifications/deliveries"],
    params: none,
    query: Type.Object({
      webhook_id: Type.Optional(WireId),
      status: Type.Optional(Delivery.properties.status),
      all_projects: Type.Optional(Type.Boolean({ description: "administrators only" })),
      ...page,
    }),
    reply: Type.Object({ deliveries: Type.Array(Delivery) }),
    status: 200,
    action: "notification:delivery_list",
    effect: "read",
    summary: "List what was sent of the last two weeks, or was not, and why",
  },
  showDelivery: {
    scope: "project",
    methods: ["GET"],
    paths: ["/notifications/deliveries/{delivery_id}"],
    params: deliveryParams,
    query: none,
    reply: deliveryReply,
    status: 200,
    action: "notification:delivery_get",
    effect: "read",
    summary: "Show what became of a mail or a webhook's request",
  },
  retryDelivery: {
    scope: "project",
    methods: ["POST"],
    paths: ["/notifications/deliveries/{delivery_id}/retry"],
    params: deliveryParams,
    query: none,
    reply: deliveryReply,
    status: 202,
    action: "notification:delivery_retry",
    effect: "change",
    summary: "Send again what failed or was dropped",
  },
} as const satisfies Record<string, Route>;
