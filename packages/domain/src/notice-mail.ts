import { formatBytes, formatDuration } from "@cairn/kernel";
import type { Notice, RestoreNotice, SnapshotNotice, WatermarkNotice } from "./notice.ts";

/** A mail to a person, in both forms. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

type Row = readonly [what: string, value: string];

/** The words that existing users look for in a trial's mail. */
const TRIAL = "Testing email configuration";
const SUBJECT_MAX = 200;

/** What a person is told of a notice. */
export function composeMail(notice: Notice): Mail {
  const { subject, sentence, rows } = contentsOf(notice);
  return {
    subject: oneLine(subject).slice(0, SUBJECT_MAX),
    text: asText(sentence, rows),
    html: asHtml(sentence, rows),
  };
}

interface Contents {
  readonly subject: string;
  readonly sentence: string;
  readonly rows: readonly Row[];
}

function contentsOf(notice: Notice): Contents {
  switch (notice.kind) {
    case "snapshot.succeeded":
    case "snapshot.failed":
    case "snapshot.cancelled":
      return aboutSnapshot(notice);
    case "restore.succeeded":
    case "restore.failed":
    case "restore.cancelled":
      return aboutRestore(notice);
    case "quota.watermark":
      return aboutWatermark(notice);
    case "email.test":
    case "webhook.test":
      return {
        subject: TRIAL,
        sentence: `${TRIAL}: the backup service can send mail by this server.`,
        rows: [],
      };
  }
}

const ENDS = { succeeded: "successful", failed: "failed", cancelled: "cancelled" } as const;

function endOf(kind: SnapshotNotice["kind"] | RestoreNotice["kind"]): string {
  return ENDS[kind.slice(kind.indexOf(".") + 1) as keyof typeof ENDS];
}

const SNAPSHOT_SENTENCES: Readonly<Record<SnapshotNotice["kind"], string>> = {
  "snapshot.succeeded": "A snapshot was taken and can be restored.",
  "snapshot.failed": "A snapshot failed.",
  "snapshot.cancelled": "A snapshot was cancelled.",
};

function aboutSnapshot(notice: SnapshotNotice): Contents {
  const { snapshot, workload } = notice;
  const end = endOf(notice.kind);
  const isThere = notice.kind === "snapshot.succeeded";
  return {
    subject: `Snapshot ${end}: ${snapshot.name} of workload ${workload.name}`,
    sentence: SNAPSHOT_SENTENCES[notice.kind],
    rows: [
      ["Workload", named(workload)],
      ["Snapshot", named(snapshot)],
      ["Type", `${snapshot.type}${snapshot.isScheduled ? ", scheduled" : ""}`],
      ...instanceRows(notice),
      ...(isThere ? sizes(snapshot) : []),
      ...timeRows(notice),
    ],
  };
}

function sizes(snapshot: SnapshotNotice["snapshot"]): Row[] {
  return [
    ["Size", formatBytes(snapshot.sizeBytes)],
    ["Stored", formatBytes(snapshot.storedBytes)],
  ];
}

const RESTORE_SENTENCES: Readonly<Record<RestoreNotice["kind"], string>> = {
  "restore.succeeded": "A restore has ended well.",
  "restore.failed": "A restore failed.",
  "restore.cancelled": "A restore was cancelled.",
};
const RESTORE_TYPES = { oneclick: "one-click", selective: "selective", inplace: "in place" } as const;

function aboutRestore(notice: RestoreNotice): Contents {
  const { restore, workload } = notice;
  const end = endOf(notice.kind);
  return {
    subject: `Restore ${end}: ${restore.name} of workload ${workload.name}`,
    sentence: RESTORE_SENTENCES[notice.kind],
    rows: [
      ["Workload", named(workload)],
      ["Snapshot", restore.snapshotId],
      ["Restore", named(restore)],
      ["Type", RESTORE_TYPES[restore.type]],
      ...instanceRows(notice),
      ...(notice.kind === "restore.succeeded" ? [["Size", formatBytes(restore.sizeBytes)] as const] : []),
      ...timeRows(notice),
    ],
  };
}

function aboutWatermark({ quota, projectId }: WatermarkNotice): Contents {
  const shown = quota.name === "Storage" ? formatBytes : String;
  return {
    subject: `Quota watermark reached: ${quota.name}`,
    sentence: "A project uses so much of a quota that its limit comes near.",
    rows: [
      ["Project", projectId],
      ["Quota", quota.name],
      ["Used", shown(quota.used)],
      ["Watermark", shown(quota.watermark)],
      ["Limit", shown(quota.allowed)],
    ],
  };
}

const INSTANCES_SHOWN_MAX = 50;

function instanceRows({ instances }: SnapshotNotice | RestoreNotice): Row[] {
  const shown = instances.slice(0, INSTANCES_SHOWN_MAX).map(named);
  const more = instances.length - shown.length;
  return shown.length === 0
    ? []
    : [["Instances", `${shown.join(", ")}${more > 0 ? ` and ${String(more)} more` : ""}`]];
}

function timeRows(notice: SnapshotNotice | RestoreNotice): Row[] {
  const { startedAt, finishedAt, error, warning } = notice;
  return [
    ["Started", forPeople(startedAt)],
    ["Ended", forPeople(finishedAt)],
    ["Took", formatDuration(Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)))],
    ...(warning === undefined ? [] : [["Warning", warning] as const]),
    ...(error === undefined ? [] : [["Error", error] as const]),
  ];
}

function forPeople(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}

function named({ id, name }: { readonly id: string; readonly name: string }): string {
  return `${name} (${id})`;
}

/** A name with a line break in it must not begin a line of its own: it could pretend to be another row. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

function asText(sentence: string, rows: readonly Row[]): string {
  const width = Math.max(0, ...rows.map(([what]) => what.length)) + 2;
  const lines = rows.map(([what, value]) => `${`${what}:`.padEnd(width)}${oneLine(value)}`);
  return [sentence, ...(lines.length === 0 ? [] : ["", ...lines]), ""].join("\n");
}

function asHtml(sentence: string, rows: readonly Row[]): string {
  const cells = rows.map(
    ([what, value]) => `<tr><th align="left">${escaped(what)}</th><td>${escaped(oneLine(value))}</td></tr>`,
  );
  const table = cells.length === 0 ? "" : `<table cellpadding="4">${cells.join("")}</table>`;
  return `<!doctype html><html><body><p>${escaped(sentence)}</p>${table}</body></html>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
