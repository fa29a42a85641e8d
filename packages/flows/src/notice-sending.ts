import { type MailTrial, readMailTrial } from "@cairn/contract";
import {
  type ClaimedDelivery,
  concludeDelivery,
  type Database,
  type DeliveryResult,
  findWebhook,
  switchWebhookOff,
  type WebhookRow,
} from "@cairn/database";
import {
  afterFailure,
  composeMail,
  type FailedAttempt,
  isMailAddress,
  secretBytes,
  signedHeaders,
  webhookBody,
} from "@cairn/domain";
import { asError, asId, type Clock, describeFault, Fault, type UserId, withDeadline } from "@cairn/kernel";
import { findReceiver, postWebhook, type Reach, type Resolve, sendMail } from "@cairn/notify";
import type { SecretSeal } from "@cairn/openstack";
import { readProjectSmtp } from "./notice-expanding.ts";
import type { Log } from "./step.ts";

/** What notices are sent with. */
export interface NotifyingWorld {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** The mail address of a user who may log in, as Keystone has it. */
  mailAddressOf(userId: UserId, signal: AbortSignal): Promise<string | undefined>;
  /** Opens passwords and secrets that the API closed. */
  readonly seal: SecretSeal;
  /** Where the word of a project may lead. */
  readonly reach: Reach;
  /** Certificates of further authorities, in PEM. */
  readonly authorities: string | undefined;
  /** How names become addresses, if not by the system. */
  readonly resolve?: Resolve;
}

/** One attempt has so long, and a lease is longer: nobody else attempts it meanwhile. */
const ATTEMPT_MS = 60_000;
export const DELIVERY_LEASE_MS = 90_000;
/** The Standard Webhooks specification has 15 to 30 s. */
const WEBHOOK_MS = 20_000;
const MESSAGE_MAX = 500;
const GONE = 410;

/** How an attempt went: `unavailable` says that whatever goes the same way would fare no better now. */
export type Attempted = DeliveryResult["kind"];

/** Attempts a claimed delivery and writes what became of it. Rejects only when the database does. */
export async function attemptDelivery(
  world: NotifyingWorld,
  claimed: ClaimedDelivery,
  signal: AbortSignal,
): Promise<Attempted> {
  const { delivery, notice } = claimed;
  const result = await attempt(world, claimed, signal);
  await concludeDelivery(world.database.handle, delivery, result);
  const { kind, ...facts } = result;
  world.log.info(`delivery.${kind}`, {
    delivery: delivery.id,
    channel: delivery.channel,
    event: notice.kind,
    attempt: delivery.attempt,
    ...facts,
  });
  return kind;
}

async function attempt(
  world: NotifyingWorld,
  claimed: ClaimedDelivery,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const { delivery, notice, ageMs } = claimed;
  try {
    const limited = withDeadline(delivery.channel === "email" ? ATTEMPT_MS : WEBHOOK_MS, signal);
    return await (delivery.channel === "email" ? mail : hook)(world, claimed, limited);
  } catch (cause) {
    // The engine stops: the next one goes on at once.
    if (signal.aborted) return { kind: "again", pauseMs: 0, message: "the engine was stopped" };
    const failed = failureOf(cause);
    if (notice.kind === "email.test" || notice.kind === "webhook.test") {
      return { kind: "failed", message: failed.message };
    }
    const verdict = afterFailure(delivery.attempt, ageMs, failed);
    return verdict.kind === "give-up"
      ? { kind: "failed", message: verdict.because }
      : { kind: "again", pauseMs: verdict.pauseMs, message: failed.message };
  }
}

function failureOf(cause: unknown): FailedAttempt {
  const kind = cause instanceof Fault && cause.retry === "never" ? "refused" : "unavailable";
  return { kind, message: describeFault(asError(cause)).slice(0, MESSAGE_MAX) };
}

