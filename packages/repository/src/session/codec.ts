import { JsonFields } from "../json-fields.ts";
import type { SessionBegin, SessionEnd } from "./session.ts";

export const SESSION_MAGIC = "CAIRNSES";

/** The JSON of `w/<session id>/begin`, before it is sealed. */
export function encodeSessionBegin(begin: SessionBegin): Buffer {
  const { sessionId, workloadId, snapshotId, bases, epochSeen, startedAt, notAfter } = begin;
  return Buffer.from(
    JSON.stringify({ sessionId, workloadId, snapshotId, bases, epochSeen, startedAt, notAfter }),
  );
}

/** Reads a begin that was opened. Fields that are not known are ignored. */
export function decodeSessionBegin(name: string, bytes: Buffer): SessionBegin {
  const fields = JsonFields.parse(name, bytes);
  const workloadId = fields.optionalText("workloadId");
  const snapshotId = fields.optionalText("snapshotId");
  return {
    sessionId: fields.text("sessionId"),
    ...(workloadId === undefined ? {} : { workloadId }),
    ...(snapshotId === undefined ? {} : { snapshotId }),
    bases: fields.texts("bases"),
    epochSeen: fields.count("epochSeen"),
    startedAt: fields.count("startedAt"),
    notAfter: fields.count("notAfter"),
  };
}

/** The JSON of `w/<session id>/end`, before it is sealed. */
export function encodeSessionEnd(end: SessionEnd): Buffer {
  const { sessionId, commit, endedAt } = end;
  return Buffer.from(JSON.stringify({ sessionId, commit, endedAt }));
}

/** Reads an end that was opened. */
export function decodeSessionEnd(name: string, bytes: Buffer): SessionEnd {
  const fields = JsonFields.parse(name, bytes);
  const commit = fields.optionalObject("commit");
  return {
    sessionId: fields.text("sessionId"),
    ...(commit === undefined
      ? {}
      : { commit: { workloadId: commit.text("workloadId"), snapshotId: commit.text("snapshotId") } }),
    endedAt: fields.count("endedAt"),
  };
}
