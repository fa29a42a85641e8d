import type { ReplyOf, RequestOf } from "./api-types.ts";

export type Webhook = ReplyOf<"GET /notifications/webhooks">["webhooks"][number];
export type Delivery = ReplyOf<"GET /notifications/deliveries">["deliveries"][number];

/** What a webhook may hear of, in the API's words. */
export const NOTICE_EVENTS = [
  "snapshot.succeeded",
  "snapshot.failed",
  "snapshot.cancelled",
  "restore.succeeded",
  "restore.failed",
  "restore.cancelled",
  "quota.watermark",
] as const;
export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

/** A webhook as a form has it. */
export interface WebhookDraft {
  readonly name: string;
  readonly url: string;
  readonly events: ReadonlySet<string>;
  /** It hears of all projects; only a new one can be given that. */
  readonly isForAll: boolean;
  readonly isOn: boolean;
}

export const NEW_WEBHOOK: WebhookDraft = {
  name: "",
  url: "",
  events: new Set(NOTICE_EVENTS),
  isForAll: false,
  isOn: true,
};

/** The draft of a webhook that is there. */
export function draftOfWebhook({ name, url, events, all_projects, enabled }: Webhook): WebhookDraft {
  return { name, url, events: new Set(events), isForAll: all_projects, isOn: enabled };
}

/** The first field that is not right yet; whether an address may be reached is the service's to say. */
export function webhookProblem({ name, url, events }: WebhookDraft): "name" | "url" | "events" | undefined {
  if (name.trim() === "") return "name";
  const address = URL.canParse(url.trim()) ? new URL(url.trim()) : undefined;
  if (address?.protocol !== "http:" && address?.protocol !== "https:") return "url";
  return events.size === 0 ? "events" : undefined;
}

/** A new webhook, as the API takes it. */
export function creationOf(draft: WebhookDraft): RequestOf<"POST /notifications/webhooks">["body"] {
  const { name, url, events, isForAll } = draft;
  return { webhook: { name: name.trim(), url: url.trim(), events: [...events], all_projects: isForAll } };
}

/** A changed one. */
export function changeOf(draft: WebhookDraft): RequestOf<"PUT /notifications/webhooks/{webhook_id}">["body"] {
  const { name, url, events, isOn } = draft;
  return { webhook: { name: name.trim(), url: url.trim(), events: [...events], enabled: isOn } };
}

/** Whether something that was not sent can be sent again; a test is made anew, and nobody is no receiver. */
export function isRepeatable({ status, event, channel, webhook_id: webhookId }: Delivery): boolean {
  const isOver = status === "failed" || status === "dropped";
  const isTest = event === "email.test" || event === "webhook.test";
  return isOver && !isTest && (channel === "email" || webhookId !== null);
}