async function mail(
  world: NotifyingWorld,
  claimed: ClaimedDelivery,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const { delivery, notice } = claimed;
  const { sealed_request: sealed } = delivery;
  const found =
    sealed === null
      ? await mailWay(world, claimed, signal)
      : readMailTrial(world.seal.open(sealed, delivery.id));
  if ("kind" in found) return found;
  const { connection, password, recipients } = found;
  const { host, saidBy, username, port, security, timeoutMs, sender } = connection;
  if (sender === undefined) throw wanting("smtp_default_sender");
  const receiver = await findReceiver(host, saidBy === "project" ? world.reach : undefined, world.resolve);
  const login = username === undefined || password === undefined ? undefined : { username, password };
  await sendMail(
    { receiver, port, security, login, timeoutMs, authorities: world.authorities },
    {
      from: sender,
      to: recipients,
      ...composeMail(notice.body),
      messageId: `<${delivery.id}@${sender.slice(sender.indexOf("@") + 1)}>`,
    },
    signal,
  );
  return { kind: "sent", receiver: recipients.join(", ") };
}

/** By which server and to whom, as the settings are now: who mends them mends what waits, too. */
async function mailWay(
  world: NotifyingWorld,
  { notice }: ClaimedDelivery,
  signal: AbortSignal,
): Promise<MailTrial | Extract<DeliveryResult, { kind: "dropped" }>> {
  const { settings, password } = await readProjectSmtp(world.database.handle, notice.project_id);
  const { connection, defaultRecipients, isEnabled } = settings;
  if (!isEnabled) return { kind: "dropped", message: "e-mail was switched off for the project" };
  if (connection === undefined) throw wanting("smtp_server_name");
  const own = (await world.mailAddressOf(asId(notice.body.userId), signal)) ?? "";
  const recipients = isMailAddress(own) ? [own] : defaultRecipients;
  if (recipients.length === 0) {
    const who = `user ${notice.body.userId}`;
    return { kind: "dropped", message: `${who} has no mail address, and smtp_default_recipient is not set` };
  }
  const sealed = password?.sealed ?? undefined;
  const opened =
    password === undefined || sealed === undefined ? undefined : world.seal.open(sealed, password.id);
  return { connection, password: opened, recipients };
}

function wanting(setting: string): Fault {
  return new Fault("settings-wanting", `sending mail: the setting ${setting} is not set`, "after-operator");
}

async function hook(
  world: NotifyingWorld,
  { delivery, notice }: ClaimedDelivery,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const row = await findWebhook(world.database.handle, { id: delivery.webhook_id ?? "" });
  if (row === undefined) return { kind: "dropped", message: "the webhook was deleted" };
  if (!row.is_enabled && notice.kind !== "webhook.test") {
    return { kind: "dropped", message: "the webhook is switched off" };
  }
  const url = new URL(row.url);
  const receiver = await findReceiver(url.hostname, row.is_for_all ? undefined : world.reach, world.resolve);
  const body = webhookBody(notice.body, notice.created_at.toISOString());
  const timestampSeconds = Math.floor(world.clock.now() / 1000);
  const headers = signedHeaders({ id: notice.id, timestampSeconds, body }, secretsOf(world, row));
  const request = { url, receiver, body, authorities: world.authorities, headers };
  const status = await postWebhook(request, signal);
  if (status >= 200 && status < 300) return { kind: "sent" };
  if (status === GONE) {
    await switchWebhookOff(world.database.handle, row.id, "its receiver answered 410 Gone");
    return { kind: "failed", message: `${url.host} answered 410 Gone; the webhook was switched off` };
  }
  throw new Fault("webhook-status", `${url.host} answered ${String(status)}`, "later");
}

function secretsOf(world: NotifyingWorld, row: WebhookRow): Buffer[] {
  const isBoth = row.former_until !== null && row.former_until.getTime() > world.clock.now();
  const sealed = [row.sealed_secret, ...(isBoth && row.sealed_former !== null ? [row.sealed_former] : [])];
  return sealed.flatMap((each) => secretBytes(world.seal.open(each, row.id).reveal()) ?? []);
}
