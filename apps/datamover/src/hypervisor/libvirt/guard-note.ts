import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import { type Fields, fieldsOf, optionalNumber, textField } from "../../host/json.ts";

/**
 * What has to happen to an instance at which time if the datamover that works on it does not do it itself: it
 * may have been stopped or killed. A note lies beside the point's scratch folder, from before the first thing
 * that it speaks of until after the last one. It is complete in itself, so that another process can act on it
 * with nothing but libvirt's socket.
 */
export interface GuardNote {
  readonly instanceId: string;
  /** The point's scratch folder, and by it the note. */
  readonly folder: string;
  /** The job is ours if it serves this socket. */
  readonly nbdSocket: string;
  /** Set while the guest's file systems may be frozen. */
  readonly thawByMs: number | undefined;
  /** The job ends when the note was not renewed until then. */
  readonly abortByMs: number;
}

/** One thing to do, in the order of the list. */
export type GuardAction = "thaw" | "abort-job" | "resume-if-paused-for-io-error";

/** How long a note is good without being renewed; its owner renews it at a fifth of this. */
export const NOTE_LEASE_MS = 20_000;
/** How long a guest's file systems are frozen at most: a Windows guest gives up by itself after 10 s. */
export const FROZEN_MAX_MS = 5_000;

const SUFFIX = ".guard.json";

/** What is due. A guest is thawed first: it waits. */
export function dueActions(note: GuardNote, nowMs: number): readonly GuardAction[] {
  const due: GuardAction[] = [];
  if (note.thawByMs !== undefined && nowMs >= note.thawByMs) due.push("thaw");
  if (nowMs >= note.abortByMs) due.push("abort-job", "resume-if-paused-for-io-error");
  return due;
}

/** Writes a note, in place of the one before it. Not synced: after a crash of the host there is no guest. */
export async function writeNote(scratchPath: string, note: GuardNote): Promise<void> {
  const path = notePath(scratchPath, note.folder);
  const fresh = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    await writeFile(fresh, JSON.stringify(note), { mode: 0o600 });
    await rename(fresh, path);
  } catch (cause) {
    await rm(fresh, { force: true });
    throw new Fault("scratch-unusable", `writing ${path}`, "after-operator", cause);
  }
}

/** Absent is removed. */
export async function removeNote(scratchPath: string, folder: string): Promise<void> {
  await rm(notePath(scratchPath, folder), { force: true });
}

/** All notes that lie in a scratch folder. One that cannot be read was being removed. */
export async function readNotes(scratchPath: string): Promise<readonly GuardNote[]> {
  const names = (await readdir(scratchPath)).filter((name) => name.endsWith(SUFFIX));
  const notes = await Promise.all(names.map(async (name) => readNote(join(scratchPath, name))));
  return notes.filter((note) => note !== undefined);
}

async function readNote(path: string): Promise<GuardNote | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw cause;
  }
  const fields: Fields = fieldsOf(JSON.parse(text));
  return {
    instanceId: textField(fields, "instanceId", path),
    folder: textField(fields, "folder", path),
    nbdSocket: textField(fields, "nbdSocket", path),
    thawByMs: optionalNumber(fields, "thawByMs"),
    abortByMs: optionalNumber(fields, "abortByMs") ?? 0,
  };
}

function notePath(scratchPath: string, folder: string): string {
  return join(scratchPath, `${folder}${SUFFIX}`);
}
