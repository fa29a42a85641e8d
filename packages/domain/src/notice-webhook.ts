import { createHmac } from "node:crypto";
import type { Notice } from "./notice.ts";

/*
 * What a webhook is sent, and how it is signed: as the Standard Webhooks specification has it
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), so that its
 * libraries can check it.
 */

/** What a secret begins with on the wire; after it come its bytes in base64. */
const SECRET_PREFIX = "whsec_";
/** Of a secret; the specification's bounds. */
export const SECRET_BYTES = { min: 24, max: 64, made: 32 } as const;

/** The bytes of a secret as it is given and shown; `undefined` when it is none. */
export function secretBytes(text: string): Buffer | undefined {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text.slice(SECRET_PREFIX.length), "base64");
  return bytes.length >= SECRET_BYTES.min && bytes.length <= SECRET_BYTES.max ? bytes : undefined;
}

/** A secret's bytes as they are shown, once. */
export function secretText(bytes: Buffer): string {
  return `${SECRET_PREFIX}${bytes.toString("base64")}`;
}

/** One request as it is signed. The same id comes again with each attempt: by it a receiver knows repeats. */
export interface SignedContent {
  readonly id: string;
  /** Seconds since 1970 of this attempt. */
  readonly timestampSeconds: number;
  readonly body: string;
}

/** The headers of a request, with a signature by each secret: two while one takes the other's place. */
export function signedHeaders(content: SignedContent, secrets: readonly Buffer[]): Record<string, string> {
  const { id, timestampSeconds, body } = content;
  const signatures = secrets.map((secret) => {
    const signed = `${id}.${String(timestampSeconds)}.${body}`;
    return `v1,${createHmac("sha256", secret).update(signed).digest("base64")}`;
  });
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestampSeconds),
    "webhook-signature": signatures.join(" "),
  };
}

/** The body of a webhook's request. `at` is when it happened, in ISO 8601. */
export function webhookBody(notice: Notice, at: string): string {
  return JSON.stringify({ type: notice.kind, timestamp: at, data: dataOf(notice) });
}

function dataOf(notice: Notice): Record<string, unknown> {
  const about = { project_id: notice.projectId, user_id: notice.userId };
  switch (notice.kind) {
    case "snapshot.succeeded":
    case "snapshot.failed":
    case "snapshot.cancelled": {
      const { id, name, type, isScheduled, sizeBytes, storedBytes } = notice.snapshot;
      const sizes = { size_bytes: sizeBytes, stored_bytes: storedBytes };
      return { ...about, snapshot: { id, name, type, scheduled: isScheduled, ...sizes }, ...endData(notice) };
    }
    case "restore.succeeded":
    case "restore.failed":
    case "restore.cancelled": {
      const { id, name, type, snapshotId, sizeBytes } = notice.restore;
      const restore = { id, name, type, snapshot_id: snapshotId, size_bytes: sizeBytes };
      return { ...about, restore, ...endData(notice) };
    }
    case "quota.watermark":
      return { ...about, quota: notice.quota };
    case "email.test":
    case "webhook.test":
      return about;
  }
}

function endData(notice: Extract<Notice, { workload: unknown }>): Record<string, unknown> {
  const { workload, instances, startedAt, finishedAt, error, warning } = notice;
  return {
    workload,
    instances,
    started_at: startedAt,
    finished_at: finishedAt,
    error: error ?? null,
    warning: warning ?? null,
  };
}
