import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import { type Fields, listOf, optionalText, textField } from "../../host/json.ts";
import type { RbdImage } from "../image-node.ts";

/** An image that got a snapshot of ours. */
export interface NotedImage extends RbdImage {
  readonly id: string;
}

/** A snapshot of ours on the images of one instance. */
export interface SnapshotNote {
  readonly instanceId: string;
  readonly snapshot: string;
  readonly images: readonly NotedImage[];
}

const NAME = /^rbd-(?<instanceId>[0-9a-f-]{36})-(?<snapshot>cairn-[0-9a-f-]{36})$/;
const FROM = "a note of RBD snapshots";

/**
 * Says which images have a snapshot of ours, from before it is made until after it is removed: a volume that
 * is detached, or an instance that is deleted, is described nowhere any more. Where the key lies is noted,
 * not the key. Not synced: after a crash of the host, snapshots on disks that instances still have are found
 * there.
 */
export async function noteSnapshot(scratchPath: string, note: SnapshotNote): Promise<void> {
  const path = notePath(scratchPath, note);
  const draft = join(scratchPath, `draft-${randomBytes(4).toString("hex")}`);
  try {
    await writeFile(draft, JSON.stringify(note.images), { mode: 0o600 });
    await rename(draft, path);
  } catch (cause) {
    throw new Fault("scratch-unusable", `writing ${path}`, "after-operator", cause);
  }
}

/** Absent is removed. */
export async function removeNote(scratchPath: string, note: NoteName): Promise<void> {
  await rm(notePath(scratchPath, note), { force: true });
}

/** All notes of this host. */
export async function listNotes(scratchPath: string): Promise<readonly SnapshotNote[]> {
  const notes: SnapshotNote[] = [];
  for (const name of await readdir(scratchPath)) {
    const groups = NAME.exec(name)?.groups;
    if (groups === undefined) continue;
    const named = { instanceId: groups["instanceId"] ?? "", snapshot: groups["snapshot"] ?? "" };
    const text = await readNote(notePath(scratchPath, named));
    if (text !== undefined) notes.push({ ...named, images: listOf(JSON.parse(text)).map(notedImage) });
  }
  return notes;
}

type NoteName = Pick<SnapshotNote, "instanceId" | "snapshot">;

function notePath(scratchPath: string, { instanceId, snapshot }: NoteName): string {
  return join(scratchPath, `rbd-${instanceId}-${snapshot}`);
}

/** An order may remove it meanwhile. */
async function readNote(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw new Fault("scratch-unusable", `reading ${path}`, "after-operator", cause);
  }
}

function notedImage(fields: Fields): NotedImage {
  return {
    pool: textField(fields, "pool", FROM),
    image: textField(fields, "image", FROM),
    id: textField(fields, "id", FROM),
    hosts: listOf(fields["hosts"]).map((each) => ({
      host: optionalText(each, "host") ?? "",
      port: optionalText(each, "port") ?? "",
    })),
    user: optionalText(fields, "user"),
    secretUuid: optionalText(fields, "secretUuid"),
  };
}
